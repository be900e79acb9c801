//! Asks the service, each thing once, and keeps what came of it for the rows to judge.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use connector::{CallError, Mapped, Mapper};
use event_model::{Activity, EventType, FeedPage, Field, HealthCheck, Position};

use super::actions::{self, Tried};
use super::evidence::{CALLS_SHOWN_MAX, Evidence};
use super::webhook::{self, Pushed};
use super::{Options, Subject};

/// Most pages of the feed that are read.
const PAGES_MAX: usize = 10;
/// So many events are enough.
const EVENTS_ENOUGH: usize = 2_000;
/// Most activities whose missing fields are asked for, one of each event type first.
const ENRICHED_MAX: usize = 12;
/// Most downloads that are tried until one succeeds.
const DOWNLOADS_MAX: usize = 10;
/// Largest content that is downloaded, in bytes.
const CONTENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Something that was tried, and the calls that it took.
#[derive(Debug, Clone)]
pub(super) struct Seen<T> {
    pub(super) value: T,
    pub(super) evidence: Vec<Evidence>,
}

/// Everything that was found out.
pub(super) struct Facts {
    pub(super) tenant_id: Option<String>,
    pub(super) health: Seen<Vec<HealthCheck>>,
    /// None when the manifest does not pull.
    pub(super) pulled: Option<Seen<Pulled>>,
    pub(super) enriched: Seen<Enriched>,
    pub(super) download: Seen<Downloaded>,
    /// None when push was not tried.
    pub(super) pushed: Option<Seen<Pushed>>,
    pub(super) tried: Vec<Tried>,
}

/// What the feed showed.
#[derive(Debug, Default)]
pub(super) struct Pulled {
    pub(super) events: usize,
    pub(super) mapped: Vec<Mapped>,
    /// Why events could not be mapped.
    pub(super) not_mappable: Vec<String>,
    /// Whether reading went on from where it stopped, and the place moved.
    pub(super) went_on: Option<bool>,
    /// Events of the first page that a second reading of it no longer showed.
    pub(super) lost_on_repeat: Option<usize>,
    /// What stopped the reading.
    pub(super) failed: Option<String>,
}

impl Pulled {
    /// The longest time from when something was done to when it was logged.
    pub(super) fn lag_max(&self) -> Option<TimeDelta> {
        let lag = |mapped: &Mapped| {
            let activity = &mapped.activity;
            Some(activity.log_timestamp? - activity.event_timestamp?)
        };
        self.mapped.iter().filter_map(lag).max()
    }

    /// How many different users acted.
    pub(super) fn actors(&self) -> usize {
        let who = |mapped: &Mapped| {
            let activity = &mapped.activity;
            activity.actor_id.clone().or(activity.actor_email.clone())
        };
        let all: BTreeSet<String> = self.mapped.iter().filter_map(who).collect();
        all.len()
    }

    /// In how many activities each field was there.
    pub(super) fn present(&self) -> BTreeMap<Field, usize> {
        let mut counts = BTreeMap::new();
        for mapped in &self.mapped {
            for (field, source) in mapped.provenance.iter() {
                *counts.entry(field).or_default() += usize::from(source.is_present());
            }
        }
        counts
    }
}

/// What other APIs knew of what events left out.
#[derive(Debug, Default)]
pub(super) struct Enriched {
    pub(super) asked_for: usize,
    pub(super) filled: BTreeSet<Field>,
    pub(super) failed: Option<String>,
}

/// What came of downloading.
#[derive(Debug)]
pub(super) enum Downloaded {
    /// So many bytes; whether the event itself named the address.
    Got { bytes: usize, named: bool },
    /// The service refused.
    Refused(String),
    /// No event was about an object that still exists.
    Nothing,
}

/// Asks for everything.
pub(super) async fn gather(subject: &Subject, options: &Options) -> Facts {
    drop(subject.heard.take());
    let health = seen(subject, subject.client.health().await);
    let pulled = match subject.connector.streams().first() {
        Some(stream) => Some(seen(subject, pull(subject, stream).await)),
        None => None,
    };
    let none = Vec::new();
    let mapped = pulled.as_ref().map_or(&none, |pulled| &pulled.value.mapped);
    let enriched = seen(subject, enrich(subject, mapped).await);
    let download = seen(subject, download(subject, mapped).await);
    let known = subject.connection.tenant_id.clone();
    let tenant_id = match known {
        Some(known) => Some(known),
        None => subject.client.tenant_id().await.ok().flatten(),
    };
    let (pushed, tried) = act(subject, options).await;
    Facts {
        tenant_id,
        health,
        pulled,
        enriched,
        download,
        pushed,
        tried,
    }
}

/// A value with the calls that were heard since the last one: the first and the last of them.
pub(super) fn seen<T>(subject: &Subject, value: T) -> Seen<T> {
    let mut evidence = subject.heard.take();
    if evidence.len() > CALLS_SHOWN_MAX {
        let last = evidence.split_off(evidence.len() - CALLS_SHOWN_MAX / 2);
        evidence.truncate(CALLS_SHOWN_MAX - last.len());
        evidence.extend(last);
    }
    Seen { value, evidence }
}

async fn pull(subject: &Subject, stream: &str) -> Pulled {
    let mut pulled = Pulled::default();
    let mapper = subject.connector.mapper(&subject.connection);
    let first = match subject.client.page_after(stream, &Position::Start).await {
        Ok(page) => page,
        Err(error) => {
            pulled.failed = Some(error.to_string());
            return pulled;
        }
    };
    let ids_of_first = read(&mut pulled, &mapper, &first, subject.clock.now());
    let again = subject.client.page_after(stream, &Position::Start).await;
    if let Ok(again) = again
        && !ids_of_first.is_empty()
    {
        let mut repeated = Pulled::default();
        let ids = read(&mut repeated, &mapper, &again, subject.clock.now());
        pulled.lost_on_repeat = Some(ids_of_first.difference(&ids).count());
    }
    let mut page = first;
    for _ in 1..PAGES_MAX {
        let had_events = !page.events.is_empty();
        let next = match subject.client.page_after(stream, &page.to).await {
            Ok(next) => next,
            Err(error) => {
                pulled.failed = Some(error.to_string());
                pulled.went_on = Some(false);
                return pulled;
            }
        };
        let ids = read(&mut pulled, &mapper, &next, subject.clock.now());
        if had_events && pulled.went_on.is_none() {
            // A page that only repeats what was read did not go on.
            pulled.went_on = Some(page.to != page.from && (ids.is_empty() || ids != ids_of_first));
        }
        let done = !next.more || pulled.events >= EVENTS_ENOUGH;
        page = next;
        if done {
            break;
        }
    }
    pulled
}

/// Maps a page; gives the ids of its activities.
fn read(
    pulled: &mut Pulled,
    mapper: &Mapper,
    page: &FeedPage,
    now: DateTime<Utc>,
) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for event in &page.events {
        pulled.events += 1;
        match mapper.map(event, now) {
            Ok(mapped) => {
                let id = |one: &Mapped| one.activity.event_id.as_str().to_owned();
                ids.extend(mapped.iter().map(id));
                pulled.mapped.extend(mapped);
            }
            Err(error) => pulled.not_mappable.push(error.detail),
        }
    }
    ids
}

/// Asks for what the newest activity of each type left out, and of some more.
async fn enrich(subject: &Subject, mapped: &[Mapped]) -> Enriched {
    let mut enriched = Enriched::default();
    let mut chosen: Vec<&Mapped> = Vec::new();
    for kind in EventType::ALL {
        let mut of_it = mapped.iter().rev();
        chosen.extend(of_it.find(|one| one.activity.event_type == *kind && !one.own));
    }
    chosen.extend(mapped.iter().rev().take(ENRICHED_MAX));
    chosen.truncate(ENRICHED_MAX);
    for one in chosen {
        let (mut activity, mut provenance) = (one.activity.clone(), one.provenance.clone());
        let absent = |field: &Field| !one.provenance.of(*field).is_present();
        let open: Vec<Field> = Field::ALL.into_iter().filter(absent).collect();
        enriched.asked_for += 1;
        let asked = subject.client.enrich(&mut activity, &mut provenance, &open);
        if let Err(error) = asked.await {
            enriched.failed = Some(error.to_string());
        }
        let filled = open
            .into_iter()
            .filter(|field| provenance.of(*field).is_present());
        enriched.filled.extend(filled);
    }
    enriched
}

async fn download(subject: &Subject, mapped: &[Mapped]) -> Downloaded {
    let mut tried = BTreeSet::new();
    let mut refused = None;
    for one in mapped.iter().rev() {
        let activity = &one.activity;
        let named = activity.file_download_url.is_some();
        let object = activity
            .file_download_url
            .clone()
            .or(activity.object_id.clone());
        let gone = activity.event_type == EventType::DataDeletion;
        let Some(object) = object.filter(|_| !gone && (named || is_file(activity))) else {
            continue;
        };
        if tried.len() >= DOWNLOADS_MAX || !tried.insert(object) {
            continue;
        }
        match subject.client.download(activity, CONTENT_BYTES_MAX).await {
            Ok(content) => {
                let bytes = content.bytes.len();
                return Downloaded::Got { bytes, named };
            }
            // There is content, only more than is wanted here.
            Err(CallError::TooLarge { limit }) => {
                return Downloaded::Got {
                    bytes: limit,
                    named,
                };
            }
            Err(CallError::NotFound | CallError::NotSupported { .. }) => {}
            Err(error) => refused = Some(error.to_string()),
        }
    }
    refused.map_or(Downloaded::Nothing, Downloaded::Refused)
}

fn is_file(activity: &Activity) -> bool {
    activity.object_type.as_deref() == Some("file")
}

/// Registers, tries the actions meanwhile, looks for deliveries, deregisters.
async fn act(subject: &Subject, options: &Options) -> (Option<Seen<Pushed>>, Vec<Tried>) {
    let reachable = subject.listener.as_ref();
    let listener = reachable.filter(|_| subject.connector.registers_webhook());
    let mut pushed = match listener {
        Some(listener) => Some(webhook::register(subject, listener).await),
        None => None,
    };
    let mut registering = subject.heard.take();
    let tried = actions::try_all(subject, options).await;
    if let (Some(listener), Some(pushed)) = (listener, &mut pushed)
        && pushed.registered.is_some()
    {
        let made: BTreeSet<String> = tried.iter().filter_map(|one| one.object.clone()).collect();
        webhook::await_deliveries(subject, listener, options, &made, pushed).await;
        webhook::deregister(subject, listener, pushed).await;
    }
    let pushed = pushed.map(|pushed| {
        let mut seen = seen(subject, pushed);
        registering.append(&mut seen.evidence);
        seen.evidence = registering;
        seen
    });
    (pushed, tried)
}
