//! `register` and what belongs to it: for which objects, until when, how it is renewed, looked after
//! and taken away.
//!
//! INVARIANT: what can be registered can be deregistered: disabled means disabled.

use std::time::Duration;

use serde_json::Value;

use crate::condition::Condition;
use crate::manifest::auth::read_template;
use crate::manifest::step::{Step, read_steps};
use crate::node::{Fields, Node};
use crate::scope::{Keep, Names, Ref, Word};
use crate::template::Template;

/// Looked at this often when the manifest does not say.
const DEFAULT_CHECK: Duration = Duration::from_secs(3_600);
/// Most objects that are registered one by one.
pub(crate) const SCOPES_MAX: usize = 1_000;

/// How a webhook is registered and looked after.
#[derive(Debug)]
pub(crate) struct RegistrationSteps {
    /// For which objects, one by one; absent: once for the whole tenant.
    pub(crate) each: Option<Each>,
    /// Keep `id`, `secret` and `expires_at` where there are such; whatever else they keep can be named later.
    pub(crate) register: Vec<Step>,
    pub(crate) deregister: Vec<Step>,
    /// How long it shall last.
    pub(crate) lasts: Option<Duration>,
    /// Renewed when so little is left of it; absent: a third of its time, at most a day.
    pub(crate) renew_before: Option<Duration>,
    /// What prolongs it; without, it is registered anew and the old one deregistered.
    pub(crate) renew: Vec<Step>,
    /// Whether the service still holds it.
    pub(crate) check: Vec<Step>,
    pub(crate) check_every: Duration,
}

/// The objects that are registered one by one.
#[derive(Debug)]
pub(crate) struct Each {
    pub(crate) objects: Objects,
    pub(crate) filter: Option<Condition>,
    /// What tells one object from another.
    pub(crate) scope: Template,
}

/// Where the objects come from.
#[derive(Debug)]
pub(crate) enum Objects {
    /// The manifest writes them out.
    Written(Vec<Value>),
    /// The service lists them.
    Listed { steps: Vec<Step>, list: Ref },
}

impl RegistrationSteps {
    /// Every step in it.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        let listing = match self.each.as_ref().map(|each| &each.objects) {
            Some(Objects::Listed { steps, .. }) => steps.as_slice(),
            Some(Objects::Written(_)) | None => &[],
        };
        let own = [&self.register, &self.deregister, &self.renew, &self.check];
        listing.iter().chain(own.into_iter().flatten())
    }

    /// Whether a later step names what the registration kept under that name.
    pub(crate) fn names_registered(&self, key: &str) -> bool {
        let later = [&self.deregister, &self.renew, &self.check];
        let names = later.into_iter().flatten().flat_map(Step::names);
        let mut kept = names.filter_map(|name| match name {
            Ref::Kept(Keep::Registration, path) => path.into_iter().next(),
            _ => None,
        });
        kept.any(|name| name == key)
    }

    /// Whether Tidegate makes up the secret that the service is told.
    pub(crate) fn makes_secret(&self) -> bool {
        self.register
            .iter()
            .any(|step| step.names().contains(&Ref::Word(Word::WebhookSecret)))
    }
}

pub(crate) fn read(node: &Node<'_>, fields: &Fields<'_>) -> Option<Option<RegistrationSteps>> {
    let steps = |node: &Node<'_>| read_steps(node, &Names::REGISTRATION);
    let each = fields.maybe("for_each", read_each);
    let register = fields.read("register", Vec::new(), steps);
    let deregister = fields.read("deregister", Vec::new(), steps);
    let lasts = fields.maybe("lasts", Node::duration);
    let renew = fields.maybe("renew", |node| read_kept_up(node, "before"));
    let check = fields.maybe("check", |node| read_kept_up(node, "every"));
    let (each, register, deregister) = (each?, register?, deregister?);
    let (lasts, renew, check) = (lasts?, renew?, check?);
    if register.is_empty() {
        let rest = [
            (!deregister.is_empty(), "deregister"),
            (each.is_some(), "for_each"),
            (lasts.is_some(), "lasts"),
            (renew.is_some(), "renew"),
            (check.is_some(), "check"),
        ];
        return match rest.iter().find(|(given, _)| *given) {
            Some((_, key)) => node.wrong(format!("`{key}` without `register`")),
            None => Some(None),
        };
    }
    if deregister.is_empty() {
        return node.wrong("`register` needs `deregister`: disabled means disabled");
    }
    if each.is_some() && register.iter().any(|step| step.captures("secret")) {
        let message = "with `for_each` the secret is `{webhook.secret}`, one for all";
        return node.wrong(message);
    }
    let (renew_before, renew) = renew.unwrap_or_default();
    let (check_every, check) = check.unwrap_or_default();
    let later = deregister.iter().chain(&renew).chain(&check);
    for name in later.flat_map(Step::names) {
        if let Ref::Kept(Keep::Registration, path) = &name
            && let Some(key) = path.first().filter(|key| *key != "scope")
            && !register.iter().any(|step| step.captures(key))
        {
            if key == "id" {
                return node.wrong("`register` must capture `id`: it is what is deregistered");
            }
            return node.wrong(format!(
                "`{name}` is used, and `register` captures no `{key}`"
            ));
        }
    }
    Some(Some(RegistrationSteps {
        each,
        register,
        deregister,
        lasts,
        renew_before,
        renew,
        check,
        check_every: check_every.unwrap_or(DEFAULT_CHECK),
    }))
}

/// A list of steps, or `steps` with a duration.
fn read_kept_up(node: &Node<'_>, key: &'static str) -> Option<(Option<Duration>, Vec<Step>)> {
    let steps = |node: &Node<'_>| read_steps(node, &Names::REGISTRATION);
    if node.is_list() {
        return Some((None, steps(node)?));
    }
    let fields = node.fields()?;
    if fields.get("steps").is_none() && fields.get(key).is_none() {
        fields.forgive();
        return Some((None, steps(node)?));
    }
    let time = fields.maybe(key, Node::duration);
    let steps = fields.read("steps", Vec::new(), steps);
    Some((time?, steps?))
}

fn read_each(node: &Node<'_>) -> Option<Each> {
    let fields = node.fields()?;
    let names = &Names::REGISTRATION;
    let values = fields.maybe("values", |node| node.each(Node::json));
    let steps = fields.read("steps", Vec::new(), |node| read_steps(node, names));
    let list = fields.maybe("list", |node| node.take(Ref::parse(&node.text()?, names)));
    let filter = fields.maybe("where", |node| Condition::read(node, names));
    let scope = match fields.get("scope") {
        Some(node) => read_template(&node, names),
        None => Template::parse("{item}", names).ok(),
    };
    let objects = match (values?, list?) {
        (Some(values), None) if values.len() <= SCOPES_MAX => Objects::Written(values),
        (None, Some(list)) => Objects::Listed {
            steps: steps?,
            list,
        },
        _ => {
            return node.wrong(format!(
                "either `values`, at most {SCOPES_MAX}, or `steps` and the `list` that they capture"
            ));
        }
    };
    Some(Each {
        objects,
        filter: filter?,
        scope: scope?,
    })
}
