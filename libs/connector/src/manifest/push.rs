//! `push`: how a webhook is registered, proved and read.

use std::time::Duration;

use http::{HeaderName, header};

use crate::manifest::http::read_header_name;
use crate::manifest::step::{Step, read_step};
use crate::node::Node;
use crate::pointer::Pointer;
use crate::receiver::handshake::{self, Handshake};
use crate::receiver::scheme::{self, Scheme};
use crate::scope::Names;

/// How a service delivers.
#[derive(Debug)]
pub(crate) struct Push {
    /// How it is registered and deregistered; absent: an administrator does both by hand.
    pub(crate) registration: Option<RegistrationSteps>,
    pub(crate) handshake: Handshake,
    pub(crate) scheme: Scheme,
    /// Where a delivery has its event, or its list of events.
    pub(crate) events: Pointer,
    /// Headers that the mapping can read; with them each event comes in an envelope.
    pub(crate) headers: Vec<HeaderName>,
    pub(crate) accepted_status: u16,
    pub(crate) body_bytes_max: usize,
    pub(crate) reconcile: Reconcile,
}

/// What closes the gaps of deliveries.
#[derive(Debug)]
pub(crate) enum Reconcile {
    /// A pull stream, asked this often.
    Pull { stream: String, every: Duration },
    /// Nothing, and why.
    Nothing,
}

/// The steps of registration. `register` keeps `id`, and `secret` and `expires_at` where there are such.
#[derive(Debug)]
pub(crate) struct RegistrationSteps {
    pub(crate) register: Step,
    pub(crate) deregister: Step,
}

/// Largest delivery when the manifest does not say, in bytes.
const DEFAULT_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Reconciled this often when the manifest does not say.
pub(crate) const DEFAULT_RECONCILE: Duration = Duration::from_secs(600);

pub(crate) fn read(node: &Node<'_>) -> Option<Push> {
    let fields = node.fields()?;
    let step = |node: &Node<'_>| {
        let fields = node.fields()?;
        read_step(&fields, &Names::REGISTRATION)
    };
    let register = fields.maybe("register", step);
    let deregister = fields.maybe("deregister", step);
    let handshake = fields.read("handshake", Handshake::None, handshake::read);
    let scheme = fields
        .require("verify")
        .and_then(|node| scheme::read(&node));
    let events = fields.read("events", Pointer::whole(), |node| {
        node.take(Pointer::parse(&node.text()?))
    });
    let headers = fields.read("headers", Vec::new(), |node| node.each(read_kept_header));
    let accepted = fields.read("accept", 202, |node| node.integer(200, 299));
    let body_bytes_max = fields.read("body_max", DEFAULT_BODY_BYTES_MAX, Node::size);
    let reconcile = match fields.get("reconcile") {
        Some(node) => read_reconcile(&node),
        None => node.wrong_with(
            "`reconcile` is missing: services lose deliveries",
            Some("write `reconcile: {pull: <stream>, every: 10m}`, or `{nothing: <why>}`".into()),
        ),
    };
    let registration = match (register?, deregister?) {
        (Some(register), Some(deregister)) => Some(RegistrationSteps {
            register,
            deregister,
        }),
        (None, None) => None,
        (Some(_), None) => {
            return node.wrong("`register` needs `deregister`: disabled means disabled");
        }
        (None, Some(_)) => return node.wrong("`deregister` without `register`"),
    };
    if let Some(steps) = &registration
        && !steps.register.capture.iter().any(|(name, _)| name == "id")
    {
        return node.wrong("`register` must capture `id`: it is what is deregistered");
    }
    Some(Push {
        registration,
        handshake: handshake?,
        scheme: scheme?,
        events: events?,
        headers: headers?,
        accepted_status: u16::try_from(accepted?).ok()?,
        body_bytes_max: body_bytes_max?,
        reconcile: reconcile?,
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
