//! The process under test.

use std::process::Stdio;
use std::time::Duration;

use ports::{Entropy, SeededEntropy};
use serde_json::{Value, json};
use tidegate::demo::{Api, onboarding, wait_for};
use tokio::process::{Child, Command};
use toy_cloud::{ModelHandle, ToyCloud};

use crate::deeds::Deeds;
use crate::oracle::{Book, Seen};

/// The binary, where it listens, and what is random about its life.
pub(crate) struct Subject {
    child: Child,
    data: tempfile::TempDir,
    listen: String,
    chance: SeededEntropy,
    pub(crate) tidegate: Api,
    pub(crate) toy: Api,
}

impl Subject {
    pub(crate) async fn start(cloud: &ToyCloud, seed: u64) -> Self {
        let data = tempfile::tempdir().unwrap();
        // Webhooks are registered with the address, so it must be the same after each restart.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = free.local_addr().unwrap().to_string();
        drop(free);
        let child = spawn(data.path(), &listen);
        let token = wait_for("the token", || async {
            Ok(std::fs::read_to_string(data.path().join("admin-token")).ok())
        })
        .await
        .unwrap();
        let tidegate = Api::new(format!("http://{listen}"), token.trim().to_owned());
        let toy = Api::control(cloud.url(), cloud.control_token().to_owned());
        let chance = SeededEntropy::new(seed);
        let subject = Subject {
            child,
            data,
            listen,
            chance,
            tidegate,
            toy,
        };
        subject.ready().await;
        subject
    }

    /// One tenant by push, one by pull, and a policy that acts.
    pub(crate) async fn set_up(&self, cloud: &ToyCloud) {
        onboarding::connect(&self.tidegate, &cloud.url(), "Acme", "acme", "push")
            .await
            .unwrap();
        onboarding::connect(&self.tidegate, &cloud.url(), "Globex", "globex", "pull")
            .await
            .unwrap();
        let policy = json!({
            "name": "Payment cards behind a public link",
            "severity": "critical",
            "trigger": {"connections": [], "actions": ["share"]},
            "rule": "_share.public and _content.has('credit-card')",
            "effect": "DENY",
            "mode": "enforce",
            "responses": [{"kind": "remove_link"}, {"kind": "quarantine"}],
        });
        self.tidegate
            .post("/api/v1/policies", &policy)
            .await
            .unwrap();
    }

    /// From nothing to one and a half seconds.
    pub(crate) fn random_pause(&self) -> Duration {
        Duration::from_micros((self.chance.draw() % 1_500_000) as u64)
    }

    pub(crate) async fn use_the_service(&self, tenant: &str, documents_per_s: u64) {
        let load = json!({"tenant": tenant, "rate_per_s": documents_per_s, "seconds": 1, "users": 3, "violating": 0.4});
        self.toy.post("/control/load", &load).await.unwrap();
    }

    /// SIGKILL, at once, and a new process on the same data.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.child.kill().await.unwrap();
        self.child = spawn(self.data.path(), &self.listen);
    }

    pub(crate) async fn wait_for_load(&self, book: &mut Book) {
        let progress = wait_for("the load to end", || async {
            let progress = self.toy.get("/control/load").await?;
            Ok((progress["running"] == false).then_some(progress))
        })
        .await
        .unwrap();
        book.write(&progress);
    }

    /// Waits until every activity is there and no incident has anything left to do.
    pub(crate) async fn come_to_rest(
        &self,
        book: &Book,
        cloud: &ModelHandle,
        at_most: Duration,
    ) -> Seen {
        self.ready().await;
        let looked = async {
            loop {
                let seen = self.look(cloud).await;
                if book.is_at_rest(&seen) {
                    return seen;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        match tokio::time::timeout(at_most, looked).await {
            Ok(seen) => seen,
            Err(_) => {
                let seen = self.look(cloud).await;
                panic!("it did not come to rest: {}", book.what_is_missing(&seen));
            }
        }
    }

    /// What was accepted is asked for first: it must be there when the platform is looked at.
    async fn look(&self, cloud: &ModelHandle) -> Seen {
        Seen {
            accepted: Deeds::of(cloud).accepted,
            activities: self.all("/api/v1/activities?limit=500").await,
            incidents: self.all("/api/v1/incidents?limit=500").await,
        }
    }

    async fn all(&self, first: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut path = first.to_owned();
        loop {
            let page = self.tidegate.get(&path).await.unwrap();
            items.extend(page["items"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => path = format!("{first}&cursor={next}"),
                None => return items,
            }
        }
    }

    /// The folder with everything that the platform keeps.
    pub(crate) fn data(&self) -> &std::path::Path {
        self.data.path()
    }

    pub(crate) async fn ready(&self) {
        wait_for("the platform to be ready", || async {
            Ok(self
                .tidegate
                .get_text("/readyz")
                .await
                .is_ok()
                .then_some(()))
        })
        .await
        .unwrap();
    }

    pub(crate) async fn stop(mut self) {
        self.child.kill().await.unwrap();
    }
}

fn spawn(data: &std::path::Path, listen: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["up", "--listen", listen, "--data"])
        .arg(data)
        .env(
            "TIDEGATE_LOG_FILTER",
            std::env::var("TIDEGATE_LOG_FILTER").unwrap_or("off".into()),
        )
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
