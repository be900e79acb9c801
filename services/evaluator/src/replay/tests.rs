use std::time::Duration;

use event_model::{
    ActionDelta, BlindSpot, Evidence, IncidentDelta, Job, JobId, JobState, JobWork, Mode,
    ReplayAsk, ReplayReport, Response, ResponseKind, Visibility,
};
use ports::contract::samples;
use ports::{Clock, EvaluationStore, JobStore, LeaseStore, ManualClock, SeededEntropy};
use sealing::{Key, Sealer};
use store_sqlite::SqliteStore;

use super::*;

struct World {
    store: Arc<SqliteStore>,
    clock: Arc<ManualClock>,
}

/// What is recorded: activity by its number, with what is said of it.
#[derive(Default, Clone)]
struct Past {
    public: bool,
    user: &'static str,
    own: bool,
    blind: bool,
    incident: Option<(u8, Vec<Evidence>)>,
}

fn card(masked: &str) -> Evidence {
    Evidence {
        detector: "credit_card".into(),
        confidence: "high".into(),
        masked: masked.into(),
        place: "line 1".into(),
        occurrences: 1,
        test_value: false,
    }
}

impl World {
    async fn new() -> Self {
        let sealer = Sealer::new(vec![Key::new("a", [1; 32])]).ok().unwrap();
        let entropy = Arc::new(SeededEntropy::new(1));
        let store = SqliteStore::open("sqlite::memory:", sealer, entropy).await;
        World {
            store: Arc::new(store.unwrap()),
            clock: Arc::new(ManualClock::at(samples::at(900_000))),
        }
    }

    /// Records the n-th activity, an hour after the one before.
    async fn records(&self, n: i64, past: Past) {
        let mut record = samples::record(&format!("e{n}"), &format!("f{n}"), n * 3_600);
        let visibility = match past.public {
            true => Visibility::Public,
            false => Visibility::Restricted,
        };
        record.activity.visibility = Some(visibility);
        record.activity.actor_email = Some(format!("{}@example.com", past.user));
        record.own = past.own;
        let incident = past.incident.map(|(policy, evidence)| {
            let mut incident = samples::incident(policy, &record);
            incident.id = event_model::IncidentId::new(samples::at(n), n as u128);
            incident.evidence = evidence;
            samples::with_remedies(incident, &[RemedyKind::RemoveLink])
        });
        let mut evaluated = samples::evaluated(record, incident.into_iter().collect());
        if past.blind {
            evaluated.blind_spots = vec![BlindSpot {
                reason: "encrypted".into(),
                detail: "it is encrypted".into(),
            }];
        }
        self.store
            .record(&samples::batch(vec![evaluated]))
            .await
            .unwrap();
    }

    fn replays(&self, holder: &str) -> Replays {
        let ports = ReplayPorts {
            jobs: self.store.clone(),
            leases: self.store.clone(),
            activities: self.store.clone(),
            incidents: self.store.clone(),
            clock: self.clock.clone(),
        };
        let options = ReplayOptions {
            saved_every: Duration::ZERO,
            ..ReplayOptions::default()
        };
        Replays::new(ports, options, holder.into())
    }

    async fn asks(&self, ask: ReplayAsk) -> Job {
        let now = self.clock.now();
        let work = JobWork::Replay(Box::new(Replay::of(ask)));
        let job = Job::new(JobId::new(now, 1), "ada", work, now);
        self.store.add_job(&job).await.unwrap();
        job
    }

    async fn tries(&self, ask: ReplayAsk) -> ReplayReport {
        let job = self.asks(ask).await;
        while self.replays("one").step().await.unwrap() {}
        let job = self.store.job(job.id).await.unwrap().unwrap();
        assert_eq!(job.state, JobState::Done, "{:?}", job.note);
        report(&job).clone()
    }
}

fn report(job: &Job) -> &ReplayReport {
    let JobWork::Replay(replay) = &job.work else {
        panic!("a trial");
    };
    &replay.report
}

fn rule(rule: &str, responses: &[ResponseKind]) -> PolicyDocument {
    let mut document = samples::policy(1, 1, true).document;
    document.rule = rule.into();
    document.responses = responses
        .iter()
        .map(|kind| Response::plain(*kind))
        .collect();
    document
}

fn ask(document: PolicyDocument, baseline: Baseline) -> ReplayAsk {
    ReplayAsk {
        document,
        policy: Some(samples::policy(1, 2, false).reference()),
        baseline,
        from: samples::at(0),
        to: samples::at(800_000),
        connection: None,
    }
}

fn recorded() -> Baseline {
    Baseline::Recorded {
        policy: samples::policy_id(1),
    }
}

fn public(user: &'static str) -> Past {
    Past {
        public: true,
        user,
        ..Past::default()
    }
}

/// Two public links with incidents of policy 1, one without, one restricted with an incident, and what
/// Tidegate did itself.
async fn with_links() -> World {
    let world = World::new().await;
    let with = |past: Past| Past {
        incident: Some((1, Vec::new())),
        ..past
    };
    world.records(3, with(public("ada"))).await;
    world.records(4, with(public("bob"))).await;
    world.records(30, public("ada")).await;
    let restricted = Past {
        user: "eve",
        ..Past::default()
    };
    world.records(31, with(restricted)).await;
    let own = Past {
        own: true,
        ..public("tidegate")
    };
    world.records(32, own).await;
    world
}

#[tokio::test]
async fn a_draft_is_compared_with_the_incidents_of_its_policy() {
    let world = with_links().await;
    let document = rule(
        "_share.public",
        &[ResponseKind::RemoveLink, ResponseKind::Notify],
    );
    let report = world.tries(ask(document, recorded())).await;
    assert_eq!((report.activities, report.watched), (5, 4));
    let delta = |added, gone, same| IncidentDelta {
        added,
        gone,
        same,
        undecided: 0,
    };
    assert_eq!(report.incidents, delta(1, 1, 2));
    let days: Vec<_> = report.days.into_iter().collect();
    let day = |n: i64| samples::at(n * 3_600).format("%Y-%m-%d").to_string();
    assert_eq!(days, [(day(3), delta(0, 0, 2)), (day(30), delta(1, 1, 0))]);
    assert_eq!(report.users["ada@example.com"], delta(1, 0, 1));
    assert_eq!(report.users["eve@example.com"], delta(0, 1, 0));
    let actions = |kind: RemedyKind| report.actions[kind.word()];
    assert_eq!(
        actions(RemedyKind::RemoveLink),
        ActionDelta { added: 1, gone: 1 }
    );
    assert_eq!(
        actions(RemedyKind::Notify),
        ActionDelta { added: 3, gone: 0 },
        "those that are there already would be told, too"
    );
    assert_eq!(report.added[0].event_id.as_str(), "e30");
    assert_eq!(report.added[0].why, "_share.public");
    assert_eq!(report.gone[0].event_id.as_str(), "e31");
    assert!(
        report.gone[0].incident.is_some(),
        "it leads to the incident"
    );
}

#[tokio::test]
async fn a_permissive_draft_tells_and_takes_no_action() {
    let world = with_links().await;
    let mut document = rule("_share.public", &[ResponseKind::RemoveLink]);
    document.mode = Mode::Permissive;
    let report = world.tries(ask(document, recorded())).await;
    let removing = report.actions[RemedyKind::RemoveLink.word()];
    assert_eq!(removing, ActionDelta { added: 0, gone: 3 });
}

#[tokio::test]
async fn a_draft_is_compared_with_another_version_and_with_nothing() {
    let world = with_links().await;
    let draft = || rule("_user.email == 'ada@example.com'", &[]);
    let version = Baseline::Version {
        policy: samples::policy(1, 1, false).reference(),
        document: Box::new(rule("_share.public", &[])),
    };
    let report = world.tries(ask(draft(), version)).await;
    let IncidentDelta {
        added, gone, same, ..
    } = report.incidents;
    assert_eq!((added, gone, same), (0, 1, 2), "bob's would be gone");
    let world = with_links().await;
    let report = world.tries(ask(draft(), Baseline::Nothing)).await;
    assert_eq!(report.incidents.added, 2);
}

#[tokio::test]
async fn what_asks_for_content_is_answered_from_what_incidents_kept() {
    // rule | evidence of another policy | blind => outcome
    let rows: [(&str, &[&str], bool, &str); 6] = [
        ("_content.has('credit_card')", &["**1"], false, "added"),
        (
            "_content.count('credit_card') >= 2",
            &["**1", "**2"],
            false,
            "added",
        ),
        (
            "_content.count('credit_card') >= 2",
            &["**1"],
            false,
            "only what incidents recorded",
        ),
        (
            "_content.has('iban')",
            &["**1"],
            false,
            "only what incidents recorded",
        ),
        ("_content.has('credit_card')", &[], false, "it is not kept"),
        (
            "_content.has('credit_card')",
            &[],
            true,
            "it could not be inspected: encrypted",
        ),
    ];
    for (text, evidence, blind, expected) in rows {
        let world = World::new().await;
        let evidence: Vec<Evidence> = evidence.iter().map(|masked| card(masked)).collect();
        let past = Past {
            blind,
            incident: (!evidence.is_empty()).then_some((2, evidence)),
            ..public("ada")
        };
        world.records(1, past).await;
        let report = world.tries(ask(rule(text, &[]), Baseline::Nothing)).await;
        let came = match report.incidents {
            IncidentDelta { added: 1, .. } => "added".to_owned(),
            IncidentDelta { undecided: 1, .. } => {
                report.undecided.keys().cloned().collect::<String>()
            }
            delta => format!("{delta:?}"),
        };
        assert!(came.contains(expected), "{text}: {came}");
    }
}

#[tokio::test]
async fn only_the_range_and_the_connection_that_are_asked_for_count() {
    let world = with_links().await;
    let document = rule("_share.public", &[]);
    let narrow = ReplayAsk {
        from: samples::at(4 * 3_600),
        to: samples::at(30 * 3_600),
        ..ask(document.clone(), recorded())
    };
    assert_eq!(world.tries(narrow).await.activities, 1, "to is not in it");
    let world = with_links().await;
    let elsewhere = ReplayAsk {
        connection: Some(samples::connection_id(2)),
        ..ask(document, recorded())
    };
    assert_eq!(world.tries(elsewhere).await.activities, 0);
}

#[tokio::test]
async fn a_trial_goes_on_where_it_was_and_ends_when_it_is_canceled() {
    let world = World::new().await;
    for n in 1..=i64::from(PAGE_ACTIVITIES) + 7 {
        let mut record = samples::record(&format!("more{n}"), "f", n);
        record.activity.visibility = Some(Visibility::Public);
        let one = samples::batch(vec![samples::evaluated(record, Vec::new())]);
        world.store.record(&one).await.unwrap();
    }
    let document = rule("_share.public", &[]);
    let whole = world.tries(ask(document.clone(), Baseline::Nothing)).await;
    assert!(whole.activities > u64::from(PAGE_ACTIVITIES));

    // A worker that dies after the first page, and another that goes on.
    world.clock.advance(Duration::from_secs(1));
    let job = world.asks(ask(document, Baseline::Nothing)).await;
    let JobWork::Replay(replay) = &job.work else {
        panic!("a trial");
    };
    let (activities, incidents) = (world.store.clone(), world.store.clone());
    let replayer = Replayer::new(activities, incidents, replay).ok().unwrap();
    let mut begun = job.clone();
    begun.step(JobState::Running, world.clock.now()).unwrap();
    let JobWork::Replay(replay) = &mut begun.work else {
        panic!("a trial");
    };
    assert!(replayer.page(replay).await.unwrap(), "there is more");
    assert!(replay.percent < 100);
    world.store.save_job(&begun).await.unwrap();
    let held = world
        .store
        .acquire_lease(
            "replay",
            "the dead",
            Duration::from_secs(20),
            world.clock.now(),
        )
        .await;
    assert!(held.unwrap().is_some());
    assert!(
        !world.replays("two").step().await.unwrap(),
        "it may be alive"
    );
    world.clock.advance(Duration::from_secs(21));
    assert!(world.replays("two").step().await.unwrap());
    let ended = world.store.job(job.id).await.unwrap().unwrap();
    assert_eq!(*report(&ended), whole, "as if nothing had happened");

    world.clock.advance(Duration::from_secs(1));
    let JobWork::Replay(replay) = &job.work else {
        panic!("a trial");
    };
    let mut canceled = world.asks(replay.ask.clone()).await;
    canceled
        .step(JobState::Canceled, world.clock.now())
        .unwrap();
    world.store.save_job(&canceled).await.unwrap();
    assert!(!world.replays("two").step().await.unwrap(), "nothing to do");
}

#[tokio::test]
async fn a_report_stays_within_its_bounds() {
    let mut report = ReplayReport::default();
    for n in 0..2_000 {
        let mut stored = stored(n);
        stored.activity.actor_email = Some(format!("user{n}@example.com"));
        let came = |outcome, why: String| Came {
            outcome,
            actions: Vec::new(),
            why,
        };
        Tally::of(&mut report).add(
            &stored,
            Compared {
                watched: true,
                now: came(Outcome::Undecided, format!("reason {n}")),
                before: came(Outcome::Complied, String::new()),
                incident: None,
            },
        );
    }
    assert_eq!(report.incidents.undecided, 2_000);
    assert_eq!(report.users.len(), ReplayReport::USERS_MAX);
    let others = report.other_users.undecided;
    assert_eq!(others, 2_000 - ReplayReport::USERS_MAX as u64);
    assert_eq!(report.undecided.len(), ReplayReport::REASONS_MAX);
    assert_eq!(report.undecided.values().sum::<u64>(), 2_000);
    assert_eq!(report.untold.len(), ReplayReport::EXAMPLES_MAX);
}

fn stored(n: i64) -> StoredActivity {
    let record = samples::record(&format!("e{n}"), "f", n);
    StoredActivity {
        connection_id: record.connection_id,
        service: record.service,
        arrival: record.arrival,
        received_at: record.received_at,
        appended_at: None,
        evaluated_at: None,
        traceparent: None,
        own: false,
        activity: record.activity,
        provenance: record.provenance,
        blind_spots: Vec::new(),
    }
}

#[tokio::test]
async fn a_rule_that_does_not_compile_fails_the_trial_and_says_why() {
    let world = World::new().await;
    let job = world.asks(ask(rule("_share.pubic", &[]), recorded())).await;
    assert!(world.replays("one").step().await.unwrap());
    let job = world.store.job(job.id).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Failed);
    assert!(job.note.unwrap().contains("_share.pubic"));
}
