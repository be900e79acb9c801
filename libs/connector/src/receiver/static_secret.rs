//! A secret that is sent along as it is: in a header, as a password, in the body. It proves the sender,
//! but neither the body nor its age: what is delivered so is of low assurance.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;

use crate::json;
use crate::manifest::auth::read_template;
use crate::manifest::http::read_header_name;
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::receiver::scheme::{Proof, bounded_id};
use crate::receiver::{DELIVERY_EVENTS_MAX, Delivery, Refused};
use crate::scope::Names;
use crate::template::Template;

/// Where the secret is.
#[derive(Debug)]
pub(crate) struct StaticHeader {
    header: String,
    prefix: String,
    delivery_id: Option<String>,
}

impl StaticHeader {
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        let name = |node: &Node<'_>| read_header_name(node).map(|name| name.as_str().to_owned());
        let header = fields.require("header").and_then(|node| name(&node));
        let prefix = fields.read("prefix", String::new(), Node::text);
        let delivery_id = fields.maybe("delivery_id", name);
        Some(StaticHeader {
            header: header?,
            prefix: prefix?,
            delivery_id: delivery_id?,
        })
    }

    pub(crate) fn verify(
        &self,
        delivery: &Delivery<'_>,
        secrets: &[&str],
    ) -> Result<Option<String>, Refused> {
        let given = delivery
            .header(&self.header)
            .ok_or(Refused::MissingHeader)?;
        let given = given
            .strip_prefix(&self.prefix)
            .ok_or(Refused::MalformedHeader)?;
        if !is_one_of(given, secrets) {
            return Err(Refused::BadSignature);
        }
        let id = self.delivery_id.as_deref();
        let id = id.map(|name| delivery.header(name).ok_or(Refused::MissingHeader));
        id.transpose()?.map(bounded_id).transpose()
    }
}

/// A user's name and the secret. Source: RFC 7617.
#[derive(Debug)]
pub(crate) struct BasicAuth {
    user: Template,
}

impl BasicAuth {
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        let user = fields.require("user");
        let user = user.and_then(|node| read_template(&node, &Names::CONNECTION));
        Some(BasicAuth { user: user? })
    }

    pub(crate) fn user(&self) -> &Template {
        &self.user
    }

    pub(crate) fn verify(
        &self,
        delivery: &Delivery<'_>,
        proof: &Proof<'_>,
    ) -> Result<Option<String>, Refused> {
        let given = delivery.header("authorization");
        let given = given.ok_or(Refused::MissingHeader)?;
        let (kind, encoded) = given.split_once(' ').ok_or(Refused::MalformedHeader)?;
        let decoded = STANDARD.decode(encoded.trim()).ok();
        let decoded = decoded.filter(|_| kind.eq_ignore_ascii_case("basic"));
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or(Refused::MalformedHeader)?;
        let (user, secret) = text.split_once(':').ok_or(Refused::MalformedHeader)?;
        let expected = self.user.text(&proof.scope).unwrap_or_default();
        let is_user = same(expected.as_bytes(), user.as_bytes());
        if !is_one_of(secret, proof.secrets) || !is_user {
            return Err(Refused::BadSignature);
        }
        Ok(None)
    }
}

/// The secret stands in the body, in each element of a list or once. The body is parsed to find it:
/// what is in it counts only when the secret is right.
#[derive(Debug)]
pub(crate) struct StaticBody {
    each: Option<Pointer>,
    path: Pointer,
}

impl StaticBody {
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        let pointer = |node: &Node<'_>| node.take(Pointer::parse(&node.text()?));
        let each = fields.maybe("each", pointer);
        let path = fields.require("path").and_then(|node| pointer(&node));
        Some(StaticBody {
            each: each?,
            path: path?,
        })
    }

    pub(crate) fn verify(
        &self,
        delivery: &Delivery<'_>,
        secrets: &[&str],
    ) -> Result<Option<String>, Refused> {
        let body = json::value(delivery.body).map_err(|_| Refused::MalformedHeader)?;
        let holders = match &self.each {
            None => vec![&body],
            Some(each) => match each.of(&body) {
                Some(Value::Array(list)) if list.len() <= DELIVERY_EVENTS_MAX => {
                    list.iter().collect()
                }
                _ => return Err(Refused::MalformedHeader),
            },
        };
        if holders.is_empty() {
            return Err(Refused::MissingHeader);
        }
        for holder in holders {
            let given = self.path.of(holder).and_then(Value::as_str);
            let given = given.ok_or(Refused::MissingHeader)?;
            if !is_one_of(given, secrets) {
                return Err(Refused::BadSignature);
            }
        }
        Ok(None)
    }
}

/// Whether it is one of the secrets. All are compared, so that the time tells nothing.
fn is_one_of(given: &str, secrets: &[&str]) -> bool {
    let equal = |secret: &&str| same(secret.as_bytes(), given.as_bytes());
    secrets.iter().filter(|secret| equal(secret)).count() > 0
}

/// Compares in a time that depends on neither: by their HMACs under one key.
pub(crate) fn same(secret: &[u8], given: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, secret);
    hmac::verify(&key, given, tag.as_ref()).is_ok()
}
