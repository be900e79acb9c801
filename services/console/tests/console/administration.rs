//! Plays the cloud service behind the seam: consent is given to the state `yes`, and health is as set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use event_model::{
    Activity, Connection, ConnectionHealth, ConnectionId, Feed, FeedChoice, FeedCoverage,
    HealthCheck, Lifecycle, StreamCoverage,
};
use ports::{
    AdminError, Callback, ConnectionAdministration, FieldMistake, NewConnection, NewWebhookSecret,
    Rehearsal, RehearsedCall, RehearsedRemedy, ServiceAbilities, ServiceDescription, ServiceParam,
};
use ports::{Clock, ConnectionFilter, ConnectionStore, Entropy};

pub(crate) struct PlayedService {
    pub(crate) store: Arc<dyn ConnectionStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) healthy: AtomicBool,
}

impl PlayedService {
    async fn get(&self, id: ConnectionId) -> Result<Connection, AdminError> {
        self.store.get(id).await?.ok_or(AdminError::NotFound {
            what: "connection",
            id: id.to_string(),
        })
    }

    async fn moved(
        &self,
        mut connection: Connection,
        to: Lifecycle,
    ) -> Result<Connection, AdminError> {
        connection.lifecycle = to;
        Ok(self.store.update(&connection).await?)
    }
}

fn description(id: &str, name: &str, actions: &[&str]) -> ServiceDescription {
    ServiceDescription {
        id: id.into(),
        name: name.into(),
        description: "Files and shares of every user.".into(),
        docs_url: Some("https://example.com/docs".into()),
        self_hosted: true,
        params: vec![ServiceParam {
            name: "domain".into(),
            title: "Your domain".into(),
            required: true,
            default: None,
            description: Some("Who has an address in it is internal.".into()),
        }],
        feeds: vec!["push".into(), "pull".into()],
        actions: actions.iter().map(|action| (*action).into()).collect(),
        irreversible: Vec::new(),
        scans: vec!["shares".into(), "content".into()],
        abilities: ServiceAbilities {
            reports: vec!["sharing".into(), "data_access".into()],
            silent: [("actor_role".into(), "it does not say".into())].into(),
            refused: [("suspend_user".into(), "the manifest has no action".into())].into(),
            polled_every_s: Some(60),
            reconciled_every_s: Some(900),
            retention_s: Some(86_400 * 180),
            lag_s: Some(180),
        },
    }
}

#[async_trait]
impl ConnectionAdministration for PlayedService {
    fn services(&self) -> Vec<ServiceDescription> {
        let all = [
            "quarantine",
            "delete",
            "remove_link",
            "remove_collaborator",
            "downgrade_role",
        ];
        vec![
            description("toy-cloud", "Toy Cloud", &all),
            description("read-only", "Read-only Cloud", &[]),
        ]
    }

    async fn create(&self, new: NewConnection, _: &str) -> Result<Connection, AdminError> {
        let mut mistakes = Vec::new();
        if !self
            .services()
            .iter()
            .any(|service| service.id == new.service)
        {
            mistakes.push(FieldMistake {
                field: "/service".into(),
                message: format!("there is no service `{}`", new.service),
                hint: None,
            });
        }
        if !new.params.contains_key("domain") {
            mistakes.push(FieldMistake {
                field: "/params/domain".into(),
                message: "must be given".into(),
                hint: None,
            });
        }
        if !mistakes.is_empty() {
            return Err(AdminError::Invalid(mistakes));
        }
        let now = self.clock.now();
        let connection = Connection {
            id: ConnectionId::new(now, self.entropy.draw()),
            service: new.service,
            name: new.name,
            params: new.params,
            base_url: new.base_url,
            client_id: new.client.map(|client| client.id),
            tenant_id: None,
            lifecycle: Lifecycle::AwaitingConsent { since: now },
            health: None,
            created_at: now,
            revision: 1,
        };
        self.store.create(&connection).await?;
        Ok(connection)
    }

    async fn authorize(&self, id: ConnectionId, _: &str) -> Result<String, AdminError> {
        let connection = self.get(id).await?;
        Ok(match connection.base_url.as_deref() {
            Some("javascript:") => "javascript:alert(1)".into(),
            _ => "https://cloud.example/consent?state=yes&a=1".into(),
        })
    }

    async fn callback(&self, callback: Callback) -> Result<Connection, AdminError> {
        if let Some(error) = callback.error {
            let detail = callback.error_description.unwrap_or(error);
            return Err(AdminError::ConsentRefused { detail });
        }
        if callback.state.as_deref() != Some("yes") {
            return Err(AdminError::NotFound {
                what: "consent",
                id: callback.state.unwrap_or_default(),
            });
        }
        let page = event_model::PageRequest::first(1);
        let filter = ConnectionFilter::default();
        let connection = self.store.page(&filter, &page).await?.items.remove(0);
        let to = connection.lifecycle.clone().consented(self.clock.now())?;
        self.moved(connection, to).await
    }

    async fn enable(
        &self,
        id: ConnectionId,
        choice: FeedChoice,
        _: &str,
    ) -> Result<Connection, AdminError> {
        let connection = self.get(id).await?;
        let now = self.clock.now();
        let to = connection.lifecycle.clone().enabling(choice, now)?;
        let to = to.enabled(Feed::Pull, now)?;
        self.moved(connection, to).await
    }

    async fn disable(&self, id: ConnectionId, _: &str) -> Result<Connection, AdminError> {
        let connection = self.get(id).await?;
        let to = connection.lifecycle.clone().disabled(self.clock.now());
        self.moved(connection, to).await
    }

    async fn put_webhook_secret(
        &self,
        id: ConnectionId,
        new: NewWebhookSecret,
        _: &str,
    ) -> Result<Connection, AdminError> {
        if new.secret.is_empty() {
            return Err(AdminError::Invalid(vec![FieldMistake {
                field: "/secret".into(),
                message: "must be given".into(),
                hint: None,
            }]));
        }
        self.get(id).await
    }

    async fn health(&self, id: ConnectionId) -> Result<ConnectionHealth, AdminError> {
        let mut connection = self.get(id).await?;
        let ok = self.healthy.load(Ordering::Relaxed);
        let health = ConnectionHealth {
            ok,
            checked_at: self.clock.now(),
            checks: vec![HealthCheck {
                name: "content_of_all_users".into(),
                ok,
                detail: "a file of another user can be read".into(),
            }],
        };
        connection.health = Some(health.clone());
        self.store.update(&connection).await?;
        Ok(health)
    }

    async fn rehearse(
        &self,
        id: ConnectionId,
        activity: &Activity,
        remedy: &RehearsedRemedy,
    ) -> Result<Rehearsal, AdminError> {
        self.get(id).await?;
        Ok(Rehearsal {
            kind: remedy.kind,
            refused: None,
            in_effect: Some(false),
            can_be_undone: true,
            snapshot: None,
            calls: vec![RehearsedCall {
                method: "DELETE".into(),
                address: format!("/files/{}", activity.object_id.as_deref().unwrap_or("-")),
                about: None,
                depends: false,
            }],
            calls_more: 0,
        })
    }

    async fn coverage(&self, id: ConnectionId) -> Result<FeedCoverage, AdminError> {
        self.get(id).await?;
        let stream = StreamCoverage {
            stream: "activity".into(),
            read_until: Some(self.clock.now()),
            behind_s: Some(0),
            retention_s: Some(86_400),
            late: false,
        };
        Ok(FeedCoverage {
            streams: vec![stream],
            gaps: Vec::new(),
            paused_until: None,
        })
    }
}
