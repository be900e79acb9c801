//! One version of an incident, as it stands in the incidents topic.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use event_model::ActivityRecord;
use serde::Deserialize;
use serde_json::{Value, json};

/// How grave, in the order of OCSF's `severity_id`. Source: OCSF 1.7.0, attribute `severity_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// 1, and everything unknown.
    #[default]
    Informational,
    /// 2.
    Low,
    /// 3.
    Medium,
    /// 4.
    High,
    /// 5 and 6.
    Critical,
}

/// One event to hand on.
#[derive(Debug, Clone)]
pub struct Told {
    id: String,
    json: Bytes,
    event: Value,
}

impl Severity {
    /// As the settings have it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl Severity {
    /// As people read it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Severity::Informational => "Informational",
            Severity::Low => "Low",
            Severity::Medium => "Medium",
            Severity::High => "High",
            Severity::Critical => "Critical",
        }
    }
}

impl Told {
    /// Reads a record of the topic.
    ///
    /// # Errors
    /// When it is no JSON object with `metadata.uid`.
    pub fn read(json: Bytes) -> Result<Self, String> {
        let event: Value = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
        let id = event.pointer("/metadata/uid").and_then(Value::as_str);
        let id = id.ok_or("it has no `metadata.uid`")?.to_owned();
        Ok(Told { id, json, event })
    }

    /// Makes the event of a record of the activity topic.
    ///
    /// # Errors
    /// When it is no record, or of another version.
    pub fn of_activity(record: &[u8]) -> Result<Self, String> {
        let record = ActivityRecord::decode(record).map_err(|error| error.to_string())?;
        let event = ocsf::activity(&record, env!("CARGO_PKG_VERSION"));
        let json = Bytes::from(event.to_string());
        let id = ocsf::activity_uid(&record);
        Ok(Told { id, json, event })
    }

    /// An event that says that it is a test; a Detection Finding of OCSF.
    pub fn test(now: DateTime<Utc>) -> Self {
        let millis = now.timestamp_millis();
        let id = format!("test:{millis}");
        let event = json!({
            "class_uid": 2004, "class_name": "Detection Finding", "category_uid": 2, "category_name": "Findings",
            "activity_id": 1, "activity_name": "Create", "type_uid": 200_401, "time": millis,
            "severity_id": 1, "severity": "Informational", "status_id": 1, "status": "New",
            "message": "TEST-1: this is a test of Tidegate, nothing happened",
            "metadata": {
                "version": "1.7.0", "uid": id, "sequence": 1,
                "product": {"name": "Tidegate", "vendor_name": "Tidegate", "version": env!("CARGO_PKG_VERSION")},
            },
            "finding_info": {"uid": id, "title": "Test of a sink", "created_time": millis},
            "unmapped": {"number": "TEST-1"},
        });
        let json = Bytes::from(event.to_string());
        Told { id, json, event }
    }

    /// The same for the same version of an incident, however often it comes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The OCSF event, in one line.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// Whether it is the first version of its incident.
    pub fn is_new(&self) -> bool {
        self.number("/activity_id") == Some(1)
    }

    /// How grave it is.
    pub fn severity(&self) -> Severity {
        match self.number("/severity_id") {
            Some(2) => Severity::Low,
            Some(3) => Severity::Medium,
            Some(4) => Severity::High,
            Some(5 | 6) => Severity::Critical,
            _ => Severity::Informational,
        }
    }

    /// When this version came to be.
    pub fn time(&self) -> DateTime<Utc> {
        let millis = self.number("/time").unwrap_or_default();
        DateTime::from_timestamp_millis(millis).unwrap_or_default()
    }

    /// What it is about: the incident, or the object of a connection. What is told of one stays in order.
    pub(crate) fn key(&self) -> String {
        let whole = ["/finding_info/uid", "/metadata/correlation_uid"];
        if let Some(incident) = whole.into_iter().find_map(|pointer| self.text(pointer)) {
            return incident.to_owned();
        }
        let about = ["/file/uid", "/resources/0/uid", "/actor/user/uid"];
        let about = about.into_iter().find_map(|pointer| self.text(pointer));
        let connection = self.text("/unmapped/connection_id");
        format!(
            "{}/{}",
            connection.unwrap_or_default(),
            about.unwrap_or_default()
        )
    }

    /// The first text that is there, also below `evidences[0]`, where findings without content have it.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        let found = self.value(pointer)?.as_str()?;
        (!found.is_empty()).then_some(found)
    }

    /// The first whole number that is there.
    pub fn number(&self, pointer: &str) -> Option<i64> {
        self.value(pointer)?.as_i64()
    }

    fn value(&self, pointer: &str) -> Option<&Value> {
        let nested = || self.event.pointer("/evidences/0")?.pointer(pointer);
        self.event.pointer(pointer).or_else(nested)
    }
}
