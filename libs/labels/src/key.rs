//! Keys on three curves, as PEM. A curve is recognised by what the key says of itself; a signature
//! is made over SHA-256, on P-384 over SHA-384, deterministically (RFC 6979), with the lesser S.

use std::fmt;

use k256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use k256::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, LineEnding,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha384};
use thiserror::Error;

/// A curve that manifests are signed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Curve {
    /// The default of the format.
    #[default]
    #[serde(rename = "secp256k1")]
    Secp256k1,
    /// NIST P-256, also called prime256v1 and secp256r1.
    #[serde(rename = "p256")]
    P256,
    /// NIST P-384, also called secp384r1.
    #[serde(rename = "p384")]
    P384,
}

impl Curve {
    /// Each, with its word.
    pub const WORDS: [(&'static str, Curve); 3] = [
        ("secp256k1", Curve::Secp256k1),
        ("p256", Curve::P256),
        ("p384", Curve::P384),
    ];

    /// Bytes of a private key.
    pub fn secret_bytes(self) -> usize {
        match self {
            Curve::Secp256k1 | Curve::P256 => 32,
            Curve::P384 => 48,
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::WORDS[*self as usize].0)
    }
}

/// Why a text is not a key that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// It begins as no PEM of such a key does.
    #[error("no `-----BEGIN {0}-----` is in it")]
    NotPem(&'static str),
    /// A private key where a public one belongs: it must not lie about.
    #[error("it is a private key: give the public one")]
    Private,
    /// It has a password.
    #[error("it has a password: take it off with `openssl pkey`")]
    HasPassword,
    /// It is a key of something else.
    #[error("it is not an intact key on secp256k1, p256 or p384")]
    OfNothing,
}

/// A key that signatures are checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(
    OnCurve<k256::ecdsa::VerifyingKey, p256::ecdsa::VerifyingKey, p384::ecdsa::VerifyingKey>,
);

/// A key that manifests are signed with. It is neither shown nor serialised by accident.
pub struct SigningKey(
    OnCurve<k256::ecdsa::SigningKey, p256::ecdsa::SigningKey, p384::ecdsa::SigningKey>,
);

#[derive(Debug, Clone, PartialEq, Eq)]
enum OnCurve<K, P, Q> {
    Secp256k1(K),
    P256(P),
    P384(Q),
}

/// The first curve that reads the text.
macro_rules! on_any_curve {
    ($read:path, $given:expr) => {
        $read($given)
            .map(OnCurve::Secp256k1)
            .or_else(|_| $read($given).map(OnCurve::P256))
            .or_else(|_| $read($given).map(OnCurve::P384))
    };
}

/// Does the same on whichever curve the key is; `curve` names the crate of the curve where it is needed.
macro_rules! whichever {
    ($key:expr, $on:ident => $done:expr) => {
        match $key {
            OnCurve::Secp256k1($on) => $done,
            OnCurve::P256($on) => $done,
            OnCurve::P384($on) => $done,
        }
    };
    ($key:expr, $on:ident, $curve:ident => $done:expr) => {
        match $key {
            OnCurve::Secp256k1($on) => {
                use k256 as $curve;
                $done
            }
            OnCurve::P256($on) => {
                use p256 as $curve;
                $done
            }
            OnCurve::P384($on) => {
                use p384 as $curve;
                $done
            }
        }
    };
}

impl<K, P, Q> OnCurve<K, P, Q> {
    fn curve(&self) -> Curve {
        match self {
            OnCurve::Secp256k1(_) => Curve::Secp256k1,
            OnCurve::P256(_) => Curve::P256,
            OnCurve::P384(_) => Curve::P384,
        }
    }
}

/// The block of this heading; tools write others before it and behind it.
fn block<'a>(text: &'a str, heading: &'static str) -> Option<&'a str> {
    let begins = text.find(&format!("-----BEGIN {heading}-----"))?;
    let ending = format!("-----END {heading}-----");
    let ends = text[begins..].find(&ending)? + ending.len();
    Some(&text[begins..begins + ends])
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in PEM, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// When it is none on one of the curves.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        const HEADING: &str = "PUBLIC KEY";
        let Some(pem) = block(text, HEADING) else {
            let is_private = text.contains("PRIVATE KEY-----");
            return Err(if is_private {
                KeyError::Private
            } else {
                KeyError::NotPem(HEADING)
            });
        };
        on_any_curve!(DecodePublicKey::from_public_key_pem, pem)
            .map(PublicKey)
            .map_err(|_| KeyError::OfNothing)
    }

    /// The key in PEM.
    pub fn to_pem(&self) -> String {
        let pem = whichever!(&self.0, key => key.to_public_key_pem(LineEnding::LF));
        pem.expect("every point of a curve has an encoding")
    }

    /// The curve it is on.
    pub fn curve(&self) -> Curve {
        self.0.curve()
    }

    /// Whether the signature, DER or r and s behind one another, is one of this key over the text.
    pub(crate) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        let hashes = match self.curve() {
            Curve::Secp256k1 | Curve::P256 => vec![Sha256::digest(text).to_vec()],
            // SHA-384 is what belongs to the curve, and SHA-256 what some tools take for every curve.
            Curve::P384 => vec![Sha384::digest(text).to_vec(), Sha256::digest(text).to_vec()],
        };
        whichever!(&self.0, key, curve => {
            let of_der = curve::ecdsa::Signature::from_der(signature);
            let read = of_der.or_else(|_| curve::ecdsa::Signature::from_slice(signature));
            // Of S and its negative, which are both right, some libraries give either and some take one only.
            read.is_ok_and(|signature| {
                let signature = signature.normalize_s();
                hashes.iter().any(|hash| key.verify_prehash(hash, &signature).is_ok())
            })
        })
    }
}

impl SigningKey {
    /// Makes a key of random bytes; none of the very few that are no key.
    pub fn from_secret(curve: Curve, secret: &[u8]) -> Option<Self> {
        let key = match curve {
            Curve::Secp256k1 => {
                OnCurve::Secp256k1(k256::ecdsa::SigningKey::from_slice(secret).ok()?)
            }
            Curve::P256 => OnCurve::P256(p256::ecdsa::SigningKey::from_slice(secret).ok()?),
            Curve::P384 => OnCurve::P384(p384::ecdsa::SigningKey::from_slice(secret).ok()?),
        };
        Some(SigningKey(key))
    }

    /// Reads a private key in PEM: PKCS#8, or SEC1 as `openssl ecparam -genkey` writes it.
    ///
    /// # Errors
    /// When it is none on one of the curves.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        const HEADING: &str = "PRIVATE KEY";
        if text.contains("ENCRYPTED") {
            return Err(KeyError::HasPassword);
        }
        if let Some(pem) = block(text, HEADING) {
            return on_any_curve!(DecodePrivateKey::from_pkcs8_pem, pem)
                .map(SigningKey)
                .map_err(|_| KeyError::OfNothing);
        }
        let pem = block(text, "EC PRIVATE KEY").ok_or(KeyError::NotPem(HEADING))?;
        let of_secp256k1 =
            k256::SecretKey::from_sec1_pem(pem).map(|key| OnCurve::Secp256k1(key.into()));
        of_secp256k1
            .or_else(|_| p256::SecretKey::from_sec1_pem(pem).map(|key| OnCurve::P256(key.into())))
            .or_else(|_| p384::SecretKey::from_sec1_pem(pem).map(|key| OnCurve::P384(key.into())))
            .map(SigningKey)
            .map_err(|_| KeyError::OfNothing)
    }

    /// The key in PEM, PKCS#8. Whoever has this text can sign.
    pub fn to_pem(&self) -> String {
        let pem = whichever!(&self.0, key => key.to_pkcs8_pem(LineEnding::LF));
        pem.expect("every private key has an encoding").to_string()
    }

    /// What its signatures are checked with.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(match &self.0 {
            OnCurve::Secp256k1(key) => OnCurve::Secp256k1(*key.verifying_key()),
            OnCurve::P256(key) => OnCurve::P256(*key.verifying_key()),
            OnCurve::P384(key) => OnCurve::P384(*key.verifying_key()),
        })
    }

    /// The signature over the text, in DER.
    pub(crate) fn sign(&self, text: &[u8]) -> Vec<u8> {
        let hash = match self.0.curve() {
            Curve::Secp256k1 | Curve::P256 => Sha256::digest(text).to_vec(),
            Curve::P384 => Sha384::digest(text).to_vec(),
        };
        whichever!(&self.0, key, curve => {
            let signed: Result<curve::ecdsa::Signature, _> = key.sign_prehash(&hash);
            let signature = signed.expect("a hash of the curve's own length can be signed");
            signature.normalize_s().to_der().as_bytes().to_vec()
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.0.curve())
    }
}
