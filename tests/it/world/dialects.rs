//! Worlds in which toy-cloud speaks as a real service does: that service's own connector drives it.

mod box_com;
mod dropbox;
mod github;
mod google_workspace;
mod microsoft_365;
mod nextcloud;
mod okta;
mod pushing;
mod slack;

use std::path::PathBuf;

use connector::Endpoints;
use reqwest::Url;
use serde_json::{Value, json};
use tidegate::config::Config;
use toy_cloud::ToyCloud;

use super::{Setting, World, text};

/// A service that toy-cloud speaks as.
pub(crate) struct Dialect {
    /// The connector.
    pub(crate) service: &'static str,
    /// What is shortened in its manifest, so that a test need not wait for it: each must be there.
    pub(crate) shorter: &'static [(&'static str, &'static str)],
}

impl Dialect {
    /// Lays the shortened manifest where the platform finds it, and sends the service's calls to toy-cloud.
    pub(super) fn prepare(&self, cloud: &ToyCloud, config: &mut Config) {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../connectors");
        let path = root.join(self.service).join("connector.yaml");
        let mut manifest = std::fs::read_to_string(path).unwrap();
        for (shipped, shorter) in self.shorter {
            assert!(
                manifest.contains(shipped),
                "the manifest has no `{shipped}`"
            );
            manifest = manifest.replace(shipped, shorter);
        }
        let folder = config.connectors_dir.as_ref().unwrap();
        std::fs::write(folder.join(format!("{}.yaml", self.service)), manifest).unwrap();
        let endpoints = cloud.model().endpoints(self.service).unwrap();
        config.service_endpoints = Endpoints::parse(&endpoints).unwrap();
    }
}

impl World {
    /// A world whose cloud service speaks as another.
    pub(crate) async fn speaking(seed: u64, dialect: Dialect) -> Self {
        let setting = Setting {
            dialect: Some(dialect),
            ..Setting::default()
        };
        World::with(seed, setting).await
    }

    /// Creates a connection of that service. Gives its id.
    pub(crate) async fn creates_of(&self, service: &str, params: Value) -> String {
        let new = json!({
            "service": service,
            "name": format!("A tenant of {service}"),
            "params": params,
            "client": {"id": "tidegate", "secret": "toy-secret"},
        });
        let created = self.tidegate.post("/api/v1/connections", &new).await;
        text(&created.unwrap(), "/id").to_owned()
    }

    /// Goes to the service's authorization address as a signed-in administrator who said yes, and comes back.
    pub(crate) async fn consents_to(&self, id: &str, tenant: &str) {
        let path = format!("/api/v1/connections/{id}/authorize");
        let begun = self.tidegate.post(&path, &json!({})).await.unwrap();
        let mut page = Url::parse(text(&begun, "/authorize_url")).unwrap();
        page.query_pairs_mut().append_pair("tenant", tenant);
        let there = self.config.service_endpoints.of(&page).unwrap_or(page);
        let sent = self.visit(there.as_str()).await;
        assert!((300..400).contains(&sent.status), "{}", sent.text());
        let back = sent.headers["location"].to_str().unwrap().to_owned();
        let taken = self.visit(&back).await;
        assert_eq!(taken.status, 303, "{}", taken.text());
    }
}
