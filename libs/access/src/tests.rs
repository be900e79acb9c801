//! Every statement about access policies as a row, every ordering, and what no policy ever does.

use std::sync::Arc;

use proptest::prelude::*;

use crate::*;

mod catalogue;
mod document;
mod names;
mod table;

/// `user a ReadWrite; group g & process /p Read`: the policies of a group, in the order added.
fn linked(text: &str, group: &mut AccessGroup) {
    for (index, line) in text.split(';').map(str::trim).enumerate() {
        if line.is_empty() {
            continue;
        }
        let (entity, access) = line.rsplit_once(' ').unwrap();
        let policy = AccessPolicy::new(format!("p{index}"), entity_of(entity), permission(access));
        group.link(Arc::new(policy.unwrap())).unwrap();
    }
}

fn entity_of(text: &str) -> Entity {
    let (mut user, mut group, mut process) = (None, None, None);
    for part in text.split(" & ") {
        let (kind, name) = part.split_once(' ').unwrap();
        match kind {
            "user" => user = Some(name.parse().unwrap()),
            "group" => group = Some(name.parse().unwrap()),
            "process" => process = Some(name.parse().unwrap()),
            other => panic!("{other}"),
        }
    }
    Entity::of(user, group, process).unwrap()
}

fn permission(word: &str) -> Permission {
    let known = Permission::ALL
        .into_iter()
        .find(|one| one.to_string() == word);
    known.unwrap_or_else(|| panic!("{word}"))
}

fn local(name: &str) -> Account {
    Account {
        name: name.into(),
        realm: Realm::Local {
            host: "qa-1".into(),
        },
    }
}

/// `a [g h] /p < /parent <- /link`: the user, the groups, the process and what started it; a link by `=`.
fn caller(text: &str) -> Caller {
    let (who, chain) = match text.find(['/', 'C']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let (user, groups) = who.split_once('[').unwrap_or((who, ""));
    let groups = groups.trim().trim_end_matches(']').split_whitespace();
    let process = |text: &str| match text.trim().split_once(" via ") {
        Some((path, link)) => Process {
            path: path.into(),
            link: Some(link.into()),
        },
        None => Process {
            path: text.trim().into(),
            link: None,
        },
    };
    Caller {
        user: local(user.trim()),
        groups: groups.map(local).collect(),
        processes: chain
            .split(" < ")
            .filter(|one| !one.is_empty())
            .map(process)
            .collect(),
        role: Allowed::EVERYTHING,
    }
}

fn entity() -> impl Strategy<Value = Entity> {
    let names = |names: &[&'static str]| prop::sample::select(names.to_vec());
    prop_oneof![
        names(&[
            "user a",
            "user b",
            "group g",
            "group h",
            "process /p",
            "process /q"
        ]),
        names(&[
            "user a & process /p",
            "user b & process /q",
            "group g & process /q"
        ]),
    ]
    .prop_map(entity_of)
}

fn view() -> impl Strategy<Value = View> {
    prop::sample::select(vec![View::Nothing, View::Ciphertext, View::Plaintext])
}

fn asking() -> impl Strategy<Value = Caller> {
    let who = prop::sample::select(vec![
        "a",
        "b [g]",
        "a [g h] /p",
        "c /q < /p",
        "b /x < /q",
        "a /p < /q",
    ]);
    (who, view(), view()).prop_map(|(who, read, write)| Caller {
        role: Allowed { read, write },
        ..caller(who)
    })
}

fn policies() -> impl Strategy<Value = Vec<(Entity, Permission)>> {
    let access = prop::sample::select(Permission::ALL.to_vec());
    prop::collection::vec((entity(), access), 0..8)
}

fn group_of(policies: &[(Entity, Permission)], default: Permission) -> AccessGroup {
    let mut group = AccessGroup::new("g", OsType::Linux, true, default).unwrap();
    for (index, (entity, access)) in policies.iter().enumerate() {
        let policy = AccessPolicy::new(format!("p{index}"), entity.clone(), *access);
        group.link(Arc::new(policy.unwrap())).unwrap();
    }
    group
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_policy_ever_gives_more_than_the_callers_role(
        policies in policies(),
        added in (entity(), prop::sample::select(Permission::ALL.to_vec())),
        default in prop::sample::select(Permission::ALL.to_vec()),
        caller in asking(),
    ) {
        let before = group_of(&policies, default);
        let after = group_of(&[policies, vec![added]].concat(), default);
        for group in [before, after] {
            let decision = group.decide(&caller);
            prop_assert!(decision.allowed.is_within(caller.role), "{:?}", decision.explain());
            prop_assert!(decision.allowed.is_within(Allowed::of(decision.granted)));
            for operation in Operation::ALL {
                let reads = matches!(operation, Operation::Read | Operation::Copy);
                if decision.permits(operation) && reads {
                    prop_assert_eq!(caller.role.read, View::Plaintext);
                }
            }
        }
    }

    /// The first by priority that is about the caller wins, whatever else is there; and a policy that is
    /// added behind another of its class changes nothing where that one was about the caller.
    #[test]
    fn what_wins_is_the_first_that_is_about_the_caller(
        policies in policies(),
        default in prop::sample::select(Permission::ALL.to_vec()),
        caller in asking(),
    ) {
        let group = group_of(&policies, default);
        let decision = group.decide(&caller);
        let alone = |policy: &AccessPolicy| {
            let one = group_of(&[(policy.entity().clone(), policy.access())], default);
            matches!(one.decide(&caller).winner, Winner::Policy(_))
        };
        let mut ranked: Vec<(usize, &AccessPolicy)> = group.linked().enumerate().collect();
        let rank = |entity: &Entity| match (entity.process(), entity.user().or(entity.group())) {
            (Some(_), Some(_)) => 0,
            (Some(_), None) => 1,
            _ => 2,
        };
        ranked.sort_by_key(|(added, policy)| (rank(policy.entity()), *added));
        let expected = ranked.into_iter().map(|(_, policy)| policy).find(|policy| alone(policy));
        match (decision.winner, expected) {
            (Winner::Policy(won), Some(expected)) => prop_assert_eq!(won, expected),
            (Winner::Default, None) => prop_assert_eq!(decision.granted, default),
            (won, expected) => prop_assert!(false, "{:?} instead of {:?}", won, expected),
        }
    }
}

/// Every order in which three things can be added.
const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

#[test]
fn priority_is_assigned_whatever_the_order_in_which_policies_are_added() {
    for account in ["user a", "group g"] {
        let both = format!("{account} & process /p");
        let entities = [both.as_str(), "process /p", account].map(entity_of);
        for order in ORDERS {
            let added: Vec<(Entity, Permission)> = order
                .iter()
                .map(|place| (entities[*place].clone(), Permission::Read))
                .collect();
            let group = group_of(&added, Permission::NoAccess);
            let listed: Vec<&Entity> = group.by_priority().iter().map(|one| one.entity()).collect();
            assert_eq!(
                listed,
                entities.iter().collect::<Vec<_>>(),
                "{account} {order:?}"
            );
            assert_eq!(group.linked().len(), 3);
        }
    }
    // Within a class it is the order in which they were added, and nothing else.
    for class in [
        ["user a", "group g", "user b"],
        ["process /p", "process /q", "process /r"],
        [
            "user a & process /p",
            "group g & process /p",
            "user a & process /q",
        ],
    ] {
        let entities = class.map(entity_of);
        for order in ORDERS {
            let added: Vec<Entity> = order.iter().map(|place| entities[*place].clone()).collect();
            let policies: Vec<_> = added
                .iter()
                .map(|one| (one.clone(), Permission::Read))
                .collect();
            let group = group_of(&policies, Permission::NoAccess);
            let listed: Vec<Entity> = group
                .by_priority()
                .iter()
                .map(|one| one.entity().clone())
                .collect();
            assert_eq!(listed, added, "{order:?}");
        }
    }
}

#[test]
fn a_decision_is_explained_in_words() {
    let mut group = AccessGroup::new("backups", OsType::Linux, true, Permission::NoAccess).unwrap();
    linked(
        "user b & process /p Read; process /opt/abc.h ReadWrite; user a Read",
        &mut group,
    );
    let mut asking = caller("a [g] /bin/cat < /opt/abc.h");
    asking.role = Allowed::of(Permission::Read);
    let lines = group.decide(&asking).explain();
    let expected = [
        "1. `p0`, user `b` and process `/p`: Read: no, the user is not `b`",
        "2. `p1`, process `/opt/abc.h`: ReadWrite: wins, the process was started by `/opt/abc.h`",
        "3. `p2`, user `a`: Read: loses to one that comes before it, the user is `a`",
        "the caller's role may read plaintext and write nothing: no policy gives more",
        "the caller may read plaintext and write nothing",
    ];
    assert_eq!(lines, expected);
    let asking = caller("c /bin/cat");
    let stranger = group.decide(&asking);
    assert_eq!(stranger.winner, Winner::Default);
    let last = stranger.explain();
    assert_eq!(
        last[3],
        "default: NoAccess: wins, no policy is about the caller"
    );
    assert_eq!(last[4], "the caller may read nothing and write nothing");
}

#[test]
fn policies_are_linked_and_unlinked_and_what_does_not_fit_is_refused() {
    let policy = |name: &str, entity: &str, access| {
        Arc::new(AccessPolicy::new(name, entity_of(entity), access).unwrap())
    };
    let mut plain = AccessGroup::new("plain", OsType::Linux, false, Permission::NoAccess).unwrap();
    assert_eq!(plain.group_type(), GroupType::AccessControlOnly);
    for access in Permission::ALL {
        let linked = plain.link(policy(&access.to_string(), "user a", access));
        assert_eq!(linked.is_err(), access.is_cipher(), "{access}");
        let group = AccessGroup::new("x", OsType::Windows, false, access);
        assert_eq!(group.is_err(), access.is_cipher(), "{access}");
        AccessGroup::new("x", OsType::Windows, true, access).unwrap();
    }
    let cipher = plain
        .link(policy("c", "user a", Permission::ReadCipher))
        .unwrap_err();
    assert_eq!(
        cipher.to_string(),
        "`ReadCipher` is about ciphertext, and the group `plain` does not encrypt data"
    );
    let mut group = AccessGroup::new("g", OsType::Linux, true, Permission::NoAccess).unwrap();
    assert_eq!(group.group_type(), GroupType::AccessControlAndEncryption);
    group
        .link(policy("one", "user a", Permission::Read))
        .unwrap();
    group
        .link(policy("two", "user a", Permission::ReadWrite))
        .unwrap();
    let twice = group
        .link(policy("one", "user b", Permission::Read))
        .unwrap_err();
    assert_eq!(twice, LinkError::Twice("one".into()));
    let windows = group
        .link(policy("w", r"process C:\x.exe", Permission::Read))
        .unwrap_err();
    assert_eq!(
        windows.to_string(),
        r"the process `C:\x.exe` is not of Linux, which the group `g` is for"
    );
    assert_eq!(group.decide(&caller("a")).granted, Permission::Read);
    let unlinked = group.unlink("one").unwrap();
    assert_eq!(group.decide(&caller("a")).granted, Permission::ReadWrite);
    // Linked again it is the last that was added.
    group.link(unlinked).unwrap();
    assert_eq!(group.decide(&caller("a")).granted, Permission::ReadWrite);
    assert_eq!(group.unlink("three"), None);
    group.rename("other").unwrap();
    assert_eq!(group.name(), "other");
    for name in ["", " x", "a\nb"] {
        assert_eq!(group.rename(name), Err(PolicyError::Name));
        assert!(AccessPolicy::new(name, entity_of("user a"), Permission::Read).is_err());
    }
}

#[test]
fn a_policy_without_a_name_is_named_by_chance_and_one_about_nobody_is_refused() {
    let unnamed =
        |byte| AccessPolicy::unnamed(entity_of("user a"), Permission::NoAccess, [byte; 19]);
    assert_eq!(unnamed(0).name(), "Access-Policy-0000000000000000000");
    assert_eq!(unnamed(255).name(), "Access-Policy-ZZZZZZZZZZZZZZZZZZZ");
    let name = || Some("a".parse().unwrap());
    assert_eq!(Entity::of(None, None, None), Err(PolicyError::Nobody));
    assert_eq!(
        Entity::of(name(), name(), None),
        Err(PolicyError::UserAndGroup)
    );
    let process = "/p".parse().unwrap();
    assert_eq!(
        Entity::of(name(), name(), Some(process)),
        Err(PolicyError::UserAndGroup)
    );
    assert_eq!(Permission::default(), Permission::NoAccess);
    assert_eq!(OsType::default(), OsType::Windows);
}
