use proptest::prelude::*;
use serde_json::json;

use super::*;

fn ran(program: &str, input: &Value) -> String {
    match Program::compile(program).and_then(|program| program.run(input, 10)) {
        Ok(values) => values
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join(" "),
        Err(error) => error,
    }
}

#[test]
fn programs_read_what_is_there() {
    let event =
        json!({"a": [1, 2.5, "x"], "o": {"k": null, "b": true}, "s": "Ab,c", "j": "{\"n\": 7}"});
    let rows = [
        (".a[0]", "1"),
        (".a[-1], .a[1:]", r#""x" [2.5,"x"]"#),
        (".missing.deeper", "null"),
        (".s | split(\",\") | map(ascii_downcase)", r#"["ab","c"]"#),
        (
            ".o | to_entries | map(select(.value != null) | .key)",
            r#"["b"]"#,
        ),
        (".o | keys | join(\"-\")", r#""b-k""#),
        ("{n: (.j | fromjson | .n + 1), s}", r#"{"n":8,"s":"Ab,c"}"#),
        ("[.a[] | type]", r#"["number","number","string"]"#),
        (
            "if .o | has(\"b\") then \"yes\" else \"no\" end",
            r#""yes""#,
        ),
        ("[limit(2; .a[])] | length", "2"),
        ("reduce .a[0:2][] as $x (0; . + $x)", "3.5"),
        ("[.. | strings] | length", "3"),
        ("\"<\\(.a[0])>\"", r#""<1>""#),
        (".s[0:2], (.s | contains(\"b,\"))", r#""Ab" true"#),
        (".a | group_by(type) | map(length)", "[2,1]"),
        ("[.a[] | tostring | tonumber?]", "[1,2.5]"),
        (".x // \"other\"", r#""other""#),
        (
            "7 / 2, 7 % 4, -1, 9223372036854775807 + 1",
            "3.5 3 -1 9.223372036854776e+18",
        ),
        ("empty", ""),
        (".a.b", "the program fails on this event"),
        ("range(20)", "the program gives more than 10 values"),
    ];
    for (program, expected) in rows {
        assert_eq!(ran(program, &event), expected, "{program}");
    }
}

#[test]
fn what_could_be_endless_or_reach_outside_is_refused_when_it_is_read() {
    let rows = [
        (
            "def f: f; f",
            "`def` is not taken: a program only reads, and ends",
        ),
        (
            "[def f: f; f]",
            "`def` is not taken: a program only reads, and ends",
        ),
        (
            "\"\\(def f: f; f)\"",
            "`def` is not taken: a program only reads, and ends",
        ),
        (".a = 1", "`=` is not taken: a program only reads, and ends"),
        (
            "(.a, .b) |= 1",
            "`|=` is not taken: a program only reads, and ends",
        ),
        (
            "import \"x\" as x; .",
            "`import` is not taken: a program only reads, and ends",
        ),
        ("repeat(.)", "there is no filter `repeat`"),
        ("recurse(.)", "there is no filter `recurse`"),
        ("until(false; .)", "there is no filter `until`"),
        ("while(true; .)", "there is no filter `while`"),
        ("env", "there is no filter `env`"),
        ("$ENV", "there is no variable `$ENV`"),
        ("input", "there is no filter `input`"),
        ("now", "there is no filter `now`"),
        ("halt", "there is no filter `halt`"),
        ("debug", "there is no filter `debug`"),
        ("test(\"(a+)+\")", "there is no filter `test`"),
        (".a |", "`.a |` is not a jaq program"),
        ("\"open", "expected closing quote at the end"),
    ];
    for (program, expected) in rows {
        assert_eq!(
            Program::compile(program).unwrap_err(),
            expected,
            "{program}"
        );
    }
    assert!(Program::compile(&".".repeat(PROGRAM_BYTES_MAX + 1)).is_err());
    assert!(Program::compile(&"(".repeat(NESTING_MAX + 1)).is_err());
}

#[test]
fn a_program_that_would_take_long_or_grow_is_cut_off() {
    let wide: Value = (0..1_000).collect();
    let text = json!("x".repeat(INPUT_BYTES_MAX));
    let rows = [
        ("[.[] as $a | .[] as $b | .[] as $c | empty]", &wide),
        ("[.[] | [.[]?]?] | [range(1e18)] | length", &wide),
        ("[range(0; 1; 0)]", &wide),
        ("range(0; 1; 0)? | empty", &wide),
        ("reduce range(100) as $i (.; . + .)", &text),
        ("reduce range(100) as $i (.; [., .])", &wide),
        ("reduce range(100000) as $i (0; [.])", &wide),
        ("[.[] as $a | .[] as $b | try error catch empty]", &wide),
        ("first(range(0; infinite; 0) | select(. > 1))", &wide),
        ("[range(1000) as $i | explode | length] | empty", &text),
        (
            "[range(100000)] | sort_by(-.) | map(tostring) | join(\",\") | empty",
            &wide,
        ),
    ];
    for (program, input) in rows {
        let outcome = ran(program, input);
        let refused = outcome == "the program takes too long"
            || outcome == "the program fails on this event"
            || outcome.starts_with("there is no filter");
        assert!(
            refused,
            "{program}: {}",
            outcome.chars().take(80).collect::<String>()
        );
    }
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Programs out of pieces that fit together more often than chance would have it.
fn programs() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        ".",
        "..",
        ".a",
        ".[]",
        ".[]?",
        ".[0]",
        ".[1:3]",
        "1",
        "-1",
        "1e300",
        "\"x\"",
        "[]",
        "{}",
        "keys?",
        "length?",
        "tojson",
        "fromjson?",
        "tonumber?",
        "sort?",
        "add?",
        "to_entries?",
        "reverse?",
        "explode?",
        "range(3)",
        "first",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(5, 24, 2, |inner| {
            let two = (inner.clone(), inner.clone());
            prop_oneof![
                (
                    prop::sample::select(vec![
                        "|", ",", "+", "-", "*", "/", "%", "==", "<", "and", "//"
                    ]),
                    two.clone()
                )
                    .prop_map(|(sign, (a, b))| format!("({a}) {sign} ({b})")),
                inner.clone().prop_map(|a| format!("[{a}]")),
                inner.clone().prop_map(|a| format!("try ({a})")),
                two.clone()
                    .prop_map(|(a, b)| format!("reduce ({a}) as $x ({b}; . + $x)")),
                two.clone()
                    .prop_map(|(a, b)| format!("({a}) as $x | ({b}), $x")),
                two.prop_map(|(a, b)| format!("if {a} then {b} else . end")),
                inner.prop_map(|a| format!("map({a})")),
            ]
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_program_panics_or_gives_more_than_it_may(program in programs(), input in json_values()) {
        if let Ok(program) = Program::compile(&program)
            && let Ok(values) = program.run(&input, 10)
        {
            prop_assert!(values.len() <= 10);
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in r#"[\.\[\]{}()|,;:"$@a-e0-9+*/<>=? \\-]{0,40}"#) {
        let _ = Program::compile(&text);
    }

    #[test]
    fn a_program_that_does_nothing_gives_back_its_input(input in json_values()) {
        let same = Program::compile(".").unwrap().run(&input, 1).unwrap();
        prop_assert_eq!(same, vec![input]);
    }
}
