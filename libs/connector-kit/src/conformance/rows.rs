//! The rows: what is asked of a service, and how what was found out answers it. Pure.
//!
//! Source: CASB Connect API Requirements, in the order in which it says them.

mod doing;
mod pushing;
mod telling;

use connector::Connector;

use super::evidence::{CALLS_SHOWN_MAX, Evidence};
use super::probe::{Facts, Pulled, Seen};
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
        pushing::push,
    ),
    (
        "S7",
        "Deregistration",
        "Disabling takes the webhook away by an API call.",
        pushing::deregistration,
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
        doing::generic_actions,
    ),
    (
        "S10",
        "Delete",
        "The content that caused a violation can be deleted.",
        doing::delete,
    ),
    (
        "S11",
        "Quarantine",
        "Content can be moved aside, restored as it was, or deleted.",
        doing::quarantine,
    ),
    (
        "S12",
        "Modify sharing",
        "Links and collaborators can be removed, roles lowered.",
        doing::sharing,
    ),
    (
        "S13",
        "All APIs of an action",
        "An action is offered only where the service has every API for it.",
        doing::capabilities,
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
        pushing::tenant_level,
    ),
    (
        "S18",
        "Both register and deregister",
        "Webhooks have an API to register and one to deregister.",
        pushing::both,
    ),
    (
        "S19",
        "The 24 attributes",
        "The events have the 24 attributes.",
        telling::attributes,
    ),
    (
        "S20",
        "Log timestamp",
        "Where the log is not eventually consistent, events say when they were logged.",
        telling::log_timestamp,
    ),
    (
        "S21",
        "APIs for what is missing",
        "What an event leaves out can be asked for by what it has.",
        telling::missing,
    ),
    (
        "S22",
        "Download with the token",
        "The content of an event's object can be downloaded with the grant.",
        telling::download,
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
