//! What stands around an incident: how the same was handled before, what else is open about who did it,
//! and what else this person, this address and this object did within a day.

use chrono::TimeDelta;
use event_model::{Incident, IncidentStatus, PageRequest, rfc3339};
use ports::{ActivityFilter, IncidentFilter};

use super::links::link;
use super::wording;
use crate::Console;
use crate::problem::Problem;

/// Incidents and activities that each list names.
const SHOWN: u32 = 5;
/// Hours before and after the incident that count as the same time.
const AROUND_HOURS: i64 = 24;

/// Another incident.
pub(super) struct Other {
    pub(super) number: String,
    pub(super) href: String,
    pub(super) sentence: String,
    pub(super) policy: String,
    pub(super) severity: &'static str,
    /// What was concluded, and why.
    pub(super) outcome: Option<String>,
    pub(super) at: String,
}

/// What somebody or something did.
pub(super) struct Doings {
    pub(super) title: &'static str,
    pub(super) of: String,
    pub(super) href: String,
    pub(super) rows: Vec<(String, String)>,
}

/// Everything around an incident.
pub(super) struct Around {
    pub(super) before: Vec<Other>,
    pub(super) open: Vec<Other>,
    pub(super) doings: Vec<Doings>,
}

impl Console {
    /// Looks around an incident.
    pub(super) async fn around(&self, incident: &Incident) -> Result<Around, Problem> {
        let activity = &incident.activity;
        let mut doings = Vec::new();
        let around = ActivityFilter {
            from: Some(incident.created_at - TimeDelta::hours(AROUND_HOURS)),
            to: Some(incident.created_at + TimeDelta::hours(AROUND_HOURS)),
            ..ActivityFilter::default()
        };
        let person = activity
            .actor_email
            .clone()
            .map(|actor_email| ActivityFilter {
                actor_email: Some(actor_email),
                ..around.clone()
            });
        let address = activity
            .actor_ip_address
            .clone()
            .map(|address| ActivityFilter {
                text: Some(address),
                ..around.clone()
            });
        let object = activity.object_id.clone().map(|object_id| ActivityFilter {
            object_id: Some(object_id),
            ..around.clone()
        });
        for (title, filter) in [
            ("This person", person),
            ("From this address", address),
            ("On this object", object),
        ] {
            if let Some(filter) = filter.filter(is_short) {
                doings.push(self.doings(title, &filter).await?);
            }
        }
        Ok(Around {
            before: self.seen_before(incident).await?,
            open: self.also_open(incident).await?,
            doings,
        })
    }

    /// The last closed ones of the same policy on the same object, or else by the same person.
    async fn seen_before(&self, incident: &Incident) -> Result<Vec<Other>, Problem> {
        let closed = IncidentStatus::ALL
            .iter()
            .copied()
            .filter(|status| status.is_closed());
        let object_id = incident.activity.object_id.clone();
        let actor_email = match object_id {
            Some(_) => None,
            None => incident.activity.actor_email.clone(),
        };
        if object_id.is_none() && actor_email.is_none() {
            return Ok(Vec::new());
        }
        let filter = IncidentFilter {
            status: closed.collect(),
            policy: Some(incident.policy.id),
            object_id,
            actor_email,
            without_repeats: true,
            ..IncidentFilter::default()
        };
        self.others(incident, &filter).await
    }

    async fn also_open(&self, incident: &Incident) -> Result<Vec<Other>, Problem> {
        let Some(actor_email) = incident.activity.actor_email.clone() else {
            return Ok(Vec::new());
        };
        let filter = IncidentFilter {
            status: super::incidents::OPEN.to_vec(),
            actor_email: Some(actor_email),
            without_repeats: true,
            ..IncidentFilter::default()
        };
        self.others(incident, &filter).await
    }

    async fn others(
        &self,
        than: &Incident,
        filter: &IncidentFilter,
    ) -> Result<Vec<Other>, Problem> {
        let some = PageRequest::first(SHOWN + 1);
        let page = self.ports.incidents.incident_page(filter, &some).await?;
        let others = page.items.iter().filter(|other| other.id != than.id);
        Ok(others.take(SHOWN as usize).map(other).collect())
    }

    async fn doings(
        &self,
        title: &'static str,
        filter: &ActivityFilter,
    ) -> Result<Doings, Problem> {
        let some = PageRequest::first(SHOWN);
        let page = self.ports.activities.activity_page(filter, &some).await?;
        let row = |stored: &ports::StoredActivity| {
            let said = wording::sentence(&stored.activity);
            (said, wording::time(stored.received_at))
        };
        let moment =
            |at: Option<chrono::DateTime<chrono::Utc>>| at.map(rfc3339).unwrap_or_default();
        let (from, to) = (moment(filter.from), moment(filter.to));
        let of = [&filter.actor_email, &filter.text, &filter.object_id];
        let of = of.into_iter().flatten().next().cloned().unwrap_or_default();
        let name = match (&filter.actor_email, &filter.text) {
            (Some(_), _) => "actor_email",
            (_, Some(_)) => "q",
            _ => "object_id",
        };
        let asked = [
            (name, of.as_str()),
            ("from", from.as_str()),
            ("to", to.as_str()),
        ];
        Ok(Doings {
            title,
            href: link("/activity", asked),
            of,
            rows: page.items.iter().map(row).collect(),
        })
    }
}

/// Whether the lists take such a value as a filter.
fn is_short(filter: &ActivityFilter) -> bool {
    let values = [&filter.actor_email, &filter.text, &filter.object_id];
    values
        .into_iter()
        .flatten()
        .all(|value| value.len() <= 1024)
}

fn other(incident: &Incident) -> Other {
    let verdict = incident.case.verdict.map(wording::verdict);
    let outcome = verdict.map(|verdict| match &incident.case.reason {
        Some(reason) => format!("{verdict}: {reason}"),
        None => verdict.to_owned(),
    });
    Other {
        number: incident.number.clone(),
        href: format!("/incidents/{}", incident.id),
        sentence: wording::sentence(&incident.activity),
        policy: incident.policy.name.clone(),
        severity: incident.severity.word(),
        outcome,
        at: wording::time(incident.created_at),
    }
}
