//! Statements that a provider of identities signed (JWT), whoever they are for. Source: RFC 7515, RFC 8725.
//!
//! Only RS256 and ES256 are taken, each with a key of its own kind from the provider's set: neither `none`
//! nor a public key taken for a secret gets through.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use thiserror::Error;

use crate::json;
use crate::receiver::keys::{Algorithm, KeySet};

/// Longest statement, in bytes.
pub const STATEMENT_BYTES_MAX: usize = 64 * 1024;

/// Why a statement proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unproved {
    /// It is not of that form, or too long.
    #[error("the statement has not the form of a signed one")]
    Malformed,
    /// It is signed in another way.
    #[error("the statement is not signed with RS256 or ES256")]
    Algorithm,
    /// Its key is not in the set: keys may have been changed.
    #[error("the statement is signed with a key that the provider does not publish")]
    UnknownKey,
    /// The signature does not hold.
    #[error("the statement's signature does not hold")]
    Signature,
}

/// The claims of a statement whose signature holds. What they say is not looked at.
///
/// # Errors
/// See [`Unproved`].
pub fn proved_claims(keys: &KeySet, statement: &str) -> Result<Value, Unproved> {
    if statement.len() > STATEMENT_BYTES_MAX {
        return Err(Unproved::Malformed);
    }
    let mut parts = statement.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Unproved::Malformed);
    };
    let head = json::value(&part(header)?).map_err(|_| Unproved::Malformed)?;
    let algorithm = match head.get("alg").and_then(Value::as_str) {
        Some("RS256") => Algorithm::Rs256,
        Some("ES256") => Algorithm::Es256,
        _ => return Err(Unproved::Algorithm),
    };
    // What must be understood and is not, makes it no statement. Source: RFC 7515, section 4.1.11.
    if head.get("crit").is_some() {
        return Err(Unproved::Malformed);
    }
    let kid = head.get("kid").and_then(Value::as_str);
    let mut named = keys.named(kid).peekable();
    if named.peek().is_none() {
        return Err(Unproved::UnknownKey);
    }
    let signed = &statement.as_bytes()[..header.len() + 1 + claims.len()];
    let signature = part(signature)?;
    if !named.any(|key| key.proves(algorithm, signed, &signature)) {
        return Err(Unproved::Signature);
    }
    json::value(&part(claims)?).map_err(|_| Unproved::Malformed)
}

fn part(text: &str) -> Result<Vec<u8>, Unproved> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Unproved::Malformed)
}
