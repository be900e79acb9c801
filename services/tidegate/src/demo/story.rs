//! What happened, in words and milliseconds.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::cli::Stream;
use crate::say;

/// Whether nothing is left to do on the incident.
pub(super) fn is_settled(incident: &Value) -> bool {
    let remedies = incident["remedies"].as_array();
    let is_final = |remedy: &Value| matches!(remedy["state"].as_str(), Some("done" | "given_up"));
    remedies.is_none_or(|remedies| remedies.iter().all(is_final))
}

/// One paragraph an incident, oldest first.
pub(super) fn tell(incidents: &[Value]) {
    say(
        "\nWhat happened (milliseconds since the user acted):",
        Stream::Out,
    );
    for incident in incidents.iter().rev() {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let activity = &incident["activity"];
        say(
            &format!(
                "\n  {} {:<8} {}\n    {} did `{}` on {}",
                text(&incident["number"]),
                text(&incident["severity"]),
                text(&incident["policy"]["name"]),
                text(&activity["actor_email"]),
                text(&activity["event_name"]),
                text(&activity["object_path"]),
            ),
            Stream::Out,
        );
        for line in evidence(incident).into_iter().chain(remedies(incident)) {
            say(&format!("    {line}"), Stream::Out);
        }
        say(
            &format!("    {}", waterfall(&incident["latency"])),
            Stream::Out,
        );
    }
}

fn evidence(incident: &Value) -> Vec<String> {
    let found = incident["evidence"].as_array().cloned().unwrap_or_default();
    let shown: Vec<&str> = found
        .iter()
        .filter_map(|item| item["masked"].as_str())
        .take(3)
        .collect();
    if shown.is_empty() {
        return Vec::new();
    }
    let kind = found[0]["detector"].as_str().unwrap_or("finding");
    vec![format!(
        "found {} × {kind}: {} …",
        found.len(),
        shown.join(", ")
    )]
}

fn remedies(incident: &Value) -> Vec<String> {
    let remedies = incident["remedies"].as_array().cloned().unwrap_or_default();
    if remedies.is_empty() {
        return vec!["watched only: nothing is done".to_owned()];
    }
    let told = |remedy: &Value| {
        let text = |field: &str| remedy[field].as_str().unwrap_or("-").replace('_', " ");
        format!("{}: {}", text("kind"), text("state"))
    };
    remedies.iter().map(told).collect()
}

/// `received 3 → in the log 9 → incident 41 → effect 88`
fn waterfall(latency: &Value) -> String {
    let at = |field: &str| -> Option<DateTime<Utc>> { latency[field].as_str()?.parse().ok() };
    let Some(start) = at("event_at").or(at("received_at")) else {
        return String::new();
    };
    let steps = [
        ("received", "received_at"),
        ("in the log", "appended_at"),
        ("incident", "recorded_at"),
        ("effect", "effect_at"),
    ];
    let shown: Vec<String> = steps
        .into_iter()
        .filter_map(|(word, field)| {
            at(field).map(|at| format!("{word} {} ms", (at - start).num_milliseconds()))
        })
        .collect();
    shown.join(" → ")
}

pub(super) fn invitation(console: &str, cloud: &str) -> String {
    format!(
        "\nLook around:\n  {console}/   incidents, live; log in with the token above\n  {cloud}/   act as a user, and see what Tidegate did there\nCtrl-C ends it."
    )
}
