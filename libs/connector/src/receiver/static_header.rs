//! A secret that is sent along as it is. It proves the sender, but neither the body nor its age.

use ring::hmac;

use crate::manifest::http::read_header_name;
use crate::node::{Fields, Node};
use crate::receiver::scheme::bounded_id;
use crate::receiver::{Delivery, Refused};

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
        if !secrets
            .iter()
            .any(|secret| same(secret.as_bytes(), given.as_bytes()))
        {
            return Err(Refused::BadSignature);
        }
        let id = self.delivery_id.as_deref();
        let id = id.map(|name| delivery.header(name).ok_or(Refused::MissingHeader));
        id.transpose()?.map(bounded_id).transpose()
    }
}

/// Compares in a time that depends on neither: by their HMACs under one key.
fn same(secret: &[u8], given: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, secret);
    hmac::verify(&key, given, tag.as_ref()).is_ok()
}
