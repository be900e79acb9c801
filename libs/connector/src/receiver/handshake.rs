//! How a service asks whether a webhook is ours. One variant per kind.
//!
//! Anyone can ask: what is echoed is bounded, and is never taken for a page by a browser. What is
//! answered with a proof of the secret has a form that no signed content has, so that the answer
//! cannot be used to forge a delivery.

use http::{HeaderName, HeaderValue, Method, header};
use ring::hmac;
use serde_json::{Value, json};

use crate::json;
use crate::manifest::http::read_header_name;
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::receiver::{Delivery, HandshakeAnswer};

/// Longest text that is echoed, in bytes.
const ECHO_BYTES_MAX: usize = 1024;
/// Largest body that is looked into for a question, in bytes.
const QUESTION_BYTES_MAX: usize = 8 * 1024;
/// Longest text that is answered with its HMAC, in bytes.
const PROVED_BYTES_MAX: usize = 128;

/// Deliveries in a minute that are allowed when the manifest does not say.
const RATE_DEFAULT: u64 = 60_000;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// The question, if the service asks one.
#[derive(Debug)]
pub(crate) enum Handshake {
    /// It does not ask.
    None,
    /// It sends a text in the query, and wants it back as the body.
    EchoQuery { param: String, method: Method },
    /// It posts JSON of a certain form, and wants a text of it back as the body.
    EchoJson { form: Form, echo: Pointer },
    /// It sends a text in a header by GET, and wants it back as JSON.
    HeaderToJson { header: String, key: String },
    /// It posts JSON of a certain form, and wants a text of it back with its HMAC, both as JSON.
    HmacCrc {
        form: Form,
        token: Pointer,
        token_key: String,
        proof_key: String,
    },
    /// Its first request has a certain header, and wants nothing but success.
    Ping {
        header: String,
        equals: Option<String>,
        status: u16,
    },
    /// It asks by OPTIONS whether it may deliver. Source: CloudEvents 1.0.2, HTTP web hooks, section 4.
    CloudEvents {
        /// Who may; empty: whoever asks.
        origins: Vec<String>,
        /// Most deliveries in a minute.
        rate: u64,
    },
}

/// What tells a question from a delivery: the value at a path.
#[derive(Debug)]
pub(crate) struct Form {
    path: Pointer,
    equals: String,
}

impl Form {
    /// The body, when it is a question of this form.
    fn question(&self, delivery: &Delivery<'_>) -> Option<Value> {
        if delivery.method != Method::POST || delivery.body.len() > QUESTION_BYTES_MAX {
            return None;
        }
        let body = json::value(delivery.body).ok()?;
        (self.path.of(&body)?.as_str()? == self.equals).then_some(body)
    }
}

impl Handshake {
    /// The answer; none when this is no question. `secret` is the one in force.
    pub(crate) fn answer(
        &self,
        delivery: &Delivery<'_>,
        secret: Option<&str>,
    ) -> Option<HandshakeAnswer> {
        match self {
            Handshake::None => None,
            Handshake::EchoQuery { param, method } => {
                if delivery.method != method {
                    return None;
                }
                let query = delivery.query?.as_bytes();
                let mut pairs = url::form_urlencoded::parse(query);
                let (_, text) = pairs.find(|(name, _)| name == param)?;
                echoed(&text)
            }
            Handshake::EchoJson { form, echo } => {
                let question = form.question(delivery)?;
                echoed(echo.of(&question)?.as_str()?)
            }
            Handshake::HeaderToJson { header, key } => {
                let text = delivery.header(header)?;
                let asks = delivery.method == Method::GET && text.len() <= ECHO_BYTES_MAX;
                asks.then(|| answered(JSON, json!({key: text}).to_string()))
            }
            Handshake::HmacCrc {
                form,
                token,
                token_key,
                proof_key,
            } => {
                let question = form.question(delivery)?;
                let token = token.of(&question)?.as_str()?;
                let proof = proof(token, secret?)?;
                Some(answered(
                    JSON,
                    json!({token_key: token, proof_key: proof}).to_string(),
                ))
            }
            Handshake::Ping {
                header,
                equals,
                status,
            } => {
                let value = delivery.header(header)?;
                let asks = equals.as_ref().is_none_or(|equals| equals == value);
                (asks && delivery.method == Method::POST).then(|| HandshakeAnswer {
                    status: *status,
                    ..answered(TEXT, String::new())
                })
            }
            Handshake::CloudEvents { origins, rate } => allowed(delivery, origins, *rate),
        }
    }
}

fn echoed(text: &str) -> Option<HandshakeAnswer> {
    (text.len() <= ECHO_BYTES_MAX).then(|| answered(TEXT, text.to_owned()))
}

fn answered(content_type: &'static str, body: String) -> HandshakeAnswer {
    HandshakeAnswer {
        status: 200,
        content_type,
        body,
        headers: Vec::new(),
    }
}

/// Consent is in the headers; a question without an origin, or of one that is not known, gets none.
fn allowed(delivery: &Delivery<'_>, origins: &[String], rate: u64) -> Option<HandshakeAnswer> {
    let origin = delivery.header("webhook-request-origin")?;
    let known = origins.is_empty() || origins.iter().any(|known| known == origin);
    if delivery.method != Method::OPTIONS || !known || origin.len() > ECHO_BYTES_MAX {
        return None;
    }
    let mut headers = vec![
        (header::ALLOW, HeaderValue::from_static("POST")),
        (
            HeaderName::from_static("webhook-allowed-origin"),
            HeaderValue::from_str(origin).ok()?,
        ),
    ];
    if let Some(asked) = delivery.header("webhook-request-rate") {
        let granted = asked
            .parse()
            .map_or(rate, |asked: u64| asked.clamp(1, rate));
        let name = HeaderName::from_static("webhook-allowed-rate");
        headers.push((name, HeaderValue::from(granted)));
    }
    Some(HandshakeAnswer {
        headers,
        ..answered(TEXT, String::new())
    })
}

/// The HMAC of a token. INVARIANT: only letters, digits, `-` and `_` are proved. What deliveries are
/// signed over holds their JSON, and so a brace: no answer is a delivery's signature.
fn proof(token: &str, secret: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if token.is_empty() || token.len() > PROVED_BYTES_MAX || !token.bytes().all(plain) {
        return None;
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    Some(hex::encode(hmac::sign(&key, token.as_bytes())))
}

pub(crate) fn read(node: &Node<'_>) -> Option<Handshake> {
    let fields = node.fields()?;
    fields.of_kind(&[
        ("none", |_| Some(Handshake::None)),
        ("echo_query", read_echo_query),
        ("echo_json", read_echo_json),
        ("header_to_json", read_header_to_json),
        ("hmac_crc", read_hmac_crc),
        ("ping", read_ping),
        ("cloud_events", read_cloud_events),
    ])
}

fn read_echo_query(fields: &Fields<'_>) -> Option<Handshake> {
    let param = fields.require("param").and_then(|node| node.text());
    let methods = [("POST", 0), ("GET", 1)];
    let method = fields.read("method", 0, |node| node.word(&methods));
    let method = if method? == 0 {
        Method::POST
    } else {
        Method::GET
    };
    Some(Handshake::EchoQuery {
        param: param?,
        method,
    })
}

fn read_echo_json(fields: &Fields<'_>) -> Option<Handshake> {
    let form = read_form(fields);
    let echo = fields.require("echo").and_then(|node| read_pointer(&node));
    Some(Handshake::EchoJson {
        form: form?,
        echo: echo?,
    })
}

fn read_header_to_json(fields: &Fields<'_>) -> Option<Handshake> {
    let header = fields.require("header").and_then(|node| read_header(&node));
    let key = fields.require("key").and_then(|node| node.text());
    Some(Handshake::HeaderToJson {
        header: header?,
        key: key?,
    })
}

fn read_hmac_crc(fields: &Fields<'_>) -> Option<Handshake> {
    let form = read_form(fields);
    let token = fields.require("token").and_then(|node| read_pointer(&node));
    let token_key = fields.require("token_key").and_then(|node| node.text());
    let proof_key = fields.require("proof_key").and_then(|node| node.text());
    Some(Handshake::HmacCrc {
        form: form?,
        token: token?,
        token_key: token_key?,
        proof_key: proof_key?,
    })
}

fn read_ping(fields: &Fields<'_>) -> Option<Handshake> {
    let header = fields.require("header").and_then(|node| read_header(&node));
    let equals = fields.maybe("equals", Node::text);
    let status = fields.read("status", 200, |node| node.integer(200, 299));
    Some(Handshake::Ping {
        header: header?,
        equals: equals?,
        status: u16::try_from(status?).ok()?,
    })
}

fn read_cloud_events(fields: &Fields<'_>) -> Option<Handshake> {
    let origins = fields.read("origins", Vec::new(), |node| node.each(Node::text));
    let rate = fields.read("rate", RATE_DEFAULT, |node| node.integer(1, RATE_DEFAULT));
    Some(Handshake::CloudEvents {
        origins: origins?,
        rate: rate?,
    })
}

/// `path` and `equals`: what only a question has.
fn read_form(fields: &Fields<'_>) -> Option<Form> {
    let path = fields.require("path").and_then(|node| read_pointer(&node));
    let equals = fields.require("equals").and_then(|node| node.text());
    Some(Form {
        path: path?,
        equals: equals?,
    })
}

fn read_pointer(node: &Node<'_>) -> Option<Pointer> {
    node.take(Pointer::parse(&node.text()?))
}

fn read_header(node: &Node<'_>) -> Option<String> {
    read_header_name(node).map(|name| name.as_str().to_owned())
}

#[cfg(test)]
mod tests;
