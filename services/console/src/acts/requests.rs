//! Remedies that a person asks for, and how they are held back: as the incident's policy says.

use event_model::{Incident, IncidentId, Remedy, RemedyKind, RemedyState, Response, Safeguards};
use ports::{Rehearsal, RehearsedRemedy};

use crate::Console;
use crate::auth::Actor;
use crate::problem::{Mistake, Problem};

impl Console {
    /// What a response to this incident would do, as the service is now.
    pub(crate) async fn rehearse(
        &self,
        id: IncidentId,
        response: &Response,
    ) -> Result<Rehearsal, Problem> {
        let incident = self.incident(id).await?;
        let remedy = RehearsedRemedy {
            kind: self.possible(&incident, response).await?,
            particulars: response.particulars(),
        };
        let (connection, activity) = (incident.connection_id, &incident.activity);
        let connections = &self.ports.connections;
        Ok(connections.rehearse(connection, activity, &remedy).await?)
    }

    /// Plans a response to this incident that a person asks for.
    pub(crate) async fn ask_for(
        &self,
        by: &Actor,
        id: IncidentId,
        response: &Response,
    ) -> Result<Remedy, Problem> {
        let incident = self.incident(id).await?;
        let kind = self.possible(&incident, response).await?;
        let mut remedy = Remedy {
            particulars: response.particulars(),
            ..self.asked_for(by, &incident, kind)
        };
        let irreversible = self.is_irreversible(&incident, kind).await?;
        self.guard(&incident, &mut remedy, irreversible).await?;
        let entry = self.said(format!("{} asked for {kind}", by.name()));
        self.ports.remedies.plan_remedy(&remedy, &entry).await?;
        let detail = format!("{kind} of {}", incident.number);
        self.record(by, "remedy.requested", remedy.id, detail)
            .await?;
        Ok(remedy)
    }

    /// Holds a remedy back that a person asked for, as the policy holds back its own.
    pub(crate) async fn guard(
        &self,
        incident: &Incident,
        remedy: &mut Remedy,
        irreversible: bool,
    ) -> Result<(), Problem> {
        let safeguards = self.safeguards_of(incident).await?;
        let needed = safeguards.approvals_needed(irreversible);
        if needed > 0 {
            remedy.state = RemedyState::NeedsApproval;
            remedy.approvals_needed = needed;
        }
        remedy.next_attempt_at = safeguards.not_before(irreversible, remedy.created_at);
        Ok(())
    }

    async fn safeguards_of(&self, incident: &Incident) -> Result<Safeguards, Problem> {
        let policy = &incident.policy;
        let policies = &self.ports.policies;
        let version = policies.policy_version(policy.id, policy.version).await?;
        let safeguards = version.map(|version| version.document.safeguards());
        Ok(safeguards.unwrap_or_default())
    }

    /// The remedy of a response that the service can carry out, told what it needs.
    async fn possible(
        &self,
        incident: &Incident,
        response: &Response,
    ) -> Result<RemedyKind, Problem> {
        let mistakes = policy::check_response(response).into_iter();
        let mut mistakes: Vec<Mistake> = mistakes.map(Mistake::from).collect();
        let kind = RemedyKind::of(response.kind).filter(|kind| kind.acts_in_service());
        let kind = match kind {
            Some(kind)
                if self
                    .service_does(incident, kind, |service| &service.actions)
                    .await? =>
            {
                Some(kind)
            }
            Some(kind) => {
                let service = self.service_of(incident).await?;
                let why = service.and_then(|one| one.abilities.refused.get(kind.word()).cloned());
                let message = why.unwrap_or_else(|| format!("the service has no action `{kind}`"));
                mistakes.push(Mistake::new("/kind", message));
                None
            }
            None => {
                let kind = response.kind;
                let message = format!("`{kind}` does nothing in the service");
                mistakes.push(Mistake::new("/kind", message));
                None
            }
        };
        match kind {
            Some(kind) if mistakes.is_empty() => Ok(kind),
            _ => Err(Problem::bad_request(mistakes)),
        }
    }

    /// Whether the incident's service cannot undo it.
    pub(crate) async fn is_irreversible(
        &self,
        incident: &Incident,
        kind: RemedyKind,
    ) -> Result<bool, Problem> {
        self.service_does(incident, kind, |service| &service.irreversible)
            .await
    }

    async fn service_does(
        &self,
        incident: &Incident,
        kind: RemedyKind,
        of: fn(&ports::ServiceDescription) -> &Vec<String>,
    ) -> Result<bool, Problem> {
        let service = self.service_of(incident).await?;
        Ok(service.is_some_and(|service| of(&service).iter().any(|word| word == kind.word())))
    }

    async fn service_of(
        &self,
        incident: &Incident,
    ) -> Result<Option<ports::ServiceDescription>, Problem> {
        let id = incident.connection_id;
        let connection = self.ports.connection_store.get(id).await?;
        let connection = connection.ok_or_else(|| Problem::not_found("connection", id))?;
        let mut services = self.ports.connections.services().into_iter();
        Ok(services.find(|one| one.id == connection.service))
    }
}
