//! The 24 fields of an activity, each with where it came from.

use event_model::{Activity, Field, FieldSource, Provenance};

/// A field as a page shows it.
pub(super) struct FieldRow {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) value: Option<String>,
    pub(super) source: &'static str,
    pub(super) reason: String,
}

/// Every field, in its order.
pub(super) fn rows(activity: &Activity, provenance: &Provenance) -> Vec<FieldRow> {
    let all = Field::ALL.into_iter();
    all.map(|field| row(activity, provenance, field)).collect()
}

fn row(activity: &Activity, provenance: &Provenance, field: Field) -> FieldRow {
    let (source, reason) = match provenance.of(field) {
        FieldSource::Native => ("native", String::new()),
        FieldSource::Derived => ("derived", String::new()),
        FieldSource::Config => ("config", String::new()),
        FieldSource::Enriched => ("enriched", String::new()),
        FieldSource::Absent(reason) => ("absent", reason.to_string()),
    };
    FieldRow {
        name: field.name(),
        about: field.describe(),
        value: activity.text(field).map(|value| value.into_owned()),
        source,
        reason,
    }
}
