//! `_activity`: the 24 fields, as they stand on the wire.

use event_model::{EventType, Field, PartyType, Visibility};

use super::{EVERYWHERE, Entry, Example, Reads, Type, the_field};

const EVENT_TYPES: [&str; EventType::ALL.len()] = {
    let mut words = [""; EventType::ALL.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = EventType::ALL[at].word();
        at += 1;
    }
    words
};
const PARTY_TYPES: [&str; 2] = [PartyType::Internal.word(), PartyType::External.word()];
const VISIBILITIES: [&str; 3] = [
    Visibility::Public.word(),
    Visibility::Organization.word(),
    Visibility::Restricted.word(),
];

pub(super) fn entries() -> Vec<Entry> {
    Field::ALL.iter().map(entry).collect()
}

fn entry(field: &'static Field) -> Entry {
    let (sample, same) = sample(*field);
    let name = field.name();
    Entry {
        object: "_activity",
        name,
        aliases: &[],
        parameters: &[],
        result: Type::String,
        actions: EVERYWHERE,
        effect: None,
        reads: Reads::Fields(std::slice::from_ref(field)),
        words: words(*field),
        ignores_case: matches!(
            field,
            Field::ActorEmail
                | Field::FromEmail
                | Field::TargetUserEmail
                | Field::ObjectPath
                | Field::ObjectName
        ),
        doc: field.describe(),
        example: Example {
            rule: format!("_activity.{name} == '{same}'").into(),
            given: format!("{name}={sample}").into(),
            truth: "true",
        },
        build: the_field,
    }
}

fn words(field: Field) -> &'static [&'static str] {
    match field {
        Field::EventType => &EVENT_TYPES,
        Field::ActorType | Field::TargetUserType => &PARTY_TYPES,
        Field::Visibility => &VISIBILITIES,
        _ => &[],
    }
}

/// A value that the field can have, and how a rule may write it.
fn sample(field: Field) -> (&'static str, &'static str) {
    let same = |word| (word, word);
    match field {
        Field::TenantId => same("acme"),
        Field::EventId => same("e-1"),
        Field::EventName => same("file.shared"),
        Field::EventTimestamp | Field::LogTimestamp => same("2026-03-01T09:30:00.000Z"),
        Field::EventType => same("sharing"),
        Field::ActorId => same("u-17"),
        Field::ActorName => same("Ann Lee"),
        Field::ActorEmail | Field::FromEmail => ("Ann@Example.com", "ann@example.com"),
        Field::ActorType => same("internal"),
        Field::ActorRole => same("admin"),
        Field::ActorIpAddress => same("203.0.113.7"),
        Field::ObjectId => same("f-4711"),
        Field::FileDownloadUrl => same("https://files.example.com/f-4711"),
        Field::ObjectType => same("file"),
        Field::ObjectName => ("Plan.docx", "plan.docx"),
        Field::ObjectPath => ("/Finance/Plan.docx", "/finance/plan.docx"),
        Field::TargetUserEmail => ("Bob@Partner.com", "bob@partner.com"),
        Field::TargetUserId => same("u-42"),
        Field::TargetUserType => same("external"),
        Field::Role => same("editor"),
        Field::SharedLink => same("https://files.example.com/s/x1"),
        Field::Visibility => same("public"),
    }
}
