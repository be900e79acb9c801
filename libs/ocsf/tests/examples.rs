//! One activity of each class and remedies as they end: each stands in `docs/ocsf`, where
//! `scripts/ocsf-check` holds it against the schema.

use std::fs;
use std::path::Path;

use event_model::{
    Activity, ActivityRecord, EventType, Incident, Particulars, PartyType, Remedy, RemedyId,
    RemedyKind, RemedyState, Restoration, Visibility,
};
use ports::contract::samples::{at, incident, record};
use serde_json::Value;

fn told_of(
    event_type: EventType,
    name: &str,
    change: impl FnOnce(&mut Activity),
) -> ActivityRecord {
    let mut record = record("e-1", "f_1", 3);
    let activity = &mut record.activity;
    activity.event_type = event_type;
    activity.event_name = Some(name.into());
    activity.event_timestamp = Some(at(1));
    activity.log_timestamp = Some(at(2));
    activity.tenant_id = Some("acme".into());
    activity.actor_id = Some("u_1".into());
    activity.actor_name = Some("Ada Lovelace".into());
    activity.actor_type = Some(PartyType::Internal);
    activity.actor_ip_address = Some("203.0.113.7".into());
    change(activity);
    record
}

fn to_eve(activity: &mut Activity) {
    activity.target_user_email = Some("eve@elsewhere.example".into());
    activity.target_user_type = Some(PartyType::External);
    activity.role = Some("editor".into());
}

fn activities() -> Vec<(&'static str, ActivityRecord)> {
    use EventType::{Administration, Authentication, DataAccess, DataCreation, Sharing};
    let file = |activity: &mut Activity| {
        activity.object_type = Some("file".into());
        activity.object_path = Some("/finance/f_1.pdf".into());
    };
    let nobody = |activity: &mut Activity| {
        *activity = Activity::bare(activity.event_id.clone(), EventType::Other);
    };
    let shared = |activity: &mut Activity| {
        file(activity);
        to_eve(activity);
        activity.visibility = Some(Visibility::Public);
        activity.shared_link = Some("https://cloud.example/s/secret".into());
    };
    let message = |activity: &mut Activity| activity.object_type = Some("message".into());
    let somebody = |activity: &mut Activity| {
        to_eve(activity);
        activity.role = None;
    };
    vec![
        (
            "activity-download",
            told_of(DataAccess, "file.downloaded", file),
        ),
        ("activity-shared", told_of(Sharing, "file.shared", shared)),
        (
            "activity-message",
            told_of(DataCreation, "message_posted", message),
        ),
        (
            "activity-login-failed",
            told_of(Authentication, "login_failed", |_| {}),
        ),
        (
            "activity-user-created",
            told_of(Administration, "user.created", somebody),
        ),
        (
            "activity-role-granted",
            told_of(Administration, "role.granted", to_eve),
        ),
        (
            "activity-bare",
            told_of(EventType::Other, "something", nobody),
        ),
    ]
}

fn of_file() -> Incident {
    let shared = told_of(EventType::Sharing, "file.shared", |activity| {
        activity.object_type = Some("file".into());
        to_eve(activity);
    });
    let mut one = incident(1, &shared);
    one.number = "SHR-1".into();
    one
}

fn remedy(kind: RemedyKind, state: RemedyState) -> Remedy {
    let of = of_file();
    Remedy {
        id: RemedyId::new(at(2_000), 1),
        incident_id: of.id,
        connection_id: of.connection_id,
        kind,
        ordinal: 0,
        to: Vec::new(),
        particulars: Particulars::default(),
        of: None,
        state,
        requested_by: Some("ada".into()),
        approvals_needed: 0,
        approvals: Vec::new(),
        limit: None,
        because: None,
        snapshot: None,
        vaulted: None,
        restoration: None,
        attempts: 1,
        last_error: None,
        next_attempt_at: at(2_000),
        created_at: at(2_000),
        updated_at: at(2_003),
        done_at: (state == RemedyState::Done).then(|| at(2_003)),
    }
}

fn remedies() -> Vec<(&'static str, Remedy)> {
    use RemedyKind::{Quarantine, RemoveLink, Restore, SuspendUser};
    let mut partial = remedy(Restore, RemedyState::Done);
    partial.restoration = Some(Restoration {
        restored: vec!["path".into()],
        not_restored: vec!["the share of eve@elsewhere.example: the user is gone".into()],
    });
    let mut failed = remedy(RemoveLink, RemedyState::GivenUp);
    failed.attempts = 8;
    failed.last_error = Some("the service answered 500".into());
    vec![
        ("remedy-quarantined", remedy(Quarantine, RemedyState::Done)),
        ("remedy-restored-in-part", partial),
        ("remedy-given-up", failed),
        (
            "remedy-user-suspended",
            remedy(SuspendUser, RemedyState::Done),
        ),
    ]
}

fn context() -> ocsf::Context<'static> {
    ocsf::Context {
        service: Some("toy-cloud"),
        involves_content: false,
        product_version: "0.0.0",
    }
}

#[test]
fn each_case_is_told_as_its_example_in_the_documentation() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ocsf");
    let told = activities().into_iter();
    let told = told.map(|(name, record)| (name, ocsf::activity(&record, "0.0.0")));
    let ended = remedies().into_iter().map(|(name, remedy)| {
        let said = ocsf::remedy(&remedy, &of_file(), context());
        (name, said.expect("it has ended"))
    });
    for (name, event) in told.chain(ended) {
        let said = serde_json::to_string_pretty(&event).unwrap() + "\n";
        let path = folder.join(format!("{name}.json"));
        if std::env::var_os("TIDEGATE_GENERATE").is_some() {
            fs::write(&path, &said).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(said, expected, "{name}: run `make generated`");
        assert!(!said.contains("/s/secret"), "{name} tells a shared link");
    }
}

#[test]
fn the_same_activity_has_the_same_id_and_another_connections_has_another() {
    let one = told_of(EventType::Sharing, "x", |_| {});
    let mut other = one.clone();
    other.connection_id = ports::contract::samples::connection_id(2);
    assert_eq!(ocsf::activity_uid(&one), ocsf::activity_uid(&one.clone()));
    assert_ne!(ocsf::activity_uid(&one), ocsf::activity_uid(&other));
    let event = ocsf::activity(&one, "0.0.0");
    assert_eq!(event["metadata"]["uid"], ocsf::activity_uid(&one).as_str());
}

/// Class, activity and status.
type Numbers = (u64, u64, u64);

/// kind | state | what is told of it; nothing where it is not told
const ENDS: &[(RemedyKind, RemedyState, Option<Numbers>)] = &[
    (
        RemedyKind::Quarantine,
        RemedyState::Done,
        Some((7002, 1, 1)),
    ),
    (
        RemedyKind::QuarantineToVault,
        RemedyState::Done,
        Some((7002, 1, 1)),
    ),
    (RemedyKind::Delete, RemedyState::Done, Some((7002, 2, 1))),
    (RemedyKind::Purge, RemedyState::GivenUp, Some((7002, 2, 2))),
    (RemedyKind::Restore, RemedyState::Done, Some((7002, 3, 1))),
    (
        RemedyKind::RemoveLink,
        RemedyState::Superseded,
        Some((7002, 4, 99)),
    ),
    (
        RemedyKind::DowngradeRole,
        RemedyState::Cancelled,
        Some((7002, 4, 99)),
    ),
    (
        RemedyKind::ApplyLabel,
        RemedyState::Done,
        Some((7002, 99, 1)),
    ),
    (
        RemedyKind::SuspendUser,
        RemedyState::Done,
        Some((7001, 1, 1)),
    ),
    (
        RemedyKind::EndSessions,
        RemedyState::Done,
        Some((7001, 2, 1)),
    ),
    (RemedyKind::Notify, RemedyState::Done, None),
    (RemedyKind::Quarantine, RemedyState::Failed, None),
    (RemedyKind::Quarantine, RemedyState::Held, None),
    (RemedyKind::Quarantine, RemedyState::NeedsApproval, None),
];

#[test]
fn a_remedy_is_told_when_it_has_ended_by_what_it_did_and_to_what() {
    for (kind, state, expected) in ENDS {
        let said = ocsf::remedy(&remedy(*kind, *state), &of_file(), context());
        let number = |event: &Value, name: &str| event[name].as_u64().unwrap();
        let said = said.map(|event| {
            let of = |name| number(&event, name);
            (of("class_uid"), of("activity_id"), of("status_id"))
        });
        assert_eq!(said, *expected, "{kind} {state}");
    }
    let mut message = of_file();
    message.activity.object_type = Some("message".into());
    let deleted = remedy(RemedyKind::Delete, RemedyState::Done);
    let said = ocsf::remedy(&deleted, &message, context()).unwrap();
    assert_eq!(said["class_uid"], 7001, "a message is no file");
}
