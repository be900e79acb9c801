//! The wire format v1: what the activity log carries.
//!
//! A reader takes records of its own version with fields it does not know (a newer writer of the
//! same version), and refuses other versions by name. A writer never drops the raw payload.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::activity::{Activity, word_enum};
use crate::field::Provenance;
use crate::ids::ConnectionId;
use crate::instant;

mod encode;

pub use encode::{RecordBody, RecordHead};

/// The version that this code writes.
pub const WIRE_VERSION: u32 = 1;

/// Of a `traceparent` of version 00.
const TRACEPARENT_BYTES: usize = 55;
const HEX: &[u8; 16] = b"0123456789abcdef";

word_enum! {
    /// How an activity reached us.
    Arrival {
        /// Delivered to the webhook.
        Push "push",
        /// Asked for from a checkpoint.
        Pull "pull",
        /// Told before the fact, with the question whether it may happen. Never in the log.
        Inline "inline",
        /// Found by listing what exists; it may have been made long before.
        Crawl "crawl",
    }
}

word_enum! {
    /// How sure it is that the service said this, and said it so.
    Assurance {
        /// The service was asked, or signed what it delivered.
        Signed "signed",
        /// A delivery proved by a secret that was sent along: whoever learns the secret can forge one.
        Low "low",
    }
}

impl Assurance {
    /// What a record without the field stands for.
    fn signed() -> Self {
        Assurance::Signed
    }

    fn is_signed(&self) -> bool {
        matches!(self, Assurance::Signed)
    }
}

/// W3C trace context: one journey from delivery to effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The journey.
    pub trace_id: u128,
    /// The step that is the parent of what follows.
    pub span_id: u64,
    /// Whether its steps are sent to a collector.
    pub sampled: bool,
}

impl TraceContext {
    /// The `traceparent` header. Source: W3C Trace Context, section 3.2.
    pub fn traceparent(&self) -> String {
        let mut out = Vec::with_capacity(TRACEPARENT_BYTES);
        let parts: [&[u8]; 4] = [
            &[0],
            &self.trace_id.to_be_bytes(),
            &self.span_id.to_be_bytes(),
            &[u8::from(self.sampled)],
        ];
        for part in parts {
            if !out.is_empty() {
                out.push(b'-');
            }
            let digits = part.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
            out.extend(digits.map(|digit| HEX[usize::from(digit)]));
        }
        String::from_utf8(out).expect("hexadecimal digits are text")
    }

    /// Reads a `traceparent` header; none when malformed or all zero.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
        let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
        if version.len() != 2 || version == "ff" || trace.len() != 32 || span.len() != 16 {
            return None;
        }
        let trace_id = u128::from_str_radix(trace, 16).ok()?;
        let span_id = u64::from_str_radix(span, 16).ok()?;
        (trace_id != 0 && span_id != 0).then_some(TraceContext {
            trace_id,
            span_id,
            sampled: flags & 1 == 1,
        })
    }
}

/// Why bytes are not a record that this code can read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// Written by another version.
    #[error("the record has wire version {found}, this program reads version {WIRE_VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// Not a record at all.
    #[error("the record is not readable")]
    Malformed(#[source] serde_json::Error),
}

/// One record of the activity topic: an activity, where its fields came from, and what was sent.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ActivityRecord {
    /// Version of this format: 1.
    pub v: u32,
    /// Whose it is.
    pub connection_id: ConnectionId,
    /// The service's id in the catalogue.
    pub service: String,
    /// How it reached us.
    pub arrival: Arrival,
    /// When it reached us.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub received_at: DateTime<Utc>,
    /// Whether Tidegate itself caused it: recorded, but no policy looks at it.
    #[serde(default)]
    pub own: bool,
    /// How sure it is; absent means signed.
    #[serde(
        default = "Assurance::signed",
        skip_serializing_if = "Assurance::is_signed"
    )]
    pub assurance: Assurance,
    /// W3C `traceparent` of its journey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The 24 fields.
    pub activity: Activity,
    /// Where each came from.
    pub provenance: Provenance,
    /// What the service sent, byte for byte.
    #[schemars(with = "serde_json::Value")]
    pub raw: Box<RawValue>,
}

impl ActivityRecord {
    /// Records of one key stay in order: see [`RecordHead::key`].
    pub fn key(&self) -> String {
        self.head().key(&self.activity)
    }

    /// The record's bytes.
    pub fn encode(&self) -> Bytes {
        self.head().encode(&self.body())
    }

    /// What differs from other records of its call.
    pub fn body(&self) -> RecordBody<'_> {
        RecordBody {
            own: self.own,
            assurance: self.assurance,
            traceparent: self.traceparent.as_deref(),
            activity: &self.activity,
            provenance: &self.provenance,
            raw: self.raw.get(),
        }
    }

    /// What it has alike with other records of its call.
    pub fn head(&self) -> RecordHead {
        let ActivityRecord {
            connection_id,
            service,
            arrival,
            received_at,
            ..
        } = self;
        RecordHead::new(*connection_id, service, *arrival, *received_at)
    }

    /// Reads a record's bytes.
    ///
    /// # Errors
    /// When they are of another version, or no record.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let found = |bytes: &[u8]| {
            #[derive(Deserialize)]
            struct Version {
                v: u32,
            }
            serde_json::from_slice::<Version>(bytes)
                .ok()
                .map(|version| version.v)
        };
        match serde_json::from_slice::<ActivityRecord>(bytes) {
            Ok(record) if record.v == WIRE_VERSION => Ok(record),
            Ok(record) => Err(RecordError::Version { found: record.v }),
            Err(error) => match found(bytes) {
                Some(v) if v != WIRE_VERSION => Err(RecordError::Version { found: v }),
                _ => Err(RecordError::Malformed(error)),
            },
        }
    }
}

word_enum! {
    /// Why something was set aside in the dead-letter topic.
    DeadLetterReason {
        /// The body is not JSON.
        NotJson "not_json",
        /// Nested deeper than is taken.
        TooDeep "too_deep",
        /// JSON, but the manifest finds no event in it.
        NotMappable "not_mappable",
        /// A record of the log that cannot be read.
        Unreadable "unreadable",
    }
}

/// What could not be mapped: kept with its bytes, so that it can be replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    /// Version of this format: 1.
    pub v: u32,
    /// Whose it is.
    pub connection_id: ConnectionId,
    /// How it reached us.
    pub arrival: Arrival,
    /// When it reached us.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub received_at: DateTime<Utc>,
    /// Why it was set aside.
    pub reason: DeadLetterReason,
    /// In a sentence.
    pub detail: String,
    /// Whether the bytes are a whole delivery, in which no event could be found, and not one event.
    #[serde(default)]
    pub whole: bool,
    /// The bytes as they came, in base64.
    pub body_base64: String,
}

/// The `ce_type` of a dead letter.
pub const DEAD_LETTER: &str = "tidegate.dead-letter.v1";
/// The `ce_type` of a mark that a dead letter was replayed.
pub const DEAD_LETTER_REPLAYED: &str = "tidegate.dead-letter.replayed.v1";

/// A mark in the dead-letter topic: what a letter became is durable in the activity topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetterReplayed {
    /// Version of this format: 1.
    pub v: u32,
    /// The letter's partition.
    pub partition: u32,
    /// Its offset in the partition.
    pub offset: u64,
    /// When it was replayed.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub replayed_at: DateTime<Utc>,
    /// How many activities it became.
    pub activities: u64,
}

#[cfg(test)]
mod tests;
