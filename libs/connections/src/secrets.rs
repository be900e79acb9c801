//! The secrets that deliveries are proved with: made, learned, given, and replaced without a gap.

use chrono::TimeDelta;
use connector::{Connector, SecretSource};
use event_model::{Connection, ConnectionId, Secret};
use ports::{AdminError, FieldMistake, NewWebhookSecret, WEBHOOK_SECRETS_MAX, WebhookSecret};

use crate::Connections;

/// How long deliveries proved with the secret of before are still taken.
const OLD_SECRET_KEPT: TimeDelta = TimeDelta::hours(24);
/// Longest that may be asked for.
const OLD_SECRET_KEPT_MAX: TimeDelta = TimeDelta::days(30);
/// Bytes of chance in a secret that Tidegate makes up.
const SECRET_BYTES: usize = 32;
/// Longest secret, in bytes.
const SECRET_BYTES_MAX: usize = 16 * 1024;

impl Connections {
    /// An administrator replaces the secret. The change of the connection makes every replica read it.
    pub(crate) async fn replace_webhook_secret(
        &self,
        id: ConnectionId,
        new: NewWebhookSecret,
        by: &str,
    ) -> Result<Connection, AdminError> {
        let connection = self.get(id).await?;
        let connector = self.connector(&connection)?;
        if !connector.supports_push() {
            let detail = format!("the service `{}` does not deliver", connection.service);
            return Err(AdminError::Conflict { detail });
        }
        let keep = new
            .keep_old_s
            .map(|seconds| TimeDelta::seconds(seconds.into()));
        let keep = keep.unwrap_or(OLD_SECRET_KEPT);
        let secrets = given(&new.secret);
        if secrets.is_empty() || secrets.len() > WEBHOOK_SECRETS_MAX {
            let message = format!("must be 1 to {WEBHOOK_SECRETS_MAX} secrets, one on each line");
            return Err(wrong("/secret", message));
        }
        if new.secret.len() > SECRET_BYTES_MAX {
            let message = format!("must have at most {SECRET_BYTES_MAX} bytes");
            return Err(wrong("/secret", message));
        }
        if keep > OLD_SECRET_KEPT_MAX {
            return Err(wrong("/keep_old_s", "must be at most 30 days".into()));
        }
        self.put_secrets(id, secrets, keep).await?;
        // Who holds the old secrets in memory reads a changed connection again.
        let changed = self.change(id, |_| Ok(())).await?;
        let detail = format!("the one before is taken for {} s more", keep.num_seconds());
        self.audit(by, "webhook.secret_replaced", id, detail)
            .await?;
        Ok(changed)
    }

    /// The secret that the webhook is registered with: made and durable before the service is told of
    /// it, or the OAuth client's; none where the service says it.
    pub(crate) async fn secret_to_register(
        &self,
        id: ConnectionId,
        connector: &Connector,
    ) -> Result<Option<Secret<String>>, AdminError> {
        match connector.webhook_secret_source() {
            SecretSource::Told => Ok(None),
            SecretSource::Made => {
                let mut chance = [0; SECRET_BYTES];
                self.ports.entropy.fill(&mut chance);
                let secret = Secret::new(hex::encode(chance));
                self.learn_secret(id, secret.clone()).await?;
                Ok(Some(secret))
            }
            SecretSource::Client => {
                if let Some(secret) = self.ports.client_secrets.client_secret(id).await? {
                    self.learn_secret(id, secret).await?;
                }
                Ok(None)
            }
        }
    }

    /// The secret in force, for a webhook that is registered again.
    pub(crate) async fn current_secret(
        &self,
        id: ConnectionId,
    ) -> Result<Option<Secret<String>>, AdminError> {
        let secrets = self.ports.webhook_secrets.webhook_secrets(id).await?;
        let mut lasting = secrets
            .into_iter()
            .filter(|secret| secret.not_after.is_none());
        Ok(lasting.next().map(|secret| secret.secret))
    }

    /// Keeps a secret as the one in force, unless it is that already.
    pub(crate) async fn learn_secret(
        &self,
        id: ConnectionId,
        secret: Secret<String>,
    ) -> Result<(), AdminError> {
        if self.current_secret(id).await?.as_ref() == Some(&secret) {
            return Ok(());
        }
        self.put_secrets(id, vec![secret], OLD_SECRET_KEPT).await?;
        self.change(id, |_| Ok(())).await.map(drop)
    }

    /// Puts new secrets before the old ones, which end.
    async fn put_secrets(
        &self,
        id: ConnectionId,
        new: Vec<Secret<String>>,
        keep: TimeDelta,
    ) -> Result<(), AdminError> {
        let now = self.ports.clock.now();
        let ends = now + keep;
        let before = self.ports.webhook_secrets.webhook_secrets(id).await?;
        let lasting = |secret| WebhookSecret {
            secret,
            not_after: None,
        };
        let mut secrets: Vec<WebhookSecret> = new.into_iter().map(lasting).collect();
        let old = before.into_iter().map(|old| WebhookSecret {
            not_after: Some(old.not_after.map_or(ends, |end| end.min(ends))),
            ..old
        });
        let fresh: Vec<WebhookSecret> = old
            .filter(|old| secrets.iter().all(|secret| secret.secret != old.secret))
            .filter(|old| old.not_after.is_some_and(|end| end > now))
            .collect();
        secrets.extend(fresh);
        secrets.truncate(WEBHOOK_SECRETS_MAX);
        let store = &self.ports.webhook_secrets;
        Ok(store.put_webhook_secrets(id, &secrets).await?)
    }
}

/// One secret on each line; a key in PEM is one secret.
pub(crate) fn given(text: &str) -> Vec<Secret<String>> {
    if text.contains("-----BEGIN") {
        return vec![Secret::new(text.trim().to_owned())];
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| Secret::new(line.to_owned())).collect()
}

fn wrong(field: &str, message: String) -> AdminError {
    AdminError::Invalid(vec![FieldMistake {
        field: field.into(),
        message,
        hint: None,
    }])
}
