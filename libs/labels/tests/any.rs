//! What holds of any input: nothing panics, whatever is written can be read, and signatures hold
//! until anything is changed.

use labels::{Curve, Manifest, ManifestDraft, Md5, NameMatch, PublicKey, Seal, SigningKey, Trust};
use proptest::prelude::*;

/// Bytes that are nearly a manifest.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let tokens = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"files\"",
        "\"labels\"",
        "\"hash\"",
        "\"signature\"",
        "\"a\"",
        "\"\\u00e9\"",
        "\"\\ud83d\"",
        "1",
        "-0.5e7",
        "true",
        "null",
        " ",
        "\n",
        "\\",
        "\"",
        "{\"files\":{\"a\":{\"labels\":[\"b\"]}}}",
        "\"900150983CD24FB0D6963F7D28E17F72\"",
        "\u{feff}",
        "é",
        "\0",
    ]);
    prop::collection::vec(tokens, 0..40).prop_map(|tokens| tokens.concat().into_bytes())
}

proptest! {
    #[test]
    fn reading_any_bytes_never_panics(bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), nearly()]) {
        if let Err(malformed) = Manifest::read(&bytes) {
            prop_assert!(malformed.line >= 1 && malformed.column >= 1);
            prop_assert!(malformed.to_string().len() < 1_000);
        }
        let _ = PublicKey::from_pem(&String::from_utf8_lossy(&bytes));
        let _ = SigningKey::from_pem(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn reading_any_cut_manifest_never_panics(cut in 0usize..200, wrong in any::<u8>(), at in 0usize..200) {
        let whole = br#"{"files": {"caf\u00e9.txt": {"labels": ["US SSN", "\ud83d\ude00"], "hash": "900150983CD24FB0D6963F7D28E17F72"}}, "n": -1.5e3, "signature": "3045"}"#;
        let mut bytes = whole[..cut.min(whole.len())].to_vec();
        prop_assert!(cut >= whole.len() || Manifest::read(&bytes).is_err());
        if let Some(byte) = bytes.get_mut(at) {
            *byte = wrong;
        }
        let _ = Manifest::read(&bytes);
    }

    #[test]
    fn any_signature_text_never_panics(text in "\\PC{0,200}") {
        let key = SigningKey::from_secret(Curve::P256, &[7; 32]).unwrap();
        let trust = Trust { keys: vec![("a".into(), key.public_key())], ..Trust::default() };
        let manifest = serde_json::json!({"files": {}, "signature": text}).to_string();
        prop_assert!(Manifest::read(manifest.as_bytes()).unwrap().judge(&trust).is_err());
    }

    #[test]
    fn whatever_is_written_never_reads_as_something_else(
        files in prop::collection::btree_map("[^/\\\\\\x00-\\x1f\\x7f-\\x9f]{1,20}", prop::collection::btree_set("[^\\s\\x00-\\x1f\\x7f-\\x9f]{1,20}", 0..4), 0..6),
        secret in any::<[u8; 48]>(),
        curve in prop::sample::select(Curve::WORDS.to_vec()),
    ) {
        let key = SigningKey::from_secret(curve.1, &secret[..curve.1.secret_bytes()]);
        prop_assume!(key.is_some());
        let key = key.unwrap();
        let mut draft = ManifestDraft::new();
        for (name, labels) in files.iter().filter(|(name, _)| *name != "." && *name != "..") {
            let labels: Vec<String> = labels.iter().cloned().collect();
            draft.set(name, &labels, Some(Md5::of(name.as_bytes()))).unwrap();
        }
        let written = draft.write(Some(("k", &key)));
        let trust = Trust { keys: vec![("k".into(), key.public_key())], ..Trust::default() };
        let trusted = Manifest::read(written.as_bytes()).unwrap().judge(&trust).unwrap();
        prop_assert_eq!(trusted.seal(), &Seal::Signed("k".into()));
        prop_assert_eq!(trusted.manifest().flaws(), &[]);
        for (name, labels) in files.iter().filter(|(name, _)| *name != "." && *name != "..") {
            let found = trusted.labels_of(name, NameMatch::Exact, || Some(Md5::of(name.as_bytes())));
            let found: Vec<&str> = found.labels.iter().map(|label| label.name.as_str()).collect();
            let expected: Vec<&str> = labels.iter().map(String::as_str).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
