//! `push`: how a webhook is registered, proved and read.

use std::time::Duration;

use http::{HeaderName, header};

use crate::manifest::http::read_header_name;
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::receiver::handshake::{self, Handshake};
use crate::receiver::scheme::{self, Scheme};

pub(crate) mod notice;
pub(crate) mod registration;

use notice::NoticeRule;
pub(crate) use registration::RegistrationSteps;

/// How a service delivers.
#[derive(Debug)]
pub(crate) struct Push {
    /// How it is registered and looked after; absent: an administrator does it by hand.
    pub(crate) registration: Option<RegistrationSteps>,
    /// Whether a delivery says only that there is something new, to be pulled.
    pub(crate) thin: bool,
    pub(crate) handshakes: Vec<Handshake>,
    pub(crate) scheme: Scheme,
    /// Whether deliveries are verified with the OAuth client's own secret.
    pub(crate) client_secret: bool,
    /// Whether somebody who learned the secret could forge a delivery.
    pub(crate) low_assurance: bool,
    pub(crate) lifecycle: Vec<NoticeRule>,
    /// Where a delivery has its event, or its list of events.
    pub(crate) events: Pointer,
    /// Headers that the mapping can read; with them each event comes in an envelope.
    pub(crate) headers: Vec<HeaderName>,
    pub(crate) accepted: Accepted,
    pub(crate) body_bytes_max: usize,
    pub(crate) reconcile: Reconcile,
}

/// What the service wants to hear.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted {
    /// When a delivery is taken.
    pub(crate) events: u16,
    /// When it held nothing but notices about the webhook itself.
    pub(crate) notices: u16,
}

/// What closes the gaps of deliveries.
#[derive(Debug)]
pub(crate) enum Reconcile {
    /// A pull stream, asked this often.
    Pull { stream: String, every: Duration },
    /// Nothing, and why.
    Nothing,
}

/// A word of `mode`: what it stands for is checked against the other keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Tenant,
    Scoped,
    Manual,
    Thin,
}

const MODES: [(&str, Mode); 4] = [
    ("tenant", Mode::Tenant),
    ("scoped", Mode::Scoped),
    ("manual", Mode::Manual),
    ("thin", Mode::Thin),
];

/// Largest delivery when the manifest does not say, in bytes.
const DEFAULT_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Reconciled this often when the manifest does not say.
pub(crate) const DEFAULT_RECONCILE: Duration = Duration::from_secs(600);

pub(crate) fn read(node: &Node<'_>) -> Option<Push> {
    let fields = node.fields()?;
    let registration = registration::read(node, &fields);
    let modes = fields.read("mode", Vec::new(), |node| {
        node.each(|node| node.word(&MODES))
    });
    let handshakes = fields.read("handshake", Vec::new(), |node| node.each(handshake::read));
    let scheme = fields
        .require("verify")
        .and_then(|node| scheme::read(&node));
    let client_secret = fields.read("secret", false, |node| {
        node.word(&[("client", true), ("given", false)])
    });
    let low = fields.read("assurance", false, |node| {
        node.word(&[("low", true), ("signed", false)])
    });
    let lifecycle = fields.read("lifecycle", Vec::new(), |node| node.each(notice::read));
    let events = fields.read("events", Pointer::whole(), |node| {
        node.take(Pointer::parse(&node.text()?))
    });
    let headers = fields.read("headers", Vec::new(), |node| node.each(read_kept_header));
    let accepted = read_accepted(&fields);
    let body_bytes_max = fields.read("body_max", DEFAULT_BODY_BYTES_MAX, Node::size);
    let reconcile = match fields.get("reconcile") {
        Some(node) => read_reconcile(&node),
        None => node.wrong_with(
            "`reconcile` is missing: services lose deliveries",
            Some("write `reconcile: {pull: <stream>, every: 10m}`, or `{nothing: <why>}`".into()),
        ),
    };
    let (scheme, low) = (scheme?, low?);
    if fields.get("assurance").is_some() && !low && scheme.is_low() {
        return node.wrong("`verify` proves the sender only: its `assurance` is `low`");
    }
    let push = Push {
        registration: registration?,
        thin: modes.as_ref()?.contains(&Mode::Thin),
        handshakes: handshakes?,
        low_assurance: low || scheme.is_low(),
        scheme,
        client_secret: client_secret?,
        lifecycle: lifecycle?,
        events: events?,
        headers: headers?,
        accepted: accepted?,
        body_bytes_max: body_bytes_max?,
        reconcile: reconcile?,
    };
    push.fits(&modes?, node)?;
    Some(push)
}

impl Push {
    /// Whether the words of `mode` say what the other keys say.
    fn fits(&self, modes: &[Mode], node: &Node<'_>) -> Option<()> {
        let steps = self.registration.as_ref();
        let scoped = steps.is_some_and(|steps| steps.each.is_some());
        for mode in modes {
            match mode {
                Mode::Scoped if !scoped => return node.wrong("`scoped` needs `for_each`"),
                Mode::Tenant if scoped => {
                    return node.wrong("`for_each` registers by object: `mode: scoped`");
                }
                Mode::Tenant if steps.is_none() => return node.wrong("`tenant` needs `register`"),
                Mode::Manual if steps.is_some() => {
                    return node.wrong("`manual` and `register` do not go together");
                }
                _ => {}
            }
        }
        if self.thin && matches!(self.reconcile, Reconcile::Nothing) {
            return node.wrong("`thin` deliveries carry nothing: `reconcile` must name a stream");
        }
        if self.client_secret && steps.is_some_and(RegistrationSteps::makes_secret) {
            return node.wrong("`secret: client` and `{webhook.secret}` do not go together");
        }
        Some(())
    }
}

/// One status for all, or one by kind.
fn read_accepted(fields: &Fields<'_>) -> Option<Accepted> {
    let status = |node: &Node<'_>| u16::try_from(node.integer(200, 299)?).ok();
    let default = Accepted {
        events: 202,
        notices: 202,
    };
    fields.read("accept", default, |node| {
        if !node.is_mapping() {
            let all = status(node)?;
            return Some(Accepted {
                events: all,
                notices: all,
            });
        }
        let fields = node.fields()?;
        let events = fields.read("events", default.events, status);
        let notices = fields.read("notices", default.notices, status);
        Some(Accepted {
            events: events?,
            notices: notices?,
        })
    })
}

/// What is kept with an event is stored and shown: not what proves a sender.
fn read_kept_header(node: &Node<'_>) -> Option<HeaderName> {
    let name = read_header_name(node)?;
    if matches!(name, header::AUTHORIZATION | header::COOKIE) {
        return node.wrong(format!("`{name}` holds a secret and is not kept"));
    }
    Some(name)
}

fn read_reconcile(node: &Node<'_>) -> Option<Reconcile> {
    let fields = node.fields()?;
    let stream = fields.maybe("pull", Node::text);
    let nothing = fields.maybe("nothing", Node::text);
    let every = fields.read("every", DEFAULT_RECONCILE, Node::duration);
    match (stream?, nothing?) {
        (Some(stream), None) => Some(Reconcile::Pull {
            stream,
            every: every?,
        }),
        (None, Some(_)) => Some(Reconcile::Nothing),
        _ => node.wrong("either `pull` with a stream's name, or `nothing` with the reason"),
    }
}
