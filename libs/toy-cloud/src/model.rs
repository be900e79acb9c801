//! The service itself: tenants, users, objects, permissions, links, activity. Every verb checks what its doer may, changes the
//! state, makes the activity, hands it to the tenant's webhooks and writes the effect into the ledger; HTTP is a thin layer over it.
//! Nothing here waits: the caller holds the model's lock for the length of one verb.

pub(crate) mod activity;
mod filing;
pub(crate) mod labels;
pub(crate) mod large;
pub(crate) mod links;
pub(crate) mod listing;
pub(crate) mod log;
pub(crate) mod objects;
pub(crate) mod overview;
pub(crate) mod permissions;
pub(crate) mod shared;
mod standing;
pub(crate) mod tenants;
mod trash;
pub(crate) mod views;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use self::activity::{ActedOn, Activity, Actor, ClientUsed, Kind, Share};
use self::links::LinkPlace;
use self::tenants::{Tenant, UserRole};
use self::views::FileView;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::ledger::{Action, Deed, Ledger};

/// Who does something, and with what.
#[derive(Debug, Clone)]
pub(crate) struct By {
    pub(crate) tenant_id: String,
    pub(crate) user_id: String,
    /// The API client; none when a person does it.
    pub(crate) app_id: Option<String>,
    pub(crate) ip: String,
    pub(crate) user_agent: String,
}

/// Why the service would not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no such thing here, or it is not yours to see")]
    NotFound,
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("this needs an administrator's grant")]
    AdministratorsOnly,
    #[error("{message}")]
    Conflict {
        message: &'static str,
        existing: Option<Box<FileView>>,
    },
    #[error("the version is another one now")]
    VersionMismatch,
    #[error("{0}")]
    Invalid(&'static str),
    #[error("{0}")]
    Full(&'static str),
}

impl Refusal {
    fn conflict(message: &'static str) -> Self {
        Self::Conflict {
            message,
            existing: None,
        }
    }
}

/// What a verb did: the view of what it was done to, and the activity, which is absent when nothing had to change.
#[derive(Debug, Clone)]
pub(crate) struct Done<T> {
    pub(crate) view: T,
    pub(crate) activity: Option<Arc<Activity>>,
}

/// What every part of the service stands on.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) base_url: String,
    pub(crate) clock: Arc<Clock>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) ledger: Arc<Ledger>,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) ground: Ground,
    tenants: BTreeMap<String, Tenant>,
    link_tokens: HashMap<String, LinkPlace>,
    objects_made: u64,
    links_made: u64,
    activities_made: u64,
    label_changes_made: u64,
    pub(crate) webhooks_made: u64,
}

impl Model {
    pub(crate) fn new(ground: Ground) -> Self {
        let mut model = Self {
            ground,
            tenants: BTreeMap::new(),
            link_tokens: HashMap::new(),
            objects_made: 0,
            links_made: 0,
            activities_made: 0,
            label_changes_made: 0,
            webhooks_made: 0,
        };
        for (id, name) in [("acme", "Acme"), ("globex", "Globex")] {
            model.found_tenant(id, name);
        }
        model
    }

    pub(crate) fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.tenants.values()
    }

    pub(crate) fn tenant(&self, id: &str) -> Result<&Tenant, Refusal> {
        self.tenants.get(id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn tenant_mut(&mut self, id: &str) -> Result<&mut Tenant, Refusal> {
        self.tenants.get_mut(id).ok_or(Refusal::NotFound)
    }

    fn is_administrator(&self, by: &By) -> Result<bool, Refusal> {
        Ok(self.tenant(&by.tenant_id)?.user(&by.user_id)?.role == UserRole::Administrator)
    }

    pub(crate) fn administrators_only(&self, by: &By) -> Result<(), Refusal> {
        if self.is_administrator(by)? {
            Ok(())
        } else {
            Err(Refusal::AdministratorsOnly)
        }
    }

    /// Makes the activity: into the log, and to the webhooks that want it.
    pub(crate) fn record(
        &mut self,
        by: &By,
        kind: Kind,
        object: Option<ActedOn>,
        share: Option<Share>,
    ) -> Result<Arc<Activity>, Refusal> {
        let actor = self.actor(by)?;
        self.activities_made += 1;
        let number = self.activities_made;
        let occurred_at = self.ground.clock.now();
        let wait_ms = self.ground.faults.of_logging(number).wait_ms;
        let activity = Arc::new(Activity {
            id: format!("evt_{number:014x}"),
            tenant_id: by.tenant_id.clone(),
            kind,
            category: kind.category(),
            occurred_at,
            logged_at: occurred_at.plus_ms(wait_ms),
            actor,
            object,
            share,
            client: ClientUsed {
                user_agent: by.user_agent.clone(),
                app_id: by.app_id.clone(),
            },
        });
        let tenant = self.tenant_mut(&by.tenant_id)?;
        tenant.log.append(number, Arc::clone(&activity));
        tenant.log.settle(occurred_at);
        tenant.webhooks.announce(number, &activity);
        Ok(activity)
    }

    fn actor(&self, by: &By) -> Result<Actor, Refusal> {
        let user = self.tenant(&by.tenant_id)?.user(&by.user_id)?;
        Ok(Actor {
            id: user.id.clone(),
            name: user.name.clone(),
            email: user.email.clone(),
            external: user.external,
            role: user.role.name(),
            ip: by.ip.clone(),
        })
    }

    /// Writes into the ledger what was done, or that there was nothing to do.
    pub(crate) fn note(
        &self,
        by: &By,
        action: Action,
        object_id: &str,
        detail: Option<String>,
        activity: Option<&Arc<Activity>>,
    ) {
        self.ground.ledger.write(Deed::Effect {
            tenant_id: by.tenant_id.clone(),
            client_id: by.app_id.clone(),
            action,
            object_id: object_id.to_owned(),
            detail,
            event_id: activity.map(|activity| activity.id.clone()),
            changed: activity.is_some(),
        });
    }
}
