//! What is told, as CloudEvents in the binary mode of the Kafka binding.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use event_model::{Incident, Remedy, rfc3339};
use ports::{Header, IncidentKind, LogRecord};
use serde_json::Value;

/// The types of the events: their class and its version stand in the event.
const INCIDENT: &str = "tidegate.incident.ocsf.v1";
const REMEDY: &str = "tidegate.remedy.ocsf.v1";

/// The version of the incident.
pub(super) fn of_incident(incident: &Incident, service: Option<&str>) -> LogRecord {
    let event = ocsf::finding(incident, context(incident, service));
    let about = About {
        kind: INCIDENT,
        id: ocsf::version_uid(incident),
        subject: incident.id.to_string(),
        at: incident.updated_at,
    };
    about.record(&event, incident)
}

/// What the remedy came to; nothing while it has not ended.
pub(super) fn of_remedy(
    remedy: &Remedy,
    incident: &Incident,
    service: Option<&str>,
) -> Option<LogRecord> {
    let event = ocsf::remedy(remedy, incident, context(incident, service))?;
    let about = About {
        kind: REMEDY,
        id: ocsf::remedy_uid(remedy),
        subject: remedy.id.to_string(),
        at: remedy.updated_at,
    };
    Some(about.record(&event, incident))
}

fn context<'a>(incident: &Incident, service: Option<&'a str>) -> ocsf::Context<'a> {
    ocsf::Context {
        service,
        involves_content: incident.number.starts_with(IncidentKind::Content.prefix()),
        product_version: env!("CARGO_PKG_VERSION"),
    }
}

struct About {
    kind: &'static str,
    id: String,
    subject: String,
    at: DateTime<Utc>,
}

impl About {
    /// Keyed by the incident: what is told of it stays in order.
    fn record(self, event: &Value, incident: &Incident) -> LogRecord {
        let source = format!("/connections/{}", incident.connection_id);
        let mut headers: Vec<Header> = vec![
            ("ce_specversion".into(), "1.0".into()),
            ("ce_id".into(), self.id.into()),
            ("ce_source".into(), source.into()),
            ("ce_type".into(), self.kind.into()),
            ("ce_subject".into(), self.subject.into()),
            ("ce_time".into(), rfc3339(self.at).into()),
            ("content-type".into(), "application/json".into()),
        ];
        if let Some(traceparent) = &incident.traceparent {
            headers.push(("traceparent".into(), traceparent.clone().into()));
        }
        LogRecord {
            key: incident.id.to_string(),
            headers,
            value: Bytes::from(event.to_string()),
        }
    }
}
