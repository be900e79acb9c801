//! A console with its store, and the verbs of its domain.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};
use console::{ConsoleConfig, ConsolePorts, PasswordCost, router};
use decisions::{Decider, DeciderOptions, DeciderPorts};
use event_model::{
    Activity, ActivityRecord, Arrival, Assurance, BlindSpot, Case, ConnectionId, EventId,
    EventType, Evidence, Field, FieldSource, Incident, IncidentId, IncidentStatus, Latency, Mode,
    PolicyId, PolicyRef, Provenance, QuarantineId, QuarantineItem, QuarantineState, Remedy,
    RemedyId, RemedyKind, RemedyState, Role, Secret, Severity, Snapshot, TimelineEntry,
    TimelineKind, TraceNode, WIRE_VERSION,
};
use inspector::InProcess;
use labels::Labelling;
use ports::{
    Clock, Entropy, EvaluatedActivity, EvaluatedBatch, EvaluationStore, IncidentKind, ManualClock,
    NewIncident, NoCountries, RemedyProgress, RemedyStore, SeededEntropy, SignOn,
};
use sealing::{Key, Sealer};
use serde_json::{Value, json};
use store_sqlite::SqliteStore;
use telemetry::Metrics;
use tokio::sync::watch;
use tower::ServiceExt;
use vault::{KeyRing, LocalKms, Storage, Vault, VaultPorts};

use crate::administration::PlayedService;

pub(crate) const TOKEN: &str = "adm_0123456789";

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: Arc<PlayedService>,
    pub(crate) vault: Vault,
    pub(crate) stop: watch::Sender<bool>,
    entropy: Arc<SeededEntropy>,
    /// Where files of sinks lie.
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_769_853_600, 0).unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        World::configured(|_| {}).await
    }

    /// With another configuration of the console.
    pub(crate) async fn configured(change: impl FnOnce(&mut ConsoleConfig)) -> Self {
        World::whole(change, None).await
    }

    /// Where people sign in at a provider of identities.
    pub(crate) async fn signing_on(
        provider: Arc<dyn SignOn>,
        second_factor_roles: BTreeSet<Role>,
    ) -> Self {
        let asks = |config: &mut ConsoleConfig| config.second_factor_roles = second_factor_roles;
        World::whole(asks, Some(provider)).await
    }

    async fn whole(
        change: impl FnOnce(&mut ConsoleConfig),
        sign_on: Option<Arc<dyn SignOn>>,
    ) -> Self {
        let entropy = Arc::new(SeededEntropy::new(7));
        let clock = Arc::new(ManualClock::at(beginning()));
        let sealer = Sealer::new(vec![Key::new("test", [7; 32])]).unwrap();
        let store = SqliteStore::open("sqlite::memory:", sealer, entropy.clone());
        let store = Arc::new(store.await.unwrap());
        let service = Arc::new(PlayedService {
            store: store.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            healthy: AtomicBool::new(true),
        });
        let folder = tempfile::tempdir().unwrap();
        let (stop, shutdown) = watch::channel(false);
        let keys = "a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        let keys = LocalKms::from_text(keys, entropy.clone()).ok().unwrap();
        let vault = Vault::new(VaultPorts {
            index: store.clone(),
            audit: store.clone(),
            storage: Storage::memory(),
            keys: KeyRing::new(Arc::new(keys), Vec::new()),
            clock: clock.clone(),
            entropy: entropy.clone(),
        });
        let ports = ConsolePorts {
            connections: service.clone(),
            connection_store: store.clone(),
            policies: store.clone(),
            incidents: store.clone(),
            exceptions: store.clone(),
            views: store.clone(),
            activities: store.clone(),
            jobs: store.clone(),
            remedies: store.clone(),
            quarantine: store.clone(),
            access: store.clone(),
            vault: Some(vault.clone()),
            audit: store.clone(),
            detectors: store.clone(),
            stats: store.clone(),
            accounts: store.clone(),
            sessions: store.clone(),
            tokens: store.clone(),
            answers: store.clone(),
            sign_on,
            sinks: crate::sinks::desk(folder.path(), &store, &clock),
            decider: Arc::new(Decider::new(
                DeciderPorts {
                    policies: store.clone(),
                    connections: store.clone(),
                    exceptions: store.clone(),
                    results: store.clone(),
                    inspector: Arc::new(InProcess::default()),
                    labelling: Arc::new(Labelling::built_in()),
                    countries: Arc::new(NoCountries),
                    clock: clock.clone(),
                    entropy: entropy.clone(),
                    metrics: Arc::new(Metrics::new()),
                },
                DeciderOptions::default(),
            )),
            clock: clock.clone(),
            entropy: entropy.clone(),
            shutdown,
        };
        let token = Secret::new(TOKEN.to_owned());
        let mut config = ConsoleConfig::new(token, vec!["credit_card".into()]);
        config.password_cost = PasswordCost::LEAST;
        config.public_url = "https://tidegate.example".into();
        config.sse_streams_max = 2;
        config.sse_heartbeat = Duration::from_millis(50);
        change(&mut config);
        World {
            router: router(ports, config),
            store,
            clock,
            service,
            vault,
            stop,
            entropy,
            folder,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 * 1024 * 1024).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// A call of the API as the administrator.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        self.call_with(method, path, body, &[]).await
    }

    pub(crate) async fn call_with(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("/api/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.json()
    }

    /// An enabled connection of that service.
    pub(crate) async fn connects(&self, service: &str) -> ConnectionId {
        let new = json!({ "service": service, "name": format!("Our {service}"),
            "params": { "domain": "example.com" }, "base_url": "https://cloud.example",
            "client": { "id": "tidegate", "secret": "s" } });
        let made = self.call("POST", "/connections", &new.to_string()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let request = Request::get("/oauth/callback?state=yes&code=c").body(Body::empty());
        let back = self.send(request.unwrap()).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER);
        let path = format!("/connections/{id}/enable");
        let enabled = self.call("POST", &path, r#"{"feed":"auto"}"#).await;
        assert_eq!(enabled.json()["state"], "enabled");
        id.parse().unwrap()
    }

    /// A user shares a file with everyone: an incident with those remedies.
    pub(crate) async fn violates(
        &self,
        connection: ConnectionId,
        event: &str,
        kinds: &[RemedyKind],
    ) -> Incident {
        self.violates_as(connection, event, kinds, |_| {}).await
    }

    pub(crate) async fn violates_as(
        &self,
        connection: ConnectionId,
        event: &str,
        kinds: &[RemedyKind],
        change: impl FnOnce(&mut Incident),
    ) -> Incident {
        self.clock.advance(Duration::from_secs(1));
        let mut incident = self.incident(connection, event, kinds);
        change(&mut incident);
        let record = ActivityRecord {
            v: WIRE_VERSION,
            connection_id: connection,
            service: "toy-cloud".into(),
            arrival: Arrival::Push,
            received_at: incident.latency.received_at.unwrap(),
            own: false,
            assurance: Assurance::Signed,
            traceparent: None,
            activity: incident.activity.clone(),
            provenance: incident.provenance.clone(),
            raw: serde_json::value::RawValue::from_string(r#"{ "as":  "sent" }"#.into()).unwrap(),
        };
        let id = incident.id;
        let activity = EvaluatedActivity {
            record,
            appended_at: incident.latency.appended_at.unwrap(),
            evaluated_at: incident.latency.evaluated_at.unwrap(),
            blind_spots: incident.blind_spots.clone(),
            is_second_look: false,
            again: None,
            incidents: vec![NewIncident {
                kind: IncidentKind::Sharing,
                incident,
            }],
        };
        let batch = EvaluatedBatch {
            activities: vec![activity],
        };
        self.store.record(&batch).await.unwrap();
        self.read(id).await
    }

    pub(crate) async fn read(&self, id: IncidentId) -> Incident {
        use ports::IncidentStore;
        self.store.incident(id).await.unwrap().unwrap()
    }

    fn incident(&self, connection: ConnectionId, event: &str, kinds: &[RemedyKind]) -> Incident {
        let now = self.clock.now();
        let ago = |ms| Some(now - TimeDelta::milliseconds(ms));
        let activity = shared_with_everyone(event, ago(61_000));
        let mut provenance = Provenance::absent("the service does not send it");
        provenance.set(Field::EventId, FieldSource::Native);
        provenance.set(Field::ActorEmail, FieldSource::Native);
        provenance.set(Field::Visibility, FieldSource::Derived);
        let id = IncidentId::new(now, self.entropy.draw());
        Incident {
            id,
            number: String::new(),
            status: IncidentStatus::New,
            severity: Severity::High,
            policy: PolicyRef {
                id: PolicyId::new(beginning(), 1),
                name: "No card numbers on public links".into(),
                version: 3,
            },
            mode: Mode::Enforce,
            notification: Some("Files with card numbers must not be public.".into()),
            connection_id: connection,
            activity,
            provenance,
            evidence: vec![Evidence {
                detector: "credit_card".into(),
                confidence: "high".into(),
                masked: "••••••••••••1111".into(),
                place: "sheet 2, cell C14".into(),
                occurrences: 3,
                test_value: true,
            }],
            blind_spots: vec![BlindSpot {
                reason: "encrypted".into(),
                detail: "an archive in it has a password".into(),
            }],
            trace: trace(),
            remedies: kinds
                .iter()
                .zip(0..)
                .map(|(kind, ordinal)| self.remedy(id, connection, *kind, ordinal))
                .collect(),
            timeline: vec![
                TimelineEntry {
                    at: now - TimeDelta::seconds(61),
                    kind: TimelineKind::Event,
                    text: "the user acted".into(),
                },
                TimelineEntry {
                    at: now,
                    kind: TimelineKind::Violation,
                    text: "the policy was violated".into(),
                },
            ],
            latency: Latency {
                event_at: ago(61_000),
                logged_at: ago(3_000),
                received_at: ago(40),
                appended_at: ago(31),
                evaluated_at: ago(6),
                recorded_at: Some(now),
                effect_at: None,
            },
            case: Case::default(),
            traceparent: None,
            created_at: now,
            updated_at: now,
            revision: 1,
        }
    }

    fn remedy(
        &self,
        incident_id: IncidentId,
        connection_id: ConnectionId,
        kind: RemedyKind,
        ordinal: u32,
    ) -> Remedy {
        let now = self.clock.now();
        Remedy {
            id: RemedyId::new(now, self.entropy.draw()),
            incident_id,
            connection_id,
            kind,
            ordinal,
            to: Vec::new(),
            particulars: event_model::Particulars::default(),
            of: None,
            state: RemedyState::Planned,
            requested_by: None,
            approvals_needed: 0,
            approvals: Vec::new(),
            limit: None,
            because: None,
            snapshot: None,
            vaulted: None,
            restoration: None,
            attempts: 0,
            last_error: None,
            next_attempt_at: now,
            created_at: now,
            updated_at: now,
            done_at: None,
        }
    }

    /// The next remedy that is due ends in that state; a quarantine that is done holds an item.
    pub(crate) async fn carries_out(&self, to: RemedyState) -> Option<QuarantineId> {
        let now = self.clock.now();
        let ttl = Duration::from_secs(60);
        let claimed = self
            .store
            .claim_remedies("test", 1, ttl, now)
            .await
            .unwrap()
            .remove(0);
        let mut remedy = claimed.remedy;
        remedy.attempts += 1;
        remedy.snapshot = Some(Snapshot {
            taken_at: now,
            values: serde_json::Map::new(),
        });
        remedy.step(RemedyState::Executing, now).unwrap();
        remedy.step(to, now).unwrap();
        if to == RemedyState::GivenUp {
            remedy.last_error = Some("the file is locked by its owner".into());
        }
        let holds = remedy.kind == RemedyKind::Quarantine && to == RemedyState::Done;
        let item = holds.then(|| QuarantineItem {
            id: QuarantineId::new(now, self.entropy.draw()),
            connection_id: remedy.connection_id,
            incident_id: remedy.incident_id,
            remedy_id: remedy.id,
            object_id: "file-1".into(),
            object_name: claimed.activity.object_name.clone(),
            object_path: claimed.activity.object_path.clone(),
            state: QuarantineState::Held,
            snapshot: remedy.snapshot.clone(),
            vault_items: Vec::new(),
            restoration: None,
            held_at: now,
            updated_at: now,
        });
        let held = item.as_ref().map(|item| item.id);
        let progress = RemedyProgress {
            timeline: Some(TimelineEntry {
                at: now,
                kind: TimelineKind::Remedy,
                text: format!("{} is {to}", remedy.kind),
            }),
            quarantine: item,
            release: true,
        };
        self.store
            .save_remedy(&claimed.lease, now, &remedy, &progress)
            .await
            .unwrap();
        held
    }

    /// Every action in the audit trail, newest first.
    pub(crate) async fn audited(&self) -> Vec<String> {
        let trail = self.get("/audit?limit=500").await;
        let entries = trail["items"].as_array().unwrap().iter();
        entries
            .map(|entry| entry["action"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn shared_with_everyone(event: &str, at: Option<DateTime<Utc>>) -> Activity {
    let mut activity = Activity::bare(EventId::new(event).unwrap(), EventType::Sharing);
    activity.actor_email = Some("ann@example.com".into());
    activity.object_id = Some("file-1".into());
    activity.object_name = Some("Salaries 2026.xlsx".into());
    activity.object_path = Some("/Finance/Salaries 2026.xlsx".into());
    activity.event_timestamp = at;
    activity.visibility = Some(event_model::Visibility::Public);
    activity
}

fn trace() -> TraceNode {
    let part = |expression: &str, value: &str| TraceNode {
        expression: expression.into(),
        value: value.into(),
        note: None,
        parts: Vec::new(),
    };
    TraceNode {
        expression: "_share.public and _content.count('credit_card') >= 1".into(),
        value: "true".into(),
        note: None,
        parts: vec![
            part("_share.public", "true"),
            part("_content.count('credit_card') >= 1", "true"),
        ],
    }
}
