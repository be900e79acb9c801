//! Writes a record, byte for byte as `serde_json` would: it is written once for every activity.

use chrono::{DateTime, Utc};

use super::{ActivityRecord, Assurance};
use crate::activity::Activity;
use crate::field::{ABSENT, FieldSource, Provenance};
use crate::written::{write_inside, write_instant, write_text};

/// Appends the record.
pub(super) fn record(record: &ActivityRecord, out: &mut Vec<u8>) {
    let mut members = Members::open(out);
    members.plain("v", &record.v.to_string());
    members.text("connection_id", Some(&record.connection_id.to_string()));
    members.text("service", Some(&record.service));
    members.text("arrival", Some(record.arrival.word()));
    members.instant("received_at", Some(record.received_at));
    members.plain("own", if record.own { "true" } else { "false" });
    if record.assurance != Assurance::Signed {
        members.text("assurance", Some(record.assurance.word()));
    }
    if record.traceparent.is_some() {
        members.text("traceparent", record.traceparent.as_deref());
    }
    activity(&record.activity, members.below("activity"));
    provenance(&record.provenance, members.below("provenance"));
    members.plain("raw", record.raw.get());
    members.close();
}

fn activity(activity: &Activity, out: &mut Vec<u8>) {
    let party = |party: Option<crate::PartyType>| party.map(crate::PartyType::word);
    let mut members = Members::open(out);
    members.text("tenant_id", activity.tenant_id.as_deref());
    members.text("event_id", Some(activity.event_id.as_str()));
    members.text("event_name", activity.event_name.as_deref());
    members.instant("event_timestamp", activity.event_timestamp);
    members.instant("log_timestamp", activity.log_timestamp);
    members.text("event_type", Some(activity.event_type.word()));
    members.text("actor_id", activity.actor_id.as_deref());
    members.text("actor_name", activity.actor_name.as_deref());
    members.text("actor_email", activity.actor_email.as_deref());
    members.text("actor_type", party(activity.actor_type));
    members.text("actor_role", activity.actor_role.as_deref());
    members.text("actor_ip_address", activity.actor_ip_address.as_deref());
    members.text("object_id", activity.object_id.as_deref());
    members.text("file_download_url", activity.file_download_url.as_deref());
    members.text("object_type", activity.object_type.as_deref());
    members.text("object_name", activity.object_name.as_deref());
    members.text("object_path", activity.object_path.as_deref());
    members.text("from_email", activity.from_email.as_deref());
    members.text("target_user_email", activity.target_user_email.as_deref());
    members.text("target_user_id", activity.target_user_id.as_deref());
    members.text("target_user_type", party(activity.target_user_type));
    members.text("role", activity.role.as_deref());
    members.text("shared_link", activity.shared_link.as_deref());
    members.text(
        "visibility",
        activity.visibility.map(crate::Visibility::word),
    );
    members.close();
}

fn provenance(provenance: &Provenance, out: &mut Vec<u8>) {
    let mut members = Members::open(out);
    for (field, source) in provenance.iter() {
        match source {
            FieldSource::Absent(reason) => members.absent(field.name(), reason),
            present => members.text(field.name(), Some(present.word())),
        }
    }
    members.close();
}

/// An object while it is written. Its keys are names of ours: nothing in them is escaped.
struct Members<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Members<'o> {
    fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Members { out, first: true }
    }

    fn close(self) {
        self.out.push(b'}');
    }

    fn key(&mut self, key: &str) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// A value that is JSON already.
    fn plain(&mut self, key: &str, json: &str) {
        self.key(key);
        self.out.extend_from_slice(json.as_bytes());
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        self.key(key);
        match text {
            Some(text) => write_text(text, self.out),
            None => self.out.extend_from_slice(b"null"),
        }
    }

    fn absent(&mut self, key: &str, reason: &str) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(ABSENT.as_bytes());
        write_inside(reason, self.out);
        self.out.push(b'"');
    }

    fn instant(&mut self, key: &str, at: Option<DateTime<Utc>>) {
        self.key(key);
        match at {
            Some(at) => {
                self.out.push(b'"');
                write_instant(at, self.out);
                self.out.push(b'"');
            }
            None => self.out.extend_from_slice(b"null"),
        }
    }

    /// Where the value of that key is to be written.
    fn below(&mut self, key: &str) -> &mut Vec<u8> {
        self.key(key);
        self.out
    }
}
