//! What people let be, and the views that they keep.

use chrono::{DateTime, Utc};
use event_model::{
    Exception, ExceptionId, ExceptionMatch, ExceptionMistake, PolicyId, SavedView,
    VIEW_NAME_CHARS_MAX, VIEW_QUERY_BYTES_MAX, ViewId,
};
use ports::StoreError;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Console;
use crate::auth::Actor;
use crate::problem::{Mistake, Problem};

/// An exception that is asked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExceptionBody {
    /// Of which policy.
    pub(crate) policy_id: PolicyId,
    /// What of it: everything that is given must match.
    pub(crate) matches: ExceptionMatch,
    /// Who answers for it; who asks when absent.
    #[serde(default)]
    pub(crate) owner: Option<String>,
    /// Why.
    pub(crate) reason: String,
    /// From when on it does not count any more; within 366 days.
    pub(crate) expires_at: DateTime<Utc>,
}

/// A view to keep.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewBody {
    /// What it is called; at most 60 characters.
    pub(crate) name: String,
    /// Whether everybody sees it.
    #[serde(default)]
    pub(crate) shared: bool,
    /// The query of the list of incidents, such as `status=new&severity=high`.
    pub(crate) query: String,
}

impl Console {
    /// The exception.
    pub(crate) async fn exception(&self, id: ExceptionId) -> Result<Exception, Problem> {
        let found = self.ports.exceptions.exception(id).await?;
        found.ok_or_else(|| Problem::not_found("exception", id))
    }

    /// Lets something be until a moment.
    pub(crate) async fn add_exception(
        &self,
        by: &Actor,
        body: ExceptionBody,
    ) -> Result<Exception, Problem> {
        let policy = self.policy(body.policy_id).await?;
        let now = self.ports.clock.now();
        let exception = Exception {
            id: ExceptionId::new(now, self.ports.entropy.draw()),
            policy_id: body.policy_id,
            matches: body.matches,
            owner: body.owner.unwrap_or_else(|| by.name().to_owned()),
            reason: body.reason.trim().to_owned(),
            created_by: by.name().to_owned(),
            created_at: now,
            expires_at: body.expires_at,
            ended_at: None,
            ended_by: None,
        };
        let mistakes = exception.mistakes().into_iter().map(mistake);
        let mistakes: Vec<Mistake> = mistakes.collect();
        if !mistakes.is_empty() {
            return Err(Problem::bad_request(mistakes));
        }
        match self.ports.exceptions.add_exception(&exception).await {
            Err(StoreError::Conflict { .. }) => {
                let detail = "too many exceptions count already: end some that are not needed";
                return Err(Problem::conflict(detail));
            }
            added => added?,
        }
        let (name, until) = (
            &policy.document.name,
            event_model::rfc3339(exception.expires_at),
        );
        let detail = format!("of `{name}` until {until}: {}", exception.reason);
        self.record(by, "exception.created", exception.id, detail)
            .await?;
        Ok(exception)
    }

    /// Ends an exception before its time.
    pub(crate) async fn end_exception(
        &self,
        by: &Actor,
        id: ExceptionId,
    ) -> Result<Exception, Problem> {
        let before = self.exception(id).await?;
        if before.ended_at.is_some() {
            return Ok(before);
        }
        let now = self.ports.clock.now();
        let ended = self
            .ports
            .exceptions
            .end_exception(id, by.name(), now)
            .await?;
        let detail = format!("of {}", ended.policy_id);
        self.record(by, "exception.ended", id, detail).await?;
        Ok(ended)
    }

    /// Keeps a view of the incidents.
    pub(crate) async fn add_view(&self, by: &Actor, body: ViewBody) -> Result<SavedView, Problem> {
        let name = body.name.trim().to_owned();
        let mut mistakes = Vec::new();
        if name.is_empty() || name.chars().count() > VIEW_NAME_CHARS_MAX {
            let message = format!("must have 1 to {VIEW_NAME_CHARS_MAX} characters");
            mistakes.push(Mistake::new("/name", message));
        }
        if body.query.len() > VIEW_QUERY_BYTES_MAX {
            let message = format!("is longer than {VIEW_QUERY_BYTES_MAX} bytes");
            mistakes.push(Mistake::new("/query", message));
        } else if let Err(problem) = crate::api::incidents::matching_filter(&body.query) {
            mistakes.extend(problem.errors);
        }
        if !mistakes.is_empty() {
            return Err(Problem::bad_request(mistakes));
        }
        let now = self.ports.clock.now();
        let view = SavedView {
            id: ViewId::new(now, self.ports.entropy.draw()),
            name,
            owner: by.name().to_owned(),
            shared: body.shared,
            query: body.query,
            created_at: now,
        };
        match self.ports.views.add_view(&view).await {
            Err(StoreError::Conflict { .. }) => Err(Problem::conflict(
                "you have a view of that name, or as many as anyone may have",
            )),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(view),
        }
    }

    /// Forgets a view of one's own.
    pub(crate) async fn remove_view(&self, by: &Actor, id: ViewId) -> Result<(), Problem> {
        match self.ports.views.remove_view(id, by.name()).await? {
            true => Ok(()),
            false => Err(Problem::not_found("view of yours", id)),
        }
    }
}

fn mistake(mistake: ExceptionMistake) -> Mistake {
    Mistake::new(format!("/{}", mistake.field()), mistake.to_string())
}
