//! The first page: what needs a look, newest first, live.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use chrono::{DateTime, Utc};
use event_model::{Incident, IncidentStatus, PageRequest, RemedyState, Severity};
use ports::IncidentFilter;

use super::links::link;
use super::wording::{self, When};
use super::{Frame, Page, render};
use crate::api::incidents::{FILTERS, filter};
use crate::auth::Session;
use crate::query::Query;
use crate::{Console, Shared, problem::Problem};

/// Incidents of one page.
const PAGE_ITEMS: u32 = 50;

/// The states in which something is left to do: what is shown unless asked otherwise.
pub(super) const OPEN: [IncidentStatus; 3] = [
    IncidentStatus::New,
    IncidentStatus::InProgress,
    IncidentStatus::Reopened,
];

const VIEWS: [(&str, &str); 5] = [
    ("Open", ""),
    ("New", "new"),
    ("In progress", "in_progress"),
    ("Closed", "resolved,false_positive,suppressed"),
    (
        "All",
        "new,in_progress,reopened,resolved,false_positive,suppressed",
    ),
];

struct Chip {
    label: &'static str,
    class: &'static str,
    href: String,
    chosen: bool,
}

struct Row {
    id: String,
    number: String,
    severity: &'static str,
    status: &'static str,
    closed: bool,
    owner: Option<String>,
    repeats: Option<u32>,
    policy: String,
    sentence: String,
    at: When,
    done: String,
    done_class: &'static str,
    took: Option<String>,
}

#[derive(Template)]
#[template(path = "incidents.html")]
struct Incidents {
    frame: Frame,
    after: u64,
    views: Vec<Chip>,
    severities: Vec<Chip>,
    kept: Vec<(&'static str, String)>,
    q: String,
    narrowed: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    next: Option<String>,
    first: Option<NextStep>,
    export: [(&'static str, String); 2],
    saved: Vec<Saved>,
    /// The list's query as lists and forms take it, with what is left out said.
    matching: String,
    /// The query as it stands in the address.
    back: String,
    verdicts: Vec<(&'static str, &'static str)>,
    responses: Vec<(&'static str, String)>,
}

/// A kept view.
struct Saved {
    id: String,
    name: String,
    href: String,
    shared: bool,
    /// Whether who looks may remove it.
    own: bool,
}

/// What to do while there is nothing to see.
struct NextStep {
    text: &'static str,
    href: &'static str,
    label: &'static str,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    let known = [&FILTERS[..], &["cursor"]].concat();
    let mut query = Query::read(&uri, &known);
    let mut filter = filter(&mut query);
    let asked = Asked::of(&query);
    let cursor = query.text("cursor");
    query.finish(())?;
    if filter.status.is_empty() {
        filter.status = OPEN.to_vec();
    }
    if asked.value("repeats").is_empty() && filter.repeat_of.is_none() {
        filter.without_repeats = true;
    }
    // Read before the list: what changes in between is sent again rather than missed.
    let after = console.ports.incidents.last_incident_change().await?;
    let request = PageRequest {
        cursor,
        limit: PAGE_ITEMS,
    };
    let page = console
        .ports
        .incidents
        .incident_page(&filter, &request)
        .await?;
    let first = match page.items.is_empty() {
        true => Some(console.next_step(&filter).await?),
        false => None,
    };
    let now = console.ports.clock.now();
    let saved = console.ports.views.views(session.actor.name()).await?;
    let saved = saved.into_iter().map(|view| Saved {
        own: view.owner == session.actor.name(),
        id: view.id.to_string(),
        href: format!("/?{}", view.query),
        name: view.name,
        shared: view.shared,
    });
    Ok(render(&Incidents {
        saved: saved.collect(),
        frame: Frame::new("Incidents", "incidents", &session),
        after,
        views: asked.views(),
        severities: asked.severities(),
        kept: asked.except("q"),
        q: asked.value("q").to_owned(),
        narrowed: asked.narrowed(),
        rows: page.items.iter().map(|one| row(one, now)).collect(),
        next: page.next.map(|cursor| asked.with("cursor", &cursor)),
        first,
        matching: asked.matching(),
        back: asked.back(),
        verdicts: wording::verdicts(),
        responses: super::work::RESPONSES
            .map(|kind| (kind.word(), kind.word().replace('_', " ")))
            .to_vec(),
        export: ["csv", "json"].map(|format| (format, asked.export(format))),
    }))
}

impl Console {
    async fn next_step(&self, filter: &IncidentFilter) -> Result<NextStep, Problem> {
        let open = IncidentFilter {
            status: OPEN.to_vec(),
            without_repeats: true,
            ..IncidentFilter::default()
        };
        if *filter != open {
            return Ok(NextStep {
                text: "No incident matches these filters.",
                href: "/",
                label: "Show all open incidents",
            });
        }
        let connections = self.every_connection().await?;
        if connections.is_empty() {
            return Ok(NextStep {
                text: "Nothing is connected yet. Connect a cloud service: its users' activity then \
                       arrives here.",
                href: "/connections",
                label: "Connect a cloud service",
            });
        }
        if !connections
            .iter()
            .any(|connection| connection.lifecycle.is_enabled())
        {
            return Ok(NextStep {
                text: "A cloud service is connected, but none is enabled: no activity arrives.",
                href: "/connections",
                label: "Enable a connection",
            });
        }
        if self.ports.policies.policies_in_use().await?.is_empty() {
            return Ok(NextStep {
                text: "Activity arrives, but no policy is in use: nothing can be violated.",
                href: "/policies/new",
                label: "Write a policy",
            });
        }
        Ok(NextStep {
            text: "No open incidents. New ones appear here by themselves.",
            href: "/activity",
            label: "Look at the activity",
        })
    }
}

fn row(incident: &Incident, now: DateTime<Utc>) -> Row {
    let (done, done_class) = done(incident);
    Row {
        id: incident.id.to_string(),
        number: incident.number.clone(),
        severity: incident.severity.word(),
        status: wording::status(incident.status),
        closed: incident.status.is_closed(),
        owner: incident.case.owner.clone(),
        repeats: incident.case.repeats.map(|repeats| repeats.count),
        policy: incident.policy.name.clone(),
        sentence: wording::sentence(&incident.activity),
        at: wording::when(incident.created_at, now),
        done,
        done_class,
        took: incident
            .latency
            .received_to_effect_ms()
            .map(wording::duration),
    }
}

/// What was done about it, in a few words.
fn done(incident: &Incident) -> (String, &'static str) {
    let count = |wanted: &[RemedyState]| {
        let remedies = incident.remedies.iter();
        remedies
            .filter(|remedy| wanted.contains(&remedy.state))
            .count()
    };
    let all = incident.remedies.len();
    let stuck = count(&[RemedyState::GivenUp]);
    let waiting = count(&[RemedyState::NeedsApproval]);
    let held = count(&[RemedyState::Held]);
    let left_out = [RemedyState::Superseded, RemedyState::Cancelled];
    let finished = count(&[RemedyState::Done]) + count(&left_out);
    match () {
        () if all == 0 => ("nothing to do".to_owned(), "quiet"),
        () if stuck > 0 => (format!("{stuck} given up"), "bad"),
        () if waiting > 0 => (format!("{waiting} to approve"), "warn"),
        () if held > 0 => (format!("{held} standing still"), "warn"),
        () if finished == all => (format!("all {all} done"), "good"),
        () => (format!("{finished} of {all} done"), "warn"),
    }
}

/// What the address asks for, to make the links that change one thing of it.
struct Asked(Vec<(&'static str, String)>);

impl Asked {
    fn of(query: &Query) -> Self {
        let names = FILTERS.into_iter();
        Asked(
            names
                .filter_map(|name| Some((name, query.text(name)?)))
                .collect(),
        )
    }

    fn value(&self, name: &str) -> &str {
        let mut pairs = self.0.iter();
        pairs
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    fn except(&self, name: &str) -> Vec<(&'static str, String)> {
        self.0
            .iter()
            .filter(|(key, _)| *key != name)
            .cloned()
            .collect()
    }

    fn with(&self, name: &str, value: &str) -> String {
        let others = self.except(name);
        let others = others.iter().map(|(key, value)| (*key, value.as_str()));
        link("/", others.chain([(name, value)]))
    }

    /// What the list shows, as a query of its own.
    fn whole(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.0.clone();
        if self.value("status").is_empty() {
            pairs.push(("status", OPEN.map(IncidentStatus::word).join(",")));
        }
        if self.value("repeats").is_empty() && self.value("repeat_of").is_empty() {
            pairs.push(("repeats", "false".to_owned()));
        }
        pairs
    }

    fn matching(&self) -> String {
        let pairs = self.whole();
        let pairs = pairs.iter().map(|(key, value)| (*key, value.as_str()));
        link("", pairs).trim_start_matches('?').to_owned()
    }

    fn back(&self) -> String {
        let pairs = self.0.iter().map(|(key, value)| (*key, value.as_str()));
        link("", pairs).trim_start_matches('?').to_owned()
    }

    fn export(&self, format: &str) -> String {
        let pairs = self.whole();
        let pairs = pairs.iter().map(|(key, value)| (*key, value.as_str()));
        link(
            "/api/v1/incidents/export",
            pairs.chain([("format", format)]),
        )
    }

    fn views(&self) -> Vec<Chip> {
        let now = self.value("status");
        let chip = |(label, value): (&'static str, &'static str)| Chip {
            label,
            class: "",
            href: self.with("status", value),
            chosen: now == value,
        };
        VIEWS.into_iter().map(chip).collect()
    }

    /// Each chip switches one severity on or off.
    fn severities(&self) -> Vec<Chip> {
        let now: Vec<&str> = self.value("severity").split(',').collect();
        let chip = |severity: &Severity| {
            let word = severity.word();
            let chosen = now.contains(&word);
            let others = Severity::ALL.iter().map(|other| other.word());
            let next: Vec<&str> = others
                .filter(|other| now.contains(other) != (*other == word))
                .collect();
            Chip {
                label: word,
                class: word,
                href: self.with("severity", &next.join(",")),
                chosen,
            }
        };
        Severity::ALL.iter().rev().map(chip).collect()
    }

    /// The filters that have no chip: shown with a link that takes each away.
    fn narrowed(&self) -> Vec<(&'static str, String)> {
        let plain = |name: &str| !matches!(name, "status" | "severity" | "q");
        let pairs = self.0.iter().filter(|(name, _)| plain(name));
        pairs
            .map(|(name, _)| (*name, self.with(name, "")))
            .collect()
    }
}
