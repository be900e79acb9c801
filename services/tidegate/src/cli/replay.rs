//! A policy tried on recorded activity, over the API of a running platform: nothing is executed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Args;
use event_model::{JobState, PolicyDocument, PolicyId, rfc3339};
use serde_json::{Value, json};

use super::Stream;
use super::policy::read;
use super::target::{Target, text};
use crate::demo::Api;
use crate::say;

/// How often the trial is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(300);
/// Users printed.
const USERS_MAX: usize = 20;

/// `tidegate policy replay`
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// A JSON file with a draft, or the id of a saved policy: `pol_…`, or `pol_…@3` for its version 3.
    what: String,
    /// Activity received at or after: a day, or an RFC 3339 time [default: 30 days before --to].
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<DateTime<Utc>>,
    /// Activity received before: a day, or an RFC 3339 time [default: now].
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<DateTime<Utc>>,
    /// Only of this connection.
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// Of which policy the draft in the file is: it is compared with the incidents recorded of it.
    #[arg(long, value_name = "ID")]
    of: Option<PolicyId>,
    /// Compare with this version in place of the recorded incidents.
    #[arg(long, value_name = "VERSION")]
    against: Option<u32>,
    #[command(flatten)]
    target: Target,
}

/// A day's beginning in UTC, or a moment.
fn moment(given: &str) -> Result<DateTime<Utc>, String> {
    let day = |given: &str| given.parse::<NaiveDate>().ok();
    let moment = DateTime::parse_from_rfc3339(given).map(|at| at.to_utc());
    let moment = moment.ok();
    moment
        .or_else(|| Some(day(given)?.and_time(NaiveTime::MIN).and_utc()))
        .ok_or_else(|| "is not a time like `2026-01-31` or `2026-01-31T09:30:00Z`".to_owned())
}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let body = self.body()?;
        let api = self.target.api()?;
        super::runtime()?.block_on(async {
            let begun = api.post("/api/v1/policies/replay", &body).await?;
            let ended = self.watch(&api, text(&begun, "id")).await?;
            if self.target.json {
                say(&ended.to_string(), Stream::Out);
            } else {
                told(&ended).iter().for_each(|line| say(line, Stream::Out));
            }
            match text(&ended, "state").as_str() {
                "done" => Ok(()),
                state => bail!("the trial is {state}: {}", text(&ended, "note")),
            }
        })
    }

    /// What is asked for, as the API takes it.
    fn body(&self) -> anyhow::Result<Value> {
        let mut body = json!({ "compare_version": self.against });
        if let Some(from) = self.from {
            body["from"] = json!(rfc3339(from));
        }
        if let Some(to) = self.to {
            body["to"] = json!(rfc3339(to));
        }
        if let Some(connection) = &self.connection {
            body["connection"] = json!(connection);
        }
        if let Some((id, version)) = saved(&self.what) {
            body["policy"] = json!(id);
            body["version"] = json!(version);
            return Ok(body);
        }
        let draft = read(Path::new(&self.what))?;
        let draft: PolicyDocument = serde_json::from_str(&draft)
            .with_context(|| format!("`{}` is not a policy document", self.what))?;
        body["document"] = serde_json::to_value(draft)?;
        body["policy"] = json!(self.of);
        Ok(body)
    }

    /// Waits until the trial ends, and says how far it is.
    async fn watch(&self, api: &Api, id: String) -> anyhow::Result<Value> {
        let mut said = None;
        loop {
            let job = api.get(&format!("/api/v1/replays/{id}")).await?;
            let state = JobState::from_word(&text(&job, "state"));
            if state.is_none_or(JobState::is_over) {
                return Ok(job);
            }
            let percent = job["percent"].as_u64();
            if percent != said && !self.target.json {
                let looked_at = &job["report"]["activities"];
                let percent = percent.unwrap_or_default();
                say(
                    &format!("{percent:>3} %  {looked_at} activities"),
                    Stream::Error,
                );
            }
            said = percent;
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

/// The id and version that the argument names, unless it names a file.
fn saved(what: &str) -> Option<(PolicyId, Option<u32>)> {
    let (id, version) = match what.split_once('@') {
        Some((id, version)) => (id, Some(version.parse().ok()?)),
        None => (what, None),
    };
    Some((id.parse().ok()?, version))
}

/// The report in lines for a person.
fn told(job: &Value) -> Vec<String> {
    let (ask, report) = (&job["ask"], &job["report"]);
    let sum = |delta: &Value| {
        let number = |name: &str| delta[name].as_u64().unwrap_or_default();
        format!(
            "{:>8} added {:>8} gone {:>8} as before {:>8} undecided",
            number("added"),
            number("gone"),
            number("same"),
            number("undecided")
        )
    };
    let mut lines = vec![
        format!(
            "`{}` on {} activities, {} of them watched, {} to {}",
            text(&ask["document"], "name"),
            report["activities"],
            report["watched"],
            text(ask, "from"),
            text(ask, "to")
        ),
        format!("incidents  {}", sum(&report["incidents"])),
    ];
    let entries = |name: &str| report[name].as_object().into_iter().flatten();
    for (kind, delta) in entries("actions") {
        lines.push(format!(
            "action     {kind}: {} added, {} gone",
            delta["added"], delta["gone"]
        ));
    }
    for (why, times) in entries("undecided") {
        lines.push(format!("undecided  {times} because {}", plain(why)));
    }
    for (day, delta) in entries("days") {
        lines.push(format!("{day} {}", sum(delta)));
    }
    for (user, delta) in entries("users").take(USERS_MAX) {
        lines.push(format!("{:<10} {}", plain(user), sum(delta)));
    }
    for (name, what) in [("added", "+"), ("gone", "-"), ("untold", "?")] {
        for example in report[name].as_array().into_iter().flatten() {
            let t = |field| text(example, field);
            lines.push(format!(
                "{what} {}  {}  {} on {}  (event {})",
                t("received_at"),
                t("actor"),
                t("event_name"),
                t("object"),
                t("event_id")
            ));
        }
    }
    lines
}

/// Without control characters: services write what they like.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_names_a_saved_version_or_a_file() {
        let id = "pol_01JDYZ3E8V7Q2M5N9T0R4W6XBC";
        let of = |what: &str| saved(what).map(|(id, version)| (id.to_string(), version));
        assert_eq!(of(id), Some((id.to_owned(), None)));
        assert_eq!(of(&format!("{id}@3")), Some((id.to_owned(), Some(3))));
        for file in ["policy.json", "./pol_01", &format!("{id}@x")] {
            assert_eq!(of(file), None, "{file}");
        }
    }

    #[test]
    fn a_report_is_told_with_its_numbers_and_examples() {
        let delta = json!({ "added": 2, "gone": 1, "same": 7, "undecided": 0 });
        let job = json!({
            "ask": { "document": { "name": "Links" }, "from": "2026-01-01", "to": "2026-01-31" },
            "report": {
                "activities": 40, "watched": 12, "incidents": delta,
                "actions": { "remove_link": { "added": 2, "gone": 1 } },
                "undecided": {}, "days": { "2026-01-02": delta }, "users": { "ada\u{7}@x.org": delta },
                "added": [{ "received_at": "t", "actor": "ada", "event_name": "share", "object": "/f", "event_id": "e9" }],
            }
        });
        let told = told(&job).join("\n");
        for part in [
            "`Links` on 40 activities, 12 of them watched",
            "2 added        1 gone        7 as before",
            "remove_link: 2 added, 1 gone",
            "ada@x.org",
            "+ t  ada  share on /f  (event e9)",
        ] {
            assert!(told.contains(part), "{part} is not in:\n{told}");
        }
    }
}
