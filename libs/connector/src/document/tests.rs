use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::json::{self, JSON_DEPTH_MAX};
use crate::mapping::projection::Tag;
use crate::pointer::Pointer;
use crate::view::View;

/// What `serde_json` makes of a text that is not nested too deep.
fn by_serde(text: &str) -> Option<Value> {
    json::value(text.as_bytes()).ok()
}

fn same(text: &str) {
    let expected = by_serde(text);
    let parsed = Json::parse(text).ok();
    assert_eq!(
        parsed.as_ref().map(Json::to_value),
        expected,
        "{}",
        &text[..text.len().min(200)]
    );
    if let (Some(parsed), Some(expected)) = (parsed, expected) {
        let mut plain = Vec::new();
        parsed.write_plain(&mut plain);
        assert_eq!(String::from_utf8(plain).unwrap(), expected.to_string());
        agree(View::from(&parsed), View::from(&expected));
    }
}

/// Every question that is asked of a place has the same answer.
fn agree(event: View<'_>, answer: View<'_>) {
    assert_eq!(event.scalar(), answer.scalar());
    assert_eq!(event.is_missing(), answer.is_missing());
    assert_eq!(event.is_empty(), answer.is_empty());
    assert_eq!(event.is_null(), answer.is_null());
    assert_eq!(event.is_object(), answer.is_object());
    if let View::Answer(Value::Object(map)) = answer {
        for key in map.keys().map(String::as_str).chain(["", "absent"]) {
            let tag = Tag::of(key);
            let (one, other) = (event.below(key, tag, None), answer.below(key, tag, None));
            assert_eq!(one.is_some(), other.is_some(), "{key}");
            if let (Some(one), Some(other)) = (one, other) {
                agree(one, other);
            }
        }
    }
    match (event.items(), answer.items()) {
        (Some(of_event), Some(of_answer)) => {
            let (of_event, of_answer): (Vec<_>, Vec<_>) = (of_event.collect(), of_answer.collect());
            assert_eq!(of_event.len(), of_answer.len());
            for (one, other) in of_event.into_iter().zip(of_answer) {
                agree(one, other);
            }
        }
        (of_event, of_answer) => assert_eq!(of_event.is_some(), of_answer.is_some()),
    }
}

#[test]
fn hostile_texts_are_taken_or_refused_as_serde_does() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let wide: Vec<String> = (0..200)
        .map(|at| format!("\"k{}\":{at}", at % 60))
        .collect();
    let rows = [
        // Numbers.
        "0",
        "-0",
        "-0.0",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1.0",
        "1.50",
        "1e2",
        "1E+2",
        "1e-2",
        "1e",
        "1e+",
        "1e999",
        "-1e999",
        "1e-999",
        "999999999999999999",
        "-99999999999999999",
        "-999999999999999999",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345678901234567890",
        "0.1000000000000000055511151231257827",
        "1_000",
        "0x10",
        "NaN",
        "Infinity",
        // Texts.
        "\"\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u0041\\/\\b\\f\\n\\r\\t\\\"\\\\\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800x\"",
        "\"\\x41\"",
        "\"a\u{0}b\"",
        "\"seven..\u{1f}\"",
        "\"exactly8\"",
        "\"fifteen bytes..\\n\"",
        "\"\u{7f}é😀\u{2028}\"",
        "\"tab\there\"",
        "\"a\nb\"",
        // Objects.
        "{}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":1},\"a\":{\"c\":2}}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"\\ud800\":1}",
        "{\"\":1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "{\"a\" : 1 , \"b\" : [ ] }",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1]",
        // Lists and the rest.
        "[]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "[",
        "]",
        "",
        " ",
        "\u{feff}{}",
        "nul",
        "nulll",
        "null null",
        "true",
        "True",
        " \n\t\r[ true , false , null ] \n",
        "\u{b}1",
        "'a'",
        "// 1",
    ];
    for text in rows {
        same(text);
        same(&format!("{{\"k\":{text}}}"));
        same(&format!("[{text}, {text}]"));
    }
    same(&format!("{{{}}}", wide.join(",")));
    for levels in [JSON_DEPTH_MAX, JSON_DEPTH_MAX + 1, 200, 100_000] {
        same(&nested(levels));
        same(&"[".repeat(levels));
        same(&"{\"a\":".repeat(levels));
        same(&format!("{{\"a\":\"{}\"}}", "[".repeat(levels)));
    }
}

#[test]
fn what_is_nested_too_deep_is_called_so_wherever_it_stands() {
    let deep = format!("{}{}", "[".repeat(80), "]".repeat(80));
    let pointers = [Pointer::parse("/a").unwrap()];
    let wanted = Projection::of(&pointers);
    for text in [
        deep.clone(),
        format!("{{\"a\":{deep}}}"),
        format!("{{\"x\":{deep}}}"),
        format!("{{\"a\":1e999,\"x\":{deep}}}"),
    ] {
        let refused = json::projected(&text, &wanted).err().unwrap();
        assert_eq!(refused.reason, event_model::DeadLetterReason::TooDeep);
    }
}

#[test]
fn a_refusal_names_the_place_and_repeats_nothing() {
    let refused = json::projected("{\n \"a\": 1e999}", &Projection::Whole).err();
    assert_eq!(refused.unwrap().detail, "not JSON, at line 2, column 7");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[\\x00-\\x7f]{0,20}".prop_map(Value::from),
    ];
    let key = prop_oneof!["[a-c]{0,2}", "\\PC{0,6}"];
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..40)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Pieces that are JSON now and then.
fn any_pieces() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u",
        "d800",
        "dc00",
        "0041",
        "\"a\"",
        "\"a\":",
        "\"\\u0061\":",
        "-",
        "0",
        "1",
        "12345678901234567890",
        ".",
        "e",
        "E+",
        "999",
        "true",
        "false",
        "null",
        " ",
        "\n",
        "é",
        "x",
        "\u{0}",
    ];
    let piece = prop_oneof![
        20 => prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..3),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

#[test]
fn keys_are_the_same_when_every_byte_is() {
    for length in 0..40 {
        let key = "k".repeat(length);
        assert!(is_same(&key, &key.clone()));
        assert!(!is_same(&key, &format!("{key}k")));
        for at in 0..length {
            let mut other = key.clone();
            other.replace_range(at..=at, "x");
            assert!(!is_same(&key, &other), "{other}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_json_reads_as_serde_reads_it(value in any_value(), indented: bool) {
        let text = if indented {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        same(&text);
    }

    #[test]
    fn one_byte_changed_is_taken_or_refused_as_serde_does(
        value in any_value(),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let mut bytes = value.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            same(&text);
        }
    }

    #[test]
    fn pieces_of_json_are_taken_or_refused_as_serde_does(bytes in any_pieces()) {
        match std::str::from_utf8(&bytes) {
            Ok(text) => same(text),
            // What is no text never gets as far as a document.
            Err(_) => prop_assert!(json::raw(&bytes).is_err() && json::value(&bytes).is_err()),
        }
    }

    #[test]
    fn json_with_repeated_keys_and_odd_values_reads_as_serde_reads_it(text in any_text()) {
        same(&text);
    }

    #[test]
    fn what_is_read_of_a_text_is_what_the_whole_text_has_there(
        text in any_text(),
        paths in prop::collection::vec("(/(a|b|0|1)){0,3}", 0..4),
    ) {
        let pointers: Vec<Pointer> = paths.iter().map(|path| Pointer::parse(path).unwrap()).collect();
        let wanted = Projection::of(&pointers);
        let part = Document::parse(&text, &wanted);
        match by_serde(&text) {
            Some(whole) => {
                let part = part.unwrap();
                for pointer in &pointers {
                    let read = pointer.view(View::from(&part.root)).map(View::value);
                    prop_assert_eq!(read.as_deref(), pointer.of(&whole), "{} of {}", pointer, text);
                }
            }
            // What is not read may be out of range, but its grammar is JSON's.
            None => prop_assert!(part.is_err() || json::raw(text.as_bytes()).is_ok(), "{}", text),
        }
    }

    #[test]
    fn the_elements_of_an_exploded_list_stand_where_they_were_sent(text in any_text()) {
        let list = Pointer::parse("/a").unwrap();
        let wanted = Projection::of([]).with_each(&list, Projection::Whole);
        let Some(whole) = by_serde(&text) else { return Ok(()) };
        let document = Document::parse(&text, &wanted).unwrap();
        if let Some(Value::Array(items)) = list.of(&whole) {
            prop_assert_eq!(items.len(), document.spans.len());
            for (item, span) in items.iter().zip(document.spans) {
                let sent: Value = serde_json::from_str(&text[span]).unwrap();
                prop_assert_eq!(&sent, item);
            }
        }
    }
}

/// JSON by its grammar, mostly: with keys that occur twice, numbers out of range and lone surrogates.
fn any_text() -> impl Strategy<Value = String> {
    let odd = [
        "1e999",
        "-0",
        "1.0",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\\u0061\"",
        "12345678901234567890",
        "{}",
        "[]",
        "nul",
        "\"a\\/b\"",
    ];
    let leaf = prop_oneof![
        1 => prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        4 => prop::sample::select(vec!["null", "true", "7", "\"x\"", "\"\""]).prop_map(str::to_owned),
    ];
    let keys = prop::sample::select(vec!["a", "b", "0", "1", "\\u0061", "c"]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let member =
            (keys.clone(), inner.clone()).prop_map(|(key, value)| format!("\"{key}\": {value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(member, 0..6)
                .prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}
