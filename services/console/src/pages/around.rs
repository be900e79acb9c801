//! What stands around an incident: how the same was handled before, what else is open about who did it,
//! and what else this person, this address and this object did within a day.

use chrono::{DateTime, TimeDelta, Utc};
use event_model::{Activity, EventId, Incident, IncidentStatus, PageRequest, rfc3339};
use ports::{ActivityFilter, IncidentFilter, StoredActivity};

use super::links::link;
use super::wording;
use crate::Console;
use crate::problem::Problem;

/// Incidents and activities that each list names.
const SHOWN: u32 = 5;
/// Longest value that the lists take as a filter, in bytes.
const VALUE_BYTES_MAX: usize = 1024;
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
    pub(super) rows: Vec<Doing>,
}

/// One activity among them.
pub(super) struct Doing {
    pub(super) said: String,
    pub(super) href: String,
    pub(super) at: String,
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
        Ok(Around {
            before: self.seen_before(incident).await?,
            open: self.also_open(incident).await?,
            doings: self
                .doings_around(&incident.activity, incident.created_at)
                .await?,
        })
    }

    /// What else the same person, address and object did within a day of that moment.
    pub(super) async fn doings_around(
        &self,
        activity: &Activity,
        at: DateTime<Utc>,
    ) -> Result<Vec<Doings>, Problem> {
        let mut doings = Vec::new();
        for (title, name, value) in [
            ("This person", "actor_email", &activity.actor_email),
            ("From this address", "address", &activity.actor_ip_address),
            ("On this object", "object_id", &activity.object_id),
        ] {
            if let Some(value) = value.clone().filter(|value| value.len() <= VALUE_BYTES_MAX) {
                let found = self.doings(title, name, value, at, &activity.event_id);
                doings.push(found.await?);
            }
        }
        Ok(doings)
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
        name: &'static str,
        of: String,
        at: DateTime<Utc>,
        but: &EventId,
    ) -> Result<Doings, Problem> {
        let from = at - TimeDelta::hours(AROUND_HOURS);
        let to = at + TimeDelta::hours(AROUND_HOURS);
        let mut filter = ActivityFilter {
            from: Some(from),
            to: Some(to),
            ..ActivityFilter::default()
        };
        match name {
            "actor_email" => filter.actor_email = Some(of.clone()),
            "address" => filter.details.address = Some(of.clone()),
            _ => filter.object_id = Some(of.clone()),
        }
        let some = PageRequest::first(SHOWN + 1);
        let page = self.ports.activities.activity_page(&filter, &some).await?;
        let others = page
            .items
            .iter()
            .filter(|one| one.activity.event_id != *but);
        let (from, to) = (rfc3339(from), rfc3339(to));
        let asked = [
            (name, of.as_str()),
            ("from", from.as_str()),
            ("to", to.as_str()),
        ];
        Ok(Doings {
            title,
            href: link("/activity", asked),
            rows: others.take(SHOWN as usize).map(doing).collect(),
            of,
        })
    }
}

fn doing(stored: &StoredActivity) -> Doing {
    Doing {
        said: wording::sentence(&stored.activity),
        href: super::event::href(stored.connection_id, stored.activity.event_id.as_str()),
        at: wording::time(stored.received_at),
    }
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
