//! `auth`: how a connection proves who it is. One variant per kind.

use crate::node::{Fields, Node};
use crate::scope::Names;
use crate::template::Template;

/// How calls are authorised.
#[derive(Debug)]
pub(crate) enum Auth {
    /// An administrator's consent: OAuth 2.0 authorization code.
    OauthCode(Box<OauthCode>),
    /// The service is never called.
    None,
}

impl Auth {
    /// The kind's word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Auth::OauthCode(_) => "oauth2_code",
            Auth::None => "none",
        }
    }
}

/// OAuth 2.0 with a code. Source: RFC 6749 section 4.1, RFC 7636 (PKCE), RFC 7009 (revocation).
#[derive(Debug)]
pub(crate) struct OauthCode {
    pub(crate) authorize: Template,
    pub(crate) token: Template,
    pub(crate) revoke: Option<Template>,
    pub(crate) scopes: Vec<String>,
    pub(crate) pkce: bool,
    /// Whether the client's secret travels by HTTP Basic; otherwise in the form.
    pub(crate) basic: bool,
    pub(crate) authorize_extra: Vec<(String, Template)>,
    pub(crate) token_extra: Vec<(String, Template)>,
    /// Error words of the token endpoint that mean: the grant is dead.
    pub(crate) dead: Vec<String>,
    /// Where the token endpoint's answer names the tenant.
    pub(crate) tenant_id: Option<String>,
}

pub(crate) fn read(node: &Node<'_>) -> Option<Auth> {
    let fields = node.fields()?;
    fields.of_kind(&[
        ("oauth2_code", read_oauth_code),
        ("none", |_| Some(Auth::None)),
    ])
}

fn read_oauth_code(fields: &Fields<'_>) -> Option<Auth> {
    let template = |node: &Node<'_>| read_template(node, &Names::CONNECTION);
    let url = |node: &Node<'_>| {
        let url = template(node)?;
        if !url.prefix().starts_with("https://") && !url.starts_with_base() {
            return node.wrong("must start with `https://` or `{base_url}`");
        }
        Some(url)
    };
    let pairs = |node: &Node<'_>| read_pairs(node, &Names::CONNECTION);
    let authorize = fields.require("authorize").and_then(|node| url(&node));
    let token = fields.require("token").and_then(|node| url(&node));
    let revoke = fields.maybe("revoke", url);
    let scopes = fields.read("scopes", Vec::new(), |node| node.each(Node::text));
    let pkce = fields.read("pkce", true, |node| {
        node.word(&[("S256", true), ("none", false)])
    });
    let basic = fields.read("client_auth", true, |node| {
        node.word(&[("basic", true), ("body", false)])
    });
    let authorize_extra = fields.read("authorize_extra", Vec::new(), pairs);
    let token_extra = fields.read("token_extra", Vec::new(), pairs);
    let dead = fields.read("dead", vec!["invalid_grant".to_owned()], |node| {
        node.each(Node::text)
    });
    let tenant_id = fields.maybe("tenant_id", Node::text);
    Some(Auth::OauthCode(Box::new(OauthCode {
        authorize: authorize?,
        token: token?,
        revoke: revoke?,
        scopes: scopes?,
        pkce: pkce?,
        basic: basic?,
        authorize_extra: authorize_extra?,
        token_extra: token_extra?,
        dead: dead?,
        tenant_id: tenant_id?,
    })))
}

/// Reads a template.
pub(crate) fn read_template(node: &Node<'_>, names: &Names) -> Option<Template> {
    node.take(Template::parse(&node.text()?, names))
}

/// Reads a mapping from names to templates.
pub(crate) fn read_pairs(node: &Node<'_>, names: &Names) -> Option<Vec<(String, Template)>> {
    let entries = node.entries()?;
    let pairs: Vec<Option<(String, Template)>> = entries
        .into_iter()
        .map(|(name, node)| Some((name, read_template(&node, names)?)))
        .collect();
    pairs.into_iter().collect()
}
