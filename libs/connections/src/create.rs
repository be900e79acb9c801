//! Adding a connection: every mistake at once, secrets taken out before anything is written.

use chrono::{DateTime, Utc};
use event_model::{Connection, ConnectionId, Lifecycle, Secret};
use ports::{
    AdminError, FieldMistake, NewConnection, StoreError, WEBHOOK_SECRETS_MAX, WebhookSecret,
};

use crate::Connections;

/// Longest name of a connection, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// The secret parameter that deliveries are verified with, where a person registers the webhook.
const WEBHOOK_SECRET: &str = "webhook_secret";
/// Longest value of a parameter, client id or secret, in bytes.
const VALUE_BYTES_MAX: usize = 16 * 1024;

impl Connections {
    /// Adds a connection; it awaits consent.
    ///
    /// # Errors
    /// `Invalid` with every mistake; `Conflict` when the name is taken.
    pub(crate) async fn create_connection(
        &self,
        new: NewConnection,
        by: &str,
    ) -> Result<Connection, AdminError> {
        let now = self.ports.clock.now();
        let mut connection = Connection {
            id: ConnectionId::new(now, self.ports.entropy.draw()),
            service: new.service.trim().to_owned(),
            name: new.name.trim().to_owned(),
            params: new.params,
            base_url: new
                .base_url
                .map(|url| url.trim().trim_end_matches('/').to_owned()),
            client_id: new
                .client
                .as_ref()
                .map(|client| client.id.trim().to_owned()),
            tenant_id: None,
            lifecycle: Lifecycle::AwaitingConsent { since: now },
            health: None,
            created_at: now,
            revision: 1,
        };
        connection.lifecycle = self.first_state(&connection, now);
        self.check(&connection)?;
        let secret = self.take_webhook_secret(&mut connection)?;
        match self.ports.connections.create(&connection).await {
            Err(StoreError::Conflict { .. }) => {
                let detail = format!("a connection named `{}` is there already", connection.name);
                return Err(AdminError::Conflict { detail });
            }
            result => result?,
        }
        if let Some(secret) = secret {
            let secrets = crate::secrets::given(secret.expose()).into_iter();
            let secrets = secrets
                .take(WEBHOOK_SECRETS_MAX)
                .map(|secret| WebhookSecret {
                    secret,
                    not_after: None,
                });
            let secrets: Vec<WebhookSecret> = secrets.collect();
            let store = &self.ports.webhook_secrets;
            store.put_webhook_secrets(connection.id, &secrets).await?;
        }
        if let Some(secret) = new.client.and_then(|client| client.secret) {
            let secret = Secret::new(secret);
            self.ports
                .client_secrets
                .put_client_secret(connection.id, &secret)
                .await?;
        }
        let detail = format!(
            "`{}` of the service `{}`",
            connection.name, connection.service
        );
        self.audit(by, "connection.created", connection.id, detail)
            .await?;
        Ok(connection)
    }

    /// A service that is never called needs no consent.
    fn first_state(&self, connection: &Connection, now: DateTime<Utc>) -> Lifecycle {
        match self.catalogue.get(&connection.service) {
            Some(connector) if !connector.needs_consent(connection) => {
                Lifecycle::Authorized { since: now }
            }
            _ => Lifecycle::AwaitingConsent { since: now },
        }
    }

    /// Takes the parameter out that deliveries are verified with: it is kept sealed, and never shown.
    fn take_webhook_secret(
        &self,
        connection: &mut Connection,
    ) -> Result<Option<Secret<String>>, AdminError> {
        let connector = self.connector(connection)?;
        let mut taken = None;
        let mut mistakes = Vec::new();
        for param in connector
            .describe()
            .params
            .into_iter()
            .filter(|param| param.secret)
        {
            match connection.params.remove(&param.name) {
                Some(value) if param.name == WEBHOOK_SECRET => taken = Some(Secret::new(value)),
                Some(_) => mistakes.push(mistake(
                    format!("/params/{}", param.name),
                    format!("only the parameter `{WEBHOOK_SECRET}` can be secret"),
                )),
                None => {}
            }
        }
        if mistakes.is_empty() {
            Ok(taken)
        } else {
            Err(AdminError::Invalid(mistakes))
        }
    }

    fn check(&self, connection: &Connection) -> Result<(), AdminError> {
        let mut mistakes = Vec::new();
        if connection.name.is_empty() || connection.name.len() > NAME_BYTES_MAX {
            let message = format!("a name must have 1 to {NAME_BYTES_MAX} bytes");
            mistakes.push(mistake("/name", message));
        }
        for (name, value) in &connection.params {
            if value.len() > VALUE_BYTES_MAX {
                let message = format!("a value must have at most {VALUE_BYTES_MAX} bytes");
                mistakes.push(mistake(format!("/params/{name}"), message));
            }
        }
        match self.catalogue.get(&connection.service) {
            None => mistakes.push(self.unknown_service(&connection.service)),
            Some(connector) => {
                mistakes.extend(
                    connector
                        .check_params(&connection.params, connection.base_url.as_deref())
                        .into_iter()
                        .map(|mistake| FieldMistake {
                            field: mistake.path,
                            message: mistake.message,
                            hint: mistake.hint,
                        }),
                );
            }
        }
        if mistakes.is_empty() {
            Ok(())
        } else {
            Err(AdminError::Invalid(mistakes))
        }
    }

    fn unknown_service(&self, given: &str) -> FieldMistake {
        let known: Vec<String> = self
            .catalogue
            .iter()
            .map(|connector| connector.id().to_owned())
            .collect();
        FieldMistake {
            field: "/service".into(),
            message: format!("there is no service `{given}`"),
            hint: Some(format!("the catalogue has {}", known.join(", "))),
        }
    }
}

fn mistake(field: impl Into<String>, message: impl Into<String>) -> FieldMistake {
    FieldMistake {
        field: field.into(),
        message: message.into(),
        hint: None,
    }
}
