//! An HMAC or a public-key signature over a text made of headers and the body, for services with a way
//! of their own.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use ring::hmac;

use crate::node::{Fields, Node};
use crate::receiver::keys::{Algorithm, PublicKey};
use crate::receiver::scheme::{bounded_id, check_age};
use crate::receiver::{Delivery, Refused};
use crate::time::{self, FORMATS, Format};

/// The scheme, as a manifest describes it.
#[derive(Debug)]
pub(crate) struct Signed {
    by: By,
    over: Vec<Piece>,
    signatures: Vec<SignatureHeader>,
    encoding: Encoding,
    timestamp: Option<Timestamp>,
    delivery_id: Option<String>,
}

/// What signs.
#[derive(Debug)]
enum By {
    /// The webhook's secret.
    Secret {
        algorithm: hmac::Algorithm,
        encoding: Encoding,
    },
    /// A key whose public half is kept as the webhook's secret.
    Key(Algorithm),
}

impl By {
    /// Whether one of the secrets, or of the keys, made one of the signatures. A secret of no bytes
    /// proves nothing.
    fn proves(&self, secrets: &[&str], content: &[u8], signatures: &[Vec<u8>]) -> bool {
        let mut signatures = signatures.iter();
        match self {
            By::Secret {
                algorithm,
                encoding,
            } => {
                let decoded = secrets.iter().filter_map(|secret| encoding.decode(secret));
                let decoded = decoded.filter(|bytes| !bytes.is_empty());
                let keys = decoded.map(|bytes| hmac::Key::new(*algorithm, &bytes));
                let keys: Vec<hmac::Key> = keys.collect();
                let proves = |signature: &Vec<u8>| {
                    keys.iter()
                        .any(|key| hmac::verify(key, content, signature).is_ok())
                };
                signatures.any(proves)
            }
            By::Key(algorithm) => {
                let keys = secrets.iter();
                let keys = keys.filter_map(|text| PublicKey::read(text, *algorithm));
                let keys: Vec<PublicKey> = keys.collect();
                let proves = |signature: &Vec<u8>| {
                    keys.iter()
                        .any(|key| key.proves(*algorithm, content, signature))
                };
                signatures.any(proves)
            }
        }
    }
}

/// A piece of what is signed.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Header(String),
    Body,
}

#[derive(Debug)]
struct SignatureHeader {
    header: String,
    prefix: String,
}

#[derive(Debug)]
struct Timestamp {
    header: String,
    format: Format,
    tolerance: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Encoding {
    Text,
    Hex,
    Base64,
}

impl Encoding {
    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Encoding::Text => Some(text.as_bytes().to_vec()),
            Encoding::Hex => hex::decode(text).ok(),
            Encoding::Base64 => STANDARD.decode(text).ok(),
        }
    }
}

impl Signed {
    pub(crate) fn verify(
        &self,
        delivery: &Delivery<'_>,
        secrets: &[&str],
        now: DateTime<Utc>,
    ) -> Result<Option<String>, Refused> {
        let header = |name: &str| delivery.header(name).ok_or(Refused::MissingHeader);
        if let Some(stamp) = &self.timestamp {
            let sent_at = time::parse(header(&stamp.header)?, stamp.format);
            check_age(
                sent_at.ok_or(Refused::MalformedHeader)?,
                now,
                stamp.tolerance,
            )?;
        }
        let mut content = Vec::with_capacity(delivery.body.len() + 128);
        for piece in &self.over {
            match piece {
                Piece::Literal(text) => content.extend_from_slice(text.as_bytes()),
                Piece::Header(name) => content.extend_from_slice(header(name)?.as_bytes()),
                Piece::Body => content.extend_from_slice(delivery.body),
            }
        }
        let given: Vec<&str> = self
            .signatures
            .iter()
            .filter_map(|place| delivery.header(&place.header)?.strip_prefix(&place.prefix))
            .collect();
        if given.is_empty() {
            return Err(Refused::MissingHeader);
        }
        let decoded = given.iter();
        let decoded = decoded.filter_map(|signature| self.encoding.decode(signature));
        let decoded: Vec<Vec<u8>> = decoded.collect();
        if !self.by.proves(secrets, &content, &decoded) {
            return Err(Refused::BadSignature);
        }
        let id = self.delivery_id.as_deref();
        id.map(|name| bounded_id(header(name)?)).transpose()
    }
}

/// `kind: hmac`.
pub(crate) fn read_hmac(fields: &Fields<'_>) -> Option<Signed> {
    let algorithms = [
        ("sha256", hmac::HMAC_SHA256),
        ("sha512", hmac::HMAC_SHA512),
        ("sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    ];
    let encodings = [
        ("text", Encoding::Text),
        ("hex", Encoding::Hex),
        ("base64", Encoding::Base64),
    ];
    let algorithm = fields.read("algorithm", algorithms[0].1, |node| node.word(&algorithms));
    let encoding = fields.read("secret_encoding", Encoding::Text, |node| {
        node.word(&encodings)
    });
    let by = algorithm.zip(encoding);
    let by = by.map(|(algorithm, encoding)| By::Secret {
        algorithm,
        encoding,
    });
    read_signed(fields, by, Encoding::Hex)
}

/// `kind: public_key`.
pub(crate) fn read_public_key(fields: &Fields<'_>) -> Option<Signed> {
    let algorithms = [
        ("ed25519", Algorithm::Ed25519),
        ("es256", Algorithm::Es256),
        ("rs256", Algorithm::Rs256),
    ];
    let algorithm = fields.require("algorithm");
    let algorithm = algorithm.and_then(|node| node.word(&algorithms));
    read_signed(fields, algorithm.map(By::Key), Encoding::Base64)
}

fn read_signed(fields: &Fields<'_>, by: Option<By>, encoding: Encoding) -> Option<Signed> {
    let encodings = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
    let over = fields.require("over").and_then(|node| {
        let text = node.text()?;
        node.take(read_over(&text))
    });
    let signatures = fields
        .require("signature")
        .and_then(|node| node.each(read_signature));
    let encoding = fields.read("encoding", encoding, |node| node.word(&encodings));
    let timestamp = fields.maybe("timestamp", read_timestamp);
    let delivery_id = fields.maybe("delivery_id", read_header);
    Some(Signed {
        by: by?,
        over: over?,
        signatures: signatures?,
        encoding: encoding?,
        timestamp: timestamp?,
        delivery_id: delivery_id?,
    })
}

/// Reads `v0:{header.x-time}:{body}`. What does not hold the body proves nothing of it.
fn read_over(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once('{') {
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        }
        let (name, after) = after.split_once('}').ok_or("a brace is not closed")?;
        pieces.push(match name.strip_prefix("header.") {
            Some(header) => Piece::Header(header.to_lowercase()),
            None if name == "body" => Piece::Body,
            None => return Err(format!("`{name}` is neither `body` nor `header.<name>`")),
        });
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    if !pieces.contains(&Piece::Body) {
        return Err("`{body}` must be in it".into());
    }
    Ok(pieces)
}

fn read_header(node: &Node<'_>) -> Option<String> {
    crate::manifest::http::read_header_name(node).map(|name| name.as_str().to_owned())
}

fn read_signature(node: &Node<'_>) -> Option<SignatureHeader> {
    let fields = node.fields()?;
    let header = fields.require("header").and_then(|node| read_header(&node));
    let prefix = fields.read("prefix", String::new(), Node::text);
    Some(SignatureHeader {
        header: header?,
        prefix: prefix?,
    })
}

fn read_timestamp(node: &Node<'_>) -> Option<Timestamp> {
    let fields = node.fields()?;
    let header = fields.require("header").and_then(|node| read_header(&node));
    let format = fields.read("format", Format::EpochSeconds, |node| node.word(&FORMATS));
    let tolerance = fields.read("tolerance", Duration::from_secs(300), Node::duration);
    Some(Timestamp {
        header: header?,
        format: format?,
        tolerance: tolerance?,
    })
}

#[cfg(test)]
mod tests;
