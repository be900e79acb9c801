//! What people do in the cloud service, and what it says afterwards of what really happened.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use toy_cloud::{Act, Acted, Refused, Role, Verb, Visibility};

use super::World;

pub(crate) const CUSTOMERS: &[u8] = include_bytes!("../../../libs/inspect/samples/customers.docx");
pub(crate) const PAYROLL: &[u8] = include_bytes!("../../../libs/inspect/samples/payroll.csv");

/// Someone who uses the cloud service.
pub(crate) struct User<'w> {
    world: &'w World,
    tenant: &'static str,
    name: &'static str,
}

/// A link that a user made.
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) event: String,
}

impl World {
    pub(crate) fn user(&self, tenant: &'static str, name: &'static str) -> User<'_> {
        User {
            world: self,
            tenant,
            name,
        }
    }

    /// From now on the service misbehaves like this; `{}` ends it.
    pub(crate) async fn the_service_misbehaves(&self, plan: Value) {
        self.toy.put("/control/faults", &plan).await.unwrap();
    }

    /// Everything that happened in the tenant, by its id.
    pub(crate) fn events_of(&self, tenant: &str) -> BTreeSet<String> {
        let activities = self.cloud.model().activities(tenant).unwrap();
        activities
            .iter()
            .map(|event| event.id.to_string())
            .collect()
    }

    /// The ledger's entries after that number.
    pub(crate) fn ledger(&self, since: u64) -> Vec<Value> {
        let mut entries = Vec::new();
        let mut since = since;
        loop {
            let page = self.cloud.model().ledger(since, 10_000);
            since = page.next;
            let has_more = page.has_more;
            let items = page.items.iter().map(|item| json!(item));
            entries.extend(items);
            if !has_more {
                return entries;
            }
        }
    }

    /// The number of the ledger's last entry.
    pub(crate) fn ledger_end(&self) -> u64 {
        self.cloud.model().ledger(u64::MAX, 1).next
    }

    /// Requests since that number that our client made with the tenant's token.
    pub(crate) fn our_requests(&self, since: u64, tenant: &str) -> Vec<Value> {
        let is_ours = |entry: &Value| {
            entry["kind"] == "request"
                && entry["client_id"] == "tidegate"
                && entry["tenant_id"] == tenant
        };
        let entries = self.ledger(since).into_iter();
        entries.filter(is_ours).collect()
    }

    /// How many tokens of that kind were given out.
    pub(crate) fn tokens(&self, action: &str) -> u64 {
        let summary = json!(self.cloud.model().summary());
        summary["tokens"][action].as_u64().unwrap_or(0)
    }

    /// A file as its tenant's administrator sees it.
    pub(crate) fn file(&self, tenant: &str, id: &str) -> Option<Value> {
        let file = self.cloud.model().file(tenant, id);
        file.ok().map(|file| json!(file))
    }

    /// Who may read a file besides its owner, with their roles.
    pub(crate) fn shares(&self, tenant: &str, id: &str) -> BTreeSet<(String, String)> {
        let permissions = json!(self.cloud.model().permissions(tenant, id).unwrap());
        let share = |share: &Value| {
            let of = |pointer| super::text(share, pointer).to_owned();
            (of("/user/email"), of("/role"))
        };
        permissions.as_array().unwrap().iter().map(share).collect()
    }

    /// A file's active links.
    pub(crate) fn links(&self, tenant: &str, id: &str) -> BTreeSet<String> {
        let links = self.cloud.model().links(tenant, id).unwrap();
        links.into_iter().map(|link| link.url).collect()
    }
}

impl User<'_> {
    pub(crate) fn acts(&self, act: Act) -> Result<Acted, Refused> {
        self.world.cloud.model().act(&Act {
            tenant: self.tenant.to_owned(),
            user: self.name.to_owned(),
            ..act
        })
    }

    fn does(&self, verb: Verb, file: &str) -> Result<Acted, Refused> {
        self.acts(Act {
            verb,
            file_id: Some(file.to_owned()),
            ..Act::default()
        })
    }

    /// Gives the new file's id.
    pub(crate) fn uploads(&self, name: &str, content: &[u8]) -> String {
        let acted = self.acts(Act {
            verb: Verb::Upload,
            name: Some(name.to_owned()),
            content_base64: Some(STANDARD.encode(content)),
            ..Act::default()
        });
        acted.unwrap().file_id.unwrap()
    }

    /// A new content of a file.
    pub(crate) fn updates(&self, file: &str, content: &str) {
        let update = Act {
            verb: Verb::Update,
            file_id: Some(file.to_owned()),
            content: Some(content.to_owned()),
            ..Act::default()
        };
        self.acts(update).unwrap();
    }

    pub(crate) fn shares_publicly(&self, file: &str) -> Link {
        self.makes_a_link(file, Visibility::Public)
    }

    pub(crate) fn makes_a_link(&self, file: &str, visibility: Visibility) -> Link {
        let acted = self.acts(Act {
            verb: Verb::Link,
            file_id: Some(file.to_owned()),
            visibility: Some(visibility),
            ..Act::default()
        });
        let acted = acted.unwrap();
        Link {
            url: acted.link_url.unwrap(),
            event: acted.event_id.unwrap(),
        }
    }

    /// Gives the event's id.
    pub(crate) fn shares_with(&self, file: &str, with: &str, role: Role) -> String {
        let acted = self.acts(Act {
            verb: Verb::Share,
            file_id: Some(file.to_owned()),
            with: Some(with.to_owned()),
            role: Some(role),
            ..Act::default()
        });
        acted.unwrap().event_id.unwrap()
    }

    pub(crate) fn moves_to_the_trash(&self, file: &str) {
        self.does(Verb::Trash, file).unwrap();
    }

    pub(crate) fn takes_out_of_the_trash(&self, file: &str) {
        self.does(Verb::Restore, file).unwrap();
    }

    pub(crate) fn downloads(&self, file: &str) -> Result<Acted, Refused> {
        self.does(Verb::Download, file)
    }

    pub(crate) fn logs_in(&self) {
        self.acts(Act::default()).unwrap();
    }
}
