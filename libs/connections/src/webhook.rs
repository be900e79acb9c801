//! The webhook's own life: registered, renewed before its end, registered again when the service dropped
//! it, deregistered.
//!
//! One replica looks after a webhook at a time, under a lease and inside the gate. Each step is durable
//! before the next: a new registration is written down before the old one is deregistered, so that
//! between the two the service delivers twice and never not at all. What a crash leaves registered and
//! not written down ends by itself or is delivered twice, which the event's id makes harmless.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use connector::{CallError, Connector, ServiceClient, WebhookOffer, WebhookScope};
use event_model::{
    Connection, ConnectionId, Feed, HealthCheck, Lifecycle, RegisteredPart, Registration,
};
use ports::{AdminError, WebhookNote};

use crate::Connections;
use crate::error::service_error;

mod looking;

pub(crate) use looking::Look;

/// How long a replica may look after one webhook.
const LEASE: Duration = Duration::from_secs(300);
/// After a failure a webhook is left alone for so long.
const PAUSE: Duration = Duration::from_secs(60);
/// Bytes of chance in the name of a registration.
const NAME_BYTES: usize = 16;

/// What changed of what the service holds.
enum Change {
    Added(RegisteredPart),
    Prolonged(RegisteredPart),
    /// Another took its place: it is still to be deregistered.
    Replaced(RegisteredPart),
    Gone(RegisteredPart),
}

/// One look after one webhook.
struct Care<'a> {
    id: ConnectionId,
    connector: &'a Connector,
    client: &'a ServiceClient,
    url: String,
    noted: &'a [WebhookNote],
    /// Whether the service is asked what it holds.
    asks: bool,
}

impl Connections {
    /// Registers the webhook, or says what a person is to register.
    pub(crate) async fn register_webhook(
        &self,
        connection: &Connection,
        client: &ServiceClient,
    ) -> Result<Registration, AdminError> {
        let id = connection.id;
        let connector = self.connector(connection)?;
        let secret = self.secret_to_register(id, &connector).await?;
        let url = self.webhook_url(id);
        let now = self.ports.clock.now();
        let mut registration = Registration::new(Registration::BY_HAND, &url, now);
        if !connector.registers_webhook() {
            return Ok(registration);
        }
        let mut parts: Vec<RegisteredPart> = Vec::new();
        for scope in client.webhook_scopes().await.map_err(service_error)? {
            match self.register_one(id, client, secret.clone(), &scope).await {
                Ok(part) => parts.push(part),
                Err(error) => {
                    self.take_back(client, &url, &parts).await;
                    return Err(error);
                }
            }
        }
        if parts.is_empty() {
            registration.external_id = Registration::BY_OBJECT.to_owned();
        } else {
            registration.hold(parts);
        }
        Ok(registration)
    }

    /// Deregisters what was registered before the rest failed.
    async fn take_back(&self, client: &ServiceClient, url: &str, parts: &[RegisteredPart]) {
        for part in parts {
            if let Err(error) = client.deregister(url, part).await {
                tracing::warn!(error = %error, "a webhook could not be taken back");
            }
        }
    }

    async fn register_one(
        &self,
        id: ConnectionId,
        client: &ServiceClient,
        secret: Option<event_model::Secret<String>>,
        scope: &WebhookScope,
    ) -> Result<RegisteredPart, AdminError> {
        let offer = self.offer(id, secret);
        let registered = client
            .register(&offer, scope)
            .await
            .map_err(service_error)?;
        if let Some(secret) = registered.secret {
            self.learn_secret(id, secret).await?;
        }
        Ok(registered.part)
    }

    fn webhook_url(&self, id: ConnectionId) -> String {
        format!("{}/webhooks/{id}", self.public_url)
    }

    fn offer(&self, id: ConnectionId, secret: Option<event_model::Secret<String>>) -> WebhookOffer {
        let mut chance = [0; NAME_BYTES];
        self.ports.entropy.fill(&mut chance);
        WebhookOffer {
            url: self.webhook_url(id),
            secret,
            id: hex::encode(chance),
        }
    }

    /// Deregisters what a disabled connection left with the service.
    pub(crate) async fn deregister(
        &self,
        connection: &Connection,
        registration: &Registration,
    ) -> Result<Connection, AdminError> {
        let client = self.clients.client(connection)?;
        let held = registration.held();
        for part in &held {
            let done = client.deregister(&registration.webhook, part).await;
            done.map_err(service_error)?;
        }
        let clean = self.step(connection.id, Lifecycle::deregistered).await?;
        let names = held.iter().map(|part| format!("`{}`", part.external_id));
        let names: Vec<String> = names.take(10).collect();
        let detail = format!("{} deregistered: {}", held.len(), names.join(", "));
        self.audit("system", "webhook.deregistered", connection.id, detail)
            .await?;
        Ok(clean)
    }

    /// What deliveries told since the last time. The first delivery is written down here.
    pub(crate) async fn take_notes(&self) -> HashMap<ConnectionId, Vec<WebhookNote>> {
        let mut notes: HashMap<ConnectionId, Vec<WebhookNote>> = HashMap::new();
        for (id, note) in self.ports.notes.take_noted() {
            if note != WebhookNote::Delivered {
                notes.entry(id).or_default().push(note);
                continue;
            }
            let now = self.ports.clock.now();
            let written = self
                .change(id, |connection| {
                    if let Some(registration) = connection.lifecycle.registration_mut() {
                        registration.delivered_at.get_or_insert(now);
                    }
                    Ok(())
                })
                .await;
            if let Err(error) = written {
                tracing::warn!(connection.id = %id, error = %error, "a first delivery could not be written down");
            }
        }
        notes
    }

    /// Looks after the webhook of an enabled connection, when it is time. Says whether anything changed.
    pub(crate) async fn look_after(
        &self,
        connection: &Connection,
        registration: &Registration,
        noted: &[WebhookNote],
    ) -> bool {
        let id = connection.id;
        let Ok(connector) = self.connector(connection) else {
            return false;
        };
        let asks = self.is_time(id, connector.check_webhook_every());
        let now = self.ports.clock.now();
        let is_due = |part: &RegisteredPart| {
            part.replaced || connector.renew_webhook_at(part).is_some_and(|at| at <= now)
        };
        let waits = registration.external_id == Registration::NOT_HELD
            || registration.held().iter().any(is_due);
        if self.is_left_alone(id) && noted.is_empty() {
            return false;
        }
        if !connector.registers_webhook() || !(asks || waits || !noted.is_empty()) {
            return false;
        }
        match self
            .care_under_lease(connection, &connector, noted, asks)
            .await
        {
            Ok(changed) => {
                if let Some(every) = connector.check_webhook_every().filter(|_| asks) {
                    self.ask_again_in(id, every);
                }
                changed
            }
            Err(error) => {
                self.leave_alone(id, PAUSE);
                tracing::warn!(connection.id = %id, error = %error, "a webhook could not be looked after");
                false
            }
        }
    }

    async fn care_under_lease(
        &self,
        connection: &Connection,
        connector: &Connector,
        noted: &[WebhookNote],
        asks: bool,
    ) -> Result<bool, AdminError> {
        let id = connection.id;
        // The order matters: first through the gate, then look at the state. See `CallGate`.
        let Ok(_pass) = self.ports.gate.enter(id).await else {
            return Ok(false);
        };
        let resource = format!("webhook/{id}");
        let now = self.ports.clock.now();
        let leases = self.ports.leases.as_ref();
        let lease = leases
            .acquire_lease(&resource, &self.holder, LEASE, now)
            .await?;
        let Some(lease) = lease else {
            return Ok(false);
        };
        let connection = self.get(id).await?;
        let cared = match connection.lifecycle.feed() {
            Some(Feed::Push { registration }) => {
                let client = self.clients.client(&connection)?;
                let care = Care {
                    id,
                    connector,
                    client: &client,
                    url: registration.webhook.clone(),
                    noted,
                    asks: asks || noted.contains(&WebhookNote::Check),
                };
                self.care(&care, registration).await
            }
            Some(Feed::Pull) | None => Ok(false),
        };
        leases.release_lease(&lease).await?;
        if noted.contains(&WebhookNote::Check) {
            self.check_health(id).await?;
        }
        cared
    }

    /// What ends is prolonged, what the service dropped comes back, and then the old ones go: between the
    /// old and the new one nothing is missed.
    async fn care(&self, care: &Care<'_>, registration: &Registration) -> Result<bool, AdminError> {
        let mut changed = false;
        for part in registration.held() {
            if !part.replaced {
                changed |= self.keep_up(care, part).await?;
            }
        }
        let held = self.held_now(care.id).await?;
        changed |= self.complete(care, &held).await?;
        for part in self.held_now(care.id).await? {
            if part.replaced {
                changed |= self.take_away(care, part).await?;
            }
        }
        Ok(changed)
    }

    async fn held_now(&self, id: ConnectionId) -> Result<Vec<RegisteredPart>, AdminError> {
        let now = self.get(id).await?;
        let held = now.lifecycle.registration().map(Registration::held);
        Ok(held.unwrap_or_default())
    }

    async fn take_away(&self, care: &Care<'_>, part: RegisteredPart) -> Result<bool, AdminError> {
        let done = care.client.deregister(&care.url, &part).await;
        done.map_err(service_error)?;
        self.write(care, Change::Gone(part), "webhook.deregistered")
            .await
    }

    async fn keep_up(&self, care: &Care<'_>, part: RegisteredPart) -> Result<bool, AdminError> {
        let secret = self.current_secret(care.id).await?;
        let offer = self.offer(care.id, secret);
        let is_dropped = care.noted.contains(&WebhookNote::Register);
        if care.asks || is_dropped {
            let holds = care.client.still_holds(&offer, &part).await;
            if !holds.map_err(service_error)? {
                return self
                    .write(care, Change::Gone(part), "webhook.dropped")
                    .await;
            }
            if is_dropped && !care.connector.asks_for_webhook() {
                return self
                    .write(care, Change::Replaced(part), "webhook.dropped")
                    .await;
            }
        }
        let now = self.ports.clock.now();
        let ends = care.connector.renew_webhook_at(&part);
        if !care.noted.contains(&WebhookNote::Renew) && ends.is_none_or(|at| at > now) {
            return Ok(false);
        }
        match care.client.renew(&offer, &part).await {
            Ok(Some(part)) => {
                self.write(care, Change::Prolonged(part), "webhook.renewed")
                    .await
            }
            // The new one is registered by `complete`; until then the old one delivers.
            Ok(None) => {
                self.write(care, Change::Replaced(part), "webhook.ending")
                    .await
            }
            Err(CallError::NotFound) => {
                self.write(care, Change::Gone(part), "webhook.dropped")
                    .await
            }
            Err(error) => Err(service_error(error)),
        }
    }

    /// Registers what is missing, and gives up what is no longer wanted.
    async fn complete(&self, care: &Care<'_>, held: &[RegisteredPart]) -> Result<bool, AdminError> {
        let in_force = || held.iter().filter(|part| !part.replaced);
        let is_short = in_force().count() == 0 || held.iter().any(|part| part.replaced);
        if !(is_short || care.asks && care.connector.registers_by_object()) {
            return Ok(false);
        }
        let wanted = care.client.webhook_scopes().await.map_err(service_error)?;
        let mut changed = false;
        for part in in_force() {
            if wanted.iter().all(|scope| scope.name != part.scope) {
                let part = part.clone();
                changed |= self
                    .write(care, Change::Replaced(part), "webhook.unwanted")
                    .await?;
            }
        }
        for scope in &wanted {
            if in_force().any(|part| part.scope == scope.name) {
                continue;
            }
            let secret = self.current_secret(care.id).await?;
            let part = self
                .register_one(care.id, care.client, secret, scope)
                .await?;
            changed |= self
                .write(care, Change::Added(part), "webhook.registered")
                .await?;
            // Between the old and the new one something may have happened.
            self.ports.pulls.ask(care.id);
        }
        Ok(changed)
    }

    /// Writes a change down, whatever else changed meanwhile. A connection that was disabled meanwhile
    /// has it left over.
    async fn write(
        &self,
        care: &Care<'_>,
        change: Change,
        action: &str,
    ) -> Result<bool, AdminError> {
        let (Change::Added(part)
        | Change::Prolonged(part)
        | Change::Replaced(part)
        | Change::Gone(part)) = &change;
        self.change(care.id, |connection| {
            if let Some(registration) = connection.lifecycle.registration_mut() {
                let held = registration.held();
                registration.hold(applied(held, &change));
            }
            Ok(())
        })
        .await?;
        let detail = match part.scope.as_str() {
            "" => format!("`{}`", part.external_id),
            scope => format!("`{}` for `{scope}`", part.external_id),
        };
        self.audit("system", action, care.id, detail).await?;
        Ok(true)
    }
}

fn applied(mut held: Vec<RegisteredPart>, change: &Change) -> Vec<RegisteredPart> {
    let (Change::Added(part)
    | Change::Prolonged(part)
    | Change::Replaced(part)
    | Change::Gone(part)) = change;
    let is_it =
        |known: &RegisteredPart| known.scope == part.scope && known.external_id == part.external_id;
    match change {
        Change::Added(_) => {
            held.retain(|known| !is_it(known));
            held.push(part.clone());
        }
        Change::Prolonged(_) => {
            for known in held.iter_mut().filter(|known| is_it(known)) {
                *known = part.clone();
            }
        }
        Change::Replaced(_) => {
            for known in held.iter_mut().filter(|known| is_it(known)) {
                known.replaced = true;
            }
        }
        Change::Gone(_) => held.retain(|known| !is_it(known)),
    }
    held
}

/// What is to be said of the webhook of a push feed.
pub(crate) fn check(connection: &Connection, now: DateTime<Utc>) -> Option<HealthCheck> {
    let Some(Feed::Push { registration }) = connection.lifecycle.feed() else {
        return None;
    };
    let by_hand = registration.external_id == Registration::BY_HAND;
    let ended = registration.expires_at.filter(|end| *end <= now);
    let (ok, detail) = match (ended, registration.delivered_at) {
        _ if registration.external_id == Registration::NOT_HELD => (
            false,
            "The service dropped the webhook: it is being registered again.".into(),
        ),
        (Some(end), _) => {
            let end = event_model::rfc3339(end);
            (
                false,
                format!("The webhook ended at {end} and could not be renewed yet."),
            )
        }
        (None, Some(at)) => {
            let at = event_model::rfc3339(at);
            (true, format!("Deliveries arrive; the first came at {at}."))
        }
        (None, None) if by_hand => {
            let url = &registration.webhook;
            let detail = format!(
                "No delivery yet. Enter `{url}` as the webhook's address in the service's own console, and give Tidegate the secret that it shows there."
            );
            (true, detail)
        }
        (None, None) => (true, "Registered; no delivery yet.".into()),
    };
    Some(HealthCheck {
        name: "webhook".into(),
        ok,
        detail,
    })
}
