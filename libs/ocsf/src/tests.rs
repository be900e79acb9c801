use std::fs;
use std::path::Path;

use event_model::{
    Activity, BlindSpot, CaseVerdict, EventType, Evidence, Incident, IncidentStatus, Mode,
    PartyType, Severity, TimelineEntry, TimelineKind, Visibility,
};
use ports::contract::samples;
use serde_json::Value;

use super::*;

/// Each case stands in `docs/ocsf`, where `scripts/ocsf-check` holds it against the schema.
fn cases() -> Vec<(&'static str, Incident, bool)> {
    vec![
        ("content-created", content(), true),
        ("content-closed", closed(), true),
        ("content-suppressed", suppressed(), true),
        ("content-blind", blind(), true),
        ("sharing-created", sharing(), false),
        ("sharing-updated", updated(), false),
        ("login-created", login(), false),
        ("bare", bare(), false),
    ]
}

fn incident(number: &str, event_type: EventType) -> Incident {
    let mut record = samples::record("e-1", "f_1", 3);
    record.activity.event_type = event_type;
    record.activity.event_timestamp = Some(samples::at(1));
    record.activity.log_timestamp = Some(samples::at(2));
    let mut incident = samples::incident(1, &record);
    incident.number = number.into();
    incident
}

fn content() -> Incident {
    let mut one = incident("DLP-1", EventType::DataCreation);
    one.policy.name = "No card numbers in the open".into();
    one.evidence = vec![Evidence {
        detector: "card_number".into(),
        confidence: "high".into(),
        masked: "************1111".into(),
        place: "page 2".into(),
        occurrences: 3,
        test_value: false,
    }];
    one.activity = Activity {
        tenant_id: Some("acme".into()),
        event_name: Some("file.uploaded".into()),
        actor_id: Some("u_1".into()),
        actor_name: Some("Ada Lovelace".into()),
        actor_type: Some(PartyType::Internal),
        actor_ip_address: Some("203.0.113.7".into()),
        object_type: Some("file".into()),
        object_path: Some("/finance/f_1.pdf".into()),
        shared_link: Some("https://cloud.example/s/secret".into()),
        visibility: Some(Visibility::Public),
        ..one.activity
    };
    one
}

fn changed(mut one: Incident, status: IncidentStatus, said: &str) -> Incident {
    one.status = status;
    one.revision += 1;
    one.updated_at = samples::at(9_000);
    one.timeline.push(TimelineEntry {
        at: one.updated_at,
        kind: TimelineKind::Person,
        text: said.into(),
    });
    one
}

fn closed() -> Incident {
    let said =
        "ada set the status to resolved, came to the verdict true_positive: the file is gone";
    let mut one = changed(content(), IncidentStatus::Resolved, said);
    one.case.verdict = Some(CaseVerdict::TruePositive);
    one.case.reason = Some("the file is gone".into());
    one.case.owner = Some("ada".into());
    one.case.tags = ["cards".to_owned()].into();
    one
}

fn suppressed() -> Incident {
    let said = "ada set the status to false_positive: test data";
    let mut one = changed(content(), IncidentStatus::FalsePositive, said);
    one.case.verdict = Some(CaseVerdict::FalsePositive);
    one.case.reason = Some("test data".into());
    one
}

fn blind() -> Incident {
    let mut one = incident("DLP-2", EventType::DataUpdate);
    one.mode = Mode::Permissive;
    one.blind_spots = vec![BlindSpot {
        reason: "encrypted".into(),
        detail: "the archive needs a password".into(),
    }];
    one
}

fn sharing() -> Incident {
    let mut one = incident("SHR-1", EventType::Sharing);
    one.severity = Severity::Critical;
    one.activity.target_user_email = Some("eve@elsewhere.example".into());
    one.activity.target_user_type = Some(PartyType::External);
    one.activity.role = Some("editor".into());
    one.activity.actor_ip_address = Some("2001:db8::7".into());
    one
}

fn updated() -> Incident {
    let said = "ada set the status to reopened";
    let mut one = changed(sharing(), IncidentStatus::Reopened, said);
    one.came_again(samples::at(8_000));
    let mut before = one.clone();
    before.number = "SHR-0".into();
    one.case.follows = Some(before.link());
    one
}

/// The object is no file, and the address none.
fn login() -> Incident {
    let mut one = incident("ACT-1", EventType::Authentication);
    one.severity = Severity::Info;
    one.activity.object_type = Some("session".into());
    one.activity.actor_ip_address = Some("unknown".into());
    one
}

/// Nothing is known but that it happened.
fn bare() -> Incident {
    let mut one = incident("ACT-2", EventType::Other);
    one.activity = Activity::bare(one.activity.event_id.clone(), EventType::Other);
    one.traceparent = None;
    one
}

fn told(incident: &Incident, involves_content: bool) -> Value {
    finding(
        incident,
        Context {
            service: Some("toy-cloud"),
            involves_content,
            product_version: "0.0.0",
        },
    )
}

#[test]
fn each_case_is_told_as_its_example_in_the_documentation() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ocsf");
    for (name, incident, involves_content) in cases() {
        let said = serde_json::to_string_pretty(&told(&incident, involves_content)).unwrap() + "\n";
        let path = folder.join(format!("{name}.json"));
        if std::env::var_os("TIDEGATE_GENERATE").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &said).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(said, expected, "{name}: run `make generated`");
        assert!(!said.contains("/s/secret"), "{name} tells a shared link");
    }
}

#[test]
fn a_version_has_its_own_name_and_the_incident_keeps_its() {
    let (first, second) = (told(&content(), true), told(&closed(), true));
    let at = |event: &Value, path| event.pointer(path).cloned();
    assert_eq!(
        at(&first, "/finding_info/uid"),
        at(&second, "/finding_info/uid")
    );
    assert_ne!(at(&first, "/metadata/uid"), at(&second, "/metadata/uid"));
    assert_eq!(first, told(&content(), true), "told twice, it is the same");
}

#[test]
fn the_activity_follows_from_revision_status_and_class() {
    use IncidentStatus::*;
    // revision | status | content | activity_id
    for (revision, status, involves_content, expected) in [
        (1, New, true, 1),
        (2, New, true, 2),
        (2, InProgress, false, 2),
        (3, Resolved, true, 3),
        (3, Suppressed, true, 4),
        (3, FalsePositive, true, 4),
        (3, Suppressed, false, 3),
        (4, Reopened, false, 2),
    ] {
        let mut one = content();
        (one.revision, one.status) = (revision, status);
        let said = told(&one, involves_content);
        let class = if involves_content { 2006 } else { 2004 };
        assert_eq!(said["activity_id"], expected, "{revision} {status}");
        assert_eq!(said["type_uid"], class * 100 + expected);
    }
}

#[test]
fn what_is_too_long_is_cut_so_that_an_event_stays_small() {
    let mut one = content();
    let long = "é".repeat(8 * 1024);
    one.activity.object_name = Some("é".repeat(3 * 1024 * 1024));
    one.activity.object_path = one.activity.object_name.clone();
    one.evidence[0].place = long.clone();
    one.evidence = vec![one.evidence[0].clone(); 200];
    one.blind_spots = vec![
        BlindSpot {
            reason: long.clone(),
            detail: long
        };
        200
    ];
    let said = told(&one, true);
    assert_eq!(said["unmapped"]["evidence"].as_array().unwrap().len(), 100);
    let name = said["file"]["name"].as_str().unwrap();
    assert!(name.len() <= TEXT_BYTES_MAX && name.ends_with('é'));
    assert!(said.to_string().len() < 2 * 1024 * 1024);
}
