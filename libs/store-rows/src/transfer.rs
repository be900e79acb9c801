//! Every table that is moved from one store into another, and what its columns hold. Rows are moved as
//! they are, sealed secrets included: each is bound to its row, not to its store.

/// What a column holds, and so how a store writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A number.
    Number,
    /// Yes or no; as a number 1 or 0.
    Flag,
    /// A word of ours, an id or a document: no store changes it.
    Own,
    /// A text that is shown or searched.
    Text,
    /// A text that is compared and stands in an index.
    Key,
    /// Bytes.
    Bytes,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// There is none.
    Absent,
    /// A number, or yes or no.
    Number(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A table and its columns.
#[derive(Debug)]
pub struct Table {
    /// Its name, the same in every store.
    pub name: &'static str,
    /// Its columns, in the order in which rows have them.
    pub columns: &'static [(&'static str, Content)],
}

impl Table {
    /// The names of the columns, with commas between.
    pub fn column_names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.0).collect();
        names.join(", ")
    }
}

/// Some rows of a table, in the order in which they were written.
#[derive(Debug, Default)]
pub struct Rows {
    /// The rows.
    pub rows: Vec<Vec<Value>>,
    /// Where in the source the last of them stands; the next rows come after it.
    pub through: i64,
}

use Content::{Bytes, Flag, Key, Number, Own, Text};

/// Where activities stand.
pub const ACTIVITIES: &str = "activities";

/// Every table, each after those that it refers to.
pub const TABLES: &[Table] = &[
    table(
        "accounts",
        &[
            ("id", Own),
            ("name_key", Own),
            ("subject_key", Own),
            ("created_at", Number),
            ("revision", Number),
            ("document", Own),
        ],
    ),
    table(
        "credentials",
        &[("account_id", Own), ("version", Number), ("sealed", Bytes)],
    ),
    table(
        "account_links",
        &[("hash", Own), ("account_id", Own), ("expires_at", Number)],
    ),
    table(
        "sessions",
        &[
            ("hash", Own),
            ("id", Own),
            ("owner", Own),
            ("seen_at", Number),
            ("ends_at", Number),
            ("document", Own),
        ],
    ),
    table(
        "api_tokens",
        &[
            ("hash", Own),
            ("id", Own),
            ("account_id", Own),
            ("created_at", Number),
            ("used_at", Number),
            ("revoked_at", Number),
            ("document", Own),
        ],
    ),
    table(
        "connections",
        &[
            ("id", Own),
            ("name", Key),
            ("service", Key),
            ("state", Own),
            ("created_at", Number),
            ("revision", Number),
            ("document", Own),
        ],
    ),
    table(
        "grants",
        &[
            ("connection_id", Own),
            ("version", Number),
            ("sealed", Bytes),
        ],
    ),
    table(
        "client_secrets",
        &[("connection_id", Own), ("sealed", Bytes)],
    ),
    table(
        "webhook_secrets",
        &[("connection_id", Own), ("sealed", Bytes)],
    ),
    table(
        "consents",
        &[
            ("state_hash", Own),
            ("expires_at", Number),
            ("sealed", Bytes),
        ],
    ),
    table(
        "checkpoints",
        &[("connection_id", Own), ("stream", Key), ("position", Own)],
    ),
    table(
        "feed_gaps",
        &[
            ("connection_id", Own),
            ("stream", Key),
            ("noted_at", Number),
            ("document", Own),
        ],
    ),
    table(
        "feed_standings",
        &[
            ("connection_id", Own),
            ("stream", Key),
            ("read_until", Number),
        ],
    ),
    table("feed_pauses", &[("connection_id", Own), ("until", Number)]),
    table(
        "leases",
        &[
            ("resource", Key),
            ("holder", Own),
            ("epoch", Number),
            ("until", Number),
        ],
    ),
    table(
        "policies",
        &[
            ("id", Own),
            ("version", Number),
            ("name", Key),
            ("enabled", Flag),
            ("document", Own),
        ],
    ),
    table(
        ACTIVITIES,
        &[
            ("sequence", Number),
            ("connection_id", Own),
            ("event_id", Key),
            ("service", Key),
            ("arrival", Own),
            ("received_at", Number),
            ("appended_at", Number),
            ("evaluated_at", Number),
            ("traceparent", Key),
            ("own", Flag),
            ("event_type", Own),
            ("actor_email", Key),
            ("object_id", Key),
            ("search", Text),
            ("activity", Own),
            ("provenance", Own),
            ("blind_spots", Own),
            ("raw", Own),
        ],
    ),
    table(
        "awaited",
        &[
            ("event_id", Key),
            ("connection_id", Own),
            ("due_at", Number),
            ("attempts", Number),
            ("reason", Text),
            ("appended_at", Number),
            ("record", Bytes),
        ],
    ),
    table(
        "incidents",
        &[
            ("id", Own),
            ("number", Own),
            ("status", Own),
            ("severity", Own),
            ("policy_id", Own),
            ("connection_id", Own),
            ("event_id", Key),
            ("actor_email", Key),
            ("object_id", Key),
            ("search", Text),
            ("created_at", Number),
            ("revision", Number),
            ("effect_at", Number),
            ("received_to_effect_ms", Number),
            ("document", Own),
            ("owner", Key),
            ("verdict", Own),
            ("likeness", Own),
            ("repeat_of", Own),
            ("event_at", Number),
            ("taken_at", Number),
            ("qualified_at", Number),
            ("closed_at", Number),
            ("found", Own),
        ],
    ),
    table(
        "exceptions",
        &[
            ("id", Own),
            ("policy_id", Own),
            ("created_at", Number),
            ("until", Number),
            ("document", Own),
        ],
    ),
    table(
        "views",
        &[
            ("id", Own),
            ("owner", Key),
            ("name", Key),
            ("shared", Flag),
            ("created_at", Number),
            ("document", Own),
        ],
    ),
    table(
        "incident_changes",
        &[("sequence", Number), ("incident_id", Own)],
    ),
    table(
        "kept_answers",
        &[
            ("owner", Key),
            ("key", Key),
            ("request", Own),
            ("until", Number),
            ("sealed", Bytes),
        ],
    ),
    table("outbox", &[("sequence", Number), ("document", Own)]),
    table(
        "sink_standings",
        &[("sink", Own), ("stream", Own), ("document", Own)],
    ),
    table(
        "remedies",
        &[
            ("id", Own),
            ("incident_id", Own),
            ("connection_id", Own),
            ("object_id", Key),
            ("kind", Own),
            ("acts_in_service", Flag),
            ("ordinal", Number),
            ("of_id", Own),
            ("state", Own),
            ("open", Flag),
            ("next_attempt_at", Number),
            ("created_at", Number),
            ("holder", Own),
            ("epoch", Number),
            ("lease_until", Number),
            ("document", Own),
        ],
    ),
    table(
        "breaker_counts",
        &[
            ("remedy_id", Own),
            ("policy_id", Own),
            ("connection_id", Own),
            ("at", Number),
            ("goes_on", Number),
        ],
    ),
    table(
        "quarantine_items",
        &[
            ("id", Own),
            ("connection_id", Own),
            ("incident_id", Own),
            ("remedy_id", Own),
            ("state", Own),
            ("held_at", Number),
            ("document", Own),
        ],
    ),
    table(
        "vault_items",
        &[
            ("id", Own),
            ("state", Own),
            ("received_at", Number),
            ("revision", Number),
            ("document", Own),
        ],
    ),
    table(
        "access_policies",
        &[
            ("id", Own),
            ("name", Own),
            ("version", Number),
            ("document", Own),
        ],
    ),
    table(
        "access_groups",
        &[
            ("id", Own),
            ("name", Own),
            ("version", Number),
            ("document", Own),
        ],
    ),
    table(
        "audit",
        &[
            ("sequence", Number),
            ("id", Own),
            ("at", Number),
            ("actor", Text),
            ("action", Text),
            ("subject", Text),
            ("detail", Text),
            ("hash", Own),
        ],
    ),
    table(
        "detectors",
        &[
            ("name", Own),
            ("revision", Number),
            ("entry", Own),
            ("sealed", Bytes),
        ],
    ),
    table(
        "jobs",
        &[
            ("id", Own),
            ("kind", Own),
            ("subject", Key),
            ("state", Own),
            ("due_at", Number),
            ("created_at", Number),
            ("revision", Number),
            ("document", Own),
        ],
    ),
];

const fn table(name: &'static str, columns: &'static [(&'static str, Content)]) -> Table {
    Table { name, columns }
}
