//! Labels: whom is believed about them, which are seen where, which manifests are in doubt, which we wrote.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use event_model::{Incident, PAGE_ITEMS_MAX, PageRequest, RemedyKind, RemedyState, TraceNode};
use ports::{ActivityFilter, BlindSpots, IncidentFilter, RemedyFilter};

use super::links::link;
use super::wording::{self, When};
use super::{Frame, Page, render};
use crate::auth::Session;
use crate::problem::Problem;
use crate::{Console, LabelSettings, Shared};

/// Days over which manifests in doubt are counted.
const DAYS: i64 = 30;
/// Labels, and manifests, that a table names.
const ROWS_MAX: usize = 100;
/// Longest name of a label that is shown, in characters.
const NAME_CHARS_MAX: usize = 256;

/// Why a manifest does not count: the blind spot's word, what it says, what to do.
const DOUBTS: [(&str, &str, &str); 4] = [
    (
        "labels_untrusted",
        "not believed",
        "No signature, or none that a known key made. Sign it, or make its key known.",
    ),
    (
        "labels_stale",
        "stale",
        "The content changed since it was labelled. Let the classifier run again.",
    ),
    (
        "labels_malformed",
        "malformed",
        "It is no manifest. The detail says line and column.",
    ),
    (
        "labels_unreachable",
        "unreachable",
        "The service did not give it. Check the connection's health.",
    ),
];

/// A label that was seen.
struct Seen {
    name: String,
    sources: String,
    incidents: u64,
    last: When,
    last_href: String,
    last_number: String,
}

/// Why manifests do not count, and of how many objects.
struct Doubt {
    said: &'static str,
    next: &'static str,
    count: usize,
    or_more: bool,
    href: String,
    latest: Option<(String, String)>,
}

/// A label that we wrote.
struct Written {
    name: String,
    done: u64,
    open: u64,
    given_up: u64,
    href: String,
}

#[derive(Template)]
#[template(path = "labels.html")]
struct LabelsPage<'s> {
    frame: Frame,
    settings: &'s LabelSettings,
    seen: Vec<Seen>,
    looked_at: usize,
    doubts: Vec<Doubt>,
    written: Vec<Written>,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
) -> Page {
    let now = console.ports.clock.now();
    let newest = PageRequest::first(PAGE_ITEMS_MAX);
    let every = IncidentFilter::default();
    let incidents = console.ports.incidents.incident_page(&every, &newest);
    let incidents = incidents.await?.items;
    let settings = &console.config.labels;
    Ok(render(&LabelsPage {
        frame: Frame::new("Labels", "labels", &session),
        seen: seen(&incidents, settings, now),
        looked_at: incidents.len(),
        doubts: console.doubts(now).await?,
        written: console.written().await?,
        settings,
    }))
}

/// The labels of the content of these incidents, the newest incident first: what their findings stand for,
/// and what a rule asked for and had.
fn seen(incidents: &[Incident], settings: &LabelSettings, now: DateTime<Utc>) -> Vec<Seen> {
    struct Found<'i> {
        sources: Vec<&'static str>,
        incidents: u64,
        last: &'i Incident,
    }
    let mut all: BTreeMap<String, Found> = BTreeMap::new();
    for incident in incidents {
        let mut labels: Vec<(String, &'static str)> = Vec::new();
        for (label, detector, ..) in &settings.detected {
            if incident
                .evidence
                .iter()
                .any(|one| one.detector == *detector)
            {
                labels.push((label.clone(), "found in the content"));
            }
        }
        asked_for(&incident.trace, &mut labels);
        labels.sort_unstable();
        labels.dedup_by(|a, b| a.0 == b.0);
        for (label, source) in labels {
            let name = label.chars().take(NAME_CHARS_MAX).collect();
            let found = all.entry(name).or_insert(Found {
                sources: Vec::new(),
                incidents: 0,
                last: incident,
            });
            found.incidents += 1;
            if !found.sources.contains(&source) {
                found.sources.push(source);
            }
        }
    }
    let mut rows: Vec<Seen> = all
        .into_iter()
        .map(|(name, found)| Seen {
            name,
            sources: found.sources.join(", "),
            incidents: found.incidents,
            last: wording::when(found.last.created_at, now),
            last_href: format!("/incidents/{}", found.last.id),
            last_number: found.last.number.clone(),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.incidents));
    rows.truncate(ROWS_MAX);
    rows
}

/// The labels that a rule asked for and the object had.
fn asked_for(node: &TraceNode, labels: &mut Vec<(String, &'static str)>) {
    if node.value == "true"
        && let Some(label) = label_of(&node.expression)
    {
        labels.push((label, "of a document, manifest or service"));
    }
    for part in &node.parts {
        asked_for(part, labels);
    }
}

/// The label that an expression asks for.
fn label_of(expression: &str) -> Option<String> {
    let call = expression.strip_prefix("_content.label(");
    let call = call.and_then(|rest| rest.strip_suffix(')'));
    let quoted = call.or_else(|| expression.strip_suffix(" in _content.labels"))?;
    let quoted = quoted.trim();
    let first = quoted
        .chars()
        .next()
        .filter(|quote| "'\"".contains(*quote))?;
    let inner = quoted.strip_prefix(first)?.strip_suffix(first)?;
    (!inner.contains(first)).then(|| inner.to_owned())
}

impl Console {
    /// The manifests that did not count.
    async fn doubts(&self, now: DateTime<Utc>) -> Result<Vec<Doubt>, Problem> {
        let mut doubts = Vec::new();
        for (reason, said, next) in DOUBTS {
            let mut filter = ActivityFilter {
                from: Some(now - TimeDelta::days(DAYS)),
                ..ActivityFilter::default()
            };
            filter.details.blind_spots = BlindSpots::Of(reason.to_owned());
            let some = PageRequest::first(ROWS_MAX as u32);
            let page = self.ports.activities.activity_page(&filter, &some).await?;
            let spots = page.items.iter().flat_map(|one| {
                let at = wording::ago(one.received_at, now);
                one.blind_spots.iter().map(move |spot| (spot, at.clone()))
            });
            let mut latest = spots.filter(|(spot, _)| spot.reason == reason);
            doubts.push(Doubt {
                said,
                next,
                latest: latest.next().map(|(spot, at)| (spot.detail.clone(), at)),
                count: page.items.len(),
                or_more: page.next.is_some(),
                href: link("/blind-spots", [("reason", reason), ("days", "30")]),
            });
        }
        Ok(doubts)
    }

    /// The labels that remedies wrote, by the newest of them.
    async fn written(&self) -> Result<Vec<Written>, Problem> {
        let filter = RemedyFilter {
            kind: Some(RemedyKind::ApplyLabel),
            ..RemedyFilter::default()
        };
        let newest = PageRequest::first(PAGE_ITEMS_MAX);
        let page = self.ports.remedies.remedy_page(&filter, &newest).await?;
        let mut all: BTreeMap<String, [u64; 3]> = BTreeMap::new();
        for remedy in &page.items {
            let label = remedy.particulars.label.clone().unwrap_or_default();
            let [done, open, given_up] = all.entry(label).or_default();
            match remedy.state {
                RemedyState::Done => *done += 1,
                RemedyState::GivenUp => *given_up += 1,
                state if state.is_final() => {}
                _ => *open += 1,
            }
        }
        let every = "planned,needs_approval,snapshot_taken,executing,done,failed,given_up,held,superseded,cancelled";
        let all = all.into_iter().take(ROWS_MAX);
        Ok(all
            .map(|(name, [done, open, given_up])| Written {
                name,
                done,
                open,
                given_up,
                href: link("/remedies", [("kind", "apply_label"), ("state", every)]),
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::label_of;

    #[test]
    fn a_label_is_read_of_the_expression_that_asks_for_it() {
        for (expression, label) in [
            ("_content.label('Confidential')", Some("Confidential")),
            ("_content.label(\"US SSN\")", Some("US SSN")),
            ("'Secret' in _content.labels", Some("Secret")),
            ("_content.label(_file.name)", None),
            ("_content.count('a')", None),
            ("'a' in _content.labels and 'b' in _content.labels", None),
            ("'", None),
        ] {
            assert_eq!(label_of(expression).as_deref(), label, "{expression}");
        }
    }
}
