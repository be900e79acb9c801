//! How far what is handed on to others has come.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::word_enum;
use crate::instant;

word_enum! {
    /// What a sink hands on. Each has a place of its own.
    SinkStream {
        /// Every version of every incident.
        Incidents "incidents",
        /// Every activity.
        Activities "activities",
        /// What remedies came to.
        Remedies "remedies",
        /// Incidents that come together in one message from time to time.
        Digest "digest",
    }
}

word_enum! {
    /// What a stream of a sink does.
    SinkState {
        /// Everything that there is was taken.
        Idle "idle",
        /// The receiver takes what there is.
        Delivering "delivering",
        /// Events wait for the next digest, which goes out at `retry_at` at the latest.
        Gathering "gathering",
        /// The receiver could not be had, and is tried again at `retry_at`.
        PutOff "put_off",
        /// What is to be handed on cannot be read.
        Unreadable "unreadable",
    }
}

/// How far one stream of a sink has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SinkStanding {
    /// The sink's name.
    pub sink: String,
    /// What it hands on.
    pub stream: SinkStream,
    /// What it does.
    pub state: SinkState,
    /// Its durable place: of each partition of the topic the last offset that is done with.
    pub cursor: BTreeMap<u32, u64>,
    /// How many records of its topic it has not done with.
    pub lag: u64,
    /// When the receiver last took something.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub last_delivery_at: Option<DateTime<Utc>>,
    /// The id of the last event that it took.
    #[serde(default)]
    pub last_delivered: Option<String>,
    /// What went wrong last, in a sentence.
    #[serde(default)]
    pub last_error: Option<String>,
    /// When that was.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub last_error_at: Option<DateTime<Utc>>,
    /// When it goes on, while it is put off or gathers.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub retry_at: Option<DateTime<Utc>>,
    /// When this was noted.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub noted_at: DateTime<Utc>,
}

impl SinkStanding {
    /// A stream that has done nothing yet.
    pub fn begun(sink: &str, stream: SinkStream, now: DateTime<Utc>) -> Self {
        SinkStanding {
            sink: sink.to_owned(),
            stream,
            state: SinkState::Idle,
            cursor: BTreeMap::new(),
            lag: 0,
            last_delivery_at: None,
            last_delivered: None,
            last_error: None,
            last_error_at: None,
            retry_at: None,
            noted_at: now,
        }
    }
}

/// A sink, and how far each of its streams has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SinkItem {
    /// What it is called.
    pub name: String,
    /// Where it leads: `file`, `webhook`, `syslog` and so on.
    pub kind: String,
    /// Only what is at least as grave.
    pub least_severity: String,
    /// Only the first version of each incident.
    pub only_new: bool,
    /// What it hands on.
    pub streams: Vec<SinkStream>,
    /// How far each stream has come; one that has not begun is left out.
    pub standings: Vec<SinkStanding>,
}

/// What came of a test message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SinkTrial {
    /// Which sink.
    pub name: String,
    /// The id of the message, as the receiver sees it.
    pub id: String,
    /// Whether the receiver took it.
    pub taken: bool,
    /// Why not, in a sentence.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// When it was sent.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub at: DateTime<Utc>,
}
