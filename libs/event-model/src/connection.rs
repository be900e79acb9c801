//! One tenant of one service, and the lifecycle of what its administrator allowed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::activity::word_enum;
use crate::ids::ConnectionId;
use crate::instant;

/// A webhook as the service registered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Registration {
    /// The service's identifier of the registration.
    pub external_id: String,
    /// Where the service delivers to.
    pub webhook: String,
    /// When it was registered.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub registered_at: DateTime<Utc>,
    /// When it ends unless renewed; absent when it does not end.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When the first delivery was proved; absent before it.
    #[serde(
        with = "instant::optional",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub delivered_at: Option<DateTime<Utc>>,
    /// What else the service said of it that its deregistration needs, by the manifest's names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, String>,
    /// What the service holds besides: one for each object where it registers objects one by one, and
    /// those that were replaced and still must be deregistered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<RegisteredPart>,
}

impl Registration {
    /// One that does not end, not delivered to yet.
    pub fn new(external_id: &str, webhook: &str, registered_at: DateTime<Utc>) -> Self {
        Registration {
            external_id: external_id.to_owned(),
            webhook: webhook.to_owned(),
            registered_at,
            expires_at: None,
            delivered_at: None,
            kept: BTreeMap::new(),
            parts: Vec::new(),
        }
    }

    /// Everything that the service holds for the connection.
    pub fn held(&self) -> Vec<RegisteredPart> {
        let marks = [Self::BY_HAND, Self::BY_OBJECT, Self::NOT_HELD];
        let main = (!marks.contains(&self.external_id.as_str())).then(|| RegisteredPart {
            scope: String::new(),
            external_id: self.external_id.clone(),
            registered_at: self.registered_at,
            expires_at: self.expires_at,
            kept: self.kept.clone(),
            replaced: false,
        });
        main.into_iter().chain(self.parts.iter().cloned()).collect()
    }

    /// Takes down what the service holds now. The first that is for the whole tenant and not replaced
    /// is the registration itself.
    pub fn hold(&mut self, mut parts: Vec<RegisteredPart>) {
        let is_main = |part: &RegisteredPart| part.scope.is_empty() && !part.replaced;
        let in_force = parts.iter().filter(|part| !part.replaced);
        let soonest = in_force.filter_map(|part| part.expires_at).min();
        match parts.iter().position(is_main) {
            Some(place) => {
                let main = parts.remove(place);
                self.external_id = main.external_id;
                self.registered_at = main.registered_at;
                self.kept = main.kept;
            }
            None => {
                let by_object = parts.iter().any(|part| !part.scope.is_empty());
                let mark = if by_object {
                    Self::BY_OBJECT
                } else {
                    Self::NOT_HELD
                };
                self.external_id = mark.to_owned();
                self.kept = BTreeMap::new();
            }
        }
        self.expires_at = soonest;
        self.parts = parts;
    }

    /// Stands for the id where a person registers the webhook in the service's own console.
    pub const BY_HAND: &str = "by hand";
    /// Stands for the id where one object after the other is registered.
    pub const BY_OBJECT: &str = "by object";
    /// Stands for the id where the service dropped the webhook.
    pub const NOT_HELD: &str = "not held";
}

/// One of several registrations that the service holds for a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegisteredPart {
    /// The object that it is for; empty when it is for the whole tenant.
    pub scope: String,
    /// The service's identifier of the registration.
    pub external_id: String,
    /// When it was registered.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub registered_at: DateTime<Utc>,
    /// When it ends unless renewed; absent when it does not end.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub expires_at: Option<DateTime<Utc>>,
    /// What else the service said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, String>,
    /// Whether another took its place: it is to be deregistered.
    #[serde(default)]
    pub replaced: bool,
}

/// How activity arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Feed {
    /// The service calls our webhook; a reconciling pull closes what deliveries lose.
    Push {
        /// What the service registered.
        registration: Registration,
    },
    /// We ask from a checkpoint.
    Pull,
}

impl Feed {
    /// The webhook registration, if there is one.
    pub fn registration(&self) -> Option<&Registration> {
        match self {
            Feed::Push { registration } => Some(registration),
            Feed::Pull => None,
        }
    }

    /// The choice that leads to this feed.
    pub fn choice(&self) -> FeedChoice {
        match self {
            Feed::Push { .. } => FeedChoice::Push,
            Feed::Pull => FeedChoice::Pull,
        }
    }
}

word_enum! {
    /// Which feed an administrator asks for.
    FeedChoice {
        /// Push when the service can, else pull.
        Auto "auto",
        /// Webhook, reconciled by pull.
        Push "push",
        /// Polling only.
        Pull "pull",
    }
}

/// Where a connection stands. Each state carries what is true only in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Lifecycle {
    /// No administrator of the service has agreed yet.
    AwaitingConsent {
        /// Since when.
        #[serde(with = "instant::required")]
        #[schemars(with = "DateTime<Utc>")]
        since: DateTime<Utc>,
    },
    /// There is a grant; nothing is read yet.
    Authorized {
        /// Since when.
        #[serde(with = "instant::required")]
        #[schemars(with = "DateTime<Utc>")]
        since: DateTime<Utc>,
    },
    /// The feed is being set up; a restart continues it.
    Enabling {
        /// Which feed.
        choice: FeedChoice,
        /// Since when.
        #[serde(with = "instant::required")]
        #[schemars(with = "DateTime<Utc>")]
        since: DateTime<Utc>,
    },
    /// Activity arrives and policies act.
    Enabled {
        /// How activity arrives.
        feed: Feed,
        /// Since when.
        #[serde(with = "instant::required")]
        #[schemars(with = "DateTime<Utc>")]
        since: DateTime<Utc>,
    },
    /// The grant is dead: an administrator of the service must agree again.
    NeedsConsent {
        /// The feed to resume after consent; absent when none was enabled.
        kept: Option<Feed>,
        /// What the service said, in a sentence.
        reason: String,
        /// Since when.
        #[serde(with = "instant::required")]
        #[schemars(with = "DateTime<Utc>")]
        since: DateTime<Utc>,
    },
    /// No poll, no delivery taken, no action.
    Disabled {
        /// A webhook that still must be deregistered with the service; absent when none is left.
        leftover: Option<Registration>,
        /// Since when.
        #[serde(with = "instant::required")]
        #[schemars(with = "DateTime<Utc>")]
        since: DateTime<Utc>,
    },
}

/// A step that the lifecycle does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a connection that is `{from}` cannot be {to}")]
pub struct IllegalTransition {
    /// The state it is in.
    pub from: &'static str,
    /// What was asked.
    pub to: &'static str,
}

impl Lifecycle {
    /// The state's word on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            Lifecycle::AwaitingConsent { .. } => "awaiting_consent",
            Lifecycle::Authorized { .. } => "authorized",
            Lifecycle::Enabling { .. } => "enabling",
            Lifecycle::Enabled { .. } => "enabled",
            Lifecycle::NeedsConsent { .. } => "needs_consent",
            Lifecycle::Disabled { .. } => "disabled",
        }
    }

    /// Since when it is in this state.
    pub fn since(&self) -> DateTime<Utc> {
        match self {
            Lifecycle::AwaitingConsent { since }
            | Lifecycle::Authorized { since }
            | Lifecycle::Enabling { since, .. }
            | Lifecycle::Enabled { since, .. }
            | Lifecycle::NeedsConsent { since, .. }
            | Lifecycle::Disabled { since, .. } => *since,
        }
    }

    /// The feed, when enabled.
    pub fn feed(&self) -> Option<&Feed> {
        match self {
            Lifecycle::Enabled { feed, .. } => Some(feed),
            _ => None,
        }
    }

    /// The webhook that the service may still hold for us.
    pub fn registration(&self) -> Option<&Registration> {
        match self {
            Lifecycle::Enabled { feed, .. } => feed.registration(),
            Lifecycle::NeedsConsent { kept, .. } => kept.as_ref().and_then(Feed::registration),
            Lifecycle::Disabled { leftover, .. } => leftover.as_ref(),
            _ => None,
        }
    }

    /// The webhook that the service may still hold for us, to be written anew.
    pub fn registration_mut(&mut self) -> Option<&mut Registration> {
        match self {
            Lifecycle::Enabled {
                feed: Feed::Push { registration },
                ..
            }
            | Lifecycle::NeedsConsent {
                kept: Some(Feed::Push { registration }),
                ..
            }
            | Lifecycle::Disabled {
                leftover: Some(registration),
                ..
            } => Some(registration),
            _ => None,
        }
    }

    /// A grant was given. A connection that needed consent goes back to the feed it had.
    ///
    /// # Errors
    /// While the feed is being set up.
    pub fn consented(self, now: DateTime<Utc>) -> Result<Self, IllegalTransition> {
        match self {
            Lifecycle::AwaitingConsent { .. }
            | Lifecycle::Authorized { .. }
            | Lifecycle::Disabled { leftover: None, .. }
            | Lifecycle::NeedsConsent { kept: None, .. } => {
                Ok(Lifecycle::Authorized { since: now })
            }
            Lifecycle::NeedsConsent {
                kept: Some(feed), ..
            } => Ok(Lifecycle::Enabled { feed, since: now }),
            Lifecycle::Disabled { leftover, since } => Ok(Lifecycle::Disabled { leftover, since }),
            Lifecycle::Enabled { feed, since } => Ok(Lifecycle::Enabled { feed, since }),
            Lifecycle::Enabling { .. } => Err(self.refuse("authorized")),
        }
    }

    /// The feed is going to be set up.
    ///
    /// # Errors
    /// Without consent, or when already enabled, or while a webhook of before is still registered.
    pub fn enabling(
        self,
        choice: FeedChoice,
        now: DateTime<Utc>,
    ) -> Result<Self, IllegalTransition> {
        match self {
            Lifecycle::Authorized { .. }
            | Lifecycle::Enabling { .. }
            | Lifecycle::Disabled { leftover: None, .. } => {
                Ok(Lifecycle::Enabling { choice, since: now })
            }
            other => Err(other.refuse("enabled")),
        }
    }

    /// The feed is set up.
    ///
    /// # Errors
    /// Unless it was being set up.
    pub fn enabled(self, feed: Feed, now: DateTime<Utc>) -> Result<Self, IllegalTransition> {
        match self {
            Lifecycle::Enabling { .. } => Ok(Lifecycle::Enabled { feed, since: now }),
            other => Err(other.refuse("enabled")),
        }
    }

    /// Setting the feed up failed: back to where it can be tried again.
    ///
    /// # Errors
    /// Unless it was being set up.
    pub fn enabling_failed(self, now: DateTime<Utc>) -> Result<Self, IllegalTransition> {
        match self {
            Lifecycle::Enabling { .. } => Ok(Lifecycle::Authorized { since: now }),
            other => Err(other.refuse("set back")),
        }
    }

    /// The service no longer takes the grant.
    ///
    /// # Errors
    /// When there was no grant in use.
    pub fn grant_died(self, reason: String, now: DateTime<Utc>) -> Result<Self, IllegalTransition> {
        match self {
            Lifecycle::Enabled { feed, .. } => Ok(Lifecycle::NeedsConsent {
                kept: Some(feed),
                reason,
                since: now,
            }),
            Lifecycle::Authorized { .. } | Lifecycle::Enabling { .. } => {
                Ok(Lifecycle::NeedsConsent {
                    kept: None,
                    reason,
                    since: now,
                })
            }
            Lifecycle::NeedsConsent {
                kept,
                reason,
                since,
            } => Ok(Lifecycle::NeedsConsent {
                kept,
                reason,
                since,
            }),
            other => Err(other.refuse("asked for consent again")),
        }
    }

    /// An administrator disables it. What the service still holds is left over, to be deregistered.
    pub fn disabled(self, now: DateTime<Utc>) -> Self {
        let leftover = self.registration().cloned();
        match self {
            Lifecycle::Disabled { leftover, since } => Lifecycle::Disabled { leftover, since },
            _ => Lifecycle::Disabled {
                leftover,
                since: now,
            },
        }
    }

    /// The service no longer holds a webhook of ours.
    ///
    /// # Errors
    /// Unless disabled.
    pub fn deregistered(self) -> Result<Self, IllegalTransition> {
        match self {
            Lifecycle::Disabled { since, .. } => Ok(Lifecycle::Disabled {
                leftover: None,
                since,
            }),
            other => Err(other.refuse("deregistered")),
        }
    }

    /// Whether roles may call the service on behalf of this connection.
    pub fn is_enabled(&self) -> bool {
        matches!(self, Lifecycle::Enabled { .. })
    }

    fn refuse(&self, to: &'static str) -> IllegalTransition {
        IllegalTransition {
            from: self.word(),
            to,
        }
    }
}

/// One question of a health check and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthCheck {
    /// What was checked: `token`, `activity`, `content_of_all_users` and so on.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was seen, in a sentence, and what to do when it does not hold.
    pub detail: String,
}

/// What was last seen when the connection's reach was proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionHealth {
    /// Whether every check holds.
    pub ok: bool,
    /// When it was checked.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub checked_at: DateTime<Utc>,
    /// Each check.
    pub checks: Vec<HealthCheck>,
}

/// One tenant of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// Its identifier.
    pub id: ConnectionId,
    /// The service's id in the catalogue.
    pub service: String,
    /// What the administrator calls it.
    pub name: String,
    /// Values of the manifest's parameters.
    pub params: BTreeMap<String, String>,
    /// Where a self-hosted service is; absent when the manifest knows.
    pub base_url: Option<String>,
    /// The OAuth client's id.
    pub client_id: Option<String>,
    /// The service's own tenant id, learned at consent.
    pub tenant_id: Option<String>,
    /// Where it stands.
    pub lifecycle: Lifecycle,
    /// What was last seen of its reach; absent before the first check.
    pub health: Option<ConnectionHealth>,
    /// When it was created.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// Grows by one with every change: the ETag.
    pub revision: u64,
}

#[cfg(test)]
mod tests;
