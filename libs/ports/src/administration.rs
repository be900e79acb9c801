//! How connections are administered: the seam to what drives consent, feeds and health.
//!
//! Who calls it decides nothing here. An implementation validates, talks to the cloud service, moves
//! the lifecycle and writes the audit trail under the name given as `by`.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use event_model::{
    Activity, Connection, ConnectionHealth, ConnectionId, FeedChoice, FeedCoverage,
    IllegalTransition,
};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::{Rehearsal, RehearsedRemedy, StoreError};

/// One parameter that a service asks an administrator for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceParam {
    /// Its key in `params`.
    pub name: String,
    /// What a form calls it.
    pub title: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it is when not given.
    pub default: Option<String>,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: Option<String>,
}

/// A cloud service of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceDescription {
    /// Its id in the catalogue.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What is read and what can be done, in a sentence.
    pub description: String,
    /// Where its administrator reads how to prepare it.
    pub docs_url: Option<String>,
    /// Whether a connection must say where it is (`base_url`).
    pub self_hosted: bool,
    /// What a connection must or may say.
    pub params: Vec<ServiceParam>,
    /// `push`, `pull` or both.
    pub feeds: Vec<String>,
    /// The remedies it can carry out, by their words.
    pub actions: Vec<String>,
    /// Those of them that cannot be undone.
    pub irreversible: Vec<String>,
    /// What of that which exists already can be scanned: `shares`, `content` or both.
    pub scans: Vec<String>,
    /// What else it can do, and why not the rest.
    #[serde(default)]
    pub abilities: ServiceAbilities,
}

/// What a service can do for us beyond its feeds and remedies, and why it cannot do the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceAbilities {
    /// The kinds of activity that it reports, as far as its manifest says them; empty when only each event
    /// tells.
    pub reports: Vec<String>,
    /// Fields that its activity never has, each with why.
    pub silent: BTreeMap<String, String>,
    /// Remedies that cannot be carried out, each with why.
    pub refused: BTreeMap<String, String>,
    /// How often it is read, in seconds; absent when nothing is pulled.
    pub polled_every_s: Option<u64>,
    /// How often what was pushed is reconciled by reading, in seconds; absent when it is not.
    pub reconciled_every_s: Option<u64>,
    /// How long it keeps its activity, in seconds; absent when its manifest does not say.
    pub retention_s: Option<u64>,
    /// How late an activity may appear, in seconds; absent when its manifest does not say.
    pub lag_s: Option<u64>,
}

/// The OAuth client that the administrator registered with the service.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Its id.
    pub id: String,
    /// Its secret; absent for public clients.
    #[serde(default)]
    pub secret: Option<String>,
}

/// A connection as an administrator asks for it.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnection {
    /// The service's id in the catalogue.
    pub service: String,
    /// What the administrator calls it.
    pub name: String,
    /// Values of the service's parameters. Numbers and truth values are taken as they are written; a
    /// list is taken as its elements with commas between.
    #[serde(default, deserialize_with = "texts")]
    pub params: BTreeMap<String, String>,
    /// The OAuth client.
    #[serde(default)]
    pub client: Option<NewClient>,
    /// Where a self-hosted service is.
    #[serde(default)]
    pub base_url: Option<String>,
}

/// Parameters as texts, whatever scalar they were written as.
fn texts<'de, D: Deserializer<'de>>(given: D) -> Result<BTreeMap<String, String>, D::Error> {
    let values = BTreeMap::<String, Value>::deserialize(given)?;
    let text = |(name, value): (String, Value)| match scalar(&value) {
        Some(text) => Ok((name, text)),
        None => {
            let message =
                format!("the parameter `{name}` must be a text, a number or a list of them");
            Err(D::Error::custom(message))
        }
    };
    values.into_iter().map(text).collect()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Array(list) if list.iter().all(|item| !item.is_array()) => {
            let items: Option<Vec<String>> = list.iter().map(scalar).collect();
            items.map(|items| items.join(","))
        }
        Value::Array(_) | Value::Object(_) | Value::Null => None,
    }
}

/// A secret that deliveries are proved with from now on.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhookSecret {
    /// The secret, as the service shows it. Several, where the service signs with several keys: one on
    /// each line.
    pub secret: String,
    /// For how long the secrets of before are still taken, in seconds; a day when not given, at most 30.
    #[serde(default)]
    pub keep_old_s: Option<u32>,
}

/// What a consent page sends back.
#[derive(Clone, Default)]
pub struct Callback {
    /// Proof that we asked.
    pub state: Option<String>,
    /// The code to exchange.
    pub code: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
    /// The same in a sentence.
    pub error_description: Option<String>,
}

/// One mistake in what an administrator gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMistake {
    /// Where: a JSON pointer.
    pub field: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to give in its place.
    pub hint: Option<String>,
}

/// Why a connection was not changed as asked.
#[derive(Debug, Error)]
pub enum AdminError {
    /// There is no such thing.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// Which one.
        id: String,
    },
    /// What was given has mistakes: all of them.
    #[error("the connection has {} mistakes", .0.len())]
    Invalid(Vec<FieldMistake>),
    /// The lifecycle has no such step.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// Something else is in the way.
    #[error("{detail}")]
    Conflict {
        /// What, in a sentence.
        detail: String,
    },
    /// The service's administrator, or the service, said no.
    #[error("{detail}")]
    ConsentRefused {
        /// What was said.
        detail: String,
    },
    /// The grant does not reach what is needed.
    #[error("the service does not give all that is needed")]
    Unhealthy(ConnectionHealth),
    /// The service did not answer as it should.
    #[error("{detail}")]
    Service {
        /// What it did, in a sentence.
        detail: String,
        /// When to try again.
        retry_after: Option<Duration>,
    },
    /// The store did not.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what, id } => AdminError::NotFound { what, id },
            StoreError::Conflict { what, id } => AdminError::Conflict {
                detail: format!("the {what} `{id}` was changed meanwhile"),
            },
            other => AdminError::Store(other),
        }
    }
}

/// Creates, authorises, enables and disables connections.
#[async_trait]
pub trait ConnectionAdministration: Send + Sync {
    /// The catalogue.
    fn services(&self) -> Vec<ServiceDescription>;

    /// Adds a connection that awaits consent.
    async fn create(&self, new: NewConnection, by: &str) -> Result<Connection, AdminError>;

    /// Where the service's administrator gives consent.
    async fn authorize(&self, id: ConnectionId, by: &str) -> Result<String, AdminError>;

    /// Takes what the consent page sent back.
    async fn callback(&self, callback: Callback) -> Result<Connection, AdminError>;

    /// Sets the feed up.
    async fn enable(
        &self,
        id: ConnectionId,
        choice: FeedChoice,
        by: &str,
    ) -> Result<Connection, AdminError>;

    /// Ends polling, deliveries and actions before it returns.
    async fn disable(&self, id: ConnectionId, by: &str) -> Result<Connection, AdminError>;

    /// Replaces the secret that deliveries are proved with; the old one is still taken for a while.
    async fn put_webhook_secret(
        &self,
        id: ConnectionId,
        new: NewWebhookSecret,
        by: &str,
    ) -> Result<Connection, AdminError>;

    /// Proves the connection's reach anew.
    async fn health(&self, id: ConnectionId) -> Result<ConnectionHealth, AdminError>;

    /// What a remedy would do about that activity, as the service is now; nothing is changed.
    async fn rehearse(
        &self,
        id: ConnectionId,
        activity: &Activity,
        remedy: &RehearsedRemedy,
    ) -> Result<Rehearsal, AdminError>;

    /// How completely the connection's feed is read.
    async fn coverage(&self, id: ConnectionId) -> Result<FeedCoverage, AdminError>;
}

#[cfg(test)]
mod tests {
    use super::NewConnection;

    #[test]
    fn parameters_are_texts_whatever_scalar_they_were_written_as() {
        let new = |params: &str| {
            let json = format!(r#"{{"service":"s","name":"n","params":{params}}}"#);
            serde_json::from_str::<NewConnection>(&json)
        };
        let taken = new(r#"{"a":"x","b":3,"c":true,"d":["x.example","y.example"]}"#).unwrap();
        let values: Vec<&str> = taken.params.values().map(String::as_str).collect();
        assert_eq!(values, ["x", "3", "true", "x.example,y.example"]);
        for refused in [r#"{"a":null}"#, r#"{"a":{}}"#, r#"{"a":[["x"]]}"#] {
            assert!(new(refused).is_err(), "{refused}");
        }
    }
}
