//! Writes a record, byte for byte as `serde_json` would: it is written once for every activity.

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};

use super::{Arrival, Assurance, WIRE_VERSION};
use crate::activity::Activity;
use crate::field::{ABSENT, FieldSource, Provenance};
use crate::ids::ConnectionId;
use crate::written::{write_inside, write_instant, write_text};

/// Provenances that are remembered as they were written: about as many kinds of events as one page has.
const PROVENANCES_MAX: usize = 8;
/// Records are cut off memory of so many bytes: one call's records need few allocations. A record that
/// is kept keeps that memory.
const SHARED_BYTES: usize = 64 * 1024;

/// What all records of one call begin with: whose they are, and how and when they came.
pub struct RecordHead {
    connection: String,
    /// The object, opened, up to what differs.
    written: Vec<u8>,
    /// Events of one kind have the same provenance: it is written once for them.
    provenances: Vec<(Provenance, Vec<u8>)>,
    /// Where the record at hand is written.
    at_hand: Vec<u8>,
    /// Where written records are kept, from the second on: one alone takes no more than it needs.
    shared: Option<BytesMut>,
}

/// What differs from record to record.
#[derive(Debug, Clone, Copy)]
pub struct RecordBody<'a> {
    /// Whether Tidegate itself caused it.
    pub own: bool,
    /// How sure it is.
    pub assurance: Assurance,
    /// W3C `traceparent` of its journey.
    pub traceparent: Option<&'a str>,
    /// The 24 fields.
    pub activity: &'a Activity,
    /// Where each came from.
    pub provenance: &'a Provenance,
    /// What the service sent, which is JSON.
    pub raw: &'a str,
}

impl RecordHead {
    /// Of the records of that connection that came so.
    pub fn new(
        connection_id: ConnectionId,
        service: &str,
        arrival: Arrival,
        received_at: DateTime<Utc>,
    ) -> Self {
        let (connection, mut written) = (connection_id.to_string(), Vec::new());
        let mut members = Members::open(&mut written);
        members.plain("v", &WIRE_VERSION.to_string());
        members.text("connection_id", Some(&connection));
        members.text("service", Some(service));
        members.text("arrival", Some(arrival.word()));
        members.instant("received_at", Some(received_at));
        RecordHead {
            connection,
            written,
            provenances: Vec::new(),
            at_hand: Vec::new(),
            shared: None,
        }
    }

    /// Records of one key stay in order: the connection and the object, or the actor without one.
    pub fn key(&self, activity: &Activity) -> String {
        let object = activity.object_id.as_deref();
        let about = object.or(activity.actor_id.as_deref()).unwrap_or_default();
        [&self.connection, "/", about].concat()
    }

    /// The bytes of a record.
    pub fn encode(&mut self, body: &RecordBody<'_>) -> Bytes {
        let provenance = self.remembered(body.provenance);
        let out = &mut self.at_hand;
        out.clear();
        out.extend_from_slice(&self.written);
        let mut members = Members::go_on(out);
        members.plain("own", if body.own { "true" } else { "false" });
        if body.assurance != Assurance::Signed {
            members.text("assurance", Some(body.assurance.word()));
        }
        if body.traceparent.is_some() {
            members.text("traceparent", body.traceparent);
        }
        activity(body.activity, members.below("activity"));
        let written = &self.provenances[provenance].1;
        members.below("provenance").extend_from_slice(written);
        members.plain("raw", body.raw);
        members.close();
        let written = self.at_hand.as_slice();
        let Some(shared) = &mut self.shared else {
            self.shared = Some(BytesMut::new());
            return Bytes::copy_from_slice(written);
        };
        if shared.capacity() < written.len() {
            *shared = BytesMut::with_capacity(SHARED_BYTES.max(written.len()));
        }
        shared.extend_from_slice(written);
        shared.split().freeze()
    }

    /// Where that provenance stands, written.
    fn remembered(&mut self, wanted: &Provenance) -> usize {
        let mut known = self.provenances.iter();
        if let Some(at) = known.position(|(known, _)| known == wanted) {
            return at;
        }
        if self.provenances.len() == PROVENANCES_MAX {
            self.provenances.remove(0);
        }
        let mut written = Vec::new();
        provenance(wanted, &mut written);
        self.provenances.push((wanted.clone(), written));
        self.provenances.len() - 1
    }
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

    /// Behind the members that are there already.
    fn go_on(out: &'o mut Vec<u8>) -> Self {
        Members { out, first: false }
    }

    fn close(self) {
        self.out.push(b'}');
    }

    /// Inlined: the keys are constants, and a copy of known length is no call.
    #[inline(always)]
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

    #[inline(always)]
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
