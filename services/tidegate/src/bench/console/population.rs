//! Who does what where: people, objects, connections and policies as an installation of a year has them, a few of
//! them in most rows. The same numbers give the same installation.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use event_model::{
    Activity, Connection, ConnectionId, Effect, EventId, EventType, Feed, Lifecycle, Mode,
    PartyType, PolicyDocument, PolicyId, PolicyVersion, Severity, Trigger, TriggerAction,
    Visibility,
};
use ports::{Entropy, SeededEntropy};

use super::plan::Plan;

/// Connections of the installation.
pub(super) const CONNECTIONS: usize = 20;
/// Policies in use.
pub(super) const POLICIES: usize = 30;
/// People who act.
const PEOPLE: usize = 5_000;
/// Objects that are acted upon.
const OBJECTS: usize = 300_000;
/// Addresses that people act from.
const ADDRESSES: usize = 4_000;
/// How far back it reaches, in days.
const DAYS: i64 = 350;

const SERVICES: [&str; 4] = ["toy-cloud", "github", "slack", "dropbox"];
const GIVEN: [&str; 20] = [
    "Ada", "Bo", "Chidi", "Dora", "Emil", "Fatima", "Gus", "Hana", "Ivan", "Jade", "Kofi", "Lena",
    "Mara", "Nils", "Olga", "Pia", "Quinn", "Rosa", "Sven", "Tara",
];
const FAMILY: [&str; 25] = [
    "Archer", "Baker", "Castillo", "Dahl", "Ekström", "Fischer", "Gupta", "Haddad", "Ito",
    "Jansen", "Kaya", "Lopez", "Moreau", "Nguyen", "Okafor", "Petrov", "Quist", "Rossi", "Silva",
    "Tanaka", "Ueda", "Vargas", "Weber", "Yilmaz", "Zhang",
];
const PLACES: [&str; 12] = [
    "finance",
    "legal",
    "sales",
    "research",
    "people",
    "press",
    "board",
    "support",
    "design",
    "operations",
    "plant",
    "archive",
];
const SUBJECTS: [&str; 24] = [
    "budget",
    "contract",
    "forecast",
    "minutes",
    "payroll",
    "roadmap",
    "invoice",
    "patent",
    "customers",
    "offer",
    "audit",
    "salaries",
    "merger",
    "drawing",
    "recipe",
    "passport",
    "survey",
    "backlog",
    "incident",
    "tender",
    "policy",
    "training",
    "inventory",
    "prototype",
];
const ENDINGS: [&str; 6] = ["docx", "xlsx", "pdf", "pptx", "csv", "zip"];
/// Kinds of activity and their shares in thousandths.
const KINDS: [(EventType, &str, u64); 8] = [
    (EventType::DataAccess, "file.downloaded", 520),
    (EventType::DataUpdate, "file.updated", 160),
    (EventType::DataCreation, "file.uploaded", 110),
    (EventType::Authentication, "user.signed_in", 90),
    (EventType::Sharing, "file.shared", 75),
    (EventType::DataDeletion, "file.deleted", 30),
    (EventType::Administration, "settings.changed", 12),
    (EventType::Other, "report.viewed", 3),
];

/// Chance that a row is made of.
pub(super) struct Dice(SeededEntropy);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Dice(SeededEntropy::new(seed))
    }

    pub(super) fn draw(&self) -> u128 {
        self.0.draw()
    }

    /// From 0 to 1, without 1.
    pub(super) fn share(&self) -> f64 {
        (self.draw() as u64 >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn below(&self, count: usize) -> usize {
        (self.share() * count as f64) as usize
    }

    /// A rank of so many, the first the most often: Zipf's law, about.
    pub(super) fn rank(&self, count: usize) -> usize {
        ((count as f64).powf(self.share()) as usize).clamp(1, count) - 1
    }
}

/// What an installation has before anything happens.
pub(super) struct Population {
    pub(super) connections: Vec<Connection>,
    pub(super) policies: Vec<PolicyVersion>,
    /// When the store was filled.
    pub(super) until: DateTime<Utc>,
    pub(super) since: DateTime<Utc>,
}

/// When what ends now began, as every store keeps it.
pub(super) fn beginning(now: DateTime<Utc>) -> DateTime<Utc> {
    now.trunc_subsecs(3) - TimeDelta::days(DAYS)
}

impl Population {
    pub(super) fn new(plan: &Plan) -> Self {
        let since = plan.since;
        let mut connections: Vec<Connection> =
            (0..CONNECTIONS).map(|n| connection(n, since)).collect();
        plan.note_in(&mut connections[0]);
        Population {
            connections,
            policies: (0..POLICIES).map(|n| policy(n, since)).collect(),
            until: since + TimeDelta::days(DAYS),
            since,
        }
    }

    /// When the n-th of so many happens: evenly over the time, the last one now.
    pub(super) fn at(&self, n: u64, of: u64) -> DateTime<Utc> {
        let whole = (self.until - self.since)
            .num_microseconds()
            .unwrap_or(i64::MAX);
        self.since + TimeDelta::microseconds((whole as f64 * (n + 1) as f64 / of as f64) as i64)
    }

    /// What happens then.
    pub(super) fn activity(&self, n: u64, at: DateTime<Utc>, dice: &Dice) -> Activity {
        let (kind, name) = kind(dice);
        let (person, object) = (dice.rank(PEOPLE), object(dice));
        let address = dice.rank(ADDRESSES);
        let id = EventId::new(event_id(n)).expect("a short id");
        let shared = kind == EventType::Sharing;
        let on_object = !matches!(kind, EventType::Authentication | EventType::Administration);
        let place = PLACES[object % PLACES.len()];
        let file = file(object);
        Activity {
            tenant_id: Some("acme".into()),
            event_name: Some(name.into()),
            event_timestamp: Some(at - TimeDelta::seconds(2)),
            log_timestamp: Some(at - TimeDelta::seconds(1)),
            actor_id: Some(format!("u{person}")),
            actor_name: Some(format!("{} {}", given(person), family(person))),
            actor_email: Some(address_of(person)),
            actor_type: Some(PartyType::Internal),
            actor_role: Some("member".into()),
            actor_ip_address: Some(format!("10.{}.{}.7", address / 200, address % 200)),
            object_id: on_object.then(|| format!("f{object}")),
            object_type: on_object.then(|| "file".into()),
            object_path: on_object.then(|| format!("/{place}/{}/{file}", object % 97)),
            object_name: on_object.then_some(file),
            from_email: shared.then(|| address_of(person)),
            target_user_email: shared.then(|| format!("p{}@partner.example", object % 500)),
            target_user_type: shared.then_some(PartyType::External),
            visibility: shared.then_some(Visibility::Restricted),
            ..Activity::bare(id, kind)
        }
    }
}

pub(super) fn event_id(n: u64) -> String {
    format!("evt_{n:010}")
}

/// The address of the n-th person.
pub(super) fn address_of(person: usize) -> String {
    let (given, family) = (given(person).to_lowercase(), family(person).to_lowercase());
    format!("{given}.{family}{person}@acme.example")
}

fn given(person: usize) -> &'static str {
    GIVEN[person % GIVEN.len()]
}

fn family(person: usize) -> &'static str {
    FAMILY[person / GIVEN.len() % FAMILY.len()]
}

/// An object: many of them often, none most of the time.
fn object(dice: &Dice) -> usize {
    let share = dice.share();
    (share * share * OBJECTS as f64) as usize
}

/// The name of the n-th object.
pub(super) fn file(object: usize) -> String {
    let subject = SUBJECTS[object % SUBJECTS.len()];
    let ending = ENDINGS[object / 7 % ENDINGS.len()];
    format!("{subject} {object}.{ending}")
}

fn kind(dice: &Dice) -> (EventType, &'static str) {
    let mut left = dice.below(1_000) as u64;
    for (kind, name, share) in KINDS {
        if left < share {
            return (kind, name);
        }
        left -= share;
    }
    (EventType::Other, "other")
}

fn connection(n: usize, at: DateTime<Utc>) -> Connection {
    Connection {
        id: ConnectionId::new(at, n as u128),
        service: SERVICES[n % SERVICES.len()].into(),
        name: format!("{} {n}", SERVICES[n % SERVICES.len()]),
        params: Default::default(),
        base_url: None,
        client_id: None,
        tenant_id: Some("acme".into()),
        lifecycle: Lifecycle::Enabled {
            feed: Feed::Pull,
            since: at,
        },
        health: None,
        created_at: at,
        revision: 1,
    }
}

fn policy(n: usize, at: DateTime<Utc>) -> PolicyVersion {
    PolicyVersion {
        id: PolicyId::new(at, n as u128),
        version: 1,
        enabled: true,
        saved_at: at,
        document: PolicyDocument {
            name: format!(
                "{} leaves {} ({n})",
                SUBJECTS[n % SUBJECTS.len()],
                PLACES[n % PLACES.len()]
            ),
            severity: Severity::ALL[n % Severity::ALL.len()],
            trigger: Trigger {
                connections: Vec::new(),
                actions: vec![TriggerAction::Share],
            },
            rule: "_share.public".into(),
            effect: Effect::Deny,
            mode: Mode::Permissive,
            notification: None,
            responses: Vec::new(),
            approval: None,
            approvers: None,
            undo_window_minutes: None,
            limit: None,
        },
    }
}
