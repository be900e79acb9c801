//! An HMAC over a text made of headers and the body, for services with a way of their own.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use ring::hmac::{self, Algorithm};

use crate::node::{Fields, Node};
use crate::receiver::scheme::{bounded_id, check_age};
use crate::receiver::{Delivery, Refused};
use crate::time::{self, FORMATS, Format};

/// The scheme, as a manifest describes it.
#[derive(Debug)]
pub(crate) struct Hmac {
    algorithm: Algorithm,
    over: Vec<Piece>,
    signatures: Vec<SignatureHeader>,
    encoding: Encoding,
    secret_encoding: Encoding,
    timestamp: Option<Timestamp>,
    delivery_id: Option<String>,
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

impl Hmac {
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
        let keys = secrets
            .iter()
            .filter_map(|secret| self.secret_encoding.decode(secret))
            .filter(|bytes| !bytes.is_empty())
            .map(|bytes| hmac::Key::new(self.algorithm, &bytes));
        let keys: Vec<hmac::Key> = keys.collect();
        let decoded = given
            .iter()
            .filter_map(|signature| self.encoding.decode(signature));
        let mut decoded = decoded.take(self.signatures.len());
        let matches = decoded.any(|signature| {
            keys.iter()
                .any(|key| hmac::verify(key, &content, &signature).is_ok())
        });
        if !matches {
            return Err(Refused::BadSignature);
        }
        let id = self.delivery_id.as_deref();
        id.map(|name| bounded_id(header(name)?)).transpose()
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        let algorithms = [
            ("sha256", hmac::HMAC_SHA256),
            ("sha512", hmac::HMAC_SHA512),
            ("sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        ];
        let encodings = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
        let secrets = [("text", Encoding::Text), encodings[0], encodings[1]];
        let algorithm = fields.read("algorithm", algorithms[0].1, |node| node.word(&algorithms));
        let over = fields.require("over").and_then(|node| {
            let text = node.text()?;
            node.take(read_over(&text))
        });
        let signatures = fields
            .require("signature")
            .and_then(|node| node.each(read_signature));
        let encoding = fields.read("encoding", Encoding::Hex, |node| node.word(&encodings));
        let secret = fields.read("secret_encoding", Encoding::Text, |node| {
            node.word(&secrets)
        });
        let timestamp = fields.maybe("timestamp", read_timestamp);
        let delivery_id = fields.maybe("delivery_id", read_header);
        Some(Hmac {
            algorithm: algorithm?,
            over: over?,
            signatures: signatures?,
            encoding: encoding?,
            secret_encoding: secret?,
            timestamp: timestamp?,
            delivery_id: delivery_id?,
        })
    }
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
