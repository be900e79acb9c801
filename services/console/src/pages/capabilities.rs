//! What a service can do for us, row by row, with why not; and the steps from nothing to a feed.

use chrono::{DateTime, Utc};
use event_model::{Connection, EventType, Lifecycle, RemedyKind};
use ports::ServiceDescription;

use super::wording;

/// A row of the matrix, or a heading among them.
pub(super) struct Ability {
    pub(super) heading: bool,
    pub(super) name: String,
    pub(super) mark: &'static str,
    pub(super) class: &'static str,
    pub(super) note: String,
}

/// A step on the way.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) said: String,
    /// `done`, `next` or `later`.
    pub(super) class: &'static str,
}

fn heading(name: &str) -> Ability {
    Ability {
        heading: true,
        name: name.to_owned(),
        mark: "",
        class: "",
        note: String::new(),
    }
}

fn ability(name: impl Into<String>, can: bool, note: impl Into<String>) -> Ability {
    Ability {
        heading: false,
        name: name.into(),
        mark: if can { "✓ yes" } else { "✗ no" },
        class: if can { "good" } else { "quiet" },
        note: note.into(),
    }
}

/// Everything that the service can do, and what not.
pub(super) fn matrix(service: &ServiceDescription) -> Vec<Ability> {
    let mut rows = Vec::new();
    feeds(service, &mut rows);
    rows.push(heading("Reports"));
    let reported = &service.abilities.reports;
    for kind in EventType::ALL
        .iter()
        .filter(|kind| **kind != EventType::Other)
    {
        let (can, note) = match reported.iter().any(|word| word == kind.word()) {
            true => (true, ""),
            false if reported.is_empty() => (true, "only each event tells"),
            false => (false, "its manifest maps nothing to it"),
        };
        rows.push(ability(super::activity::said(*kind), can, note));
    }
    rows.push(heading("Can be told to"));
    let for_good = |kind: &RemedyKind| service.irreversible.iter().any(|word| word == kind.word());
    for kind in RemedyKind::ALL {
        let refused = service.abilities.refused.get(kind.word());
        let can = service.actions.iter().any(|word| word == kind.word());
        let note = match refused {
            Some(why) if !can => why.clone(),
            _ if can && for_good(kind) => "cannot be undone".to_owned(),
            _ => String::new(),
        };
        rows.push(ability(wording::remedy(*kind), can, note));
    }
    rows.push(heading("What exists already can be scanned"));
    for (word, name) in [
        ("shares", "Every share and link"),
        ("content", "Every file"),
    ] {
        let can = service.scans.iter().any(|one| one == word);
        rows.push(ability(name, can, ""));
    }
    rows
}

fn feeds(service: &ServiceDescription, rows: &mut Vec<Ability>) {
    let has = |feed: &str| service.feeds.iter().any(|one| one == feed);
    let every = |seconds: Option<u64>| seconds.map(|s| wording::duration(s as i64 * 1_000));
    let abilities = &service.abilities;
    rows.push(heading("Feeds"));
    let reconciled = match every(abilities.reconciled_every_s) {
        Some(every) => format!("reconciled by reading every {every}"),
        None => "nothing reconciles what is lost on the way".to_owned(),
    };
    let push = if has("push") {
        reconciled
    } else {
        "it has no webhooks that a manifest describes".to_owned()
    };
    rows.push(ability("Push, by webhook", has("push"), push));
    let polled = every(abilities.polled_every_s).map(|every| format!("read every {every}"));
    rows.push(ability(
        "Pull, by reading",
        has("pull"),
        polled.unwrap_or_default(),
    ));
}

/// The fields that its activity never has, each with why.
pub(super) fn silent(service: &ServiceDescription) -> Vec<(String, String)> {
    let all = service.abilities.silent.iter();
    all.map(|(field, why)| (field.clone(), why.clone()))
        .collect()
}

/// The way from nothing to a feed, and how far the connection is.
pub(super) fn steps(connection: &Connection, last: Option<DateTime<Utc>>) -> Vec<Step> {
    let lifecycle = &connection.lifecycle;
    let consented = !matches!(
        lifecycle,
        Lifecycle::AwaitingConsent { .. } | Lifecycle::NeedsConsent { .. }
    );
    let healthy = connection.health.as_ref().map(|health| health.ok);
    let enabled = lifecycle.is_enabled();
    let said = [
        ("Created", true, wording::time(connection.created_at)),
        (
            "Consent",
            consented,
            match consented {
                true => "the service's administrator agreed".to_owned(),
                false => "go to the service's consent page".to_owned(),
            },
        ),
        (
            "Health",
            healthy == Some(true),
            match healthy {
                Some(true) => "all that is needed can be reached".to_owned(),
                Some(false) => "something cannot be reached: see below".to_owned(),
                None => "check that everything can be reached".to_owned(),
            },
        ),
        (
            "Enabled",
            enabled,
            match enabled {
                true => "activity is taken, policies act".to_owned(),
                false => "choose how activity arrives".to_owned(),
            },
        ),
        (
            "First activity",
            last.is_some(),
            match last {
                Some(_) => "it arrives".to_owned(),
                None => "do something in the service, and see it here".to_owned(),
            },
        ),
    ];
    let mut before = true;
    said.into_iter()
        .map(|(name, done, said)| {
            let class = match (done, before) {
                (true, _) => "done",
                (false, true) => "next",
                (false, false) => "later",
            };
            before &= done;
            Step { name, said, class }
        })
        .collect()
}
