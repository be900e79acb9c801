//! How a service asks whether a webhook is ours. One variant per kind.

use http::Method;

use crate::node::{Fields, Node};
use crate::receiver::{Delivery, HandshakeAnswer};

/// Longest text that is echoed, in bytes.
const ECHO_BYTES_MAX: usize = 1024;

/// The question, if the service asks one.
#[derive(Debug)]
pub(crate) enum Handshake {
    /// It does not ask.
    None,
    /// It sends a text in the query, and wants it back as the body.
    EchoQuery { param: String, method: Method },
}

impl Handshake {
    /// The answer; none when this is no question.
    pub(crate) fn answer(&self, delivery: &Delivery<'_>) -> Option<HandshakeAnswer> {
        match self {
            Handshake::None => None,
            Handshake::EchoQuery { param, method } => {
                if delivery.method != method {
                    return None;
                }
                let query = delivery.query?.as_bytes();
                let mut pairs = url::form_urlencoded::parse(query);
                let (_, text) = pairs.find(|(name, _)| name == param)?;
                let body = text.into_owned();
                (body.len() <= ECHO_BYTES_MAX).then_some(HandshakeAnswer {
                    status: 200,
                    content_type: "text/plain; charset=utf-8",
                    body,
                })
            }
        }
    }
}

pub(crate) fn read(node: &Node<'_>) -> Option<Handshake> {
    let fields = node.fields()?;
    fields.of_kind(&[
        ("none", |_| Some(Handshake::None)),
        ("echo_query", read_echo_query),
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
