//! Registers webhooks with the service, keeps them up, and takes them away again.
//!
//! Nothing here is written down: who calls makes the secret durable before, and what was registered
//! afterwards.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use event_model::{RegisteredPart, Secret, rfc3339};
use serde_json::{Map, Value};

use crate::call::CallError;
use crate::client::run::Run;
use crate::client::{ServiceClient, not_supported};
use crate::manifest::push::RegistrationSteps;
use crate::manifest::push::registration::{Objects, SCOPES_MAX};
use crate::scope::{Scope, Word, scalar};
use crate::time::{self, Format};

/// Longest value that is kept of a registration, in bytes.
const KEPT_BYTES_MAX: usize = 2_048;
/// Names of captures with a meaning of their own.
const OWN_NAMES: [&str; 3] = ["id", "secret", "expires_at"];
/// A number of at least so many digits is milliseconds since 1970.
const MILLIS_DIGITS: usize = 12;
/// A number of at least so many digits is seconds since 1970; a shorter one, seconds from now.
const SECONDS_DIGITS: usize = 10;

/// The webhook as the service is told of it.
#[derive(Debug, Clone)]
pub struct WebhookOffer {
    /// Where to deliver to.
    pub url: String,
    /// What deliveries are to be proved with, where Tidegate makes it up.
    pub secret: Option<Secret<String>>,
    /// A name that no registration had before.
    pub id: String,
}

/// What a webhook is registered for: the whole tenant, or one object of it.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookScope {
    /// What tells it from others; empty for the whole tenant.
    pub name: String,
    item: Value,
}

impl WebhookScope {
    fn tenant() -> Self {
        WebhookScope {
            name: String::new(),
            item: Value::Null,
        }
    }
}

/// A webhook that was registered.
#[derive(Debug, Clone)]
pub struct Registered {
    /// What the service holds.
    pub part: RegisteredPart,
    /// What its deliveries are proved with, where the service said it.
    pub secret: Option<Secret<String>>,
}

impl ServiceClient {
    fn registration_steps(&self) -> Result<Option<&RegistrationSteps>, CallError> {
        let push = self.connector().push.as_ref();
        let push = push.ok_or_else(|| not_supported("the service does not deliver"))?;
        Ok(push.registration.as_ref())
    }

    fn must_register(&self) -> Result<&RegistrationSteps, CallError> {
        let steps = self.registration_steps()?;
        steps.ok_or_else(|| not_supported("the webhook is registered by hand"))
    }

    /// What webhooks are to be registered for; none where a person does that by hand.
    ///
    /// # Errors
    /// `TooLarge` when there are more than can be looked after; see [`CallError`].
    pub async fn webhook_scopes(&self) -> Result<Vec<WebhookScope>, CallError> {
        let Some(steps) = self.registration_steps()? else {
            return Ok(Vec::new());
        };
        let Some(each) = &steps.each else {
            return Ok(vec![WebhookScope::tenant()]);
        };
        let mut run = Run::new(self);
        let items = match &each.objects {
            Objects::Written(values) => values.clone(),
            Objects::Listed { steps, list } => {
                run.must(steps).await?;
                match run.scope().value(list).map(Cow::into_owned) {
                    Some(Value::Array(items)) => items,
                    // A parameter has its parts between commas.
                    Some(Value::String(text)) => {
                        let parts = text.split(',').map(str::trim);
                        parts
                            .filter(|part| !part.is_empty())
                            .map(Value::from)
                            .collect()
                    }
                    _ => return Err(CallError::malformed(format!("`{list}` is not a list"))),
                }
            }
        };
        let mut scopes = BTreeMap::new();
        for item in items {
            let scope = Scope {
                item: Some(&item),
                ..run.scope().over(&item)
            };
            if each
                .filter
                .as_ref()
                .is_none_or(|filter| filter.holds(&scope))
            {
                scopes.insert(each.scope.text(&scope)?, item);
            }
        }
        if scopes.len() > SCOPES_MAX {
            return Err(CallError::TooLarge { limit: SCOPES_MAX });
        }
        let scopes = scopes.into_iter();
        Ok(scopes
            .map(|(name, item)| WebhookScope { name, item })
            .collect())
    }

    /// Registers the webhook for one scope.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn register(
        &self,
        offer: &WebhookOffer,
        scope: &WebhookScope,
    ) -> Result<Registered, CallError> {
        let steps = self.must_register()?;
        let now = self.0.clock.now();
        let ends = ends_at(steps, now);
        let mut run = self.told(offer, ends).on(scope.item.clone());
        run.must(&steps.register).await?;
        let kept = |name: &str| run.kept.get(name).and_then(scalar).map(Cow::into_owned);
        let external_id = match kept("id") {
            Some(id) => id,
            None if steps.register.iter().any(|step| step.captures("id")) => {
                let detail = "the service did not say which registration it is";
                return Err(CallError::malformed(detail));
            }
            None => offer.id.clone(),
        };
        let part = RegisteredPart {
            scope: scope.name.clone(),
            external_id,
            registered_at: now,
            expires_at: kept("expires_at")
                .and_then(|text| moment(&text, now))
                .or(ends),
            kept: self.further(steps, &run.kept)?,
            replaced: false,
        };
        Ok(Registered {
            part,
            secret: kept("secret").map(Secret::new),
        })
    }

    /// Prolongs a registration; none when the manifest has no step for it, and it must be registered anew.
    ///
    /// # Errors
    /// `NotFound` when the service no longer holds it; see [`CallError`].
    pub async fn renew(
        &self,
        offer: &WebhookOffer,
        part: &RegisteredPart,
    ) -> Result<Option<RegisteredPart>, CallError> {
        let steps = self.must_register()?;
        if steps.renew.is_empty() {
            return Ok(None);
        }
        let now = self.0.clock.now();
        let ends = ends_at(steps, now);
        let mut run = self.told(offer, ends).registered(described(part));
        run.must(&steps.renew).await?;
        let said = run.kept.get("expires_at").and_then(scalar);
        let said = said.and_then(|text| moment(&text, now));
        Ok(Some(RegisteredPart {
            registered_at: now,
            expires_at: said.or(ends),
            ..part.clone()
        }))
    }

    /// Whether the service still holds the registration, as far as the manifest can tell.
    ///
    /// # Errors
    /// When it cannot be found out now; see [`CallError`].
    pub async fn still_holds(
        &self,
        offer: &WebhookOffer,
        part: &RegisteredPart,
    ) -> Result<bool, CallError> {
        let steps = self.must_register()?;
        let mut run = self.told(offer, None).registered(described(part));
        match run.all(&steps.check).await {
            Err(CallError::NotFound) => Ok(false),
            holds => holds,
        }
    }

    /// Takes a webhook away; one that is gone already is done.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn deregister(&self, url: &str, part: &RegisteredPart) -> Result<(), CallError> {
        let Some(steps) = self.registration_steps()? else {
            return Ok(());
        };
        let mut run = Run::new(self)
            .with(Word::WebhookUrl, Some(url))
            .registered(described(part));
        match run.must(&steps.deregister).await {
            Err(CallError::NotFound) => Ok(()),
            other => other,
        }
    }

    fn told(&self, offer: &WebhookOffer, ends: Option<DateTime<Utc>>) -> Run<'_> {
        let notices = format!("{}/notices", offer.url);
        let at = ends.map(rfc3339);
        let ms = ends.map(|end| end.timestamp_millis().to_string());
        let secret = offer.secret.as_ref().map(|secret| secret.expose().as_str());
        Run::new(self)
            .with(Word::WebhookUrl, Some(&offer.url))
            .with(Word::NoticesUrl, Some(&notices))
            .with(Word::WebhookSecret, secret)
            .with(Word::WebhookId, Some(&offer.id))
            .with(Word::WebhookExpiresAt, at.as_deref())
            .with(Word::WebhookExpiresMs, ms.as_deref())
    }

    /// What was captured besides, and is named by a later step.
    fn further(
        &self,
        steps: &RegistrationSteps,
        kept: &Map<String, Value>,
    ) -> Result<BTreeMap<String, String>, CallError> {
        let mut further = BTreeMap::new();
        let named = |name: &str| steps.names_registered(name);
        for (name, value) in kept {
            if OWN_NAMES.contains(&name.as_str()) || !named(name) {
                continue;
            }
            let Some(text) = scalar(value) else { continue };
            if text.len() > KEPT_BYTES_MAX {
                let limit = KEPT_BYTES_MAX;
                return Err(CallError::TooLarge { limit });
            }
            further.insert(name.clone(), text.into_owned());
        }
        Ok(further)
    }
}

/// When a registration made now shall end.
fn ends_at(steps: &RegistrationSteps, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let lasts = TimeDelta::from_std(steps.lasts?).ok()?;
    // Whole seconds: not every service takes a fraction.
    let now = DateTime::from_timestamp(now.timestamp(), 0)?;
    now.checked_add_signed(lasts)
}

/// A registration as later steps name it.
fn described(part: &RegisteredPart) -> Map<String, Value> {
    let own = [("id", &part.external_id), ("scope", &part.scope)];
    let own = own.map(|(name, text)| (name.to_owned(), Value::from(text.as_str())));
    let kept = part.kept.iter();
    let kept = kept.map(|(name, text)| (name.clone(), Value::from(text.as_str())));
    kept.chain(own).collect()
}

/// A moment as services write the end of a registration: RFC 3339, milliseconds or seconds since 1970,
/// seconds from now.
fn moment(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return time::parse(text, Format::Rfc3339);
    }
    match text.len() {
        MILLIS_DIGITS.. => time::parse(text, Format::EpochMillis),
        SECONDS_DIGITS.. => time::parse(text, Format::EpochSeconds),
        _ => now.checked_add_signed(TimeDelta::try_seconds(text.parse().ok()?)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_registration_is_read_as_services_write_it() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let rows = [
            ("2023-11-14T22:13:21Z", Some(1_700_000_001_000)),
            ("2023-11-14T22:13:21.5Z", Some(1_700_000_001_500)),
            ("1700000001500", Some(1_700_000_001_500)),
            ("1700000001", Some(1_700_000_001_000)),
            ("21600", Some(1_700_021_600_000)),
            ("soon", None),
            ("", None),
            ("99999999999999999999999999", None),
        ];
        for (text, expected) in rows {
            let read = moment(text, now).map(|at| at.timestamp_millis());
            assert_eq!(read, expected, "{text}");
        }
    }
}
