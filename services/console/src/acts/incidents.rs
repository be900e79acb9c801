//! What a person does to incidents: one, some, or all that match.
//!
//! Promises: an incident is found by its id or its number; every change is audited; of many, each is
//! changed or refused for itself, and a bounded number at a time.

use event_model::{
    CaseAct, CaseChange, CaseRefusal, Incident, IncidentId, PAGE_ITEMS_MAX, PageRequest, Response,
};
use ports::{CaseError, IncidentFilter, StoreError};

use crate::Console;
use crate::auth::Actor;
use crate::problem::{Mistake, Problem};

/// Most incidents that one request changes: more are reached by going on.
pub(crate) const WORKED_MAX: usize = 1_000;
/// Longest number of an incident, in bytes.
const NUMBER_BYTES_MAX: usize = 32;

/// What is to be done to each of many incidents.
pub(crate) enum Deed {
    /// A person's work on it.
    Change(CaseChange),
    /// A response in its cloud service.
    Respond(Response),
}

/// An incident that was not changed, and why.
pub(crate) struct Refused {
    pub(crate) incident: String,
    pub(crate) why: String,
}

/// What came of a change of many.
#[derive(Default)]
pub(crate) struct Worked {
    pub(crate) changed: usize,
    pub(crate) refused: Vec<Refused>,
    /// Where to go on, when more match.
    pub(crate) next: Option<String>,
}

impl Console {
    /// The incident.
    pub(crate) async fn incident(&self, id: IncidentId) -> Result<Incident, Problem> {
        let found = self.ports.incidents.incident(id).await?;
        found.ok_or_else(|| Problem::not_found("incident", id))
    }

    /// The incident of that id or that readable number.
    pub(crate) async fn incident_named(&self, given: &str) -> Result<Incident, Problem> {
        let Some(number) = number(given) else {
            return self.incident(crate::api::id(given)?).await;
        };
        let filter = IncidentFilter {
            numbers: vec![number.clone()],
            ..IncidentFilter::default()
        };
        let incidents = &self.ports.incidents;
        let one = PageRequest::first(1);
        let found = incidents.incident_page(&filter, &one).await?.items.pop();
        found.ok_or_else(|| Problem::not_found("incident", number))
    }

    /// Changes an incident; with a revision, only if it still has that.
    pub(crate) async fn work(
        &self,
        by: &Actor,
        incident: &Incident,
        revision: Option<u64>,
        change: &CaseChange,
    ) -> Result<Incident, Problem> {
        let act = CaseAct {
            by: by.name().to_owned(),
            at: self.ports.clock.now(),
        };
        let id = incident.id;
        let incidents = &self.ports.incidents;
        let worked = incidents.work_on_incident(id, revision, change, &act).await;
        let changed = match worked {
            Ok(changed) => changed,
            // It is as it is wanted: asked for twice, it is done once.
            Err(CaseError::Refused(CaseRefusal::Nothing)) if !change.is_empty() => {
                return match revision.is_none_or(|seen| seen == incident.revision) {
                    true => Ok(incident.clone()),
                    false => Err(Problem::not_as_it_was("incident", incident.revision)),
                };
            }
            Err(CaseError::Store(StoreError::Conflict { .. })) => {
                return Err(Problem::precondition("incident"));
            }
            Err(error) => return Err(error.into()),
        };
        let (action, detail) = told(&changed, change);
        self.record(by, action, id, detail).await?;
        Ok(changed)
    }

    async fn does(&self, by: &Actor, incident: &Incident, deed: &Deed) -> Result<(), Problem> {
        match deed {
            Deed::Change(change) => self.work(by, incident, None, change).await.map(drop),
            Deed::Respond(response) => self.ask_for(by, incident.id, response).await.map(drop),
        }
    }

    /// Changes each of these by itself.
    pub(crate) async fn work_on_some(
        &self,
        by: &Actor,
        given: &[String],
        deed: &Deed,
    ) -> Result<Worked, Problem> {
        let mut worked = Worked::default();
        for name in given.iter().take(WORKED_MAX) {
            let done = match self.incident_named(name).await {
                Ok(incident) => self.does(by, &incident, deed).await,
                Err(problem) => Err(problem),
            };
            worked.count(name.clone(), done)?;
        }
        Ok(worked)
    }

    /// Changes all that match, at most [`WORKED_MAX`] of them, from a cursor on.
    pub(crate) async fn work_on_matching(
        &self,
        by: &Actor,
        filter: &IncidentFilter,
        cursor: Option<String>,
        deed: &Deed,
    ) -> Result<Worked, Problem> {
        let mut worked = Worked {
            next: cursor,
            ..Worked::default()
        };
        for _ in 0..WORKED_MAX / PAGE_ITEMS_MAX as usize {
            let request = PageRequest {
                cursor: worked.next.take(),
                limit: PAGE_ITEMS_MAX,
            };
            let page = self.ports.incidents.incident_page(filter, &request).await?;
            for incident in page.items {
                let done = self.does(by, &incident, deed).await;
                worked.count(incident.number, done)?;
            }
            worked.next = page.next;
            if worked.next.is_none() {
                break;
            }
        }
        Ok(worked)
    }
}

impl Worked {
    /// A refusal is counted; a failure of ours ends it all.
    fn count(&mut self, incident: String, done: Result<(), Problem>) -> Result<(), Problem> {
        match done {
            Ok(()) => self.changed += 1,
            Err(problem) if problem.status().is_server_error() => return Err(problem),
            Err(problem) => {
                let first = problem
                    .errors
                    .first()
                    .map(|mistake| mistake.message.clone());
                let why = first.unwrap_or(problem.detail);
                self.refused.push(Refused { incident, why });
            }
        }
        Ok(())
    }
}

/// The readable number that is meant, as it is kept: `DLP-12`.
pub(crate) fn number(given: &str) -> Option<String> {
    let (kind, count) = given.trim().split_once('-')?;
    let is_kind = kind.len() == 3 && kind.bytes().all(|letter| letter.is_ascii_alphabetic());
    let is_count = !count.is_empty() && count.bytes().all(|digit| digit.is_ascii_digit());
    let fits = given.len() <= NUMBER_BYTES_MAX;
    (is_kind && is_count && fits).then(|| given.trim().to_ascii_uppercase())
}

fn told(incident: &Incident, change: &CaseChange) -> (&'static str, String) {
    let CaseChange {
        status,
        verdict,
        severity,
        owner,
        tags_added,
        tags_removed,
        comment,
    } = change;
    let mut said = Vec::new();
    if status.is_some() {
        said.push(format!("is now {}", incident.status));
    }
    if let Some(verdict) = verdict {
        said.push(format!("verdict {verdict}"));
    }
    if let Some(severity) = severity {
        said.push(format!("severity {severity}"));
    }
    match owner {
        Some(Some(owner)) => said.push(format!("owner {owner}")),
        Some(None) => said.push("no owner".to_owned()),
        None => {}
    }
    if !tags_added.is_empty() || !tags_removed.is_empty() {
        let tags: Vec<&str> = incident.case.tags.iter().map(String::as_str).collect();
        said.push(format!("tags {}", tags.join(" ")));
    }
    if comment.is_some() {
        said.push("commented".to_owned());
    }
    let action = match status {
        Some(_) => "incident.status_set",
        None => "incident.changed",
    };
    (action, format!("{} {}", incident.number, said.join(", ")))
}

impl From<CaseError> for Problem {
    fn from(error: CaseError) -> Self {
        match error {
            CaseError::Store(error) => error.into(),
            CaseError::Refused(refusal) => refusal.into(),
        }
    }
}

impl From<CaseRefusal> for Problem {
    fn from(refusal: CaseRefusal) -> Self {
        let message = refusal.to_string();
        let field = match refusal {
            CaseRefusal::Illegal(illegal) => {
                let (from, to) = (illegal.from, illegal.to);
                let detail = format!("an incident that is `{from}` cannot be {to}");
                return Problem::conflict(detail);
            }
            CaseRefusal::TooMany { .. } => return Problem::conflict(message),
            CaseRefusal::NoVerdict | CaseRefusal::Contradiction => "/verdict",
            CaseRefusal::NoReason => "/comment",
            CaseRefusal::Text { field, .. } => return with_field(field, message),
            CaseRefusal::Nothing => "",
        };
        Problem::bad_request(vec![Mistake::new(field, message)])
    }
}

fn with_field(field: &str, message: String) -> Problem {
    Problem::bad_request(vec![Mistake::new(format!("/{field}"), message)])
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_number_is_known_from_an_id() {
        for (given, expected) in [
            ("DLP-12", Some("DLP-12")),
            (" shr-3 ", Some("SHR-3")),
            ("inc_01JDYZ3E8V7Q2M5N9T0R4W6XBC", None),
            ("DLP-", None),
            ("DLP-1x", None),
            ("LONG-1", None),
            ("", None),
        ] {
            assert_eq!(number(given).as_deref(), expected, "{given}");
        }
    }
}
