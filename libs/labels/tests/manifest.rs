//! The form of manifests, whom to believe, and which labels are current.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

use labels::{
    Distrust, Manifest, ManifestDraft, Md5, NameMatch, Seal, SigningKey, Trust, WhenAbsent, Why,
};

const ABC: &str = "900150983CD24FB0D6963F7D28E17F72";

/// The example of the integrations guide, seed 000.
const GUIDE: &str = r#"{
    "files": {
        "secret.docx": {
            "labels": ["US SSN"],
            "hash": "A634F1412E52CD3AB966EA47A2B6CD1C"
        },
        "financials.xlsx": {
            "labels": ["Credit Cards", "US Drivers License"],
            "hash": "17F15BAC04491499F13B929D3CE9F759"
        }
      },
      "signature":"9A50A1817C4B0ABA32B9699EFBA9033F"
}"#;

/// The example of the integration article, seed 001, as it stands there: its braces are lost.
const ARTICLE: &str = r#"    "run_start_time": "10/19/2020 17:05:01 (UTC-05:00) Eastern Time (US & Canada)",
      "run_guid": "6abff42d-16cd-4312-ab29-9451b2e838fe",
      "files": {
            "example_file_1": {
                  "labels": ["US SSN"],
                  "hash": "A634F1412E52CD3AB966EA47A2B6CD1C"
            "example_file_2.docx": {
                  "labels": ["Credit Cards", "US Drivers License"],
                  "hash": "17F15BAC04491499F13B929D3CE9F759"
"#;

fn read(text: &str) -> Manifest {
    Manifest::read(text.as_bytes()).unwrap()
}

fn said(text: &str) -> String {
    Manifest::read(text.as_bytes()).map_or_else(|error| error.to_string(), |_| "read".to_owned())
}

#[test]
fn the_seeds_examples_are_read_or_refused_with_a_place() {
    let guide = read(GUIDE);
    let files: Vec<_> = guide
        .files()
        .map(|(name, entry)| (name, entry.labels.len()))
        .collect();
    assert_eq!(files, [("financials.xlsx", 2), ("secret.docx", 1)]);
    assert!(guide.is_signed());
    assert_eq!(
        said(ARTICLE),
        "line 1, column 21: nothing may follow the value: is `{` missing at the beginning?"
    );
    let with_outer = format!("{{{ARTICLE}");
    assert_eq!(
        said(&with_outer),
        "line 7, column 13: `,` or `}` is missing"
    );
}

#[test]
fn a_manifest_has_the_form_or_is_refused_with_a_place() {
    let rows = [
        (r#"{"files": {}}"#, "read"),
        (r#"{"files": {}, "anything": [1, {"more": null}]}"#, "read"),
        (
            r#"{"files": {"a": {"labels": [], "hash": null, "more": 1}}, "signature": null}"#,
            "read",
        ),
        (
            r#"{"files": {}, "run_guid": 7, "run_start_time": {}, "key_id": 7}"#,
            "read",
        ),
        (r#"[]"#, "line 1, column 1: a manifest is an object"),
        (r#"{}"#, "line 1, column 1: `files` is missing"),
        (
            r#"{"files": []}"#,
            "line 1, column 11: `files` is an object",
        ),
        (
            r#"{"files": {"a": ["B"]}}"#,
            "line 1, column 17: what is said of a file is an object, not a list",
        ),
        (
            r#"{"files": {"a": {"hash": "00"}}}"#,
            "line 1, column 12: `labels` of `a` is missing",
        ),
        (
            r#"{"files": {"a": {"labels": "B"}}}"#,
            "line 1, column 28: `labels` is a list",
        ),
        (
            r#"{"files": {"a": {"labels": ["B", 7]}}}"#,
            "line 1, column 34: a label is a text, not a number",
        ),
        (
            r#"{"files": {"a": {"labels": [], "hash": 7}}}"#,
            "line 1, column 40: `hash` is a text, not a number",
        ),
        (
            r#"{"files": {}, "signature": true}"#,
            "line 1, column 28: `signature` is a text, not true or false",
        ),
        (
            r#"{"files": {"a": {"labels": []}, "\u0061": {"labels": []}}}"#,
            "line 1, column 33: the key `a` stands here a second time",
        ),
        (
            r#"{"files": {"a": {"labels": ["B",]}}}"#,
            "line 1, column 33: a value is missing",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(said(text), expected, "{text}");
    }
}

#[test]
fn an_entry_that_cannot_mean_a_file_is_left_out_and_said() {
    let entry = |name: &str, inner: &str| {
        format!(r#"{{"files": {{"good": {{"labels": ["L"]}}, {name:?}: {inner}}}}}"#)
    };
    let rows = [
        (
            entry("a/b", r#"{"labels": []}"#),
            "a/b: line 1, column 39: a manifest is about the files of its own folder",
        ),
        (
            entry("a\\b", r#"{"labels": []}"#),
            "a\\b: line 1, column 39: a manifest is about the files of its own folder",
        ),
        (
            entry("..", r#"{"labels": []}"#),
            "..: line 1, column 39: that is a folder",
        ),
        (
            entry("", r#"{"labels": []}"#),
            ": line 1, column 39: a file has a name",
        ),
        (
            entry("a\tb", r#"{"labels": []}"#),
            "a\u{fffd}b: line 1, column 39: a name has no control characters",
        ),
        (
            entry("b", r#"{"labels": [" "]}"#),
            "b: line 1, column 56: a label has a name",
        ),
        (
            entry("b", r#"{"labels": ["L"], "hash": "123"}"#),
            "b: line 1, column 70: a hash has 32 hexadecimal digits",
        ),
        (
            entry("b", r#"{"labels": ["L"], "hash": ""}"#),
            "b: line 1, column 70: a hash has 32 hexadecimal digits",
        ),
    ];
    for (text, expected) in rows {
        let manifest = read(&text);
        let flaws: Vec<_> = manifest
            .flaws()
            .iter()
            .map(|flaw| format!("{}: {}", flaw.file, flaw.what))
            .collect();
        assert_eq!(flaws, [expected]);
        assert_eq!(manifest.files().count(), 1, "{text}: the others stay");
    }
}

#[test]
fn every_bound_refuses_what_is_over_it() {
    let labels = |count: usize| {
        let labels: Vec<String> = (0..count).map(|n| format!("\"L{n}\"")).collect();
        format!(
            r#"{{"files": {{"a": {{"labels": [{}]}}}}}}"#,
            labels.join(",")
        )
    };
    let files = |count: usize| {
        let files: Vec<String> = (0..count)
            .map(|n| format!("\"{n}\":{{\"labels\":[]}}"))
            .collect();
        format!(r#"{{"files":{{{}}}}}"#, files.join(","))
    };
    assert_eq!(said(&labels(1_000)), "read");
    assert_eq!(
        said(&labels(1_001)),
        "line 1, column 28: a file has at most 1000 labels"
    );
    assert_eq!(said(&files(100_000)), "read");
    assert_eq!(
        said(&files(100_001)),
        "line 1, column 1: a manifest has at most 100000 files"
    );
    let long = format!(
        r#"{{"files": {{}}, "x": "{}"}}"#,
        "x".repeat(labels::MANIFEST_BYTES_MAX)
    );
    assert_eq!(
        said(&long),
        "line 1, column 1: a manifest has at most 16777216 bytes"
    );
    let name = |length: usize| {
        read(&format!(
            r#"{{"files": {{"{}": {{"labels": []}}}}}}"#,
            "n".repeat(length)
        ))
    };
    assert_eq!(
        (name(1_024).flaws().len(), name(1_025).flaws().len()),
        (0, 1)
    );
    let label = |length: usize| {
        read(&format!(
            r#"{{"files": {{"a": {{"labels": ["{}"]}}}}}}"#,
            "é".repeat(length)
        ))
    };
    assert_eq!((label(256).flaws().len(), label(257).flaws().len()), (0, 1));
}

/// What a manifest says of a file with the content `abc`: labels that count, and why others do not.
fn labels_of(
    text: &str,
    name: &str,
    matching: NameMatch,
    trust: &Trust,
) -> (Vec<String>, Vec<Why>) {
    let trusted = read(text).judge(trust).unwrap();
    let found = trusted.labels_of(name, matching, || Some(Md5::of(b"abc")));
    let names = found.labels.into_iter().map(|label| label.name).collect();
    (
        names,
        found
            .ignored
            .into_iter()
            .map(|ignored| ignored.why)
            .collect(),
    )
}

#[test]
fn only_labels_of_the_content_as_it_is_count() {
    let with = |hash: &str| format!(r#"{{"files": {{"a": {{"labels": ["L"]{hash}}}}}}}"#);
    let hash = |digits: &str| with(&format!(r#", "hash": "{digits}""#));
    let strict = Trust {
        without_hash: WhenAbsent::Refuse,
        ..Trust::default()
    };
    let rows: [(String, &Trust, &[&str], &[Why]); 6] = [
        (hash(ABC), &Trust::default(), &["L"], &[]),
        (hash(&ABC.to_lowercase()), &Trust::default(), &["L"], &[]),
        (
            hash("A634F1412E52CD3AB966EA47A2B6CD1C"),
            &Trust::default(),
            &[],
            &[Why::Stale],
        ),
        (with(""), &Trust::default(), &["L"], &[]),
        (with(""), &strict, &[], &[Why::WithoutHash]),
        (with(r#", "hash": null"#), &strict, &[], &[Why::WithoutHash]),
    ];
    for (text, trust, labels, why) in rows {
        let found = labels_of(&text, "a", NameMatch::Exact, trust);
        assert_eq!(
            (found.0.as_slice(), found.1.as_slice()),
            (
                labels
                    .iter()
                    .map(|l| (*l).to_owned())
                    .collect::<Vec<_>>()
                    .as_slice(),
                why
            ),
            "{text}"
        );
    }
    let trusted = read(&hash(ABC)).judge(&Trust::default()).unwrap();
    let unknown = trusted.labels_of("a", NameMatch::Exact, || None);
    assert_eq!(unknown.ignored[0].why, Why::ContentUnknown);
    let untouched = trusted.labels_of("b", NameMatch::Exact, || {
        panic!("nobody asked for its hash")
    });
    assert_eq!(untouched, labels::Labels::default());
}

#[test]
fn names_are_the_same_in_either_form_of_unicode_and_on_windows_in_either_case() {
    let text = r#"{"files": {"caf\u00e9.txt": {"labels": ["composed"]}, "Plan.txt": {"labels": ["upper"]}, "plan.TXT": {"labels": ["lower"]}, "plan.txt": {"labels": ["same"]}, "PLAN B": {"labels": ["b"]}, "Plan B": {"labels": ["B"]}}}"#;
    use NameMatch::{Exact, IgnoreCase};
    let rows: [(&str, NameMatch, &[&str]); 8] = [
        ("café.txt", Exact, &["composed"]),
        ("cafe\u{301}.txt", Exact, &["composed"]),
        ("CAFE\u{301}.txt", Exact, &[]),
        ("CAFE\u{301}.txt", IgnoreCase, &["composed"]),
        ("plan.txt", IgnoreCase, &["same"]),
        ("Plan.txt", Exact, &["upper"]),
        ("plan b", IgnoreCase, &["b", "B"]),
        ("plan b", Exact, &[]),
    ];
    for (name, matching, expected) in rows {
        assert_eq!(
            labels_of(text, name, matching, &Trust::default()).0,
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_manifest_is_believed_by_its_signature_and_by_what_is_said_of_those_without() {
    let key = SigningKey::from_secret(labels::Curve::Secp256k1, &[7; 32]).unwrap();
    let other = SigningKey::from_secret(labels::Curve::P256, &[9; 32]).unwrap();
    let signed = |id: &str, key: &SigningKey| {
        let mut draft = ManifestDraft::new();
        draft.set("a", &["L".to_owned()], None).unwrap();
        draft.write(Some((id, key)))
    };
    let unsigned = r#"{"files": {}}"#.to_owned();
    let trust = |keys: &[(&str, &SigningKey)], unsigned| Trust {
        keys: keys
            .iter()
            .map(|(id, key)| ((*id).to_owned(), key.public_key()))
            .collect(),
        unsigned,
        ..Trust::default()
    };
    use WhenAbsent::{Refuse, Take};
    let both = [("one", &key), ("two", &other)];
    let placeholder = Distrust::NotASignature("it has 16 bytes".into());
    let rows = [
        (unsigned.clone(), trust(&[], Take), Ok(Seal::Unsigned)),
        (unsigned.clone(), trust(&both, Take), Ok(Seal::Unsigned)),
        (unsigned, trust(&both, Refuse), Err(Distrust::Unsigned)),
        (GUIDE.to_owned(), trust(&[], Take), Ok(Seal::Unchecked)),
        (GUIDE.to_owned(), trust(&[], Refuse), Err(Distrust::NoKey)),
        (GUIDE.to_owned(), trust(&both, Take), Err(placeholder)),
        (
            signed("one", &key),
            trust(&both, Refuse),
            Ok(Seal::Signed("one".into())),
        ),
        (
            signed("elsewhere", &other),
            trust(&both, Refuse),
            Ok(Seal::Signed("two".into())),
        ),
        (
            signed("two", &key),
            trust(&both, Take),
            Err(Distrust::NotOfKey("two".into())),
        ),
        (
            signed("one", &key),
            trust(&[("two", &other)], Take),
            Err(Distrust::OfNoKey),
        ),
    ];
    for (text, trust, expected) in rows {
        let judged = read(&text)
            .judge(&trust)
            .map(|trusted| trusted.seal().clone());
        assert_eq!(judged, expected, "{text}");
    }
}

#[test]
fn a_draft_keeps_what_it_does_not_know_and_drops_what_is_stale() {
    let text = r#"{"signature": "00", "vendor": {"b": 1.50}, "files": {"a": {"labels": ["Old"], "hash": "A634F1412E52CD3AB966EA47A2B6CD1C"}, "b": {"labels": ["Kept"], "x": 1}}}"#;
    let mut draft = ManifestDraft::of(&read(text));
    let content = Some(Md5::of(b"abc"));
    draft.add("a", "New", content).unwrap();
    draft.add("b", "New", content).unwrap();
    draft.run("run-1", "2026-11-23T09:00:00Z");
    let expected = format!(
        r#"{{
    "files": {{
        "a": {{
            "hash": "{ABC}",
            "labels": ["New"]
        }},
        "b": {{
            "hash": "{ABC}",
            "labels": ["Kept","New"]
        }}
    }},
    "run_guid": "run-1",
    "run_start_time": "2026-11-23T09:00:00Z",
    "vendor": {{
        "b": 1.50
    }}
}}
"#
    );
    assert_eq!(draft.write(None), expected);
    let mut draft = ManifestDraft::new();
    for (name, label, expected) in [
        (
            "a/b",
            "L",
            "a manifest is about the files of its own folder",
        ),
        ("a", "", "a label has a name"),
    ] {
        assert_eq!(draft.set(name, &[label.to_owned()], None), Err(expected));
    }
    assert_eq!(draft.write(None), "{\n    \"files\": {}\n}\n");
}
