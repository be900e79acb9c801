//! One large file of a cloud service into the vault and back, by the real binary: how long, and how much
//! memory the process needs for it above what it had at rest.

use std::path::Path;

use anyhow::{Context, ensure};
use ports::{Clock, SystemClock};
use serde_json::{Value, json};
use toy_cloud::{Act, ToyCloud, Verb};

use super::child::Measured;
use super::report::{Bar, Report};
use crate::cli::bench;
use crate::demo::{Api, onboarding};

const MIB: u64 = 1024 * 1024;
/// Most memory that it may take, in MiB, however long the file is.
const MEMORY_MIB_MAX: f64 = 64.0;
/// A file of so many MiB goes there and back first, so that what is only loaded once is loaded.
const FIRST_MIB: u64 = 65;
/// How often a remedy is looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(100);
const TENANT: &str = "acme";

/// The platform, and the service that holds the file.
struct Stage {
    cloud: ToyCloud,
    tidegate: Api,
    child: Measured,
    clock: SystemClock,
}

/// One way: how long, and the peak of memory above what there was before.
struct Way {
    mib_per_s: f64,
    seconds: f64,
    memory_mib: f64,
}

pub(crate) async fn run(options: &bench::Quarantine) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(&options.on)
        .with_context(|| format!("`{}` cannot be written (--on)", options.on.display()))?;
    let stage = Stage::new(folder.path()).await?;
    stage.there_and_back(FIRST_MIB, 1).await?;
    let (there, back) = stage.there_and_back(options.mib, 2).await?;
    let mut report = Report::new("quarantine", &options.report.report);
    report.line(&format!(
        "A file of {} MiB of toy-cloud into the vault and back; every byte is read back from the vault before the service loses it.\n",
        options.mib
    ));
    let ways = [("into the vault", &there), ("restored", &back)];
    for (name, way) in ways {
        report.line(&format!(
            "{name:<20} {:>8.1} s {:>8.0} MiB/s, additional memory at most {:.0} MiB",
            way.seconds, way.mib_per_s, way.memory_mib
        ));
    }
    report.line(&format!(
        "\nthe platform's process at most {:.0} MiB in all; aim: at most {MEMORY_MIB_MAX} MiB additional",
        stage.child.peak_mib()?
    ));
    let bars = ways.map(|(name, way)| Bar {
        name,
        value: way.memory_mib,
    });
    report.chart("additional memory in MiB", &bars);
    stage.child.stop().await?;
    stage.cloud.shutdown().await;
    report.write()
}

impl Stage {
    async fn new(folder: &Path) -> anyhow::Result<Self> {
        let (data, files) = (folder.join("data"), folder.join("cloud"));
        std::fs::create_dir(&files)?;
        let cloud = ToyCloud::start(toy_cloud::Config {
            large_files: Some(files),
            ..toy_cloud::Config::default()
        })
        .await?;
        let shown = data.display().to_string();
        let (child, address) =
            Measured::start(&["up", "--data", &shown, "--listen", "127.0.0.1:0"]).await?;
        let token = std::fs::read_to_string(data.join("admin-token"))?;
        let tidegate = Api::new(format!("http://{address}"), token.trim().to_owned());
        onboarding::connect(&tidegate, &cloud.url(), "Acme", TENANT, "push").await?;
        let policy = json!({
            "name": "Public", "trigger": {"connections": [], "actions": ["share"]}, "rule": "_share.public",
            "responses": [],
        });
        tidegate.post("/api/v1/policies", &policy).await?;
        Ok(Stage {
            cloud,
            tidegate,
            child,
            clock: SystemClock::new(),
        })
    }

    async fn there_and_back(&self, mib: u64, seed: u64) -> anyhow::Result<(Way, Way)> {
        let model = self.cloud.model();
        let act = |verb, file_id: Option<String>| Act {
            tenant: TENANT.into(),
            user: "alice".into(),
            verb,
            name: file_id.is_none().then(|| format!("large {mib}.bin")),
            file_id,
            ..Act::default()
        };
        let made = model.make_large_file(&act(Verb::Upload, None), mib * MIB, seed)?;
        let before = json!(model.file(TENANT, made.file_id.as_deref().unwrap_or_default())?);
        let linked = model.act(&act(Verb::Link, made.file_id.clone()))?;
        let event = linked.event_id.context("the link is an event")?;
        let found = format!("/api/v1/incidents?event_id={event}");
        let incident = self.first(&found).await?;
        let path = format!("/api/v1/incidents/{incident}/remedies");
        let there = self
            .measured(&path, &json!({"kind": "quarantine_to_vault"}), mib)
            .await?;
        let held = format!("/api/v1/quarantine?incident={incident}");
        let path = format!("/api/v1/quarantine/{}/restore", self.first(&held).await?);
        let back = self.measured(&path, &Value::Null, mib).await?;
        let after = json!(model.file(TENANT, made.file_id.as_deref().unwrap_or_default())?);
        ensure!(
            after["sha256"] == before["sha256"],
            "it is not the same file"
        );
        Ok((there, back))
    }

    /// The id of the first item of a list, once there is one.
    async fn first(&self, list: &str) -> anyhow::Result<String> {
        loop {
            let page = self.tidegate.get(list).await?;
            if let Some(id) = page["items"][0]["id"].as_str() {
                return Ok(id.to_owned());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn measured(&self, path: &str, body: &Value, mib: u64) -> anyhow::Result<Way> {
        self.child.reset_peak()?;
        let (resting, began) = (self.child.resident_mib()?, self.clock.monotonic());
        let asked = self.tidegate.post(path, body).await?;
        let id = asked["id"].as_str().context("a remedy has an id")?;
        let path = format!("/api/v1/remedies/{id}");
        loop {
            let remedy = self.tidegate.get(&path).await?;
            match remedy["state"].as_str().unwrap_or_default() {
                "done" => break,
                "given_up" => anyhow::bail!("it was given up: {}", remedy["last_error"]),
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        let seconds = self.clock.monotonic().saturating_sub(began).as_secs_f64();
        Ok(Way {
            mib_per_s: mib as f64 / seconds,
            seconds,
            memory_mib: self.child.peak_mib()? - resting,
        })
    }
}
