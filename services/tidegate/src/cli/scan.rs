//! Scans of what exists already, over the API of a running platform.

use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use event_model::JobState;
use serde_json::{Value, json};

use super::Stream;
use super::target::{Target, text};
use crate::demo::Api;
use crate::say;

/// How often a scan is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// `tidegate scan …`
#[derive(Debug, Subcommand)]
pub(crate) enum Scan {
    /// Scan the shares or the files of a connection: a preview, unless --act is given.
    Start(Start),
    /// Print the scans, newest first.
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Print how far a scan is and what it found; with --wait, when it has ended or stands still.
    Show {
        /// Its id.
        id: String,
        /// Wait until it has ended or stands still.
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Pause a scan.
    Pause(Which),
    /// Go on with a scan that was paused, or that stands still after so many actions.
    Resume(Which),
    /// End a scan. What it planned stays planned.
    Cancel(Which),
}

/// What can be scanned.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Shares,
    Content,
}

/// `tidegate scan start`
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// The connection's id.
    connection: String,
    /// Every share, or the content of every file.
    #[arg(long, value_enum, default_value = "shares")]
    kind: Kind,
    /// Record incidents and carry the responses out.
    #[arg(long)]
    act: bool,
    /// Only this policy; may be given several times. A preview takes policies that are not in use, too.
    #[arg(long = "policy", value_name = "ID")]
    policies: Vec<String>,
    /// Only what lies at or below this path.
    #[arg(long)]
    path: Option<String>,
    /// Only what this user owns or shares.
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// Stand still after so many actions, until `scan resume`.
    #[arg(long, default_value_t = 100)]
    actions_max: u32,
    /// At most so much of the service's budget, in percent.
    #[arg(long, default_value_t = 20)]
    budget_percent: u8,
    /// Scan again so many hours after each end.
    #[arg(long, value_name = "HOURS")]
    every_hours: Option<u32>,
    /// Wait until it has ended or stands still.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    target: Target,
}

/// A scan, by its id.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Its id.
    id: String,
    #[command(flatten)]
    target: Target,
}

impl Scan {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::runtime()?.block_on(async {
            match self {
                Scan::Start(start) => start.run().await,
                Scan::List { target } => {
                    let list = target.api()?.get("/api/v1/scans?limit=100").await?;
                    for scan in list["items"].as_array().into_iter().flatten() {
                        shown(scan, target.json, &[line(scan)]);
                    }
                    Ok(())
                }
                Scan::Show { id, wait, target } => show(&target, &id, wait).await,
                Scan::Pause(which) => which.does("pause").await,
                Scan::Resume(which) => which.does("resume").await,
                Scan::Cancel(which) => which.does("cancel").await,
            }
        })
    }
}

impl Start {
    async fn run(self) -> anyhow::Result<()> {
        let kind = match self.kind {
            Kind::Shares => "shares",
            Kind::Content => "content",
        };
        let body = json!({
            "connection": self.connection, "kind": kind,
            "mode": if self.act { "act" } else { "preview" },
            "policies": self.policies, "path": self.path, "user": self.user,
            "actions_max": self.actions_max, "budget_percent": self.budget_percent,
            "every_hours": self.every_hours,
        });
        let begun = self.target.api()?.post("/api/v1/scans", &body).await?;
        match self.wait {
            true => show(&self.target, &text(&begun, "id"), true).await,
            false => {
                shown(&begun, self.target.json, &[line(&begun)]);
                Ok(())
            }
        }
    }
}

impl Which {
    async fn does(self, act: &str) -> anyhow::Result<()> {
        let path = format!("/api/v1/scans/{}/{act}", self.id);
        let scan = self.target.api()?.post(&path, &Value::Null).await?;
        shown(&scan, self.target.json, &[line(&scan)]);
        Ok(())
    }
}

async fn show(target: &Target, id: &str, wait: bool) -> anyhow::Result<()> {
    let scan = settled(&target.api()?, id, wait).await?;
    shown(&scan, target.json, &told(&scan));
    match text(&scan, "state").as_str() {
        "failed" => bail!("the scan failed: {}", text(&scan, "note")),
        _ => Ok(()),
    }
}

async fn settled(api: &Api, id: &str, wait: bool) -> anyhow::Result<Value> {
    let mut said = String::new();
    loop {
        let scan = api.get(&format!("/api/v1/scans/{id}")).await?;
        let state = JobState::from_word(&text(&scan, "state"));
        if !wait || !state.is_some_and(JobState::is_open) {
            return Ok(scan);
        }
        let now = line(&scan);
        if now != said {
            say(&now, Stream::Error);
        }
        said = now;
        tokio::time::sleep(ASK_EVERY).await;
    }
}

fn shown(scan: &Value, as_json: bool, lines: &[String]) {
    if as_json {
        return say(&scan.to_string(), Stream::Out);
    }
    lines.iter().for_each(|line| say(line, Stream::Out));
}

/// A scan in a line.
fn line(scan: &Value) -> String {
    let (ask, report) = (&scan["ask"], &scan["report"]);
    let number = |name: &str| report[name].as_u64().unwrap_or_default();
    let progress = scan["percent"]
        .as_u64()
        .map_or_else(String::new, |percent| {
            let left = scan["seconds_left"].as_u64();
            let left = left.map_or_else(String::new, |seconds| format!(", about {seconds} s left"));
            format!("  {percent} %{left}")
        });
    format!(
        "{}  {:<8} {:<7} {:<7}  {} listed, {} violating, {} actions{progress}",
        text(scan, "id"),
        text(scan, "state"),
        text(ask, "kind"),
        text(ask, "mode"),
        number("listed"),
        number("violating"),
        number("actions"),
    )
}

/// A scan with what it found.
fn told(scan: &Value) -> Vec<String> {
    let report = &scan["report"];
    let mut lines = vec![line(scan)];
    if !scan["note"].is_null() {
        lines.push(text(scan, "note"));
    }
    for policy in report["policies"].as_object().into_iter().flatten() {
        let (_, of_it) = policy;
        lines.push(format!(
            "policy  {}: {} violations, {} actions",
            text(of_it, "name"),
            of_it["violations"],
            of_it["actions"]
        ));
    }
    for (title, name) in [("user", "users"), ("folder", "paths"), ("unread", "unread")] {
        for (key, number) in report[name].as_object().into_iter().flatten() {
            let key: String = key.chars().filter(|c| !c.is_control()).collect();
            lines.push(format!("{title:<7} {key}: {number}"));
        }
    }
    for example in report["examples"].as_array().into_iter().flatten() {
        let t = |field| text(example, field);
        lines.push(format!(
            "  {}  of {}  shared with {}  ({})",
            t("object"),
            t("user"),
            t("shared_with"),
            t("policy")
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_is_told_with_its_progress_and_what_it_found() {
        let scan = json!({
            "id": "job_1", "state": "held", "note": "100 actions are planned",
            "ask": {"kind": "shares", "mode": "act"}, "percent": 40, "seconds_left": 90,
            "report": {
                "listed": 200, "violating": 120, "actions": 100,
                "policies": {"pol_1": {"name": "Links", "violations": 120, "actions": 100}},
                "users": {"ada\u{7}@x.org": 120}, "paths": {}, "unread": {"encrypted": 1},
                "examples": [{"object": "/f", "user": "ada", "shared_with": null, "policy": "Links"}],
            }
        });
        let told = told(&scan).join("\n");
        for part in [
            "job_1  held     shares  act      200 listed, 120 violating, 100 actions  40 %, about 90 s left",
            "100 actions are planned",
            "policy  Links: 120 violations, 100 actions",
            "user    ada@x.org: 120",
            "unread  encrypted: 1",
            "/f  of ada  shared with -  (Links)",
        ] {
            assert!(told.contains(part), "{part} is not in:\n{told}");
        }
    }
}
