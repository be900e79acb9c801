//! `auth`: how a connection proves who it is. One variant per kind.

use http::HeaderName;

use crate::manifest::http::{HostPattern, read_header_name, read_host};
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::scope::Names;
use crate::template::Template;

/// A way of authorising calls that a connection can choose.
#[derive(Debug)]
pub(crate) struct NamedAuth {
    /// What the connection's parameter `auth` says to choose it.
    pub(crate) id: String,
    pub(crate) auth: Auth,
}

/// How calls are authorised.
#[derive(Debug)]
pub(crate) enum Auth {
    /// An administrator's consent: OAuth 2.0 authorization code.
    OauthCode(Box<OauthCode>),
    /// The client's own credentials get a token. Source: RFC 6749 section 4.4.
    ClientCredentials(Box<TokenEndpoint>),
    /// A signed statement about a user gets a token. Source: RFC 7523 section 2.1.
    JwtBearer(Box<JwtBearer>),
    /// A statement of an app about itself gets a token for one of its installations (GitHub).
    GithubApp(Box<GithubApp>),
    /// The connection's secret itself, in a header.
    ApiKey { header: HeaderName, prefix: String },
    /// A user's name and the connection's secret. Source: RFC 7617.
    Basic { user: Template },
    /// The service is never called.
    None,
}

impl Auth {
    /// The kind's word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Auth::OauthCode(_) => "oauth2_code",
            Auth::ClientCredentials(_) => "client_credentials",
            Auth::JwtBearer(_) => "jwt_bearer",
            Auth::GithubApp(_) => "github_app",
            Auth::ApiKey { .. } => "api_key",
            Auth::Basic { .. } => "basic",
            Auth::None => "none",
        }
    }

    /// Where tokens come from, if they come from somewhere.
    pub(crate) fn endpoint(&self) -> Option<&TokenEndpoint> {
        match self {
            Auth::OauthCode(code) => Some(&code.endpoint),
            Auth::ClientCredentials(endpoint) => Some(endpoint),
            Auth::JwtBearer(bearer) => Some(&bearer.endpoint),
            Auth::GithubApp(app) => Some(&app.endpoint),
            Auth::ApiKey { .. } | Auth::Basic { .. } | Auth::None => None,
        }
    }

    /// Every template in it.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        let mut all = Vec::new();
        if let Some(endpoint) = self.endpoint() {
            all.push(&endpoint.token);
            all.extend(&endpoint.revoke);
            all.extend(endpoint.token_extra.iter().map(|(_, value)| value));
            all.extend(&endpoint.scopes);
            all.extend(endpoint.audiences.iter().flat_map(|of| &of.scopes));
            if let ClientAuth::PrivateKeyJwt(key) = &endpoint.client {
                all.extend(key.0.iter().map(|(_, value)| value));
            }
        }
        match self {
            Auth::OauthCode(code) => {
                all.push(&code.authorize);
                all.extend(code.authorize_extra.iter().map(|(_, value)| value));
            }
            Auth::JwtBearer(bearer) => {
                all.push(&bearer.issuer);
                all.extend(&bearer.subject);
                all.extend(bearer.key.0.iter().map(|(_, value)| value));
            }
            Auth::GithubApp(app) => all.push(&app.issuer),
            Auth::Basic { user } => all.push(user),
            Auth::ClientCredentials(_) | Auth::ApiKey { .. } | Auth::None => {}
        }
        all
    }
}

/// OAuth 2.0 with a code. Source: RFC 6749 section 4.1, RFC 7636 (PKCE), RFC 7009 (revocation).
#[derive(Debug)]
pub(crate) struct OauthCode {
    pub(crate) endpoint: TokenEndpoint,
    pub(crate) authorize: Template,
    pub(crate) pkce: bool,
    pub(crate) authorize_extra: Vec<(String, Template)>,
}

/// Where tokens come from.
#[derive(Debug)]
pub(crate) struct TokenEndpoint {
    pub(crate) token: Template,
    pub(crate) revoke: Option<Template>,
    pub(crate) scopes: Vec<Template>,
    /// Other scopes, and so another token, for some hosts.
    pub(crate) audiences: Vec<Audience>,
    pub(crate) client: ClientAuth,
    pub(crate) token_extra: Vec<(String, Template)>,
    /// Error words of the token endpoint that mean: the grant is dead.
    pub(crate) dead: Vec<String>,
    /// Where the token endpoint's answer names the tenant: the first that is there.
    pub(crate) tenant_id: Vec<Pointer>,
    /// Where in its answer the tokens are; without, or where they are not, at its top.
    pub(crate) answer: Vec<Pointer>,
}

/// Hosts that take a token of their own.
#[derive(Debug)]
pub(crate) struct Audience {
    pub(crate) hosts: Vec<HostPattern>,
    pub(crate) scopes: Vec<Template>,
}

impl TokenEndpoint {
    /// Which token a host takes; none for the one that all others take.
    pub(crate) fn audience_of(&self, host: &str, port: u16) -> Option<usize> {
        let covers = |of: &Audience| of.hosts.iter().any(|known| known.covers(host, port, None));
        self.audiences.iter().position(covers)
    }

    /// What that token is for.
    pub(crate) fn scopes_of(&self, audience: Option<usize>) -> &[Template] {
        let other = audience.and_then(|index| self.audiences.get(index));
        other.map_or(&self.scopes, |other| &other.scopes)
    }
}

/// How the client proves itself there.
#[derive(Debug)]
pub(crate) enum ClientAuth {
    /// Its secret, by HTTP Basic.
    Basic,
    /// Its secret, in the form.
    Body,
    /// A statement signed with its private key. Source: RFC 7523 section 2.2.
    PrivateKeyJwt(KeyNames),
    /// Not at all: the statement that is exchanged proves it.
    Nothing,
}

/// Header parameters of a signed statement that name its key: `kid`, `x5t`.
#[derive(Debug)]
pub(crate) struct KeyNames(pub(crate) Vec<(&'static str, Template)>);

/// A signed statement that the client acts for a user.
#[derive(Debug)]
pub(crate) struct JwtBearer {
    pub(crate) endpoint: TokenEndpoint,
    pub(crate) key: KeyNames,
    pub(crate) issuer: Template,
    /// Whom the token is for; absent: the client itself.
    pub(crate) subject: Option<Template>,
}

/// An app that is installed in an organisation.
#[derive(Debug)]
pub(crate) struct GithubApp {
    pub(crate) endpoint: TokenEndpoint,
    pub(crate) issuer: Template,
}

/// Reads one way, or a list of ways, each with an `id`; the first is the one when nothing is chosen.
pub(crate) fn read_all(node: &Node<'_>) -> Option<Vec<NamedAuth>> {
    let many = node.is_list();
    let all = node.each(|node| {
        let auth = read(node)?;
        let id = match node.fields()?.maybe_quietly("id") {
            Some(id) => id,
            None if many => return node.wrong("`id` is missing: what a connection chooses it by"),
            None => auth.word().to_owned(),
        };
        Some(NamedAuth { id, auth })
    })?;
    let is_double =
        |(index, named): (usize, &NamedAuth)| all[..index].iter().any(|other| other.id == named.id);
    if all.is_empty() || all.iter().enumerate().any(is_double) {
        return node.wrong("there must be one way at least, and each has an `id` of its own");
    }
    Some(all)
}

fn read(node: &Node<'_>) -> Option<Auth> {
    let fields = node.fields()?;
    fields.get("id");
    fields.of_kind(&[
        ("oauth2_code", read_oauth_code),
        ("client_credentials", read_client_credentials),
        ("jwt_bearer", read_jwt_bearer),
        ("github_app", read_github_app),
        ("api_key", read_api_key),
        ("basic", read_basic),
        ("none", |_| Some(Auth::None)),
    ])
}

fn template(node: &Node<'_>) -> Option<Template> {
    read_template(node, &Names::CONNECTION)
}

fn pairs(node: &Node<'_>) -> Option<Vec<(String, Template)>> {
    read_pairs(node, &Names::CONNECTION)
}

fn url(node: &Node<'_>) -> Option<Template> {
    let url = template(node)?;
    if !url.prefix().starts_with("https://") && !url.starts_with_base() {
        return node.wrong("must start with `https://` or `{base_url}`");
    }
    Some(url)
}

fn read_oauth_code(fields: &Fields<'_>) -> Option<Auth> {
    let authorize = fields.require("authorize").and_then(|node| url(&node));
    let client = fields.read("client_auth", ClientAuth::Basic, |node| {
        Some(match node.word(&[("basic", true), ("body", false)])? {
            true => ClientAuth::Basic,
            false => ClientAuth::Body,
        })
    });
    let endpoint = read_endpoint(fields, client);
    let pkce = fields.read("pkce", true, |node| {
        node.word(&[("S256", true), ("none", false)])
    });
    let authorize_extra = fields.read("authorize_extra", Vec::new(), pairs);
    Some(Auth::OauthCode(Box::new(OauthCode {
        endpoint: endpoint?,
        authorize: authorize?,
        pkce: pkce?,
        authorize_extra: authorize_extra?,
    })))
}

fn read_endpoint(fields: &Fields<'_>, client: Option<ClientAuth>) -> Option<TokenEndpoint> {
    let token = fields.require("token").and_then(|node| url(&node));
    let revoke = fields.maybe("revoke", url);
    let scopes = fields.read("scopes", Vec::new(), |node| node.each(template));
    let audiences = fields.read("audiences", Vec::new(), |node| node.each(read_audience));
    let answer = fields.read("answer", Vec::new(), |node| {
        node.each(|node| node.take(Pointer::parse(&node.text()?)))
    });
    let token_extra = fields.read("token_extra", Vec::new(), pairs);
    let dead = fields.read("dead", vec!["invalid_grant".to_owned()], |node| {
        node.each(Node::text)
    });
    let tenant_id = fields.read("tenant_id", Vec::new(), |node| node.each(read_key));
    Some(TokenEndpoint {
        token: token?,
        revoke: revoke?,
        scopes: scopes?,
        client: client?,
        token_extra: token_extra?,
        dead: dead?,
        tenant_id: tenant_id?,
        audiences: audiences?,
        answer: answer?,
    })
}

fn read_audience(node: &Node<'_>) -> Option<Audience> {
    let fields = node.fields()?;
    let hosts = fields.require("hosts");
    let hosts = hosts.and_then(|node| node.each(read_host));
    let scopes = fields.require("scopes");
    let scopes = scopes.and_then(|node| node.each(template));
    Some(Audience {
        hosts: hosts?,
        scopes: scopes?,
    })
}

/// A path, or a key at the top.
fn read_key(node: &Node<'_>) -> Option<Pointer> {
    let text = node.text()?;
    let path = match text.starts_with('/') {
        true => text,
        false => format!("/{}", text.replace('~', "~0").replace('/', "~1")),
    };
    node.take(Pointer::parse(&path))
}

fn read_client_credentials(fields: &Fields<'_>) -> Option<Auth> {
    let words = [("basic", 0), ("body", 1), ("private_key_jwt", 2)];
    let client = match fields.read("client_auth", 0, |node| node.word(&words))? {
        0 => Some(ClientAuth::Basic),
        1 => Some(ClientAuth::Body),
        _ => read_key_names(fields).map(ClientAuth::PrivateKeyJwt),
    };
    read_endpoint(fields, client).map(|endpoint| Auth::ClientCredentials(Box::new(endpoint)))
}

fn read_jwt_bearer(fields: &Fields<'_>) -> Option<Auth> {
    let endpoint = read_endpoint(fields, Some(ClientAuth::Nothing));
    let key = read_key_names(fields);
    let issuer = read_issuer(fields);
    let subject = fields.maybe("subject", template);
    Some(Auth::JwtBearer(Box::new(JwtBearer {
        endpoint: endpoint?,
        key: key?,
        issuer: issuer?,
        subject: subject?,
    })))
}

fn read_issuer(fields: &Fields<'_>) -> Option<Template> {
    match fields.get("issuer") {
        Some(node) => template(&node),
        None => Template::parse("{connection.client_id}", &Names::CONNECTION).ok(),
    }
}

fn read_github_app(fields: &Fields<'_>) -> Option<Auth> {
    let endpoint = read_endpoint(fields, Some(ClientAuth::Nothing));
    let issuer = read_issuer(fields);
    Some(Auth::GithubApp(Box::new(GithubApp {
        endpoint: endpoint?,
        issuer: issuer?,
    })))
}

fn read_key_names(fields: &Fields<'_>) -> Option<KeyNames> {
    let kid = fields.maybe("kid", template)?.map(|value| ("kid", value));
    let x5t = fields.maybe("x5t", template)?.map(|value| ("x5t", value));
    Some(KeyNames(kid.into_iter().chain(x5t).collect()))
}

fn read_api_key(fields: &Fields<'_>) -> Option<Auth> {
    let header = fields.require("header");
    let header = header.and_then(|node| read_header_name(&node));
    let prefix = fields.read("prefix", String::new(), Node::text);
    Some(Auth::ApiKey {
        header: header?,
        prefix: prefix?,
    })
}

fn read_basic(fields: &Fields<'_>) -> Option<Auth> {
    let user = fields.require("user").and_then(|node| template(&node));
    Some(Auth::Basic { user: user? })
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
