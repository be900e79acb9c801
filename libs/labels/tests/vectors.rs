//! Manifests signed by other software, keys in the forms that it writes, and our signatures
//! checked again. `data/make.py` makes the data.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

use labels::{
    Curve, Distrust, Manifest, ManifestDraft, Md5, PublicKey, Seal, SigningKey, Trust, WhenAbsent,
};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("data/vectors.json")).unwrap()
}

fn keys(vectors: &Value) -> Vec<(String, PublicKey)> {
    let keys = vectors["keys"].as_object().unwrap().iter();
    let read = |pem: &Value| PublicKey::from_pem(pem.as_str().unwrap()).unwrap();
    keys.map(|(curve, pem)| (curve.clone(), read(pem)))
        .collect()
}

#[test]
fn signatures_of_other_software_hold_and_others_do_not() {
    let vectors = vectors();
    let trust = Trust {
        keys: keys(&vectors),
        unsigned: WhenAbsent::Take,
        without_hash: WhenAbsent::Take,
    };
    let rows = vectors["manifests"].as_array().unwrap();
    assert!(rows.len() > 30, "{}", rows.len());
    for row in rows {
        let manifest = Manifest::read(row["manifest"].as_str().unwrap().as_bytes()).unwrap();
        let judged = manifest.judge(&trust).map(|trusted| trusted.seal().clone());
        let expected = match row["holds"].as_bool().unwrap() {
            true => Ok(Seal::Signed(row["key"].as_str().unwrap().to_owned())),
            false => Err(Distrust::OfNoKey),
        };
        assert_eq!(judged, expected, "{} on {}", row["name"], row["key"]);
    }
}

#[test]
fn private_keys_are_read_in_every_form_and_sign_what_their_public_keys_confirm() {
    for row in vectors()["private_keys"].as_array().unwrap() {
        let text = |key: &str| row[key].as_str().unwrap();
        let case = format!("{} on {}", text("name"), text("curve"));
        let public = PublicKey::from_pem(text("public")).unwrap();
        assert_eq!(public.curve().to_string(), text("curve"), "{case}");
        let key = SigningKey::from_pem(text("private")).unwrap();
        assert_eq!(key.public_key(), public, "{case}");
        assert_eq!(
            SigningKey::from_pem(&key.to_pem()).unwrap().public_key(),
            public,
            "{case}"
        );
        assert_eq!(
            PublicKey::from_pem(&public.to_pem()).unwrap(),
            public,
            "{case}"
        );

        let mut draft = ManifestDraft::new();
        draft
            .set("ü.txt", &["Vertraulich".to_owned()], Some(Md5::of(b"abc")))
            .unwrap();
        let written = draft.clone().write(Some(("ours", &key)));
        assert_eq!(
            written,
            draft.write(Some(("ours", &key))),
            "{case}: no chance is in it"
        );
        let trust = Trust {
            keys: vec![("ours".to_owned(), public)],
            ..Trust::default()
        };
        let judged = |text: &str| Manifest::read(text.as_bytes()).unwrap().judge(&trust);
        assert_eq!(
            *judged(&written).unwrap().seal(),
            Seal::Signed("ours".into()),
            "{case}"
        );
        let changed = written.replace("Vertraulich", "Öffentlich");
        assert_eq!(
            judged(&changed).unwrap_err(),
            Distrust::NotOfKey("ours".into()),
            "{case}"
        );
    }
}

#[test]
fn a_text_that_is_no_key_is_refused_with_why() {
    let vectors = vectors();
    let secret = vectors["private_keys"][0]["private"].as_str().unwrap();
    let rows = [
        (secret, "it is a private key: give the public one"),
        ("", "no `-----BEGIN PUBLIC KEY-----` is in it"),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            "it is not an intact key on secp256k1, p256 or p384",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(PublicKey::from_pem(text).unwrap_err().to_string(), expected);
    }
    let rows = [
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----",
            "it has a password: take it off with `openssl pkey`",
        ),
        (
            "-----BEGIN RSA KEY-----",
            "no `-----BEGIN PRIVATE KEY-----` is in it",
        ),
        (
            "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
            "it is not an intact key on secp256k1, p256 or p384",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(
            SigningKey::from_pem(text).unwrap_err().to_string(),
            expected
        );
    }
    assert!(SigningKey::from_secret(Curve::P256, &[0; 32]).is_none());
    assert!(SigningKey::from_secret(Curve::P384, &[0xff; 48]).is_none());
    for (_, curve) in Curve::WORDS {
        assert!(SigningKey::from_secret(curve, &vec![7; curve.secret_bytes()]).is_some());
    }
}
