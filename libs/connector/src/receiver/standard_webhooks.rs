//! Standard Webhooks 1.0.0. Source: github.com/standard-webhooks, spec/standard-webhooks.md.
//!
//! The signed content is `id.timestamp.body`, over raw bytes. A header may carry several signatures
//! (keys being rotated) and several versions; one that matches is enough. `v1` is HMAC-SHA256 under a
//! `whsec_` secret, `v1a` is ed25519 under a `whpk_` public key.

use std::time::Duration;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use ring::{hmac, signature};

use crate::node::{Fields, Node};
use crate::receiver::scheme::{bounded_id, check_age};
use crate::receiver::{Delivery, Refused};
use crate::time::{self, Format};

/// Standard base64; some senders leave the padding out.
const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// What every reference library uses.
const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);
/// Most signatures looked at in one header.
const SIGNATURES_MAX: usize = 16;

/// The scheme with its tolerance.
#[derive(Debug)]
pub(crate) struct StandardWebhooks {
    tolerance: Duration,
}

impl StandardWebhooks {
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        let tolerance = fields.read("tolerance", DEFAULT_TOLERANCE, Node::duration)?;
        Some(StandardWebhooks { tolerance })
    }

    pub(crate) fn verify(
        &self,
        delivery: &Delivery<'_>,
        secrets: &[&str],
        now: DateTime<Utc>,
    ) -> Result<Option<String>, Refused> {
        let header = |name| delivery.header(name).ok_or(Refused::MissingHeader);
        let id = bounded_id(header("webhook-id")?)?;
        let stamp = header("webhook-timestamp")?;
        let signatures = header("webhook-signature")?;
        let sent_at = time::parse(stamp, Format::EpochSeconds).ok_or(Refused::MalformedHeader)?;
        check_age(sent_at, now, self.tolerance)?;
        let content = [id.as_bytes(), b".", stamp.as_bytes(), b".", delivery.body].concat();
        let matches = signatures
            .split(' ')
            .take(SIGNATURES_MAX)
            .filter_map(|signature| signature.split_once(','))
            .any(|(version, signature)| {
                let Ok(signature) = STANDARD.decode(signature) else {
                    return false;
                };
                let proves = |secret: &&str| proves(version, secret, &content, &signature);
                secrets.iter().any(proves)
            });
        if matches {
            Ok(Some(id))
        } else {
            Err(Refused::BadSignature)
        }
    }
}

fn proves(version: &str, secret: &str, content: &[u8], given: &[u8]) -> bool {
    match version {
        "v1" => {
            let Some(key) = secret_bytes(secret) else {
                return false;
            };
            let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
            hmac::verify(&key, content, given).is_ok()
        }
        "v1a" => {
            let key = secret
                .strip_prefix("whpk_")
                .and_then(|key| STANDARD.decode(key).ok());
            let Some(key) = key else { return false };
            let key = signature::UnparsedPublicKey::new(&signature::ED25519, key);
            key.verify(content, given).is_ok()
        }
        _ => false,
    }
}

/// The bytes of a `whsec_` secret; the prefix may be missing. An empty one proves nothing.
fn secret_bytes(secret: &str) -> Option<Vec<u8>> {
    if secret.starts_with("whpk_") {
        return None;
    }
    let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
    STANDARD
        .decode(encoded)
        .ok()
        .filter(|bytes| !bytes.is_empty())
}
