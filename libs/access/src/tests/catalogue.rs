//! The records of a store, put together, carried in and out.

use event_model::{
    AccessGroupId, AccessGroupRecord, AccessPolicyId, AccessPolicyRecord, AccessRecords,
};

use super::*;

fn records(policies: &[(&str, &str, Permission)], linked: &[usize]) -> AccessRecords {
    let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let id = |place: usize| AccessPolicyId::new(at, place as u128);
    let policy = |(place, (name, entity, access)): (usize, &(&str, &str, Permission))| {
        let part = |kind: &str| {
            let mut parts = entity.split(" & ");
            let found = parts.find_map(|part| part.strip_prefix(kind)?.strip_prefix(' '));
            found.map(str::to_owned)
        };
        AccessPolicyRecord {
            id: id(place),
            name: (*name).into(),
            user: part("user"),
            group: part("group"),
            process: part("process"),
            access: *access,
            version: 3,
            changed_by: "ada".into(),
            changed_at: at,
        }
    };
    let group = AccessGroupRecord {
        id: AccessGroupId::new(at, 1),
        name: "vault".into(),
        os_type: OsType::Linux,
        encrypt_data: false,
        default_access: Permission::Read,
        policies: linked.iter().map(|place| id(*place)).collect(),
        version: 3,
        changed_by: "ada".into(),
        changed_at: at,
    };
    AccessRecords {
        revision: 9,
        policies: policies.iter().enumerate().map(policy).collect(),
        groups: vec![group],
    }
}

#[test]
fn what_does_not_fit_together_is_told_and_never_a_catalogue() {
    use Permission::{Read, ReadCipher};
    type Policies = &'static [(&'static str, &'static str, Permission)];
    // policies, which of them are linked => the mistake, or none
    let rows: [(Policies, &[usize], &str); 9] = [
        (&[("a", "user ada", Read)], &[0], ""),
        (&[("a", "user ada", ReadCipher)], &[], ""),
        (
            &[("a", "user ada", ReadCipher)],
            &[0],
            "vault: `ReadCipher` is about ciphertext",
        ),
        (&[("a", r"process C:\x.exe", Read)], &[0], "is not of Linux"),
        (&[("a", "user ada", Read)], &[0, 0], "is linked already"),
        (&[("a", "user ada", Read)], &[1], "there is no policy `acp_"),
        (&[("a", "nobody", Read)], &[], "a: a policy names a user"),
        (
            &[("a", "user x/y & process z", Read)],
            &[],
            "a: `x/y` is not the name of a user",
        ),
        (
            &[("a", "user ada", Read), ("a", "user eve", Read)],
            &[],
            "a: is the name of two policies",
        ),
    ];
    for (policies, linked, expected) in rows {
        match Catalogue::of(&records(policies, linked)) {
            Ok(catalogue) => {
                assert_eq!(expected, "", "{policies:?}");
                assert_eq!(
                    catalogue.named("vault").unwrap().linked().len(),
                    linked.len()
                );
                assert!(catalogue.id_of("a").is_some() && catalogue.id_of("b").is_none());
            }
            Err(error) => {
                let said: Vec<String> = error.0.iter().map(ToString::to_string).collect();
                let said = said.join("; ");
                assert!(!expected.is_empty() && said.contains(expected), "{said}");
            }
        }
    }
}

#[test]
fn what_is_exported_and_imported_again_changes_nothing_and_what_is_left_out_goes() {
    let before = records(
        &[
            ("a", r"user DOMAIN\ada & process /p", Permission::Read),
            ("b", "group soc", Permission::Write),
            ("unlinked", "process /q", Permission::ReadCipher),
        ],
        &[1, 0],
    );
    let read = |value: &serde_json::Value| {
        AccessDocument::read(&value.to_string(), |bytes| bytes.fill(0)).unwrap()
    };
    let mut made = || {
        let fresh = records(&[("x", "user x", Permission::Read)], &[]);
        let mut policy = fresh.policies[0].clone();
        policy.id = AccessPolicyId::new(policy.changed_at, 99);
        policy.changed_by = "eve".into();
        (policy, fresh.groups[0].clone())
    };
    let mut document = exported(&before);
    let same = imported(&read(&document), &before, &mut made).unwrap();
    assert_eq!(same, event_model::AccessChange::default());

    document["policies"][1]["access"] = "Read".into();
    document["policies"].as_array_mut().unwrap().remove(2);
    document["groups"][0]["policies"] = serde_json::json!(["a", "b", {"name": "c", "user": "c"}]);
    let change = imported(&read(&document), &before, &mut made).unwrap();
    let after = before.with(&change);
    let names: Vec<(&str, u64)> = after
        .policies
        .iter()
        .map(|one| (one.name.as_str(), one.version))
        .collect();
    assert_eq!(names, [("a", 3), ("b", 4), ("c", 1)]);
    assert_eq!(after.policies[1].changed_by, "eve");
    assert_eq!(after.groups[0].version, 4);
    let catalogue = Catalogue::of(&after).unwrap();
    let group = catalogue.group(before.groups[0].id).unwrap();
    let linked: Vec<&str> = group.linked().map(AccessPolicy::name).collect();
    assert_eq!(linked, ["a", "b", "c"]);

    document["groups"][0]["policies"] = serde_json::json!(["a", {"name": "a", "user": "other"}]);
    document["groups"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!(
            {"name": "h", "os_type": "Linux", "policies": [{"name": "a", "user": "other"}]}
        ));
    document["groups"][0]["policies"] = serde_json::json!(["a"]);
    let refused = imported(&read(&document), &before, &mut made);
    assert_eq!(refused, Err(ImportError::TwoOfAName("a".into())));
}
