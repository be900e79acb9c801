//! A signed statement (JWT) that comes with a delivery. Source: RFC 7515, RFC 7519.
//!
//! The algorithm is the manifest's: what the statement says of it must be the same word, so that
//! neither `none` nor a public key taken for an HMAC secret gets through. A statement proves who sends
//! and until when. It proves the body only where it carries the body's hash.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ring::{digest, hmac};
use serde_json::Value;

use crate::json;
use crate::manifest::auth::{read_pairs, read_template};
use crate::manifest::http::read_header_name;
use crate::node::{Fields, Node};
use crate::receiver::keys::Algorithm;
use crate::receiver::scheme::Proof;
use crate::receiver::static_secret::same;
use crate::receiver::{Delivery, Refused};
use crate::scope::{Names, scalar};
use crate::template::Template;

/// Longest statement, in bytes.
const STATEMENT_BYTES_MAX: usize = 16 * 1024;
/// How much the clocks of sender and receiver may differ.
const DEFAULT_TOLERANCE: Duration = Duration::from_secs(60);

/// The scheme, as a manifest describes it.
#[derive(Debug)]
pub(crate) struct Jwt {
    header: String,
    prefix: String,
    signed: Signed,
    issuer: Option<Template>,
    audience: Option<Template>,
    claims: Vec<(String, Template)>,
    /// The claim with the hex or base64 of the body's SHA-256.
    body_sha256: Option<String>,
    tolerance: Duration,
}

#[derive(Debug)]
enum Signed {
    /// With the webhook's secret: HS256.
    Secret,
    /// With a key of the set at this address.
    Key {
        word: &'static str,
        algorithm: Algorithm,
        address: Template,
    },
}

impl Jwt {
    /// Where the service publishes its keys; none where the webhook's secret is the key.
    pub(crate) fn key_address(&self) -> Option<&Template> {
        match &self.signed {
            Signed::Secret => None,
            Signed::Key { address, .. } => Some(address),
        }
    }

    /// Whether it proves the sender only.
    pub(crate) fn is_low(&self) -> bool {
        self.body_sha256.is_none()
    }

    /// Every template in it.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let claims = self.claims.iter().map(|(_, value)| value);
        let named = self.issuer.iter().chain(&self.audience);
        named.chain(claims).chain(self.key_address())
    }

    pub(crate) fn verify(
        &self,
        delivery: &Delivery<'_>,
        proof: &Proof<'_>,
    ) -> Result<Option<String>, Refused> {
        let given = delivery
            .header(&self.header)
            .ok_or(Refused::MissingHeader)?;
        let statement = given.strip_prefix(&self.prefix);
        let statement = statement.filter(|text| text.len() <= STATEMENT_BYTES_MAX);
        let statement = statement.ok_or(Refused::MalformedHeader)?;
        let claims = self.claims_of(statement, proof)?;
        self.check(&claims, delivery, proof)?;
        Ok(claims
            .get("jti")
            .and_then(Value::as_str)
            .and_then(|id| crate::receiver::scheme::bounded_id(id).ok()))
    }

    /// The claims of a statement whose signature holds.
    fn claims_of(&self, statement: &str, proof: &Proof<'_>) -> Result<Value, Refused> {
        let (content, signature) = statement.rsplit_once('.').ok_or(Refused::MalformedHeader)?;
        let (header, claims) = content.split_once('.').ok_or(Refused::MalformedHeader)?;
        let signature = part(signature)?;
        let header = json::value(&part(header)?).map_err(|_| Refused::MalformedHeader)?;
        let word = header.get("alg").and_then(Value::as_str);
        let proved = match &self.signed {
            Signed::Secret => {
                let proves = |secret: &&str| {
                    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                    hmac::verify(&key, content.as_bytes(), &signature).is_ok()
                };
                word == Some("HS256") && proof.secrets.iter().any(proves)
            }
            Signed::Key {
                word: pinned,
                algorithm,
                ..
            } => {
                let kid = header.get("kid").and_then(Value::as_str);
                let mut keys = proof.keys.named(kid).peekable();
                if keys.peek().is_none() {
                    return Err(Refused::UnknownKey);
                }
                word == Some(pinned)
                    && keys.any(|key| key.proves(*algorithm, content.as_bytes(), &signature))
            }
        };
        if !proved {
            return Err(Refused::BadSignature);
        }
        json::value(&part(claims)?).map_err(|_| Refused::MalformedHeader)
    }

    fn check(
        &self,
        claims: &Value,
        delivery: &Delivery<'_>,
        proof: &Proof<'_>,
    ) -> Result<(), Refused> {
        let tolerance = TimeDelta::from_std(self.tolerance).unwrap_or(TimeDelta::MAX);
        let moment = |name: &str| {
            let seconds = claims.get(name)?.as_f64()?;
            DateTime::<Utc>::from_timestamp(seconds as i64, 0)
        };
        // A statement without an end is good for ever: it is not taken.
        let ends = moment("exp").ok_or(Refused::MalformedHeader)?;
        let begins = moment("nbf").or_else(|| moment("iat"));
        let early = begins.is_some_and(|begins| begins - proof.now > tolerance);
        if proof.now - ends >= tolerance || early {
            return Err(Refused::Stale);
        }
        let text = |template: &Template| template.text(&proof.scope).ok();
        let says = |name: &str, expected: &Template| {
            let expected = text(expected);
            expected.is_some_and(|expected| match claims.get(name) {
                Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(&expected)),
                Some(one) => scalar(one).is_some_and(|one| one == expected),
                None => false,
            })
        };
        let named = self.issuer.iter().map(|issuer| ("iss", issuer));
        let named = named.chain(self.audience.iter().map(|audience| ("aud", audience)));
        let own = self
            .claims
            .iter()
            .map(|(name, value)| (name.as_str(), value));
        if !named
            .chain(own)
            .all(|(name, expected)| says(name, expected))
        {
            return Err(Refused::BadSignature);
        }
        match &self.body_sha256 {
            Some(claim) if !is_hash_of(claims.get(claim.as_str()), delivery.body) => {
                Err(Refused::BadSignature)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        let header = fields.read("header", "authorization".to_owned(), |node| {
            read_header_name(node).map(|name| name.as_str().to_owned())
        });
        let prefix = fields.read("prefix", "Bearer ".to_owned(), Node::text);
        let words = [
            ("RS256", Some(Algorithm::Rs256)),
            ("ES256", Some(Algorithm::Es256)),
            ("HS256", None),
        ];
        let algorithm = fields
            .require("algorithm")
            .and_then(|node| node.word(&words));
        let template = |node: &Node<'_>| read_template(node, &Names::CONNECTION);
        let address = fields.maybe("keys", |node| {
            let address = template(node)?;
            if !address.prefix().starts_with("https://") && !address.starts_with_base() {
                return node.wrong("must start with `https://` or `{base_url}`");
            }
            Some(address)
        });
        let issuer = fields.maybe("issuer", template);
        let audience = fields.maybe("audience", template);
        let claims = fields.read("claims", Vec::new(), |node| {
            read_pairs(node, &Names::CONNECTION)
        });
        let body_sha256 = fields.maybe("body_sha256", Node::text);
        let tolerance = fields.read("tolerance", DEFAULT_TOLERANCE, Node::duration);
        let signed = match (algorithm?, address?) {
            (None, None) => Signed::Secret,
            (Some(algorithm), Some(address)) => Signed::Key {
                word: if algorithm == Algorithm::Rs256 {
                    "RS256"
                } else {
                    "ES256"
                },
                algorithm,
                address,
            },
            (None, Some(_)) => {
                return fields
                    .node()
                    .wrong("`HS256` takes the webhook's secret: no `keys`");
            }
            (Some(_), None) => {
                return fields
                    .node()
                    .wrong("`keys` is missing: where the service publishes its keys");
            }
        };
        let (issuer, audience, claims) = (issuer?, audience?, claims?);
        // Keys of a provider sign statements for everyone: one for somebody else is not for us.
        if matches!(signed, Signed::Key { .. }) && audience.is_none() && claims.is_empty() {
            return fields
                .node()
                .wrong("`audience` or `claims` must say whom a statement is for");
        }
        Some(Jwt {
            header: header?,
            prefix: prefix?,
            signed,
            issuer,
            audience,
            claims,
            body_sha256: body_sha256?,
            tolerance: tolerance?,
        })
    }
}

fn part(text: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Refused::MalformedHeader)
}

fn is_hash_of(claim: Option<&Value>, body: &[u8]) -> bool {
    let Some(given) = claim.and_then(Value::as_str) else {
        return false;
    };
    let hash = digest::digest(&digest::SHA256, body);
    let written = [
        hex::encode(hash.as_ref()),
        STANDARD.encode(hash.as_ref()),
        URL_SAFE_NO_PAD.encode(hash.as_ref()),
    ];
    written
        .iter()
        .any(|hash| same(hash.as_bytes(), given.as_bytes()))
}
