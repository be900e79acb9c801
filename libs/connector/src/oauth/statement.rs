//! Statements signed with a private key: JWTs under RS256. Source: RFC 7515, RFC 7523.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Map, Value};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const BEGIN_PKCS1: &str = "-----BEGIN RSA PRIVATE KEY-----";
const END_PKCS1: &str = "-----END RSA PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// The statement with its signature; none when the key is no RSA key of PKCS#8 or PKCS#1 in PEM.
pub(super) fn signed(
    pem: &str,
    names: Map<String, Value>,
    claims: Map<String, Value>,
) -> Option<String> {
    let key = read_key(pem)?;
    let mut header = names;
    header.insert("alg".into(), "RS256".into());
    header.insert("typ".into(), "JWT".into());
    let part = |map| URL_SAFE_NO_PAD.encode(Value::Object(map).to_string());
    let content = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    // The randomness only blinds the computation: the signature is the same each time.
    let random = SystemRandom::new();
    key.sign(
        &RSA_PKCS1_SHA256,
        &random,
        content.as_bytes(),
        &mut signature,
    )
    .ok()?;
    Some(format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn read_key(pem: &str) -> Option<RsaKeyPair> {
    // Forms hand a key over on one line, or with `\n` written out.
    let pem = pem.replace("\\n", "\n");
    let between = |begin: &str, end: &str| -> Option<Vec<u8>> {
        let (_, rest) = pem.split_once(begin)?;
        let (body, _) = rest.split_once(end)?;
        let base64: String = body.split_whitespace().collect();
        STANDARD.decode(base64).ok()
    };
    match between(BEGIN, END) {
        Some(der) => RsaKeyPair::from_pkcs8(&der).ok(),
        // PKCS#1, as GitHub hands keys out.
        None => RsaKeyPair::from_der(&between(BEGIN_PKCS1, END_PKCS1)?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = include_str!("test-key.pem");

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    /// The signature is the one that `openssl dgst -sha256 -sign` makes of the same content.
    #[test]
    fn a_statement_is_signed_as_openssl_signs_it() {
        let claims = json!({"iss": "app", "exp": 1_767_323_345});
        let one_line = KEY.replace('\n', "\\n");
        for key in [KEY, &one_line, &KEY.replace('\n', " ")] {
            let statement = signed(key, object(json!({"kid": "k1"})), object(claims.clone()));
            assert_eq!(statement.as_deref(), Some(EXPECTED));
        }
        for key in [
            "",
            "-----BEGIN PRIVATE KEY-----",
            &KEY.replace("PRIVATE KEY", "RSA KEY"),
            &KEY[..400],
        ] {
            assert_eq!(signed(key, Map::new(), Map::new()), None);
        }
    }

    const EXPECTED: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJleHAiOjE3NjczMjMzNDUsImlzcyI6ImFwcCJ9.TOioA39rELvrIZXb7J7SNyOw5xhmhZ-yn4KkUaOAbpZDIs_RNoKSp8c6In68J6O3At7iyWFVtpBbbRdoVay3NBzfmHYdbKExAlf8uzh699iiE_IcGeYc9JSHjxI7YHWmvAhv6IU6BNSuJm-Hx36-4gdIfIItcmVhxB9CRWHX_ZwfwmYUCGa3EKLVIrp7U06wSEy_BDax9BixNnj6HsuLPY3UmiS2tScnKptbMyn2EapTuglPN0LhZpVIYGlbjYf9PndoTOEUm_a7Tr3i1nM_UF2cdEVocKZ123v5n4UAF33p_1gE6oo0gijUT_WHmD-F_FH0EEbVmp3SWyosx3cWZQ";
}
