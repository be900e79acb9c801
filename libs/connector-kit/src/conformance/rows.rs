//! The rows: what is asked of a service, and how what was found out answers it. Pure.
//!
//! Source: CASB Connect API Requirements, in the order in which it says them.

use connector::Connector;
use event_model::{Field, RemedyKind};

use super::actions::{Came, Tried};
use super::evidence::{CALLS_SHOWN_MAX, Evidence};
use super::probe::{Downloaded, Facts, Pulled, Seen};
use super::{Granted, Options, Outcome, Row};

use Outcome::{Met, NotMet, NotTestable};

/// How a row came out, why, and the calls that show it.
type Judged = (Outcome, String, Vec<Evidence>);

/// What the rows are judged by.
struct Case<'a> {
    connector: &'a Connector,
    granted: &'a Granted,
    options: &'a Options,
    facts: &'a Facts,
}

type Judge = fn(&Case<'_>) -> Judged;

const ROWS: [(&str, &str, &str, Judge); 21] = [
    (
        "S2",
        "Consent",
        "An administrator gives access by OAuth 2.0 with an authorization code.",
        consent,
    ),
    (
        "S3",
        "Events are JSON",
        "Every activity of a user is one JSON event.",
        events_are_json,
    ),
    (
        "S4",
        "Pull since a checkpoint",
        "Events that occurred since the last reading can be asked for.",
        pull_goes_on,
    ),
    (
        "S5",
        "Disabling stops the polling",
        "After API access is disabled, nothing is asked any more.",
        by_tidegate,
    ),
    (
        "S6",
        "Push by registration",
        "A webhook is registered by an API call; events are pushed as they occur.",
        push,
    ),
    (
        "S7",
        "Deregistration",
        "Disabling takes the webhook away by an API call.",
        deregistration,
    ),
    (
        "S8",
        "Actions of the policy",
        "On a violation exactly the actions of its policy are carried out.",
        by_tidegate,
    ),
    (
        "S9",
        "Incident and e-mail",
        "An incident and an e-mail need nothing of the service.",
        generic_actions,
    ),
    (
        "S10",
        "Delete",
        "The content that caused a violation can be deleted.",
        delete,
    ),
    (
        "S11",
        "Quarantine",
        "Content can be moved aside, restored as it was, or deleted.",
        quarantine,
    ),
    (
        "S12",
        "Modify sharing",
        "Links and collaborators can be removed, roles lowered.",
        sharing,
    ),
    (
        "S13",
        "All APIs of an action",
        "An action is offered only where the service has every API for it.",
        capabilities,
    ),
    (
        "S14",
        "Bearer tokens, one client",
        "REST calls take the token; one OAuth client serves every tenant.",
        bearer,
    ),
    (
        "S15",
        "One role sees all",
        "One user's grant reaches the activity and content of all users.",
        one_role,
    ),
    (
        "S16",
        "A log of all activities",
        "A REST API gives the log of all activities, eventually consistent.",
        log,
    ),
    (
        "S17",
        "Tenant-level webhook",
        "One registration covers the tenant, later objects included.",
        tenant_level,
    ),
    (
        "S18",
        "Both register and deregister",
        "Webhooks have an API to register and one to deregister.",
        both,
    ),
    (
        "S19",
        "The 24 attributes",
        "The events have the 24 attributes.",
        attributes,
    ),
    (
        "S20",
        "Log timestamp",
        "Where the log is not eventually consistent, events say when they were logged.",
        log_timestamp,
    ),
    (
        "S21",
        "APIs for what is missing",
        "What an event leaves out can be asked for by what it has.",
        missing,
    ),
    (
        "S22",
        "Download with the token",
        "The content of an event's object can be downloaded with the grant.",
        download,
    ),
];

/// Judges every row.
pub(super) fn judge(
    connector: &Connector,
    granted: &Granted,
    options: &Options,
    facts: &Facts,
) -> Vec<Row> {
    let case = Case {
        connector,
        granted,
        options,
        facts,
    };
    let rows = ROWS.iter().map(|(id, title, asks, judge)| {
        let (outcome, why, mut evidence) = judge(&case);
        evidence.truncate(CALLS_SHOWN_MAX);
        Row {
            id,
            title,
            asks,
            outcome,
            why,
            evidence,
        }
    });
    rows.collect()
}

fn judged(outcome: Outcome, why: impl Into<String>) -> Judged {
    (outcome, why.into(), Vec::new())
}

fn shown<T>(outcome: Outcome, why: impl Into<String>, by: &Seen<T>) -> Judged {
    (outcome, why.into(), by.evidence.clone())
}

impl Case<'_> {
    /// The feed; or the answer where there is none.
    fn pulled(&self) -> Result<&Seen<Pulled>, Judged> {
        let pulled = self.facts.pulled.as_ref();
        pulled.ok_or_else(|| judged(NotMet, "the manifest has no pull: no log can be read"))
    }
}

/// What a row says of a feed that has events; without any, nothing can be said.
fn of_events(case: &Case<'_>, say: impl FnOnce(&Pulled) -> (Outcome, String)) -> Judged {
    let pulled = match case.pulled() {
        Ok(pulled) => pulled,
        Err(judged) => return judged,
    };
    if let (Some(failed), 0) = (&pulled.value.failed, pulled.value.events) {
        return shown(NotMet, format!("the log cannot be read: {failed}"), pulled);
    }
    if pulled.value.events == 0 {
        return shown(NotTestable, "the log has no event yet", pulled);
    }
    let (outcome, why) = say(&pulled.value);
    shown(outcome, why, pulled)
}

fn by_tidegate(_: &Case<'_>) -> Judged {
    judged(
        NotTestable,
        "this is a promise of Tidegate and asks nothing of the service; Tidegate's own tests hold it",
    )
}

fn consent(case: &Case<'_>) -> Judged {
    let granted = case.granted;
    let kind = case.connector.describe().auth.join(", ");
    let outcome = if granted.by_consent { Met } else { NotMet };
    let why = match granted.by_consent {
        true => granted.how.clone(),
        false => format!("the manifest authorizes by `{kind}`: {}", granted.how),
    };
    (outcome, why, granted.evidence.clone())
}

fn events_are_json(case: &Case<'_>) -> Judged {
    of_events(case, |pulled| match pulled.not_mappable.first() {
        None => {
            let (events, activities) = (pulled.events, pulled.mapped.len());
            (
                Met,
                format!("{events} events were read, and are {activities} activities"),
            )
        }
        Some(why) => {
            let (wrong, all) = (pulled.not_mappable.len(), pulled.events);
            (
                NotMet,
                format!("{wrong} of {all} events are none that the manifest can read: {why}"),
            )
        }
    })
}

fn pull_goes_on(case: &Case<'_>) -> Judged {
    of_events(case, |pulled| match (&pulled.failed, pulled.went_on) {
        (Some(failed), _) => (NotMet, format!("reading stopped: {failed}")),
        (None, Some(true)) => (Met, "reading went on from where it had stopped".to_owned()),
        (None, Some(false)) => (
            NotMet,
            "asked for what is new, the service gave the same again".to_owned(),
        ),
        (None, None) => (
            NotTestable,
            "there was no second page to ask for".to_owned(),
        ),
    })
}

fn push(case: &Case<'_>) -> Judged {
    if !case.connector.supports_push() {
        return judged(NotMet, "the manifest has no push: the service is polled");
    }
    let Some(seen) = &case.facts.pushed else {
        return judged(NotTestable, no_push(case));
    };
    let pushed = &seen.value;
    if let Some(refused) = &pushed.refused {
        return shown(NotMet, format!("the registration failed: {refused}"), seen);
    }
    match (pushed.mapped, pushed.unproved.first()) {
        (0, Some(why)) => shown(NotMet, format!("deliveries are not proved: {why}"), seen),
        (0, None) => shown(
            NotTestable,
            "registered, but nothing happened in the service that it could have delivered",
            seen,
        ),
        (events, None) => shown(
            Met,
            format!("registered; {events} events were delivered, each proved by its signature"),
            seen,
        ),
        (_, Some(why)) => shown(
            NotMet,
            format!("some deliveries are not proved: {why}"),
            seen,
        ),
    }
}

fn no_push(case: &Case<'_>) -> &'static str {
    match case.connector.registers_by_api() {
        true => "the service could not reach the check: give an address that it can deliver to",
        false => "the webhook is registered by a person, in the service itself",
    }
}

fn deregistration(case: &Case<'_>) -> Judged {
    if !case.connector.supports_push() {
        return judged(NotMet, "the manifest has no push");
    }
    let Some(seen) = &case.facts.pushed else {
        return judged(NotTestable, no_push(case));
    };
    match &seen.value.deregistered {
        Some(Ok(())) => shown(Met, "deregistered, and once more without harm", seen),
        Some(Err(error)) => shown(NotMet, format!("deregistering failed: {error}"), seen),
        None => shown(NotTestable, "nothing was registered", seen),
    }
}

fn generic_actions(_: &Case<'_>) -> Judged {
    judged(
        Met,
        "Tidegate records the incident and writes the e-mail without the service",
    )
}

fn delete(case: &Case<'_>) -> Judged {
    tried(case, &[RemedyKind::Delete])
}

fn quarantine(case: &Case<'_>) -> Judged {
    tried(case, &[RemedyKind::Quarantine])
}

fn sharing(case: &Case<'_>) -> Judged {
    tried(
        case,
        &[
            RemedyKind::RemoveLink,
            RemedyKind::RemoveCollaborator,
            RemedyKind::DowngradeRole,
        ],
    )
}

/// Each of these actions that the manifest has must have been seen to work.
fn tried(case: &Case<'_>, kinds: &[RemedyKind]) -> Judged {
    let offered: Vec<RemedyKind> = kinds
        .iter()
        .copied()
        .filter(|kind| case.connector.can(*kind))
        .collect();
    if offered.is_empty() {
        let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
        let none = format!("the manifest has no action {}", words.join(", "));
        return judged(NotMet, none);
    }
    if !case.options.destructive {
        let words: Vec<&str> = offered.iter().map(|kind| kind.word()).collect();
        let why = format!(
            "offered ({}), but nothing may be changed here",
            words.join(", ")
        );
        return judged(NotTestable, why);
    }
    let of_them = |tried: &&Tried| offered.contains(&tried.kind);
    let all: Vec<&Tried> = case.facts.tried.iter().filter(of_them).collect();
    let evidence = all
        .iter()
        .flat_map(|tried| tried.evidence.clone())
        .collect();
    if all.is_empty() {
        let why = "there is nothing to try it on: name an object, or let `tests.make` make one";
        return judged(NotTestable, why);
    }
    let said: Vec<String> = all.iter().map(|tried| said_of(tried)).collect();
    let failed = all
        .iter()
        .any(|tried| matches!(tried.came, Came::Failed(_)));
    let done = all
        .iter()
        .any(|tried| matches!(tried.came, Came::Done { .. }));
    let outcome = match (failed, done) {
        (true, _) => NotMet,
        (false, true) => Met,
        (false, false) => NotTestable,
    };
    (outcome, said.join("; "), evidence)
}

fn said_of(tried: &Tried) -> String {
    let kind = tried.kind;
    match &tried.came {
        Came::Done { undone: true } => format!("`{kind}` done, seen, and undone"),
        Came::Done { undone: false } => format!("`{kind}` done and seen; it cannot be undone"),
        Came::Failed(why) => format!("`{kind}` failed: {why}"),
        Came::NotApplicable(why) => format!("`{kind}` could not be tried: {why}"),
    }
}

fn capabilities(case: &Case<'_>) -> Judged {
    let words = case.connector.describe().actions;
    let own: Vec<&str> = words.into_iter().filter(|word| *word != "notify").collect();
    match own.is_empty() {
        true => judged(
            NotMet,
            "nothing can be done in the service: it has no API for an action",
        ),
        false => judged(
            Met,
            format!(
                "offered, each with its verification: {}; others are refused when a policy asks for them",
                own.join(", ")
            ),
        ),
    }
}

fn bearer(case: &Case<'_>) -> Judged {
    let health = &case.facts.health;
    let refused = health.value.iter().find(|check| !check.ok);
    let calls = case.facts.pulled.iter().flat_map(|pulled| &pulled.evidence);
    let taken = health
        .evidence
        .iter()
        .chain(calls)
        .any(|call| call.status < 300);
    if !taken {
        let why = refused.map_or("no call was answered", |check| check.detail.as_str());
        return shown(NotMet, format!("the token is not taken: {why}"), health);
    }
    match case.granted.by_consent {
        true => shown(
            Met,
            "the token is taken; that the same client serves other tenants too is for the vendor to say",
            health,
        ),
        false => shown(
            NotMet,
            "the token is taken, but it is no client that any tenant could agree to",
            health,
        ),
    }
}

fn one_role(case: &Case<'_>) -> Judged {
    let health = &case.facts.health;
    let failed: Vec<&str> = health
        .value
        .iter()
        .filter(|check| !check.ok)
        .map(|check| check.detail.as_str())
        .collect();
    if !failed.is_empty() {
        return shown(NotMet, failed.join(" "), health);
    }
    let actors = case
        .facts
        .pulled
        .as_ref()
        .map_or(0, |pulled| pulled.value.actors());
    let proved: Vec<&str> = health
        .value
        .iter()
        .map(|check| check.detail.as_str())
        .collect();
    match (proved.is_empty(), actors) {
        (false, _) => {
            let why = format!(
                "{} The log names {actors} different users.",
                proved.join(" ")
            );
            shown(Met, why, health)
        }
        (true, 2..) => shown(
            Met,
            format!("the log names {actors} different users"),
            health,
        ),
        (true, _) => shown(
            NotTestable,
            "the manifest has no `health` to prove it by",
            health,
        ),
    }
}

fn log(case: &Case<'_>) -> Judged {
    of_events(case, |pulled| {
        let lag = pulled.lag_max().map(|lag| lag.num_milliseconds());
        let lag = lag.map_or(String::new(), |ms| {
            format!(
                "; at most {:.1} s passed between an event and its record",
                ms as f64 / 1000.0
            )
        });
        match pulled.lost_on_repeat {
            Some(0) => (
                Met,
                format!("the log is read by REST, and shows the same events again{lag}"),
            ),
            Some(lost) => (
                NotMet,
                format!("{lost} events were there, and not any more at a second reading"),
            ),
            None => (
                NotTestable,
                "the log could not be read a second time".to_owned(),
            ),
        }
    })
}

fn tenant_level(case: &Case<'_>) -> Judged {
    if !case.connector.supports_push() {
        return judged(NotMet, "the manifest has no push");
    }
    let Some(seen) = &case.facts.pushed else {
        return judged(NotTestable, no_push(case));
    };
    match (&seen.value.registered, seen.value.about_new_objects) {
        (None, _) => shown(NotMet, "nothing could be registered", seen),
        (Some(_), 0) => shown(
            NotTestable,
            "registered once; nothing was made afterwards that would have to be delivered",
            seen,
        ),
        (Some(_), _) => shown(
            Met,
            "registered once; activity on an object that was made afterwards was delivered",
            seen,
        ),
    }
}

fn both(case: &Case<'_>) -> Judged {
    match (
        case.connector.supports_push(),
        case.connector.registers_by_api(),
    ) {
        (false, _) => judged(NotMet, "the manifest has no push"),
        (true, false) => judged(NotMet, "the webhook is registered by a person"),
        (true, true) => judged(
            Met,
            "the manifest calls both; see S6 and S7 for how they did",
        ),
    }
}

fn attributes(case: &Case<'_>) -> Judged {
    of_events(case, |pulled| {
        let present = pulled.present();
        let never = case.connector.never_in_events();
        let is_never = |field: &Field| never.iter().any(|(other, _)| other == field);
        let unseen = |field: &Field| present.get(field).is_none_or(|count| *count == 0);
        let (lacking, open): (Vec<Field>, Vec<Field>) =
            Field::ALL.into_iter().filter(unseen).partition(is_never);
        let there = Field::ALL.len() - lacking.len() - open.len();
        let of = format!(
            "{there} of 24 were seen in {} activities",
            pulled.mapped.len()
        );
        match (lacking.is_empty(), open.is_empty()) {
            (true, true) => (Met, of),
            (false, _) => (
                NotMet,
                format!("{of}; the service never sends {}", names(&lacking)),
            ),
            (true, false) => {
                let why = format!(
                    "{of}; no event had {}: none was of a kind that has it",
                    names(&open)
                );
                (NotTestable, why)
            }
        }
    })
}

fn log_timestamp(case: &Case<'_>) -> Judged {
    of_events(case, |pulled| {
        let all = pulled.mapped.len();
        let with = pulled
            .present()
            .get(&Field::LogTimestamp)
            .copied()
            .unwrap_or(0);
        match (with, pulled.lost_on_repeat) {
            (0, Some(0)) => (
                Met,
                "not needed: the log showed the same events again".to_owned(),
            ),
            (0, _) => (NotMet, "no event says when it was logged".to_owned()),
            (with, _) if with == all => (Met, format!("all of {all} activities have it")),
            (with, _) => (NotMet, format!("only {with} of {all} activities have it")),
        }
    })
}

fn missing(case: &Case<'_>) -> Judged {
    let enriched = &case.facts.enriched;
    let found = &enriched.value;
    if let Some(failed) = &found.failed {
        return shown(NotMet, format!("asking failed: {failed}"), enriched);
    }
    let present = case
        .facts
        .pulled
        .as_ref()
        .map(|pulled| pulled.value.present());
    let present = present.unwrap_or_default();
    let absent = |field: &Field| present.get(field).is_none_or(|count| *count == 0);
    let can_ask = case.connector.enriches();
    let lacking: Vec<Field> = Field::ALL
        .into_iter()
        .filter(|field| absent(field) && !can_ask.contains(field))
        .collect();
    let filled: Vec<Field> = found.filled.iter().copied().collect();
    match (found.asked_for, filled.is_empty(), lacking.is_empty()) {
        (0, ..) => judged(NotTestable, "there was no event to ask about"),
        (_, false, _) => shown(
            Met,
            format!("asked for and found: {}", names(&filled)),
            enriched,
        ),
        (_, true, true) => shown(
            Met,
            "no event left anything out that could be asked for",
            enriched,
        ),
        (_, true, false) if can_ask.is_empty() => {
            let why = format!("the service has no API to ask for {}", names(&lacking));
            shown(NotMet, why, enriched)
        }
        (_, true, false) => shown(
            NotTestable,
            format!("nothing was found; no event told {}", names(&lacking)),
            enriched,
        ),
    }
}

fn download(case: &Case<'_>) -> Judged {
    let seen = &case.facts.download;
    match &seen.value {
        _ if !case.connector.gives_content() => {
            judged(NotMet, "the manifest does not say where content is")
        }
        Downloaded::Got { bytes, named: true } => shown(
            Met,
            format!("{bytes} bytes came from the address that an event names"),
            seen,
        ),
        Downloaded::Got {
            bytes,
            named: false,
        } => shown(
            Met,
            format!("{bytes} bytes came from an address made of the object's id"),
            seen,
        ),
        Downloaded::Refused(why) => shown(NotMet, why.clone(), seen),
        Downloaded::Nothing => shown(
            NotTestable,
            "no event was about content that is still there",
            seen,
        ),
    }
}

fn names(fields: &[Field]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    names.join(", ")
}
