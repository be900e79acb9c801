//! `http`: where calls may go, how the service says "slow down", how much it allows.

use std::time::Duration;

use http::HeaderName;

use crate::condition::Condition;
use crate::manifest::auth::{read_pairs, read_template};
use crate::node::Node;
use crate::scope::Names;
use crate::template::Template;

/// How the service is called.
#[derive(Debug)]
pub(crate) struct Http {
    /// What relative addresses are relative to.
    pub(crate) base: Template,
    /// Where the bearer token may go.
    pub(crate) hosts: Vec<HostPattern>,
    /// Sent with every call.
    pub(crate) headers: Vec<(HeaderName, Template)>,
    pub(crate) throttle: Vec<Throttled>,
    pub(crate) budget: Option<Budget>,
    /// Answers under a success that mean: this token is not taken.
    pub(crate) dead: Vec<Condition>,
    /// What names the account that budget and pauses are of; absent: the connection has its own.
    pub(crate) account: Option<Template>,
}

/// A host that calls may go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostPattern {
    /// The host and port of the connection's base URL.
    Base,
    /// Exactly this one, on a port.
    Exact(String, u16),
    /// All below this one, on the default port: of `*.example.com` it is `.example.com`.
    Below(String),
}

impl HostPattern {
    /// Whether a lower-case host and its port are meant; `base` is the base URL's own.
    pub(crate) fn covers(&self, host: &str, port: u16, base: Option<(&str, u16)>) -> bool {
        match self {
            HostPattern::Base => base == Some((host, port)),
            HostPattern::Exact(listed, listed_port) => listed == host && *listed_port == port,
            HostPattern::Below(suffix) => port == HTTPS_PORT && host.ends_with(suffix.as_str()),
        }
    }
}

const HTTPS_PORT: u16 = 443;

/// A signal that means "too many requests".
#[derive(Debug, Clone)]
pub(crate) struct Throttled {
    pub(crate) status: u16,
    /// Only with this header, starting with this text.
    pub(crate) header: Option<(HeaderName, String)>,
    /// Only if this holds of the answer's body.
    pub(crate) when: Option<Condition>,
    pub(crate) wait: Wait,
    /// When the service does not say how long.
    pub(crate) otherwise: Duration,
    /// Whether that doubles while it is not enough.
    pub(crate) grows: bool,
}

/// Where the service says how long to wait.
#[derive(Debug, Clone)]
pub(crate) enum Wait {
    /// `Retry-After` and headers like it: seconds or an HTTP date.
    RetryAfter(HeaderName),
    /// The moment, in seconds since 1970.
    EpochSeconds(HeaderName),
}

/// How many requests a connection may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) requests: u32,
    pub(crate) per: Duration,
}

pub(crate) fn read(node: &Node<'_>) -> Option<Http> {
    let fields = node.fields()?;
    let base = fields.require("base").and_then(|node| {
        let base = read_template(&node, &Names::CONNECTION)?;
        if !base.prefix().starts_with("https://") && !base.starts_with_base() {
            return node.wrong("must start with `https://` or be `{base_url}`");
        }
        Some(base)
    });
    let hosts = fields
        .require("hosts")
        .and_then(|node| node.each(read_host));
    let headers = fields.read("headers", Vec::new(), |node| {
        read_headers(node, &Names::CONNECTION)
    });
    let throttle = fields.read("throttle", default_throttle(), |node| {
        node.each(read_throttled)
    });
    let budget = fields.maybe("budget", read_budget);
    let dead = fields.read("dead", Vec::new(), |node| {
        node.each(|node| Condition::read(node, &Names::STEP))
    });
    let account = fields.maybe("account", |node| read_template(node, &Names::CONNECTION));
    Some(Http {
        base: base?,
        hosts: hosts?,
        headers: headers?,
        throttle: throttle?,
        budget: budget?,
        dead: dead?,
        account: account?,
    })
}

pub(crate) fn read_host(node: &Node<'_>) -> Option<HostPattern> {
    let text = node.text()?.to_lowercase();
    if text == "{base_url}" {
        return Some(HostPattern::Base);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok()),
        None => (text.as_str(), Some(HTTPS_PORT)),
    };
    let plain = |host: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        host.contains('.') && host.bytes().all(allowed) && !host.starts_with('.')
    };
    match (host.strip_prefix("*."), port) {
        (Some(parent), Some(HTTPS_PORT)) if plain(parent) => {
            Some(HostPattern::Below(format!(".{parent}")))
        }
        (None, Some(port)) if plain(host) => Some(HostPattern::Exact(host.to_owned(), port)),
        _ => node.wrong(format!(
            "`{text}` is not a host: write `api.example.com`, `*.example.com` or `{{base_url}}`, without `https://`"
        )),
    }
}

pub(crate) fn read_header_name(node: &Node<'_>) -> Option<HeaderName> {
    let text = node.text()?;
    node.take(
        text.parse()
            .map_err(|_| format!("`{text}` is not a header's name")),
    )
}

pub(crate) fn read_headers(node: &Node<'_>, names: &Names) -> Option<Vec<(HeaderName, Template)>> {
    let pairs = read_pairs(node, names)?.into_iter().map(|(name, value)| {
        let header: Result<HeaderName, _> = name.parse();
        match header {
            Ok(header) if header == http::header::AUTHORIZATION => {
                node.wrong("the token is added by Tidegate: `authorization` cannot be written here")
            }
            Ok(header) => Some((header, value)),
            Err(_) => node.wrong(format!("`{name}` is not a header's name")),
        }
    });
    pairs.collect()
}

const DEFAULT_WAIT: Duration = Duration::from_secs(30);

fn default_throttle() -> Vec<Throttled> {
    vec![Throttled {
        status: 429,
        header: None,
        when: None,
        wait: Wait::RetryAfter(http::header::RETRY_AFTER),
        otherwise: DEFAULT_WAIT,
        grows: false,
    }]
}

fn read_throttled(node: &Node<'_>) -> Option<Throttled> {
    let fields = node.fields()?;
    let status = fields
        .require("status")
        .and_then(|node| node.integer(200, 599));
    let when = fields.maybe("when", |node| Condition::read(node, &Names::STEP));
    let grows = fields.read("grows", false, Node::boolean);
    let header = fields.maybe("header", |node| {
        let entries = node.entries()?;
        let [(name, value)] = &entries[..] else {
            return node.wrong("must be one header with the start of its value");
        };
        let header = node.take(
            name.parse()
                .map_err(|_| format!("`{name}` is not a header's name")),
        );
        Some((header?, value.text()?))
    });
    let retry_after = fields.maybe("wait_header", read_header_name);
    let epoch = fields.maybe("wait_until_header", read_header_name);
    let otherwise = fields.read("otherwise", DEFAULT_WAIT, Node::duration);
    let wait = match (retry_after?, epoch?) {
        (_, Some(header)) => Wait::EpochSeconds(header),
        (header, None) => Wait::RetryAfter(header.unwrap_or(http::header::RETRY_AFTER)),
    };
    let (status, when) = (u16::try_from(status?).ok()?, when?);
    if status < 400 && when.is_none() {
        return node.wrong("a success means \"too many\" only together with `when`");
    }
    Some(Throttled {
        status,
        header: header?,
        when,
        wait,
        otherwise: otherwise?,
        grows: grows?,
    })
}

fn read_budget(node: &Node<'_>) -> Option<Budget> {
    let fields = node.fields()?;
    let requests = fields
        .require("requests")
        .and_then(|node| node.integer(1, 1_000_000));
    let per = fields.require("per").and_then(|node| node.duration());
    let per = match per {
        Some(per) if per.is_zero() => return node.wrong("`per` must be longer than nothing"),
        per => per?,
    };
    Some(Budget {
        requests: u32::try_from(requests?).ok()?,
        per,
    })
}
