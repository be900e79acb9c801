use super::*;

fn bare() -> Incident {
    let json = include_str!("bare.json");
    serde_json::from_str(json).expect("an incident of before there were cases reads")
}

fn act() -> CaseAct {
    CaseAct {
        by: "ada".into(),
        at: DateTime::from_timestamp(1_700_000_100, 0).expect("a moment"),
    }
}

#[test]
fn an_incident_of_before_reads_and_a_refused_change_leaves_it_as_it_was() {
    let mut one = bare();
    assert_eq!(one.case, Case::default());
    let before = one.clone();
    let many = || (0..=TAGS_MAX).map(|n| format!("t{n}")).collect();
    let none = CaseChange::default;
    for (change, why) in [
        (none(), CaseRefusal::Nothing),
        (
            CaseChange {
                tags_added: many(),
                ..none()
            },
            CaseRefusal::TooMany {
                what: "tags",
                most: TAGS_MAX,
            },
        ),
        (
            CaseChange {
                owner: Some(Some("\u{7}".into())),
                ..none()
            },
            CaseRefusal::Text {
                field: "owner",
                most: OWNER_BYTES_MAX,
            },
        ),
        (
            CaseChange {
                status: Some(IncidentStatus::Suppressed),
                ..none()
            },
            CaseRefusal::NoVerdict,
        ),
    ] {
        assert_eq!(one.work(&change, &act()), Err(why), "{change:?}");
        assert_eq!(one, before, "{change:?}");
    }
}

#[test]
fn the_work_of_people_on_one_incident_is_bounded() {
    let mut one = bare();
    let say = CaseChange {
        comment: Some("x".into()),
        ..CaseChange::default()
    };
    for _ in 0..ACTS_MAX {
        one.work(&say, &act()).expect("there is room");
    }
    assert!(matches!(
        one.work(&say, &act()),
        Err(CaseRefusal::TooMany { .. })
    ));
}

#[test]
fn what_is_alike_has_the_same_policy_place_actor_and_object() {
    let one = bare();
    let of = |change: fn(&mut Incident)| {
        let mut other = one.clone();
        change(&mut other);
        other.likeness()
    };
    assert_eq!(one.likeness(), of(|one| one.severity = Severity::Low));
    let in_capitals =
        |one: &mut Incident| one.activity.actor_email = Some("ANN@example.com".into());
    assert_eq!(one.likeness(), of(in_capitals));
    assert_ne!(
        one.likeness(),
        of(|one| one.activity.object_id = Some("f2".into()))
    );
    assert_ne!(one.likeness(), of(|one| one.activity.actor_email = None));
    let nobody = |one: &mut Incident| {
        one.activity.actor_email = None;
        one.activity.actor_id = None;
        one.activity.object_id = None;
    };
    assert_eq!(of(nobody), None);
}
