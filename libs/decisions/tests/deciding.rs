//! What a decider promises, whatever asks it: over a store in memory, and one that takes nothing.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use decisions::{
    Attempt, DecideError, Decided, Decider, DeciderOptions, DeciderPorts, Recording, Undecided,
    Word,
};
use event_model::{
    Connection, ConnectionId, Effect, EventId, Exception, ExceptionId, ExceptionMatch,
    IncidentStatus, Lifecycle, Mode, PageRequest, PolicyDocument, PolicyId, PolicyVersion,
    Severity, Trigger, TriggerAction,
};
use inspector::InProcess;
use labels::Labelling;
use ports::{
    AwaitedActivity, ConnectionStore, Entropy, EvaluatedBatch, EvaluationStore, ExceptionStore,
    IncidentFilter, IncidentStore, ManualClock, NoCountries, PolicyStore, Recorded, SeededEntropy,
    StoreError,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sealing::{Key, Sealer};
use serde_json::{Value, json};
use store_sqlite::SqliteStore;
use telemetry::Metrics;

/// A store that takes nothing.
struct Full;

fn full<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("the disk is full".into()))
}

#[async_trait]
impl EvaluationStore for Full {
    async fn record(&self, _: &EvaluatedBatch) -> Result<Recorded, StoreError> {
        full()
    }

    async fn are_recorded(&self, _: &[(ConnectionId, EventId)]) -> Result<Vec<bool>, StoreError> {
        full()
    }

    async fn take_awaited(
        &self,
        _: DateTime<Utc>,
        _: Duration,
        _: u32,
    ) -> Result<Vec<AwaitedActivity>, StoreError> {
        full()
    }
}

struct World {
    decider: Decider,
    store: Arc<SqliteStore>,
    connection: ConnectionId,
}

fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_769_853_600, 0).unwrap()
}

fn connection(number: u128, service: &str) -> Connection {
    Connection {
        id: ConnectionId::new(beginning(), number),
        service: service.into(),
        name: format!("{service} {number}"),
        params: Default::default(),
        base_url: None,
        client_id: None,
        tenant_id: None,
        lifecycle: Lifecycle::Disabled {
            since: beginning(),
            leftover: None,
        },
        health: None,
        created_at: beginning() + TimeDelta::seconds(number as i64),
        revision: 1,
    }
}

fn no_public_links() -> PolicyVersion {
    let document = PolicyDocument {
        name: "No public links".into(),
        severity: Severity::High,
        trigger: Trigger {
            connections: Vec::new(),
            actions: vec![TriggerAction::Share],
        },
        rule: "_share.public".into(),
        effect: Effect::Deny,
        mode: Mode::Enforce,
        notification: None,
        responses: Vec::new(),
        approval: None,
        approvers: None,
        undo_window_minutes: None,
        limit: None,
    };
    PolicyVersion {
        id: PolicyId::new(beginning(), 1),
        version: 1,
        enabled: true,
        saved_at: beginning(),
        document,
    }
}

async fn world(takes_nothing: bool) -> World {
    let entropy = Arc::new(SeededEntropy::new(7));
    let sealer = Sealer::new(vec![Key::new("test", [7; 32])]).unwrap();
    let store = SqliteStore::open("sqlite::memory:", sealer, entropy.clone());
    let store = Arc::new(store.await.unwrap());
    for (number, service) in [(1, "box"), (2, "slack"), (3, "slack")] {
        store.create(&connection(number, service)).await.unwrap();
    }
    store.save_policy(&no_public_links()).await.unwrap();
    let results: Arc<dyn EvaluationStore> = match takes_nothing {
        true => Arc::new(Full),
        false => store.clone(),
    };
    let ports = DeciderPorts {
        policies: store.clone(),
        connections: store.clone(),
        exceptions: store.clone(),
        results,
        inspector: Arc::new(InProcess::default()),
        labelling: Arc::new(Labelling::built_in()),
        countries: Arc::new(NoCountries),
        clock: Arc::new(ManualClock::at(beginning())),
        entropy,
        metrics: Arc::new(Metrics::new()),
    };
    World {
        decider: Decider::new(ports, DeciderOptions::default()),
        store,
        connection: connection(1, "box").id,
    }
}

impl World {
    async fn asks(&self, attempt: &Value) -> Result<Decided, DecideError> {
        let raw = serde_json::value::to_raw_value(attempt).unwrap();
        let attempt: Attempt = serde_json::from_str(raw.get()).unwrap();
        self.decider.decide(attempt, &raw, Undecided::Allow).await
    }

    fn share(&self, visibility: &str) -> Value {
        json!({"connection": self.connection, "action": "share", "activity": {"visibility": visibility}})
    }
}

#[tokio::test]
async fn a_violation_that_cannot_be_recorded_is_no_decision_and_an_allowed_attempt_needs_no_store()
{
    let world = world(true).await;
    let denied = world.asks(&world.share("public")).await;
    assert!(matches!(denied, Err(DecideError::Store(_))), "{denied:?}");
    let allowed = world.asks(&world.share("restricted")).await.unwrap();
    assert_eq!(
        (allowed.decision, allowed.recorded),
        (Word::Allow, Recording::Nothing)
    );
}

#[tokio::test]
async fn an_attempt_without_a_key_is_recorded_each_time() {
    let world = world(false).await;
    let first = world.asks(&world.share("public")).await.unwrap();
    let second = world.asks(&world.share("public")).await.unwrap();
    assert_ne!(first.event_id, second.event_id);
    for decided in [first, second] {
        assert_eq!(
            (decided.decision, decided.recorded),
            (Word::Deny, Recording::New)
        );
        let known = [(decided.connection, decided.event_id)];
        assert_eq!(world.store.are_recorded(&known).await.unwrap(), [true]);
    }
}

impl World {
    /// A policy on shares of that severity, in use.
    async fn saves(&self, number: u128, name: &str, rule: &str, severity: Severity) -> PolicyId {
        let mut policy = no_public_links();
        (policy.id, policy.document.name) = (PolicyId::new(beginning(), number), name.into());
        (policy.document.rule, policy.document.severity) = (rule.into(), severity);
        self.store.save_policy(&policy).await.unwrap();
        policy.id
    }

    /// Lets Ann violate a policy.
    async fn excepts_ann(&self, policy_id: PolicyId) -> ExceptionId {
        let chance = SeededEntropy::new(u64::from(policy_id == no_public_links().id)).draw();
        let exception = Exception {
            id: ExceptionId::new(beginning(), chance),
            policy_id,
            matches: ExceptionMatch {
                actor_email: Some("ann@example.com".into()),
                ..ExceptionMatch::default()
            },
            owner: "grace".into(),
            reason: "she writes the press kit".into(),
            created_by: "grace".into(),
            created_at: beginning(),
            expires_at: beginning() + TimeDelta::days(1),
            ended_at: None,
            ended_by: None,
        };
        self.store.add_exception(&exception).await.unwrap();
        exception.id
    }

    async fn is_answered(&self, who: &str, undecided: Undecided) -> Decided {
        let mut attempt = self.share("public");
        attempt["activity"]["actor_email"] = json!(who);
        let raw = serde_json::value::to_raw_value(&attempt).unwrap();
        let attempt: Attempt = serde_json::from_str(raw.get()).unwrap();
        self.decider.decide(attempt, &raw, undecided).await.unwrap()
    }
}

#[tokio::test]
async fn what_an_exception_covers_is_not_denied_and_the_answer_says_which() {
    let world = world(false).await;
    let exception = world.excepts_ann(no_public_links().id).await;
    let decided = world.is_answered("Ann@Example.com", Undecided::Allow).await;
    assert_eq!(
        (decided.decision, decided.recorded),
        (Word::Allow, Recording::New)
    );
    let excepted = &decided.reasons.excepted[0];
    assert_eq!(excepted.exception, exception);
    assert_eq!(excepted.outcome.policy.name, "No public links");
    assert_eq!(
        decided.reasons.sentence,
        format!(
            "no enforcing policy is violated. `No public links` (version 1) is let be by the exception {exception} of \
             grace: she writes the press kit"
        )
    );
    let of_event = IncidentFilter {
        event_id: Some(decided.event_id.to_string()),
        ..IncidentFilter::default()
    };
    let found = world
        .store
        .incident_page(&of_event, &PageRequest::first(5))
        .await
        .unwrap();
    assert_eq!(found.items[0].status, IncidentStatus::Suppressed);
    assert_eq!(found.items[0].case.exception, Some(exception));
    let other = world.is_answered("bob@example.com", Undecided::Allow).await;
    assert_eq!(other.decision, Word::Deny, "it is about Ann");
    world
        .store
        .end_exception(exception, "grace", beginning())
        .await
        .unwrap();
    let ended = world.is_answered("ann@example.com", Undecided::Allow).await;
    assert_eq!(ended.decision, Word::Deny, "it was ended");
}

#[tokio::test]
async fn the_chain_goes_on_after_what_is_let_be() {
    let world = world(false).await;
    let first = world
        .saves(2, "First", "_share.public", Severity::Critical)
        .await;
    world.excepts_ann(first).await;
    let decided = world.is_answered("ann@example.com", Undecided::Allow).await;
    assert_eq!(decided.decision, Word::Deny);
    let winner = decided.reasons.winner.unwrap();
    assert_eq!(winner.policy.name, "No public links");
    assert_eq!(decided.reasons.excepted[0].outcome.policy.name, "First");
}

#[tokio::test]
async fn an_undecided_policy_that_would_be_let_be_does_not_deny_on_the_safe_side() {
    let world = world(false).await;
    world.excepts_ann(no_public_links().id).await;
    let unknown = world
        .saves(2, "Owners", "_activity.role == 'owner'", Severity::Low)
        .await;
    let denied = world.is_answered("ann@example.com", Undecided::Deny).await;
    assert_eq!(denied.decision, Word::Deny, "the role was not told");
    world.excepts_ann(unknown).await;
    let allowed = world.is_answered("ann@example.com", Undecided::Deny).await;
    assert_eq!(allowed.decision, Word::Allow, "{:?}", allowed.reasons);
}

#[tokio::test]
async fn a_service_is_enough_when_it_has_one_connection() {
    let world = world(false).await;
    let ghost = ConnectionId::new(beginning(), 9);
    let rows = [
        (json!({"service": "box"}), ""),
        (json!({"connection": world.connection}), ""),
        (
            json!({"service": "okta"}),
            "/service `okta` has no connection",
        ),
        (
            json!({"service": "slack"}),
            "/service `slack` has 2 connections: name the `connection`",
        ),
        (
            json!({}),
            "/connection name the `connection`, or else the `service`",
        ),
        (
            json!({"service": "box", "connection": world.connection}),
            "/connection name the `connection`, or else the `service`",
        ),
        (json!({ "connection": ghost }), "there is no connection"),
    ];
    for (mut attempt, wanted) in rows {
        attempt["action"] = json!("login");
        match world.asks(&attempt).await {
            Ok(decided) => {
                assert_eq!(wanted, "", "{attempt}");
                assert_eq!(decided.connection, world.connection);
            }
            Err(DecideError::Mistaken(mistakes)) => {
                let said = format!("{} {}", mistakes[0].field, mistakes[0].message);
                assert!(
                    !wanted.is_empty() && said.contains(wanted),
                    "{attempt}: {said}"
                );
            }
            Err(error) => panic!("{attempt}: {error}"),
        }
    }
    // One that is connected later counts at once.
    let later = connection(4, "okta");
    world.store.create(&later).await.unwrap();
    let found = world
        .asks(&json!({"service": "okta", "action": "login"}))
        .await;
    assert_eq!(found.unwrap().connection, later.id);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_.]{1,12}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

#[test]
fn whatever_is_told_is_decided_or_refused() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let world = runtime.block_on(world(false));
    let parts = [
        "activity",
        "request",
        "user",
        "share",
        "metadata",
        "content",
        "idempotency_key",
    ];
    let part = prop::sample::select(parts.to_vec());
    let given = (part, json_value(), json_value());
    let mut runner = TestRunner::new(ProptestConfig::default());
    let ran = runner.run(&given, |(part, value, metadata)| {
        let mut attempt = world.share("public");
        attempt["metadata"] = json!([{ "a.b": metadata }]);
        attempt[part] = value;
        let raw = serde_json::value::to_raw_value(&attempt).unwrap();
        let Ok(read) = serde_json::from_str::<Attempt>(raw.get()) else {
            return Ok(());
        };
        match runtime.block_on(world.decider.decide(read, &raw, Undecided::Deny)) {
            Ok(decided) => prop_assert_eq!(decided.reasons.allow, decided.decision == Word::Allow),
            Err(DecideError::Mistaken(mistakes)) => prop_assert!(!mistakes.is_empty()),
            Err(error) => prop_assert!(false, "{}", error),
        }
        Ok(())
    });
    ran.unwrap();
}
