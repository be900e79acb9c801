//! Labels: whom is believed about them, which are seen where, which manifests are in doubt, which we wrote.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::Extension;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use event_model::{
    ConnectionScope, IncidentLink, PAGE_ITEMS_MAX, PageRequest, RemedyKind, RemedyState,
};
use ports::{
    ActivityFilter, BlindSpotAsk, BlindSpots, FOUND_GROUPS_MAX, FoundInIncidents, RemedyFilter,
    What,
};

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
    incidents: String,
    last: Option<Last>,
}

/// The last incident with a label.
struct Last {
    at: When,
    href: String,
    number: String,
}

/// Why manifests do not count, and of how many objects.
struct Doubt {
    said: &'static str,
    next: &'static str,
    is_none: bool,
    count: String,
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
    is_cut: bool,
    doubts: Vec<Doubt>,
    written: Vec<Written>,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
) -> Page {
    let now = console.ports.clock.now();
    let stats = &console.ports.stats;
    let found = stats.found_in_incidents(&ConnectionScope::Every).await?;
    let settings = &console.config.labels;
    Ok(render(&LabelsPage {
        frame: Frame::new("Labels", "labels", &session),
        seen: seen(&found, settings, now),
        is_cut: found.len() >= FOUND_GROUPS_MAX as usize,
        doubts: console.doubts(now).await?,
        written: console.written().await?,
        settings,
    }))
}

/// The labels of the content of incidents: what their findings stand for, and what a rule asked for and had.
fn seen(groups: &[FoundInIncidents], settings: &LabelSettings, now: DateTime<Utc>) -> Vec<Seen> {
    #[derive(Default)]
    struct Found<'g> {
        sources: BTreeSet<&'static str>,
        incidents: u64,
        last: Option<&'g (IncidentLink, DateTime<Utc>)>,
    }
    let mut all: BTreeMap<&str, Found<'_>> = BTreeMap::new();
    for group in groups {
        // An incident counts once for a label, however it came by it.
        let labels: BTreeMap<&str, &'static str> = labels_of(group, settings).into_iter().collect();
        for (label, source) in labels {
            let found = all.entry(label).or_default();
            found.sources.insert(source);
            found.incidents += group.incidents;
            let newer = |last: &&(IncidentLink, DateTime<Utc>)| {
                found.last.is_none_or(|known| known.1 < last.1)
            };
            found.last = group.last.as_ref().filter(newer).or(found.last);
        }
    }
    let mut found: Vec<(&str, Found<'_>)> = all.into_iter().collect();
    found.sort_by_key(|(_, found)| std::cmp::Reverse(found.incidents));
    found.truncate(ROWS_MAX);
    let rows = found.into_iter();
    rows.map(|(name, found)| Seen {
        name: name.to_owned(),
        sources: Vec::from_iter(found.sources).join(", "),
        incidents: wording::count(found.incidents),
        last: found.last.map(|(link, at)| Last {
            at: wording::when(*at, now),
            href: format!("/incidents/{}", link.id),
            number: link.number.clone(),
        }),
    })
    .collect()
}

/// The labels of a group's incidents, and where from.
fn labels_of<'g>(
    group: &'g FoundInIncidents,
    settings: &'g LabelSettings,
) -> Vec<(&'g str, &'static str)> {
    let mut labels = Vec::new();
    for what in &group.what {
        match what {
            What::Label(label) => {
                labels.push((label.as_str(), "of a document, manifest or service"))
            }
            What::Detector(detector) => {
                let stands = settings.detected.iter().filter(|one| one.1 == *detector);
                labels.extend(stands.map(|one| (one.0.as_str(), "found in the content")));
            }
        }
    }
    labels
}

impl Console {
    /// The manifests that did not count.
    async fn doubts(&self, now: DateTime<Utc>) -> Result<Vec<Doubt>, Problem> {
        let first = (now - TimeDelta::days(DAYS)).date_naive();
        let since = first.and_time(chrono::NaiveTime::MIN).and_utc();
        let ask = BlindSpotAsk {
            since,
            ..BlindSpotAsk::default()
        };
        let counts = self.ports.stats.blind_spot_counts(&ask).await?;
        let mut doubts = Vec::new();
        for (reason, said, next) in DOUBTS {
            let of_reason = counts
                .iter()
                .filter(|one| one.reason.as_deref() == Some(reason));
            let count: u64 = of_reason.map(|one| one.activities).sum();
            doubts.push(Doubt {
                said,
                next,
                latest: match count {
                    0 => None,
                    _ => self.latest_doubt(reason, since, now).await?,
                },
                is_none: count == 0,
                count: wording::count(count),
                href: link("/blind-spots", [("reason", reason), ("days", "30")]),
            });
        }
        Ok(doubts)
    }

    /// What the last activity with a blind spot of that reason says of it, and when it was received.
    async fn latest_doubt(
        &self,
        reason: &str,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<(String, String)>, Problem> {
        let mut filter = ActivityFilter {
            from: Some(since),
            ..ActivityFilter::default()
        };
        filter.details.blind_spots = BlindSpots::Of(reason.to_owned());
        let one = PageRequest::first(1);
        let page = self.ports.activities.activity_page(&filter, &one).await?;
        Ok(page.items.first().and_then(|one| {
            let mut spots = one.blind_spots.iter();
            let spot = spots.find(|spot| spot.reason == reason)?;
            Some((spot.detail.clone(), wording::ago(one.received_at, now)))
        }))
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
    use super::*;

    #[test]
    fn an_incident_counts_once_for_a_label_however_it_came_by_it() {
        let at =
            |seconds: i64| DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a moment");
        let group = |what: &[What], incidents, seconds| FoundInIncidents {
            what: what.to_vec(),
            incidents,
            last: Some((
                IncidentLink {
                    id: event_model::IncidentId::new(at(seconds), seconds as u128),
                    number: format!("DLP-{seconds}"),
                },
                at(seconds),
            )),
        };
        let detector = |name: &str| What::Detector(name.into());
        let groups = [
            group(&[detector("card"), What::Label("Secret".into())], 3, 5),
            group(&[detector("iban"), detector("card")], 10, 9),
            group(&[detector("other")], 99, 10),
        ];
        let stands =
            |label: &str, detector: &str| (label.into(), detector.into(), "high".into(), 1);
        let settings = LabelSettings {
            detected: vec![stands("Secret", "card"), stands("Secret", "iban")],
            ..LabelSettings::default()
        };
        let seen = seen(&groups, &settings, at(60));
        let rows: Vec<_> = seen
            .iter()
            .map(|row| {
                (
                    row.name.as_str(),
                    row.incidents.as_str(),
                    row.sources.as_str(),
                )
            })
            .collect();
        let both = "found in the content, of a document, manifest or service";
        assert_eq!(rows, [("Secret", "13", both)]);
        let last = seen[0].last.as_ref().expect("the newest of both groups");
        assert_eq!(last.number, "DLP-9");
    }
}
