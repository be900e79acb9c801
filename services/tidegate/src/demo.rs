//! `tidegate up --demo`: a cloud service beside the platform, two tenants connected with real OAuth,
//! three policies, and a short scenario with real documents, over the same HTTP that everybody uses.

mod api;
pub mod onboarding;
mod policies;
mod scenario;
mod story;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use event_model::Secret;
use serde_json::Value;
use toy_cloud::ToyCloud;

use crate::cli::Stream;
use crate::say;

pub use api::{Api, ResponseStream};

/// Where toy-cloud listens in the demo, if that port is free.
const TOY_CLOUD: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8090);
/// Longest that any step of the demo is waited for.
const STEP_MAX: Duration = Duration::from_secs(30);
/// How often a state is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// toy-cloud and a client of the platform.
pub struct Demo {
    cloud: ToyCloud,
    tidegate: Api,
}

impl Demo {
    /// Starts toy-cloud.
    ///
    /// # Errors
    /// When no port can be had for it.
    pub async fn start(tidegate: SocketAddr, token: Secret<String>) -> anyhow::Result<Self> {
        let config = |listen| toy_cloud::Config {
            listen,
            ..toy_cloud::Config::default()
        };
        let cloud = match ToyCloud::start(config(TOY_CLOUD)).await {
            Ok(cloud) => cloud,
            Err(_) => ToyCloud::start(config(SocketAddr::from(([127, 0, 0, 1], 0)))).await?,
        };
        say(
            &format!(
                "  toy-cloud {}/   act as a user there: upload, share, link",
                cloud.url()
            ),
            Stream::Out,
        );
        let tidegate = Api::new(format!("http://{tidegate}"), token.expose().clone());
        Ok(Demo { cloud, tidegate })
    }

    /// Connects, installs policies, plays the scenario, and tells what happened.
    ///
    /// # Errors
    /// When a step does not come to its end in time.
    pub async fn play(&self) -> anyhow::Result<()> {
        wait_for("the platform to be ready", || async {
            Ok(self
                .tidegate
                .get_text("/readyz")
                .await
                .is_ok()
                .then_some(()))
        })
        .await?;
        let toy = self.toy();
        say("\nConnecting two tenants, with real OAuth:", Stream::Out);
        onboarding::connect(&self.tidegate, &self.cloud.url(), "Acme", "acme", "push").await?;
        onboarding::connect(
            &self.tidegate,
            &self.cloud.url(),
            "Globex",
            "globex",
            "pull",
        )
        .await?;
        say("\nInstalling three policies:", Stream::Out);
        policies::install(&self.tidegate).await?;
        say("\nPlaying a scenario, with real documents:", Stream::Out);
        let expected = scenario::play(&toy).await?;
        let incidents = self.settled_incidents(expected).await?;
        story::tell(&incidents);
        say(
            &story::invitation(&self.tidegate.url, &self.cloud.url()),
            Stream::Out,
        );
        Ok(())
    }

    /// Stops toy-cloud.
    pub async fn shutdown(self) {
        self.cloud.shutdown().await;
    }

    fn toy(&self) -> Api {
        Api::control(self.cloud.url(), self.cloud.control_token().to_owned())
    }

    /// The incidents, once there are as many as expected and nothing is left to do on them.
    async fn settled_incidents(&self, expected: usize) -> anyhow::Result<Vec<Value>> {
        wait_for("the incidents and their remedies", || async {
            let page = self.tidegate.get("/api/v1/incidents?limit=100").await?;
            let incidents = page["items"].as_array().cloned().unwrap_or_default();
            let settled = incidents.len() >= expected && incidents.iter().all(story::is_settled);
            Ok(settled.then_some(incidents))
        })
        .await
    }
}

/// Looks for a state until it is there.
///
/// # Errors
/// When it is not there in time, or looking fails.
pub async fn wait_for<T, F>(what: &str, mut look: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let looks = STEP_MAX.as_millis() / LOOK_EVERY.as_millis();
    for _ in 0..looks {
        if let Some(found) = look()
            .await
            .with_context(|| format!("failed to look for {what}"))?
        {
            return Ok(found);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    bail!("{what} did not come within {} s", STEP_MAX.as_secs())
}
