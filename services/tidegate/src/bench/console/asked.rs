//! What is asked for: every list, filter, search, count and page, each time with other values.

use chrono::TimeDelta;
use event_model::rfc3339;

use super::population::{CONNECTIONS, Dice, POLICIES, Population, address_of, file};

/// A kind of request.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// The path of one, with values by chance.
    pub(super) path: fn(&Draw<'_>) -> String,
}

/// Where values come from.
pub(super) struct Draw<'d> {
    pub(super) dice: &'d Dice,
    pub(super) population: &'d Population,
    pub(super) incidents: u64,
    /// Cursors into the lists, deep in them.
    pub(super) deep_incidents: &'d str,
    pub(super) deep_activities: &'d str,
}

impl Draw<'_> {
    fn connection(&self) -> String {
        let place = self.dice.below(CONNECTIONS);
        self.population.connections[place].id.to_string()
    }

    fn policy(&self) -> String {
        self.population.policies[self.dice.below(POLICIES)]
            .id
            .to_string()
    }

    /// Somebody; who acts often as often as anybody else.
    fn person(&self) -> String {
        address_of(self.dice.below(5_000)).replace('@', "%40")
    }

    fn address(&self) -> String {
        format!("10.{}.{}.7", self.dice.below(20), self.dice.below(200))
    }

    fn number(&self) -> u64 {
        self.dice.below(self.incidents as usize) as u64 + 1
    }

    /// A week of the year.
    fn week(&self) -> String {
        let population = self.population;
        let days = (population.until - population.since).num_days() as usize - 7;
        let from = population.since + TimeDelta::days(self.dice.below(days) as i64);
        let to = from + TimeDelta::days(7);
        format!("from={}&to={}", rfc3339(from), rfc3339(to))
    }

    fn one_of(&self, some: &[&'static str]) -> &'static str {
        some[self.dice.below(some.len())]
    }
}

const STATUSES: [&str; 6] = [
    "new",
    "in_progress",
    "resolved",
    "false_positive",
    "suppressed",
    "reopened",
];
const SEVERITIES: [&str; 5] = ["info", "low", "medium", "high", "critical"];
const VERDICTS: [&str; 5] = [
    "true_positive",
    "benign",
    "false_positive",
    "duplicate",
    "undetermined",
];
const TYPES: [&str; 8] = [
    "data_creation",
    "data_update",
    "data_access",
    "data_deletion",
    "sharing",
    "authentication",
    "administration",
    "other",
];
const OWNERS: [&str; 4] = ["ann", "ben", "ida", "nobody"];
/// Common, less common, rare, in no row.
const WORDS: [&str; 8] = [
    "budget",
    "finance",
    "archer",
    "petrov",
    "works-council",
    "merger%20",
    "xlsx%0a",
    "zzzzqq",
];

const fn kind(name: &'static str, path: fn(&Draw<'_>) -> String) -> Kind {
    Kind { name, path }
}

pub(super) const KINDS: &[Kind] = &[
    kind("page: overview", |_| "/overview".into()),
    kind("page: incidents, open", |_| "/".into()),
    kind("page: incidents, a status", |draw| {
        format!("/?status={}", draw.one_of(&STATUSES))
    }),
    kind("page: incidents, a severity", |draw| {
        format!("/?severity={}", draw.one_of(&SEVERITIES))
    }),
    kind("page: incidents, a policy", |draw| {
        format!("/?policy={}", draw.policy())
    }),
    kind("page: incidents, a search", |draw| {
        format!("/?q={}&status={}", draw.one_of(&WORDS), STATUSES.join(","))
    }),
    kind("page: incidents, a saved view", |draw| {
        format!(
            "/?status=new,in_progress&severity=high,critical&owner={}",
            draw.one_of(&OWNERS)
        )
    }),
    kind("page: one incident", |draw| {
        format!("/incidents/DLP-{}", draw.number())
    }),
    kind("page: activity", |_| "/activity".into()),
    kind("page: activity, a search", |draw| {
        format!("/activity?q={}", draw.one_of(&WORDS))
    }),
    kind("page: activity, a person", |draw| {
        format!("/activity?actor_email={}", draw.person())
    }),
    kind("page: activity, an address", |draw| {
        format!("/activity?address={}", draw.address())
    }),
    kind("page: blind spots", |_| "/blind-spots".into()),
    kind("page: remedies", |_| "/remedies".into()),
    kind("page: remedies, a policy", |draw| {
        format!("/remedies?policy={}", draw.policy())
    }),
    kind("page: labels", |_| "/labels".into()),
    kind("page: audit", |_| "/audit".into()),
    kind("page: connections", |_| "/connections".into()),
    kind("page: policies", |_| "/policies".into()),
    kind("page: quarantine", |_| "/quarantine".into()),
    kind("page: exceptions", |_| "/exceptions".into()),
    kind("incidents", |_| "/api/v1/incidents".into()),
    kind("incidents, 500", |_| "/api/v1/incidents?limit=500".into()),
    kind("incidents, in the middle", |draw| {
        format!("/api/v1/incidents?cursor={}", draw.deep_incidents)
    }),
    kind("incidents, status", |draw| {
        format!("/api/v1/incidents?status={}", draw.one_of(&STATUSES))
    }),
    kind("incidents, status and severity", |draw| {
        let (status, severity) = (draw.one_of(&STATUSES), draw.one_of(&SEVERITIES));
        format!("/api/v1/incidents?status={status}&severity={severity}")
    }),
    kind("incidents, policy and status", |draw| {
        let (policy, status) = (draw.policy(), draw.one_of(&STATUSES));
        format!("/api/v1/incidents?policy={policy}&status={status}")
    }),
    kind("incidents, connection and verdict", |draw| {
        let (connection, verdict) = (draw.connection(), draw.one_of(&VERDICTS));
        format!("/api/v1/incidents?connection={connection}&verdict={verdict}")
    }),
    kind("incidents, owner and status", |draw| {
        let (owner, status) = (draw.one_of(&OWNERS), draw.one_of(&STATUSES));
        format!("/api/v1/incidents?owner={owner}&status={status}")
    }),
    kind("incidents, person", |draw| {
        format!("/api/v1/incidents?actor_email={}", draw.person())
    }),
    kind("incidents, object", |draw| {
        format!("/api/v1/incidents?object_id=f{}", draw.dice.below(300_000))
    }),
    kind("incidents, tag", |draw| {
        let tag = draw.one_of(&["vip", "works-council", "none-has-it"]);
        format!("/api/v1/incidents?tag={tag}")
    }),
    kind("incidents, a week", |draw| {
        format!("/api/v1/incidents?{}", draw.week())
    }),
    kind("incidents, a week and severity", |draw| {
        format!(
            "/api/v1/incidents?{}&severity={}",
            draw.week(),
            draw.one_of(&SEVERITIES)
        )
    }),
    kind("incidents, number", |draw| {
        format!("/api/v1/incidents?number=DLP-{}", draw.number())
    }),
    kind("incidents, a word", |draw| {
        format!("/api/v1/incidents?q={}", draw.one_of(&WORDS))
    }),
    kind("incidents, a file's name", |draw| {
        format!(
            "/api/v1/incidents?q={}",
            file(draw.dice.below(300_000)).replace(' ', "%20")
        )
    }),
    kind("incidents, an address", |draw| {
        format!("/api/v1/incidents?q={}", draw.address())
    }),
    kind("incidents, a word and status", |draw| {
        let (word, status) = (draw.one_of(&WORDS), draw.one_of(&STATUSES));
        format!("/api/v1/incidents?q={word}&status={status}")
    }),
    kind("one incident", |draw| {
        format!("/api/v1/incidents/DLP-{}", draw.number())
    }),
    kind("export, its first page", |_| {
        "/api/v1/incidents/export?format=csv".into()
    }),
    kind("figures", |_| "/api/v1/stats".into()),
    kind("verdicts of policies", |_| {
        "/api/v1/policies/verdicts".into()
    }),
    kind("views", |_| "/api/v1/views".into()),
    kind("remedies", |_| "/api/v1/remedies".into()),
    kind("remedies, to approve", |_| {
        "/api/v1/remedies?state=needs_approval".into()
    }),
    kind("quarantine", |_| "/api/v1/quarantine?state=held".into()),
    kind("activities", |_| "/api/v1/activities".into()),
    kind("activities, in the middle", |draw| {
        format!("/api/v1/activities?cursor={}", draw.deep_activities)
    }),
    kind("activities, kind", |draw| {
        format!("/api/v1/activities?event_type={}", draw.one_of(&TYPES))
    }),
    kind("activities, connection and kind", |draw| {
        let (connection, kind) = (draw.connection(), draw.one_of(&TYPES));
        format!("/api/v1/activities?connection={connection}&event_type={kind}")
    }),
    kind("activities, person and kind", |draw| {
        let (person, kind) = (draw.person(), draw.one_of(&TYPES));
        format!("/api/v1/activities?actor_email={person}&event_type={kind}")
    }),
    kind("activities, object", |draw| {
        format!("/api/v1/activities?object_id=f{}", draw.dice.below(300_000))
    }),
    kind("activities, a week", |draw| {
        format!("/api/v1/activities?{}", draw.week())
    }),
    kind("activities, a word", |draw| {
        format!("/api/v1/activities?q={}", draw.one_of(&WORDS))
    }),
    kind("activities, a file's name", |draw| {
        format!(
            "/api/v1/activities?q={}",
            file(draw.dice.below(300_000)).replace(' ', "%20")
        )
    }),
    kind("activities, an address", |draw| {
        format!("/api/v1/activities?q={}", draw.address())
    }),
    kind("activities, from an address", |draw| {
        format!("/api/v1/activities?address={}", draw.address())
    }),
    kind("activities, an object's name", |draw| {
        format!("/api/v1/activities?object={}", draw.dice.below(300_000))
    }),
    kind("activities, an actor's name", |draw| {
        format!(
            "/api/v1/activities?actor={}",
            draw.one_of(&["archer", "petrov", "ekstr"])
        )
    }),
    kind("activities, a blind spot", |draw| {
        let reason = draw.one_of(&["encrypted", "too_large"]);
        format!("/api/v1/activities?blind_spot={reason}")
    }),
    kind("blind spots", |_| "/api/v1/blind-spots".into()),
    kind("audit", |_| "/api/v1/audit".into()),
];
