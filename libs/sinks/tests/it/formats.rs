use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;
use sinks::{Format, Told};

fn samples() -> Vec<Told> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ocsf");
    let files = std::fs::read_dir(folder).unwrap();
    let told: Vec<Told> = files
        .map(|file| Told::read(Bytes::from(std::fs::read(file.unwrap().path()).unwrap())).unwrap())
        .collect();
    assert!(!told.is_empty());
    told
}

/// Reads a line of CEF as its standard says it is read.
fn cef(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let (mut fields, mut field, mut rest) = (Vec::new(), String::new(), line.chars());
    while fields.len() < 7 {
        match rest.next().unwrap() {
            '\\' => field.push(rest.next().unwrap()),
            '|' => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    // A key is a word before an unescaped `=`.
    let text: Vec<char> = rest.collect();
    let starts: Vec<usize> = (0..text.len())
        .filter(|&n| {
            text[n] == '=' && text[..n].iter().rev().take_while(|c| **c == '\\').count() % 2 == 0
        })
        .collect();
    let key_of = |equals: usize| {
        let from = text[..equals]
            .iter()
            .rposition(|c| *c == ' ')
            .map_or(0, |n| n + 1);
        (from, text[from..equals].iter().collect::<String>())
    };
    let mut values = BTreeMap::new();
    for (n, equals) in starts.iter().enumerate() {
        let end = starts
            .get(n + 1)
            .map_or(text.len(), |next| key_of(*next).0 - 1);
        let value: String = text[equals + 1..end].iter().collect();
        let value = value
            .replace("\\n", "\n")
            .replace("\\r", "\r")
            .replace("\\=", "=")
            .replace("\\\\", "\\");
        values.insert(key_of(*equals).1, value);
    }
    (fields, values)
}

#[test]
fn every_sample_is_one_line_in_every_form() {
    for told in samples() {
        for format in [Format::Cef, Format::Leef] {
            let line = format.line(&told);
            assert!(!line.contains(['\n', '\r']), "{line}");
            assert!(line.contains(told.id()), "{line}");
        }
    }
}

#[test]
fn a_hostile_name_adds_neither_a_field_nor_a_line() {
    let hostile = "a|b=c\\d\ne\rf^g\u{0}suser=root cs1=x";
    let told = json!({
        "metadata": {"uid": "inc_1:1"}, "severity_id": 5, "message": hostile,
        "finding_info": {"uid": "inc_1", "title": hostile},
        "evidences": [{"actor": {"user": {"email_addr": "ann@example.com"}}, "file": {"name": hostile}, "src_endpoint": {"ip": "2001:db8::7"}}],
    });
    let told = Told::read(Bytes::from(told.to_string())).unwrap();
    let (fields, values) = cef(&Format::Cef.line(&told));
    assert_eq!(fields[0], "CEF:0");
    assert_eq!(fields[6], "10");
    assert_eq!(fields[5], "a|b=c\\d e f^g suser=root cs1=x");
    assert_eq!(values["suser"], "ann@example.com");
    assert_eq!(values["c6a2"], "2001:db8::7");
    assert_eq!(values["fname"], "a|b=c\\d\ne\rf^g suser=root cs1=x");
    assert!(!values.contains_key("cs1"), "{values:?}");
    let leef = Format::Leef.line(&told);
    let prefix: Vec<&str> = leef.splitn(7, '|').collect();
    assert_eq!((prefix[0], prefix[5]), ("LEEF:2.0", "^"));
    let pairs: BTreeMap<&str, &str> = prefix[6]
        .split('^')
        .map(|pair| pair.split_once('=').unwrap())
        .collect();
    assert_eq!(pairs["resource"], "a|b=c\\d e f g suser=root cs1=x");
    assert_eq!((pairs["usrName"], pairs["sev"]), ("ann@example.com", "10"));
}

#[test]
fn what_is_no_event_is_not_read() {
    for text in [
        "",
        "null",
        "[]",
        "{}",
        "{\"metadata\":{\"uid\":7}}",
        "{\"metadata\":",
    ] {
        assert!(Told::read(Bytes::from(text)).is_err(), "{text}");
    }
}
