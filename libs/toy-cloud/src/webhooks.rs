//! Webhooks: who registered for a tenant's activity, and what is on its way to them. A registration covers the whole tenant, objects
//! made later included. When it is removed, what was not yet sent stays unsent.

pub(crate) mod asking;
mod lane;
mod sending;
mod signer;
pub(crate) mod style;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use url::Url;

pub use self::lane::{DELIVERIES_CONCURRENT_MAX, DELIVERIES_PENDING_MAX};
pub(crate) use self::lane::{DeliveryCounts, Lane};
pub(crate) use self::sending::run;
use self::style::Style;
use crate::clock::Moment;
use crate::ledger::{Action, Outcome};
use crate::model::activity::{ActedOn, Activity, Kind};
use crate::model::{By, Ground, Model, Refusal};
use crate::secrets::random_bytes;

/// A tenant has at most this many registrations.
pub const WEBHOOKS_MAX: usize = 20;
const URL_LENGTH_MAX: usize = 2_048;
const DESCRIPTION_LENGTH_MAX: usize = 256;

#[derive(Debug)]
struct Registration {
    number: u64,
    url: Url,
    events: Vec<String>,
    description: String,
    created_at: Moment,
    lane: Arc<Lane>,
}

/// A registration as the API shows it; the secret only when it was just made.
#[derive(Debug, Serialize)]
pub(crate) struct WebhookView {
    pub(crate) id: String,
    pub(crate) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    events: Vec<String>,
    description: String,
    active: bool,
    created_at: Moment,
    deliveries: DeliveryCounts,
}

/// What is asked for on registering.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) url: String,
    pub(crate) events: Vec<String>,
    pub(crate) description: String,
    /// How deliveries look.
    pub(crate) style: Style,
    /// The key to sign with; a fresh one without it.
    pub(crate) key: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(crate) struct Registry {
    ground: Ground,
    registrations: BTreeMap<String, Registration>,
}

/// A registration that was made or renewed.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) view: WebhookView,
    /// There when it is new: its deliverer must be started.
    pub(crate) lane: Option<Arc<Lane>>,
}

impl Registry {
    pub(crate) fn new(ground: Ground) -> Self {
        Self {
            ground,
            registrations: BTreeMap::new(),
        }
    }

    pub(crate) fn active(&self) -> usize {
        self.registrations
            .values()
            .filter(|registration| registration.lane.is_active())
            .count()
    }

    /// Puts the activity on its way to all that want it.
    pub(crate) fn announce(&self, number: u64, activity: &Arc<Activity>) {
        let now = self.ground.clock.now();
        for (id, registration) in &self.registrations {
            if !registration.wants(activity.kind) || !registration.lane.is_active() {
                continue;
            }
            let delivery_id = format!("msg_{number:014x}_{id}");
            let fate = self
                .ground
                .faults
                .of_delivery((number << 16) | (registration.number & 0xffff));
            if fate.copies == 0 {
                let dropped = lane::deed(id, &delivery_id, &activity.id, 0, None, Outcome::Dropped);
                self.ground.ledger.write(dropped);
            }
            for _ in 0..fate.copies {
                let due = now.plus_ms(fate.delay_ms);
                if !registration.lane.push(&delivery_id, activity, now, due) {
                    let lost = lane::deed(id, &delivery_id, &activity.id, 0, None, Outcome::Failed);
                    self.ground.ledger.write(lost);
                }
            }
        }
    }
}

impl Registration {
    fn wants(&self, kind: Kind) -> bool {
        self.events
            .iter()
            .any(|wanted| wanted == "*" || wanted == kind.name())
    }

    fn view(&self, id: &str, secret: Option<String>) -> WebhookView {
        WebhookView {
            id: id.to_owned(),
            url: self.url.to_string(),
            secret,
            events: self.events.clone(),
            description: self.description.clone(),
            active: self.lane.is_active(),
            created_at: self.created_at,
            deliveries: self.lane.counts(),
        }
    }
}

impl Order {
    fn check(&self) -> Result<Url, Refusal> {
        let url = Url::parse(&self.url).map_err(|_| Refusal::Invalid("the url is not a url"))?;
        let sound = matches!(url.scheme(), "http" | "https")
            && self.url.len() <= URL_LENGTH_MAX
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        if !sound {
            return Err(Refusal::Invalid(
                "the url is http or https, without a user or a fragment",
            ));
        }
        if self.events.is_empty()
            || !self
                .events
                .iter()
                .all(|name| name == "*" || Kind::is_known(name))
        {
            return Err(Refusal::Invalid(
                "events is [\"*\"] or a list of types of activity",
            ));
        }
        if self.description.len() > DESCRIPTION_LENGTH_MAX {
            return Err(Refusal::Invalid("a description has at most 256 bytes"));
        }
        Ok(url)
    }
}

impl Model {
    /// Registers a webhook for the whole tenant; a url that is registered already is renewed with a fresh secret.
    pub(crate) fn register_webhook(
        &mut self,
        by: &By,
        order: Order,
    ) -> Result<Registered, Refusal> {
        self.administrators_only(by)?;
        let url = order.check()?;
        let Order {
            url: _,
            mut events,
            description,
            style,
            key,
        } = order;
        events.sort();
        events.dedup();
        let key = key.unwrap_or_else(|| random_bytes::<24>().to_vec());
        let registry = &self.tenant(&by.tenant_id)?.webhooks.registrations;
        let known = registry
            .iter()
            .find(|(_, registration)| registration.url == url);
        if known.is_none() && registry.len() >= WEBHOOKS_MAX {
            return Err(Refusal::Full("a tenant has at most 20 webhooks"));
        }
        let (id, lane, number, created_at) = match known {
            Some((id, old)) => (
                id.clone(),
                Arc::clone(&old.lane),
                old.number,
                old.created_at,
            ),
            None => self.next_webhook(&url, style),
        };
        let fresh = known_lane(self.tenant(&by.tenant_id)?, &id).is_none();
        lane.renew(&key);
        let registration = Registration {
            number,
            url,
            events,
            description,
            created_at,
            lane: Arc::clone(&lane),
        };
        let registrations = &mut self.tenant_mut(&by.tenant_id)?.webhooks.registrations;
        registrations.insert(id.clone(), registration);
        self.tell_webhook(
            by,
            &id,
            lane.url(),
            Kind::WebhookRegistered,
            Action::WebhookRegistered,
        )?;
        let secret = Some(format!("whsec_{}", STANDARD.encode(&key)));
        let registrations = &self.tenant(&by.tenant_id)?.webhooks.registrations;
        let view = registrations
            .get(&id)
            .ok_or(Refusal::NotFound)?
            .view(&id, secret);
        Ok(Registered {
            view,
            lane: fresh.then_some(lane),
        })
    }

    fn next_webhook(&mut self, url: &Url, style: Style) -> (String, Arc<Lane>, u64, Moment) {
        self.webhooks_made += 1;
        let id = format!("wh_{}", self.webhooks_made);
        let lane = Arc::new(Lane::new(&id, url.clone(), style));
        (id, lane, self.webhooks_made, self.ground.clock.now())
    }

    pub(crate) fn webhooks(&self, by: &By) -> Result<Vec<WebhookView>, Refusal> {
        self.administrators_only(by)?;
        let registrations = &self.tenant(&by.tenant_id)?.webhooks.registrations;
        Ok(registrations
            .iter()
            .map(|(id, registration)| registration.view(id, None))
            .collect())
    }

    pub(crate) fn webhook(&self, by: &By, id: &str) -> Result<WebhookView, Refusal> {
        self.administrators_only(by)?;
        let registrations = &self.tenant(&by.tenant_id)?.webhooks.registrations;
        Ok(registrations
            .get(id)
            .ok_or(Refusal::NotFound)?
            .view(id, None))
    }

    /// From now on nothing more is sent there.
    pub(crate) fn deregister_webhook(&mut self, by: &By, id: &str) -> Result<(), Refusal> {
        self.administrators_only(by)?;
        let registrations = &mut self.tenant_mut(&by.tenant_id)?.webhooks.registrations;
        let gone = registrations.remove(id).ok_or(Refusal::NotFound)?;
        gone.lane.close();
        self.tell_webhook(
            by,
            id,
            &gone.url,
            Kind::WebhookDeregistered,
            Action::WebhookDeregistered,
        )
    }

    fn tell_webhook(
        &mut self,
        by: &By,
        id: &str,
        url: &Url,
        kind: Kind,
        action: Action,
    ) -> Result<(), Refusal> {
        let object = ActedOn {
            id: id.to_owned(),
            kind: "webhook",
            name: url.to_string(),
            path: None,
            download_url: None,
            version: None,
        };
        let activity = self.record(by, kind, Some(object), None)?;
        self.note(by, action, id, Some(url.to_string()), Some(&activity));
        Ok(())
    }
}

fn known_lane<'a>(tenant: &'a crate::model::tenants::Tenant, id: &str) -> Option<&'a Arc<Lane>> {
    tenant
        .webhooks
        .registrations
        .get(id)
        .map(|registration| &registration.lane)
}
