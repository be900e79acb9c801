//! Checks a whole policy before it is saved, so that no policy silently does nothing.
//!
//! Every mistake is reported at once, each with the part of the document that it is in.

use event_model::{PolicyDocument, Response, ResponseKind, TriggerAction};

use crate::checker::check as check_rule;
use crate::mistake::{Fault, MISTAKES_MAX, Mistake, MistakeCode, mistakes, nearest};
use crate::notification;

mod particulars;
mod safeguards;

/// Longest e-mail address, in bytes. Source: RFC 5321, section 4.5.3.1.3, without the brackets.
const ADDRESS_BYTES_MAX: usize = 254;
/// Most addresses of one response.
const ADDRESSES_MAX: usize = 100;
/// Words that stand for an address of the activity.
const ADDRESS_WORDS: [&str; 2] = ["actor", "owner"];

/// Every mistake of a policy document; none when it can be saved.
///
/// `known_detectors` are the names, groups included, that a rule can ask for. `capabilities` says
/// why a response cannot be carried out on the connections of the trigger; none when it can.
pub fn check(
    document: &PolicyDocument,
    known_detectors: &[&str],
    capabilities: impl Fn(ResponseKind) -> Option<String>,
) -> Vec<Mistake> {
    let mut found = Vec::new();
    name(&document.name, &mut found);
    if document.trigger.actions.is_empty() {
        found.push(mistake(
            "/trigger/actions",
            MistakeCode::Missing,
            "the policy watches no action",
        ));
    }
    found.extend(rule(document, known_detectors));
    if let Some(text) = &document.notification {
        let wrong = notification::check(text).into_iter();
        found.extend(wrong.map(|wrong| mistake("/notification", MistakeCode::Malformed, wrong)));
        found.extend(unseen(document));
    }
    responses(document, capabilities, &mut found);
    found.extend(safeguards::check(document));
    found.truncate(MISTAKES_MAX);
    found
}

/// The detectors and groups that a policy's rule names, in the order of naming.
pub fn detectors(document: &PolicyDocument) -> Vec<String> {
    let checked = check_rule(&document.rule, &document.trigger.actions, document.effect);
    checked
        .detectors
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

/// Whether a policy's rule reads labels of the object.
pub fn reads_labels(document: &PolicyDocument) -> bool {
    check_rule(&document.rule, &document.trigger.actions, document.effect).reads_labels
}

/// Every mistake of one response by itself, each with the part of it that it is in.
pub fn check_response(response: &Response) -> Vec<Mistake> {
    let mut found = Vec::new();
    parameters(response, "", &mut found);
    found
}

/// A message that nobody would ever see: a login shows none, and it is sent to nobody.
fn unseen(document: &PolicyDocument) -> Option<Mistake> {
    let actions = &document.trigger.actions;
    let mut kinds = document.responses.iter().map(|response| response.kind);
    let shown = actions.iter().any(|action| *action != TriggerAction::Login);
    if shown || actions.is_empty() || kinds.any(|kind| kind == ResponseKind::Notify) {
        return None;
    }
    let message = "a login shows no message, and the policy watches nothing else";
    let mut wrong = mistake("/notification", MistakeCode::NotAvailable, message);
    wrong.hint = Some("leave it out".to_owned());
    Some(wrong)
}

fn mistake(field: &str, code: MistakeCode, message: impl Into<String>) -> Mistake {
    Mistake {
        field: field.to_owned(),
        position: None,
        code,
        message: message.into(),
        hint: None,
    }
}

fn name(name: &str, found: &mut Vec<Mistake>) {
    let max = PolicyDocument::NAME_BYTES_MAX;
    if name.trim().is_empty() {
        found.push(mistake(
            "/name",
            MistakeCode::Missing,
            "the policy has no name",
        ));
    }
    if name.len() > max {
        let message = format!("the name has {} bytes; it may have {max}", name.len());
        found.push(mistake("/name", MistakeCode::TooLarge, message));
    }
    if name.contains(char::is_control) {
        found.push(mistake(
            "/name",
            MistakeCode::Malformed,
            "the name has control characters",
        ));
    }
}

fn rule(document: &PolicyDocument, known_detectors: &[&str]) -> Vec<Mistake> {
    let mut checked = check_rule(&document.rule, &document.trigger.actions, document.effect);
    for (detector, span) in &checked.detectors {
        if known_detectors.contains(&detector.as_str()) {
            continue;
        }
        let shown = crate::token::cut(detector);
        let message = format!("there is no detector `{shown}`");
        let worth = checked.faults.len() < MISTAKES_MAX;
        let near = nearest(detector, known_detectors.iter().copied().filter(|_| worth));
        let fault = Fault::new(*span, MistakeCode::UnknownDetector, message);
        checked.faults.push(match near {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault,
        });
    }
    mistakes(checked.faults, &document.rule)
}

fn responses(
    document: &PolicyDocument,
    capabilities: impl Fn(ResponseKind) -> Option<String>,
    found: &mut Vec<Mistake>,
) {
    let (given, max) = (document.responses.len(), PolicyDocument::RESPONSES_MAX);
    if given > max {
        let message = format!("the policy has {given} responses; it may have {max}");
        found.push(mistake("/responses", MistakeCode::TooLarge, message));
    }
    for (index, response) in document.responses.iter().take(max).enumerate() {
        let at = format!("/responses/{index}");
        parameters(response, &at, found);
        if response.kind == ResponseKind::Incident {
            continue;
        }
        if let Some(why) = without_object(response.kind, &document.trigger.actions) {
            found.push(mistake(&at, MistakeCode::CannotRespond, why));
        }
        if let Some(why) = capabilities(response.kind) {
            let message = format!("`{}` cannot be done: {why}", response.kind);
            found.push(mistake(&at, MistakeCode::CannotRespond, message));
        }
    }
}

/// A login and an administrative activity have no content that a response could act upon; they have
/// users.
fn without_object(kind: ResponseKind, actions: &[TriggerAction]) -> Option<String> {
    let needs_object =
        !matches!(kind, ResponseKind::Incident | ResponseKind::Notify) && !kind.is_about_user();
    let objectless = [TriggerAction::Login, TriggerAction::Admin];
    let action = actions.iter().find(|action| objectless.contains(action))?;
    needs_object.then(|| format!("`{kind}` cannot be done for {action}: it acts on no content"))
}

fn parameters(response: &Response, at: &str, found: &mut Vec<Mistake>) {
    let kind = response.kind;
    if kind == ResponseKind::Notify {
        recipients(response, at, found);
    } else if !response.to.is_empty() {
        let message = format!("`{kind}` tells no one: `to` belongs to `notify`");
        found.push(mistake(
            &format!("{at}/to"),
            MistakeCode::Malformed,
            message,
        ));
    }
    for wrong in particulars::check(response) {
        let field = format!("{at}/{}", wrong.field);
        found.push(mistake(&field, wrong.code, wrong.message));
    }
}

fn recipients(response: &Response, at: &str, found: &mut Vec<Mistake>) {
    let field = format!("{at}/to");
    if response.to.is_empty() {
        found.push(mistake(
            &field,
            MistakeCode::Missing,
            "`notify` has no one to tell",
        ));
    }
    if response.to.len() > ADDRESSES_MAX {
        let message = format!(
            "{} addresses; there may be {ADDRESSES_MAX}",
            response.to.len()
        );
        found.push(mistake(&field, MistakeCode::TooLarge, message));
    }
    for (index, address) in response.to.iter().take(ADDRESSES_MAX).enumerate() {
        if ADDRESS_WORDS.contains(&address.as_str()) || is_address(address) {
            continue;
        }
        let message = format!("`{}` is not an e-mail address", crate::token::cut(address));
        let mut wrong = mistake(&format!("{field}/{index}"), MistakeCode::Malformed, message);
        wrong.hint = Some("an address, or one of the words `actor` and `owner`".to_owned());
        found.push(wrong);
    }
}

/// Whether it can be written on an envelope: one `@`, a dotted or local host, no spaces or brackets.
pub(crate) fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    let in_local = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let in_domain = |c: char| c.is_alphanumeric() || c == '-';
    address.len() <= ADDRESS_BYTES_MAX
        && !local.is_empty()
        && local.chars().all(in_local)
        && domain
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(in_domain))
}
