//! One event's journey: what happened to it when, and who took how long.

use anyhow::bail;
use chrono::{DateTime, Utc};
use clap::Args;
use event_model::{TraceContext, rfc3339};
use serde_json::{Value, json};

use super::Stream;
use super::target::{Target, text};
use crate::say;

/// Statuses that a list of incidents leaves out unless asked.
const EVERY_STATUS: &str = "new,in_progress,reopened,resolved,false_positive,suppressed";

/// `tidegate trace`
#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// The event's id, as the service gave it.
    event_id: String,
    #[command(flatten)]
    target: Target,
}

/// A moment on the way.
#[derive(Debug, PartialEq, Eq)]
struct Moment {
    at: DateTime<Utc>,
    what: String,
}

impl Trace {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let api = self.target.api()?;
        super::runtime()?.block_on(async {
            let id: String =
                url::form_urlencoded::byte_serialize(self.event_id.as_bytes()).collect();
            let activities = api.get(&format!("/api/v1/activities?event_id={id}")).await?;
            let incidents = format!("/api/v1/incidents?event_id={id}&status={EVERY_STATUS}");
            let incidents = api.get(&incidents).await?;
            let (activities, incidents) = (items(&activities), items(&incidents));
            if activities.is_empty() {
                bail!(
                    "no activity with the event id `{}` is recorded: it was not received yet, could not be mapped (`tidegate dead-letter list`), or was forgotten after its time",
                    self.event_id
                );
            }
            for activity in activities {
                let of_it = incidents
                    .iter()
                    .filter(|incident| incident["connection_id"] == activity["connection_id"]);
                show(activity, &of_it.collect::<Vec<_>>(), self.target.json);
            }
            Ok(())
        })
    }
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

fn show(activity: &Value, incidents: &[&Value], as_json: bool) {
    let moments = journey(activity, incidents);
    let trace_id = activity["traceparent"]
        .as_str()
        .and_then(TraceContext::parse)
        .map(|journey| format!("{:032x}", journey.trace_id));
    if as_json {
        let steps: Vec<Value> = moments
            .iter()
            .map(|moment| json!({"at": rfc3339(moment.at), "what": moment.what}))
            .collect();
        let told = json!({
            "event_id": activity["event_id"], "connection_id": activity["connection_id"],
            "trace_id": trace_id, "steps": steps,
        });
        return say(&told.to_string(), Stream::Out);
    }
    let t = |field| text(activity, field);
    say(
        &format!(
            "{}  {} by {} on {}  ({}, {})",
            t("event_id"),
            t("event_name"),
            t("actor_email"),
            t("object_path"),
            t("service"),
            t("arrival"),
        ),
        Stream::Out,
    );
    if let Some(id) = trace_id {
        say(&format!("trace {id}"), Stream::Out);
    }
    let mut before: Option<DateTime<Utc>> = None;
    for Moment { at, what } in &moments {
        let took = before.map_or_else(String::new, |before| duration(*at - before));
        say(
            &format!("  {}  {took:>12}  {what}", rfc3339(*at)),
            Stream::Out,
        );
        before = Some(*at);
    }
    if incidents.is_empty() && activity["own"] == true {
        say(
            "  Tidegate did this itself: no policy looks at it",
            Stream::Out,
        );
    }
}

/// Every moment that is known, oldest first; those of one moment in the order of the flow.
fn journey(activity: &Value, incidents: &[&Value]) -> Vec<Moment> {
    let mut moments = Vec::new();
    let mut note = |at: &Value, what: String| {
        if let Some(at) = at.as_str().and_then(|at| at.parse().ok()) {
            moments.push(Moment { at, what });
        }
    };
    note(
        &activity["event_timestamp"],
        "happened in the service".into(),
    );
    note(&activity["log_timestamp"], "logged by the service".into());
    let arrival = text(activity, "arrival");
    note(&activity["received_at"], format!("received by {arrival}"));
    note(
        &activity["appended_at"],
        "durable in the activity log".into(),
    );
    note(&activity["evaluated_at"], "evaluated".into());
    for incident in incidents {
        let number = text(incident, "number");
        let policy = text(&incident["policy"], "name");
        note(
            &incident["latency"]["recorded_at"],
            format!("incident {number}: {policy}"),
        );
        for remedy in incident["remedies"].as_array().into_iter().flatten() {
            let (kind, state) = (text(remedy, "kind"), text(remedy, "state"));
            let at = match remedy["done_at"].is_null() {
                true => &remedy["updated_at"],
                false => &remedy["done_at"],
            };
            note(at, format!("{number}: {kind} is {state}"));
        }
    }
    moments.sort_by_key(|moment| moment.at);
    moments
}

fn duration(took: chrono::TimeDelta) -> String {
    match took.num_microseconds() {
        Some(micros) if micros.abs() < 10_000 => format!("+{:.1} ms", micros as f64 / 1e3),
        _ if took.num_seconds().abs() < 10 => format!("+{} ms", took.num_milliseconds()),
        _ => format!("+{} s", took.num_seconds()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journey_has_what_is_known_in_the_order_of_time() {
        let activity = json!({
            "event_timestamp": "2026-01-02T03:04:05Z", "log_timestamp": null, "arrival": "push",
            "received_at": "2026-01-02T03:04:06Z", "appended_at": "2026-01-02T03:04:06.003Z",
            "evaluated_at": "2026-01-02T03:04:06.005Z",
        });
        let incident = json!({
            "number": "DLP-1", "policy": {"name": "Cards"},
            "latency": {"recorded_at": "2026-01-02T03:04:06.009Z"},
            "remedies": [
                {"kind": "quarantine", "state": "done", "done_at": "2026-01-02T03:04:06.100Z"},
                {"kind": "notify", "state": "planned", "done_at": null, "updated_at": "2026-01-02T03:04:06.009Z"},
            ],
        });
        let told: Vec<String> = journey(&activity, &[&incident])
            .into_iter()
            .map(|moment| moment.what)
            .collect();
        assert_eq!(
            told,
            [
                "happened in the service",
                "received by push",
                "durable in the activity log",
                "evaluated",
                "incident DLP-1: Cards",
                "DLP-1: notify is planned",
                "DLP-1: quarantine is done",
            ]
        );
    }
}
