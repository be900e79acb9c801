//! Following a running platform over its API.

use std::io::BufRead;
use std::time::Duration;

use anyhow::bail;
use clap::Subcommand;
use serde_json::Value;

use super::Stream;
use super::target::{Target, text};
use crate::say;

/// How often new activity is asked for.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// `tidegate activity …`
#[derive(Debug, Subcommand)]
pub(crate) enum Activity {
    /// Print each activity as it is recorded.
    Tail {
        #[command(flatten)]
        target: Target,
    },
}

/// `tidegate incidents …`
#[derive(Debug, Subcommand)]
pub(crate) enum Incidents {
    /// Print each incident as it is recorded or changes.
    Tail {
        #[command(flatten)]
        target: Target,
    },
}

impl Activity {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Activity::Tail { target } = self;
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
        let Incidents::Tail { target } = self;
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
