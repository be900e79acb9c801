//! One page of a scan: listed, mapped, evaluated, counted, and in a scan that acts, recorded.

use std::collections::HashSet;
use std::time::Duration;

use connector::{CrawlMapper, CrawledElement, CrawledPage};
use event_model::{
    ActivityRecord, Arrival, Assurance, Connection, ConnectionId, EventId, Incident, Job, JobState,
    PageRequest, PolicyId, RawEvent, Scan, ScanMode, WIRE_VERSION,
};
use futures::stream::{self, StreamExt};
use policy::PolicySet;
use ports::{EvaluatedActivity, EvaluatedBatch, IncidentFilter, Lease, StoreError};
use serde_json::value::RawValue;

use super::tally::Tally;
use super::{Scans, Stop, closed, scan_of};
use crate::Evaluator;
use crate::batch::Look;

/// How often a page is tried before a content that cannot be had counts as unread: the next scan finds it.
pub(super) const LOOKS_MAX: u32 = 8;
/// How often it is looked whether live looks still wait.
const YIELD_TICK: Duration = Duration::from_millis(50);
/// Most incidents of some elements that are asked for.
const INCIDENTS_MAX: u32 = 5_000;

/// What stands for one listed element, usually one activity, with the element's key.
struct Element {
    key: String,
    activities: Vec<EvaluatedActivity>,
}

impl Element {
    /// Whether some of its content cannot be had now.
    fn is_awaited(&self) -> bool {
        self.activities.iter().any(|one| one.again.is_some())
    }
}

/// Working at a scan under a lease, for a while.
pub(super) struct Stretch<'s> {
    scans: &'s Scans,
    lease: &'s Lease,
    /// When it ends, by the monotonic clock.
    until: Duration,
}

/// What a page is worked at with.
struct Bench {
    connection: Connection,
    mapper: CrawlMapper,
    policies: PolicySet,
    looker: Evaluator,
}

impl<'s> Stretch<'s> {
    pub(super) fn new(scans: &'s Scans, lease: &'s Lease) -> Self {
        let now = scans.ports.evaluator.clock.monotonic();
        Stretch {
            scans,
            lease,
            until: now + scans.options.stretch,
        }
    }

    /// Whether it is somebody else's turn.
    pub(super) fn is_over(&self) -> bool {
        self.monotonic() >= self.until
    }

    fn monotonic(&self) -> Duration {
        self.scans.ports.evaluator.clock.monotonic()
    }

    fn ms_since(&self, began: Duration) -> u64 {
        self.monotonic().saturating_sub(began).as_millis() as u64
    }

    /// Works at the next page. Why the scan does not go on, if it does not.
    pub(super) async fn page(&self, mut job: Job) -> Result<(Job, Option<Stop>), StoreError> {
        let began = self.monotonic();
        let scan = scan_of(&mut job).clone();
        let listed = self.list(&scan).await?;
        scan_of(&mut job).worked_ms += self.ms_since(began);
        let (bench, page) = match listed {
            Ok(listed) => listed,
            Err(stop) => return Ok((job, Some(stop))),
        };
        let CrawledPage {
            mut elements,
            lists,
            refused,
        } = page;
        if let Some(why) = refused {
            Tally::of(&mut scan_of(&mut job).report).not_listed(&why);
        }
        elements.retain(|element| !scan.done_of_page.contains(&element.key));
        while !elements.is_empty() {
            let some = elements.len().min(self.scans.options.elements_at_once_max);
            let (worked, stop) = self
                .elements(job, &bench, elements.drain(..some).collect())
                .await?;
            job = worked;
            if stop.is_some() {
                return Ok((job, stop));
            }
            if !elements.is_empty() {
                job = self.scans.save(job, JobState::Running).await?;
                if self.is_over() {
                    return Ok((job, Some(Stop::For(Duration::ZERO))));
                }
            }
        }
        let scan = scan_of(&mut job);
        scan.lists = lists;
        scan.done_of_page.clear();
        scan.tries = 0;
        Ok((self.scans.save(job, JobState::Running).await?, None))
    }

    /// Lists the next page, if something may be asked of the connection.
    async fn list(&self, scan: &Scan) -> Result<Result<(Bench, CrawledPage), Stop>, StoreError> {
        let ports = &self.scans.ports.evaluator;
        // The order matters: first through the gate, then look at the state. See `CallGate`.
        let _pass = match ports.gate.enter(scan.ask.connection).await {
            Ok(pass) => pass,
            Err(error) => return closed(error).map(Err),
        };
        let connection = match self.scans.connection(scan).await? {
            Ok(connection) => connection,
            Err(stop) => return Ok(Err(stop)),
        };
        let policies = match self.scans.policies(scan).await? {
            Ok(policies) => policies,
            Err(stop) => return Ok(Err(stop)),
        };
        let catalogue = ports.clients.catalogue();
        let (Some(connector), Ok(client)) = (
            catalogue.get(&connection.service),
            ports.clients.client(&connection),
        ) else {
            return Ok(Err(Stop::Failed(
                "the service is not in the catalogue".into(),
            )));
        };
        let client = client.gently(scan.ask.budget_percent);
        let page = match client.crawl_page(scan.ask.kind, &scan.lists).await {
            Ok(page) => page,
            Err(error) => return Ok(Err(self.scans.not_read(scan, &error).await)),
        };
        let bench = Bench {
            mapper: connector.crawl_mapper(scan.ask.kind, &connection),
            looker: self.scans.looker(scan),
            connection,
            policies,
        };
        Ok(Ok((bench, page)))
    }

    /// Works at some elements: why the scan stands still, if it does.
    async fn elements(
        &self,
        mut job: Job,
        bench: &Bench,
        listed: Vec<CrawledElement>,
    ) -> Result<(Job, Option<Stop>), StoreError> {
        self.yield_to_live().await;
        let began = self.monotonic();
        let scan = scan_of(&mut job).clone();
        let (evaluated, unmapped) = self.evaluate_all(bench, &scan, listed).await;
        let (awaited, mut ready): (Vec<Element>, Vec<Element>) =
            evaluated.into_iter().partition(Element::is_awaited);
        self.leave_out_recorded(&mut ready).await?;
        if scan.labels_of.is_some() {
            self.leave_out_objects(&mut ready).await?;
        }
        bench.looker.let_be(all_of(&mut ready)).await?;
        let (passed, limit) = within(&scan, &ready);
        if scan.ask.mode == ScanMode::Act {
            let gate = &self.scans.ports.evaluator.gate;
            // INVARIANT: nothing is recorded of a connection after disabling it has returned.
            let _pass = match gate.enter(scan.ask.connection).await {
                Ok(pass) => pass,
                Err(error) => return Ok((job, Some(closed(error)?))),
            };
            if let Err(stop) = self.scans.connection(&scan).await? {
                return Ok((job, Some(stop)));
            }
            job = self.record(job, &ready[..passed]).await?;
        }
        let acts = scan.ask.mode == ScanMode::Act;
        let took = self.ms_since(began);
        let scan = scan_of(&mut job);
        scan.worked_ms += took;
        let mut tally = Tally::of(&mut scan.report);
        tally.unmapped(unmapped);
        for element in &ready[..passed] {
            tally.add(&element.activities, acts);
        }
        let done = ready.into_iter().take(passed).map(|element| element.key);
        scan.done_of_page.extend(done);
        if limit.is_some() || awaited.is_empty() {
            return Ok((job, limit));
        }
        scan.tries += 1;
        Ok((job, Some(Stop::For(self.until_had(&awaited)))))
    }

    /// How long until the first of these contents is worth another try.
    fn until_had(&self, awaited: &[Element]) -> Duration {
        let now = self.scans.ports.evaluator.clock.now();
        let looks = awaited.iter().flat_map(|element| &element.activities);
        let looks = looks.filter_map(|one| one.again.as_ref());
        let first = looks.map(|look| look.at).min();
        first
            .and_then(|at| (at - now).to_std().ok())
            .unwrap_or_default()
    }

    /// Evaluates some elements side by side; how many could not be mapped.
    async fn evaluate_all(
        &self,
        bench: &Bench,
        scan: &Scan,
        listed: Vec<CrawledElement>,
    ) -> (Vec<Element>, u64) {
        let mut unmapped = 0;
        let mut looks = Vec::with_capacity(listed.len());
        for CrawledElement { key, event } in listed {
            let records = self.records(bench, scan, &event);
            unmapped += u64::from(records.is_err());
            looks.push((key, records.unwrap_or_default()));
        }
        let evaluated = stream::iter(looks)
            .map(|(key, records)| self.evaluate(bench, scan.tries, key, records))
            .buffered(self.scans.options.side_by_side_max)
            .collect();
        (evaluated.await, unmapped)
    }

    /// The activities that stand for an element, such as the scan's filters leave.
    fn records(
        &self,
        bench: &Bench,
        scan: &Scan,
        event: &RawEvent,
    ) -> Result<Vec<ActivityRecord>, ()> {
        let now = self.scans.ports.evaluator.clock.now();
        let mapped = bench.mapper.map(event, now).map_err(drop)?;
        let record = |one: connector::Mapped| {
            Ok(ActivityRecord {
                v: WIRE_VERSION,
                connection_id: bench.connection.id,
                service: bench.connection.service.clone(),
                arrival: Arrival::Crawl,
                received_at: now,
                // What Tidegate put back itself exists like everything else.
                own: false,
                assurance: Assurance::Signed,
                traceparent: None,
                activity: one.activity,
                provenance: one.provenance,
                raw: RawValue::from_string(one.raw.get().to_owned()).map_err(drop)?,
            })
        };
        let records = mapped.into_iter().map(record);
        let mut records = records.collect::<Result<Vec<_>, ()>>()?;
        records.retain(|record| is_meant(scan, record));
        Ok(records)
    }

    async fn evaluate(
        &self,
        bench: &Bench,
        tries: u32,
        key: String,
        records: Vec<ActivityRecord>,
    ) -> Element {
        let mut activities = Vec::with_capacity(records.len());
        for record in records {
            let look = Look {
                appended_at: record.received_at,
                record,
                attempts: tries,
                // It has the patience of a second look; its record is the first.
                is_second_look: true,
            };
            let evaluated = bench.looker.evaluate(&bench.policies, look).await;
            activities.push(EvaluatedActivity {
                is_second_look: false,
                ..evaluated
            });
        }
        Element { key, activities }
    }

    /// What a scan before recorded, or a person undid since, is no news.
    async fn leave_out_recorded(&self, elements: &mut [Element]) -> Result<(), StoreError> {
        let events: Vec<(ConnectionId, EventId)> = elements
            .iter()
            .flat_map(|element| &element.activities)
            .filter(|one| !one.incidents.is_empty())
            .map(|one| {
                (
                    one.record.connection_id,
                    one.record.activity.event_id.clone(),
                )
            })
            .collect();
        if events.is_empty() {
            return Ok(());
        }
        let incidents = &self.scans.ports.evaluator.incidents;
        let known = incidents
            .incidents_of_events(&events, None, INCIDENTS_MAX)
            .await?;
        let known: HashSet<(EventId, PolicyId)> = known.iter().map(violation).collect();
        let activities = elements
            .iter_mut()
            .flat_map(|element| &mut element.activities);
        for one in activities {
            one.incidents
                .retain(|new| !known.contains(&violation(&new.incident)));
        }
        Ok(())
    }

    /// When labels changed, what a policy has said of an object before is no news: it was said of this share or
    /// file when it happened, or by the labels as they were.
    async fn leave_out_objects(&self, elements: &mut [Element]) -> Result<(), StoreError> {
        let incidents = &self.scans.ports.evaluator.incidents;
        let first = PageRequest::first(1);
        for one in all_of(elements) {
            let mut news = Vec::new();
            for new in std::mem::take(&mut one.incidents) {
                let filter = IncidentFilter {
                    connection: Some(new.incident.connection_id),
                    policy: Some(new.incident.policy.id),
                    object_id: new.incident.activity.object_id.clone(),
                    ..IncidentFilter::default()
                };
                let before = incidents.incident_page(&filter, &first);
                if filter.object_id.is_none() || before.await?.items.is_empty() {
                    news.push(new);
                }
            }
            one.incidents = news;
        }
        Ok(())
    }

    /// Records incidents with their remedies. INVARIANT: the actions are counted and saved before they
    /// are planned; after a crash between the two they are counted, and planned at most once.
    async fn record(&self, mut job: Job, elements: &[Element]) -> Result<Job, StoreError> {
        let found = elements.iter().flat_map(|element| &element.activities);
        let activities: Vec<EvaluatedActivity> = found
            .filter(|one| !one.incidents.is_empty())
            .cloned()
            .collect();
        if activities.is_empty() {
            return Ok(job);
        }
        scan_of(&mut job).report.actions += actions(&activities);
        let mut job = self.scans.save(job, JobState::Running).await?;
        let ports = &self.scans.ports;
        let (ttl, now) = (self.scans.options.lease, ports.evaluator.clock.now());
        ports.leases.renew_lease(self.lease, ttl, now).await?;
        let mut batch = EvaluatedBatch { activities };
        let new = batch
            .activities
            .iter_mut()
            .flat_map(|one| &mut one.incidents);
        new.for_each(|new| new.incident.latency.recorded_at = Some(now));
        let recorded = ports.evaluator.results.record(&batch).await?;
        scan_of(&mut job).report.incidents += recorded.incidents_new.len() as u64;
        Ok(job)
    }

    /// Live looks at contents go first.
    async fn yield_to_live(&self) {
        let ticks = self.scans.options.yields_max.as_millis() / YIELD_TICK.as_millis().max(1);
        for _ in 0..ticks {
            if !self.scans.ports.live.looks_wait() {
                return;
            }
            tokio::time::sleep(YIELD_TICK).await;
        }
    }
}

/// Every activity of some elements, to be changed.
fn all_of(elements: &mut [Element]) -> Vec<&mut EvaluatedActivity> {
    let all = elements.iter_mut();
    all.flat_map(|element| &mut element.activities).collect()
}

fn violation(incident: &Incident) -> (EventId, PolicyId) {
    (incident.activity.event_id.clone(), incident.policy.id)
}

/// The actions in the service that these would plan.
pub(super) fn actions<'a>(activities: impl IntoIterator<Item = &'a EvaluatedActivity>) -> u64 {
    let new = activities.into_iter().flat_map(|one| &one.incidents);
    let remedies = new.flat_map(|new| &new.incident.remedies);
    remedies
        .filter(|remedy| remedy.kind.acts_in_service())
        .count() as u64
}

/// How many of the elements can be acted upon before a person must be asked, and what that person is told.
/// A preview only counts.
fn within(scan: &Scan, elements: &[Element]) -> (usize, Option<Stop>) {
    if scan.ask.mode == ScanMode::Preview {
        return (elements.len(), None);
    }
    let mut planned = scan.report.actions;
    for (passed, element) in elements.iter().enumerate() {
        let needed = actions(&element.activities);
        if needed > u64::from(scan.ask.actions_max) {
            let why = format!(
                "one finding alone needs {needed} actions: cancel, and scan with a higher limit"
            );
            return (passed, Some(Stop::Held(why)));
        }
        if needed > 0 && planned + needed > scan.allowed {
            let why = format!("{planned} actions are planned: more need a person's consent");
            return (passed, Some(Stop::Held(why)));
        }
        planned += needed;
    }
    (elements.len(), None)
}

/// Whether the scan is about it.
fn is_meant(scan: &Scan, record: &ActivityRecord) -> bool {
    let activity = &record.activity;
    let below = |path: &str| {
        let at = activity.object_path.as_deref().unwrap_or_default();
        let rest = at.strip_prefix(path.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let by = |user: &str| {
        let named = [&activity.actor_email, &activity.from_email];
        let mut named = named.into_iter().flatten();
        named.any(|email| email.eq_ignore_ascii_case(user))
    };
    scan.ask.path.as_deref().is_none_or(below)
        && scan.ask.user.as_deref().is_none_or(by)
        && scan.is_about(
            activity.object_id.as_deref(),
            activity.object_path.as_deref(),
        )
}
