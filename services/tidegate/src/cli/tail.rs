//! Following a running platform over its API.

use std::io::BufRead;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::Stream;
use crate::demo::Api;
use crate::say;

/// How often new activity is asked for.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Where the platform is, and the token for it.
#[derive(Debug, Args)]
struct Target {
    /// Where the platform listens.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        env = "TIDEGATE_PUBLIC_URL"
    )]
    url: String,
    /// Its data folder: the administrator's token is read from there.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "./data",
        env = "TIDEGATE_DATA"
    )]
    data: PathBuf,
    /// One JSON document a line instead of words.
    #[arg(long)]
    json: bool,
}

impl Target {
    fn api(&self) -> anyhow::Result<Api> {
        let path = self.data.join("admin-token");
        let token = std::fs::read_to_string(&path)
            .with_context(|| format!("`{}` cannot be read: give --data", path.display()))?;
        Ok(Api::new(self.url.clone(), token.trim().to_owned()))
    }
}

/// `tidegate activity …`
#[derive(Debug, Subcommand)]
pub(crate) enum Activity {
    /// Print each activity as it is recorded.
    Tail {
        #[command(flatten)]
        target: TargetArgs,
    },
}

/// `tidegate incidents …`
#[derive(Debug, Subcommand)]
pub(crate) enum Incidents {
    /// Print each incident as it is recorded or changes.
    Tail {
        #[command(flatten)]
        target: TargetArgs,
    },
}

/// See [`Target`].
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    #[command(flatten)]
    target: Target,
}

impl Activity {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Activity::Tail {
            target: TargetArgs { target },
        } = self;
        let api = target.api()?;
        super::runtime()?.block_on(async {
            let mut newest: Option<(String, String)> = None;
            loop {
                let page = api.get("/api/v1/activities?limit=100").await?;
                let items = page["items"].as_array().cloned().unwrap_or_default();
                let key = |item: &Value| (text(item, "connection_id"), text(item, "event_id"));
                let fresh: Vec<&Value> = items
                    .iter()
                    .take_while(|item| Some(key(item)) != newest)
                    .collect();
                for item in fresh.iter().rev() {
                    say(&shown(item, target.json, activity_line), Stream::Out);
                }
                newest = items.first().map(key).or(newest);
                tokio::time::sleep(ASK_EVERY).await;
            }
        })
    }
}

impl Incidents {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Incidents::Tail {
            target: TargetArgs { target },
        } = self;
        let api = target.api()?;
        super::runtime()?.block_on(async {
            let mut stream = api.stream("/api/v1/incidents/stream").await?;
            let mut rest = Vec::new();
            while let Some(chunk) = stream.chunk().await? {
                rest.extend_from_slice(&chunk);
                let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else {
                    continue;
                };
                let lines: Vec<u8> = rest.drain(..=end).collect();
                for line in lines.lines().map_while(Result::ok) {
                    if let Some(data) = line.strip_prefix("data:")
                        && let Ok(incident) = serde_json::from_str::<Value>(data.trim())
                    {
                        say(&shown(&incident, target.json, incident_line), Stream::Out);
                    }
                }
            }
            bail!("the platform ended the stream")
        })
    }
}

fn shown(item: &Value, json: bool, line: impl Fn(&Value) -> String) -> String {
    if json { item.to_string() } else { line(item) }
}

/// The text of a field, without control characters: services write what they like.
fn text(item: &Value, field: &str) -> String {
    let text = item[field].as_str().unwrap_or("-");
    text.chars().filter(|c| !c.is_control()).collect()
}

fn activity_line(item: &Value) -> String {
    let t = |field| text(item, field);
    let (at, who, what) = (t("event_timestamp"), t("actor_email"), t("event_name"));
    format!(
        "{at}  {:<16} {who:<28} {what:<18} {}",
        t("event_type"),
        t("object_path")
    )
}

fn incident_line(item: &Value) -> String {
    let t = |field| text(item, field);
    let remedies: Vec<String> = item["remedies"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|remedy| format!("{} {}", text(remedy, "kind"), text(remedy, "state")))
        .collect();
    format!(
        "{}  {:<8} {:<9} {:<12} {}  on {}  [{}]",
        t("updated_at"),
        t("number"),
        t("severity"),
        t("status"),
        text(&item["policy"], "name"),
        text(&item["activity"], "object_name"),
        remedies.join(", ")
    )
}
