//! Public keys: as an administrator or a service writes them, and sets of them as JSON Web Keys.
//! Source: RFC 7517, RFC 7518 section 6, RFC 5280 section 4.1 (SubjectPublicKeyInfo).
//!
//! The algorithm is the manifest's and never the sender's: a key of another kind proves nothing.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::Value;

use crate::json;

/// Most keys of one set.
pub(crate) const KEYS_MAX: usize = 64;
/// Bytes of a P-256 signature of fixed length.
const P256_FIXED_BYTES: usize = 64;
/// Bytes of an uncompressed P-256 point.
const P256_POINT_BYTES: usize = 65;
const ED25519_KEY_BYTES: usize = 32;

const PADDING_OPTIONAL: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING_OPTIONAL);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING_OPTIONAL);

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Ed25519,
    /// ECDSA over P-256 with SHA-256, of fixed length or in DER.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, of 2,048 bits at least.
    Rs256,
}

/// A public key as bytes: a point, an Ed25519 key, or an RSA key in PKCS#1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Ed25519(Vec<u8>),
    P256(Vec<u8>),
    RsaPkcs1(Vec<u8>),
    RsaParts { n: Vec<u8>, e: Vec<u8> },
}

impl PublicKey {
    /// Reads a key for that algorithm: in PEM, base64 or hex, bare or as SubjectPublicKeyInfo.
    pub(crate) fn read(text: &str, algorithm: Algorithm) -> Option<Self> {
        let der = bytes_of(text)?;
        let bare = subject_public_key(&der).unwrap_or(&der).to_vec();
        match algorithm {
            Algorithm::Ed25519 if bare.len() == ED25519_KEY_BYTES => Some(PublicKey::Ed25519(bare)),
            Algorithm::Es256 if bare.len() == P256_POINT_BYTES && bare[0] == 4 => {
                Some(PublicKey::P256(bare))
            }
            Algorithm::Rs256 if bare.first() == Some(&0x30) => Some(PublicKey::RsaPkcs1(bare)),
            _ => None,
        }
    }

    /// Whether this key signed the message in that way.
    pub(crate) fn proves(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let proved = match (self, algorithm) {
            (PublicKey::Ed25519(key), Algorithm::Ed25519) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            (PublicKey::P256(key), Algorithm::Es256) if signature.len() == P256_FIXED_BYTES => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature)
            }
            (PublicKey::P256(key), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature)
            }
            (PublicKey::RsaPkcs1(key), Algorithm::Rs256) => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(message, signature)
            }
            (PublicKey::RsaParts { n, e }, Algorithm::Rs256) => {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            _ => return false,
        };
        proved.is_ok()
    }
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let text = text.replace("\\n", "\n");
    let body = match text.split_once("-----BEGIN PUBLIC KEY-----") {
        Some((_, rest)) => rest.split_once("-----END PUBLIC KEY-----")?.0,
        None => &text,
    };
    let plain: String = body.split_whitespace().collect();
    if let Ok(bytes) = hex::decode(&plain) {
        return Some(bytes);
    }
    STANDARD.decode(&plain).ok()
}

/// The key's bits in a SubjectPublicKeyInfo: `SEQUENCE { SEQUENCE { .. }, BIT STRING }`.
fn subject_public_key(der: &[u8]) -> Option<&[u8]> {
    let (whole, rest) = element(der, 0x30)?;
    if !rest.is_empty() {
        return None;
    }
    let (_, rest) = element(whole, 0x30)?;
    let (bits, rest) = element(rest, 0x03)?;
    // The first byte of a bit string counts its unused bits.
    (rest.is_empty() && bits.first() == Some(&0)).then(|| &bits[1..])
}

/// The content of a DER element with that tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 | 0x82 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// A service's public keys, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet(Vec<(Option<String>, PublicKey)>);

impl KeySet {
    /// Reads a JSON Web Key Set. Keys of kinds that are not known are left out.
    ///
    /// # Errors
    /// When it is no such set, or has more than 64 keys.
    pub(crate) fn read(body: &[u8]) -> Result<Self, &'static str> {
        let document = json::value(body).map_err(|_| "the keys are not JSON")?;
        let keys = document.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or("there is no list `keys`")?;
        if keys.len() > KEYS_MAX {
            return Err("there are too many keys");
        }
        let named = keys.iter().filter_map(|key| {
            let name = key.get("kid").and_then(Value::as_str);
            Some((name.map(str::to_owned), read_json_key(key)?))
        });
        Ok(KeySet(named.collect()))
    }

    /// The keys of that name; a signature without a name may be by any.
    pub(crate) fn named<'a>(&'a self, kid: Option<&'a str>) -> impl Iterator<Item = &'a PublicKey> {
        let is_meant = move |name: &Option<String>| kid.is_none() || name.as_deref() == kid;
        let keys = self.0.iter();
        keys.filter(move |(name, _)| is_meant(name))
            .map(|(_, key)| key)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn read_json_key(key: &Value) -> Option<PublicKey> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let part = |name: &str| URL_SAFE.decode(text(name)?).ok();
    // A key for encryption proves nothing.
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    match (text("kty")?, text("crv")) {
        ("RSA", _) => Some(PublicKey::RsaParts {
            n: part("n")?,
            e: part("e")?,
        }),
        ("EC", Some("P-256")) => {
            let point = [vec![4], part("x")?, part("y")?].concat();
            (point.len() == P256_POINT_BYTES).then_some(PublicKey::P256(point))
        }
        ("OKP", Some("Ed25519")) => part("x")
            .filter(|key| key.len() == ED25519_KEY_BYTES)
            .map(PublicKey::Ed25519),
        _ => None,
    }
}
