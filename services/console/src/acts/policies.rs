//! Policies are checked whole before they are saved: every mistake at once, and a response that a
//! triggered connection's service cannot carry out is one of them.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use event_model::{
    Connection, PAGE_ITEMS_MAX, PageRequest, PolicyDocument, PolicyId, PolicyVersion, RemedyKind,
    ResponseKind,
};
use ports::{ConnectionFilter, StoreError};

use crate::Console;
use crate::auth::Actor;
use crate::problem::{Mistake, POLICY_MISTAKES, Position, Problem};

/// Most connections whose services are asked what they can do.
const CONNECTIONS_MAX: usize = 10_000;

impl Console {
    /// The latest version of a policy.
    pub(crate) async fn policy(&self, id: PolicyId) -> Result<PolicyVersion, Problem> {
        let found = self.ports.policies.latest_policy(id).await?;
        found.ok_or_else(|| Problem::not_found("policy", id))
    }

    /// Every mistake of the document.
    pub(crate) async fn mistakes(
        &self,
        document: &PolicyDocument,
    ) -> Result<Vec<Mistake>, Problem> {
        let connections = self.every_connection().await?;
        let detectors = self.detector_names().await?;
        let detectors: Vec<&str> = detectors.iter().map(String::as_str).collect();
        let abilities = self.abilities(document, &connections);
        let cannot = |kind: ResponseKind| abilities.get(kind.word()).cloned();
        let mut mistakes: Vec<Mistake> = policy::check(document, &detectors, cannot)
            .into_iter()
            .map(Mistake::from)
            .collect();
        mistakes.extend(strangers(document, &connections));
        Ok(mistakes)
    }

    /// Saves the first version of a policy.
    pub(crate) async fn create_policy(
        &self,
        by: &Actor,
        document: PolicyDocument,
        enabled: bool,
    ) -> Result<PolicyVersion, Problem> {
        let now = self.ports.clock.now();
        let id = PolicyId::new(now, self.ports.entropy.draw());
        self.save(by, id, 1, document, enabled).await
    }

    /// Saves the next version of a policy; with `seen`, only if that is the latest.
    pub(crate) async fn change_policy(
        &self,
        by: &Actor,
        id: PolicyId,
        seen: Option<u64>,
        document: PolicyDocument,
        enabled: Option<bool>,
    ) -> Result<PolicyVersion, Problem> {
        let latest = self.policy(id).await?;
        if seen.is_some_and(|seen| seen != u64::from(latest.version)) {
            return Err(Problem::not_as_it_was("policy", latest.version));
        }
        let enabled = enabled.unwrap_or(latest.enabled);
        self.save(by, id, latest.version + 1, document, enabled)
            .await
    }

    async fn save(
        &self,
        by: &Actor,
        id: PolicyId,
        version: u32,
        document: PolicyDocument,
        enabled: bool,
    ) -> Result<PolicyVersion, Problem> {
        let mistakes = self.mistakes(&document).await?;
        if !mistakes.is_empty() {
            return Err(invalid(mistakes));
        }
        let version = PolicyVersion {
            id,
            version,
            enabled,
            saved_at: self.ports.clock.now(),
            document,
        };
        match self.ports.policies.save_policy(&version).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => return Err(self.why_not_saved(&version).await),
            Err(error) => return Err(error.into()),
        }
        let detail = format!("version {}, enabled: {enabled}", version.version);
        self.record(by, "policy.saved", id, detail).await?;
        Ok(version)
    }

    /// A conflict is either a version saved meanwhile, or a name that another policy in use has.
    async fn why_not_saved(&self, version: &PolicyVersion) -> Problem {
        let latest = self.ports.policies.latest_policy(version.id).await;
        let number = latest.ok().flatten().map_or(0, |latest| latest.version);
        if number >= version.version {
            return Problem::precondition("policy");
        }
        let name = &version.document.name;
        let message = format!("another policy in use is called `{name}`");
        let problem = Problem::conflict(message.clone());
        problem
            .code(POLICY_MISTAKES)
            .errors(vec![Mistake::new("/name", message)])
    }

    /// Takes a policy out of use; with `seen`, only if that is its latest version.
    pub(crate) async fn remove_policy(
        &self,
        by: &Actor,
        id: PolicyId,
        seen: Option<u64>,
    ) -> Result<(), Problem> {
        let latest = self.policy(id).await?.version;
        if seen.is_some_and(|seen| seen != u64::from(latest)) {
            return Err(Problem::not_as_it_was("policy", latest));
        }
        self.switch_policy(by, id, false).await.map(drop)
    }

    /// Switches the latest version on or off. Switching on checks it again: services may have changed.
    pub(crate) async fn switch_policy(
        &self,
        by: &Actor,
        id: PolicyId,
        enabled: bool,
    ) -> Result<PolicyVersion, Problem> {
        let latest = self.policy(id).await?;
        if enabled {
            let mistakes = self.mistakes(&latest.document).await?;
            if !mistakes.is_empty() {
                return Err(invalid(mistakes));
            }
        }
        let policies = &self.ports.policies;
        let version = policies
            .set_policy_enabled(id, latest.version, enabled)
            .await?;
        let action = if enabled {
            "policy.enabled"
        } else {
            "policy.disabled"
        };
        let detail = format!("version {}", version.version);
        self.record(by, action, id, detail).await?;
        Ok(version)
    }

    /// Every connection, at most [`CONNECTIONS_MAX`].
    pub(crate) async fn every_connection(&self) -> Result<Vec<Connection>, Problem> {
        let mut all = Vec::new();
        let mut request = PageRequest::first(PAGE_ITEMS_MAX);
        while all.len() < CONNECTIONS_MAX {
            let filter = ConnectionFilter::default();
            let page = self.ports.connection_store.page(&filter, &request).await?;
            all.extend(page.items);
            match page.next {
                Some(cursor) => request = PageRequest::after(cursor, PAGE_ITEMS_MAX),
                None => break,
            }
        }
        Ok(all)
    }

    /// For each response that some triggered connection's service cannot carry out: why.
    fn abilities(
        &self,
        document: &PolicyDocument,
        connections: &[Connection],
    ) -> BTreeMap<&'static str, String> {
        let services = self.ports.connections.services();
        let wanted = &document.trigger.connections;
        let triggered = connections
            .iter()
            .filter(|connection| wanted.is_empty() || wanted.contains(&connection.id));
        let mut cannot = BTreeMap::new();
        for connection in triggered {
            let Some(service) = services
                .iter()
                .find(|service| service.id == connection.service)
            else {
                continue;
            };
            for kind in ResponseKind::ALL.iter().copied() {
                let remedy = RemedyKind::of(kind).filter(|remedy| remedy.acts_in_service());
                let lacks =
                    |remedy: RemedyKind| !service.actions.iter().any(|can| can == remedy.word());
                if remedy.is_some_and(lacks) {
                    let why = service.abilities.refused.get(kind.word());
                    let why = match why {
                        Some(why) => why.clone(),
                        None => format!("{} has no such action", service.name),
                    };
                    let reason = format!("{why} (connection `{}`)", connection.name);
                    cannot.entry(kind.word()).or_insert(reason);
                }
            }
        }
        cannot
    }
}

/// The triggered connections that do not exist.
fn strangers(document: &PolicyDocument, connections: &[Connection]) -> Vec<Mistake> {
    let named = document.trigger.connections.iter().enumerate();
    named
        .filter(|(_, id)| !connections.iter().any(|connection| connection.id == **id))
        .map(|(index, id)| {
            let field = format!("/trigger/connections/{index}");
            Mistake::new(field, format!("there is no connection `{id}`"))
        })
        .collect()
}

/// The refusal of a document with mistakes.
pub(crate) fn invalid(mistakes: Vec<Mistake>) -> Problem {
    let detail = "the policy has mistakes, see `errors`";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        .code(POLICY_MISTAKES)
        .errors(mistakes)
}

impl From<policy::Mistake> for Mistake {
    fn from(mistake: policy::Mistake) -> Self {
        let code = serde_json::to_value(mistake.code).ok();
        Mistake {
            field: mistake.field,
            message: mistake.message,
            hint: mistake.hint,
            code: code.and_then(|code| code.as_str().map(str::to_owned)),
            position: mistake.position.map(|position| Position {
                line: position.line,
                column: position.column,
                offset: position.offset,
                length: position.length,
            }),
        }
    }
}
