//! The operations of sinks: where incidents are handed on to.

use event_model::Permission::SettingsManage;
use serde_json::{Value, json};

use super::operation::{Operation, get, post};

/// Every one of them.
pub(super) const SINKS: &[Operation] = &[
    get(
        "/sinks",
        "The sinks, with how far each of their streams has come.",
        "Page<SinkItem>",
    )
    .needs(SettingsManage),
    post(
        "/sinks/{name}/test",
        "Sends a test message to a sink, for real, and waits up to 30 s for what comes of it.",
        (200, "SinkTrial"),
    )
    .needs(SettingsManage),
];

/// An example of what they answer.
pub(super) fn example(schema: &str) -> Value {
    match schema {
        "SinkItem" => json!({
            "name": "splunk",
            "kind": "splunk",
            "least_severity": "medium",
            "only_new": false,
            "streams": ["incidents"],
            "standings": [{
                "sink": "splunk",
                "stream": "incidents",
                "state": "put_off",
                "cursor": { "0": 4711 },
                "lag": 12,
                "last_delivery_at": "2026-01-31T09:29:58.120Z",
                "last_delivered": "inc_01JDYZ3E8V7Q2M5N9T0R4W6XBC:2",
                "last_error": "it answered 503 Service Unavailable: ",
                "last_error_at": "2026-01-31T09:30:00.000Z",
                "retry_at": "2026-01-31T09:30:04.000Z",
                "noted_at": "2026-01-31T09:30:00.000Z"
            }]
        }),
        "SinkTrial" => json!({
            "name": "splunk",
            "id": "test:1769851800000",
            "taken": true,
            "error": null,
            "took_ms": 41,
            "at": "2026-01-31T09:30:00.000Z"
        }),
        _ => Value::Null,
    }
}
