//! Worlds: the whole platform in one process, against toy-cloud, over real HTTP, through the public API.
//!
//! A test speaks in verbs of the domain and ends with [`World::ends_at_rest`]: nothing left to do, every
//! activity recorded once, every incident unique, no effect in the service twice. The connector is the
//! one that ships, with shorter intervals, so that a world takes seconds. Nothing is waited for by
//! sleeping: states are looked for until a deadline.

mod administration;
mod attacker;
mod cases;
mod cloud;
mod consent;
mod coverage;
mod decisions;
mod deliveries;
mod detectors;
mod dialects;
mod disabling;
mod egress;
mod faults;
mod feeds;
mod labels;
mod mail;
mod on_servers;
mod policies;
mod push_life;
mod relabelling;
mod replays;
mod responses;
mod rest;
mod restoring;
mod safeguards;
mod scans;
mod settings;
mod sinks;
mod story;
mod stranger;
mod tokens;
mod told_labels;
mod undoing;
mod vaulting;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tempfile::TempDir;
use tidegate::config::{Config, Given};
use tidegate::demo::{Api, wait_for};
use tidegate::wiring::{Platform, Role};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use toy_cloud::ToyCloud;

use dialects::Dialect;
use on_servers::OnServers;

const MANIFEST: &str = include_str!("../../connectors/toy-cloud/connector.yaml");
/// What a world shortens in the manifest, so that a test need not wait for it.
const SHORTER: [(&str, &str); 5] = [
    ("every: 1s", "every: 200ms"),
    ("every: 10s", "every: 200ms"),
    (
        "reconcile: {pull: activity, every: 15s}",
        "reconcile: {pull: activity, every: 500ms}",
    ),
    (
        "wait_header: retry-after, otherwise: 10s",
        "wait_header: retry-after, otherwise: 200ms",
    ),
    (
        "wait_header: retry-after, otherwise: 2s",
        "wait_header: retry-after, otherwise: 200ms",
    ),
];
const RECONCILE_EVERY: Duration = Duration::from_millis(300);

/// The platform and the cloud service that it watches.
pub(crate) struct World {
    pub(crate) cloud: ToyCloud,
    pub(crate) tidegate: Api,
    pub(crate) toy: Api,
    pub(crate) config: Config,
    /// Where the platform listens.
    pub(crate) url: String,
    browser: reqwest::Client,
    token: String,
    /// The enabled connections, and what had happened before each.
    watched: Mutex<BTreeMap<String, Watched>>,
    stop: watch::Sender<bool>,
    running: JoinHandle<anyhow::Result<()>>,
    servers: Option<OnServers>,
    data: TempDir,
}

/// What a connection is to bring.
struct Watched {
    tenant: String,
    before: BTreeSet<String>,
}

/// What is special about a world.
#[derive(Default)]
pub(crate) struct Setting {
    /// A mail server.
    pub(crate) smtp_url: Option<String>,
    /// Settings of labels.
    pub(crate) labels: Option<String>,
    /// Where the cloud service is reached, if not at its own address.
    pub(crate) cloud_url: Option<String>,
    /// More connectors: the name and the manifest of each.
    pub(crate) connectors: Vec<(&'static str, String)>,
    /// What is written otherwise in toy-cloud's manifest: each must be there.
    pub(crate) changes: &'static [(&'static str, &'static str)],
    /// A database of countries.
    pub(crate) geoip_database: Option<PathBuf>,
    /// A file of sinks.
    pub(crate) sinks_file: Option<PathBuf>,
    /// Speaks as another service, with that manifest.
    pub(crate) dialect: Option<Dialect>,
}

/// What a server answered, whatever it was.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl World {
    /// A world whose faults and chances come from the seed.
    pub(crate) async fn new(seed: u64) -> Self {
        World::with(seed, Setting::default()).await
    }

    pub(crate) async fn with(seed: u64, setting: Setting) -> Self {
        let cloud = toy_cloud::Config {
            seed,
            public_url: setting.cloud_url,
            ..toy_cloud::Config::default()
        };
        let cloud = ToyCloud::start(cloud).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let servers = OnServers::if_chosen().await;
        let (smtp_url, changes) = (setting.smtp_url, setting.changes);
        let mut config = config(data.path(), smtp_url, changes, servers.as_ref());
        if let Some(labels) = &setting.labels {
            let file = data.path().join("labels.toml");
            std::fs::write(&file, labels).unwrap();
            config.labels_file = Some(file);
        }
        config.geoip_database = setting.geoip_database;
        config.sinks_file = setting.sinks_file;
        for (name, manifest) in &setting.connectors {
            let folder = config.connectors_dir.as_ref().unwrap();
            std::fs::write(folder.join(format!("{name}.yaml")), manifest).unwrap();
        }
        if let Some(dialect) = &setting.dialect {
            dialect.prepare(&cloud, &mut config);
        }
        let (stop, stopped) = watch::channel(false);
        let platform = Platform::open(&config, &Role::ALL, stopped).await.unwrap();
        let url = format!("http://{}", platform.address());
        let token = platform.admin_token().unwrap().expose().clone();
        let running = tokio::spawn(platform.reconciling_every(RECONCILE_EVERY).run());
        let tidegate = Api::new(url.clone(), token.clone());
        let ready = || async { Ok(tidegate.get_text("/readyz").await.is_ok().then_some(())) };
        wait_for("the platform to be ready", ready).await.unwrap();
        World {
            toy: Api::control(
                format!("http://{}", cloud.address()),
                cloud.control_token().to_owned(),
            ),
            cloud,
            tidegate,
            config,
            url,
            browser: browser(),
            token,
            watched: Mutex::default(),
            stop,
            running,
            servers,
            data,
        }
    }

    /// Asks the platform as the administrator; any status is an answer.
    pub(crate) async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.browser.request(method, format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.token);
        answer(if body.is_null() {
            request
        } else {
            request.json(body)
        })
        .await
    }

    /// Visits an address as a stranger, without following redirects.
    pub(crate) async fn visit(&self, url: &str) -> Answer {
        answer(self.browser.get(url)).await
    }

    /// Looks for a state until it is there.
    pub(crate) async fn until<T, F>(&self, what: &str, look: impl FnMut() -> F) -> T
    where
        F: Future<Output = anyhow::Result<Option<T>>>,
    {
        wait_for(what, look).await.unwrap()
    }

    /// Every item of a list, page by page.
    pub(crate) async fn all(&self, list: &str) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        let separator = if list.contains('?') { '&' } else { '?' };
        let first = format!("/api/v1/{list}{separator}limit=500");
        let mut path = first.clone();
        loop {
            let page = self.tidegate.get(&path).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => path = format!("{first}&cursor={next}"),
                None => return Ok(items),
            }
        }
    }

    /// A metric's value, by its name and labels as they stand in the exposition; 0 when it is not there.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let shown = self.tidegate.get_text("/metrics").await.unwrap();
        let line = shown.lines().find_map(|line| line.strip_prefix(series));
        line.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    /// The folder with everything that the platform keeps.
    pub(crate) fn kept(&self) -> &Path {
        &self.config.data
    }
}

/// The configuration of a world below that folder.
fn config(
    root: &Path,
    smtp_url: Option<String>,
    changes: &[(&'static str, &'static str)],
    servers: Option<&OnServers>,
) -> Config {
    let connectors = root.join("connectors");
    std::fs::create_dir(&connectors).unwrap();
    std::fs::write(connectors.join("toy-cloud.yaml"), shorter_manifest(changes)).unwrap();
    let shown = |path: PathBuf| path.display().to_string();
    let mut given = Given::default();
    given.flags.insert("listen", "127.0.0.1:0".into());
    // The test's program is no Tidegate, so no worker can be started from it.
    given.flags.insert("inspect_workers", "0".into());
    given.flags.insert("data", shown(root.join("data")));
    given.flags.insert("connectors_dir", shown(connectors));
    if let Some(url) = smtp_url {
        given.flags.insert("smtp_url", url);
    }
    if let Some(servers) = servers {
        servers.prepare(&mut given, root);
    }
    Config::load(&given).unwrap()
}

fn shorter_manifest(changes: &[(&'static str, &'static str)]) -> String {
    let mut manifest = MANIFEST.to_owned();
    for (shipped, shorter) in SHORTER.iter().chain(changes) {
        assert!(
            manifest.contains(shipped),
            "the manifest has no `{shipped}`"
        );
        manifest = manifest.replace(shipped, shorter);
    }
    manifest
}

#[expect(
    clippy::disallowed_methods,
    reason = "talks to this machine only, with no service's token"
)]
fn browser() -> reqwest::Client {
    // TLS needs one provider for the process; another test may have set it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "answers of this machine, of a size that the test makes"
)]
async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: answer.bytes().await.unwrap().to_vec(),
    }
}

/// A text of a document that must be one.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("there is no text at `{pointer}` of {value}"))
}
