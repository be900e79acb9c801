//! Rows about what events and other APIs tell: the 24 fields, what is missing, content.

use event_model::Field;

use super::{Case, Judged, judged, of_events, shown};
use crate::conformance::Outcome::{Met, NotMet, NotTestable};
use crate::conformance::probe::Downloaded;

pub(super) fn attributes(case: &Case<'_>) -> Judged {
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

pub(super) fn log_timestamp(case: &Case<'_>) -> Judged {
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

pub(super) fn missing(case: &Case<'_>) -> Judged {
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

pub(super) fn download(case: &Case<'_>) -> Judged {
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
