//! What is judged once for an event, and read once of a list, is what it would be each time.

use super::*;
use crate::mapping::read::read_fields;
use crate::mistake::Mistakes;
use crate::node::{self, Node};

/// The same mapping, each condition judged and each list read wherever it stands.
fn each_time(id: &str) -> Mapper {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../connectors")
        .join(id)
        .join("connector.yaml");
    let yaml = std::fs::read_to_string(path).unwrap();
    let mut connector = Connector::parse(&yaml, id).unwrap();
    let mistakes = Mistakes::of(id);
    let document = node::load(&yaml, &mistakes).unwrap();
    let root = Node::root(&document, &mistakes);
    let fields = read_fields(&below(&below(&root, "normalize"), "fields"), true).unwrap();
    connector.mapping.fields = fields;
    let connection = connector.sample_connection();
    Arc::new(connector).mapper(&connection)
}

fn below<'a>(node: &Node<'a>, key: &'static str) -> Node<'a> {
    let fields = node.fields().unwrap();
    fields.forgive();
    fields.get(key).unwrap()
}

#[test]
fn no_sample_is_mapped_otherwise_when_nothing_is_remembered() {
    for connector in CATALOGUE.iter() {
        let (once, each) = (built_in(connector.id()), each_time(connector.id()));
        for path in samples(connector.id()) {
            let event = raw(&std::fs::read_to_string(&path).unwrap());
            let name = path.display();
            assert_eq!(outcome(&once, &event), outcome(&each, &event), "{name}");
        }
    }
}

#[test]
fn the_manifests_have_what_is_remembered() {
    for id in ["microsoft-365", "google-workspace"] {
        let connector = CATALOGUE.get(id).unwrap();
        let fields = format!("{:?}", connector.mapping.fields);
        assert!(fields.contains("Numbered("), "{id}");
        assert!(fields.contains("Column {"), "{id}");
    }
}

#[test]
fn of_an_element_of_a_list_the_same_condition_is_judged_anew() {
    let same = "{path: /kind, equals: x}";
    let mapper = mapper(
        "",
        &[
            ("event_id", "/id"),
            ("actor_id", &format!("{{path: /kind, when: {same}}}")),
            ("actor_name", &format!("{{path: /kind, when: {same}}}")),
            (
                "object_id",
                &format!("{{pick: /list, where: {same}, take: {{path: /v, when: {same}}}}}"),
            ),
            (
                "object_name",
                &format!("{{pick: /list, where: [{same}, {{path: /v, equals: c}}], take: /v}}"),
            ),
            (
                "role",
                &format!("{{const: r, when: {{path: /list, some: {same}}}}}"),
            ),
            (
                "object_path",
                &format!("{{const: p, when: {{path: /list, none: {same}}}}}"),
            ),
        ],
    );
    // event => actor_id, object_id, object_name, role, object_path
    let rows = [
        (
            r#"{"kind": "y", "list": [{"kind": "y", "v": "a"}, {"kind": "x", "v": "b"}, {"kind": "x", "v": "c"}]}"#,
            "- b c r -",
        ),
        (
            r#"{"kind": "x", "list": [{"kind": "y", "v": "a"}, 7, "x"]}"#,
            "x - - - p",
        ),
        (
            r#"{"kind": "x", "list": [{"kind": 1, "kind": "x", "v": 2}]}"#,
            "x 2 - r -",
        ),
        (r#"{"kind": "x", "list": {"kind": "x"}}"#, "x - - - -"),
        (r#"{"kind": "x"}"#, "x - - - -"),
    ];
    for (json, expected) in rows {
        let activity = &mapper.map(&raw(json), received_at()).unwrap()[0].activity;
        let fields = [
            Field::ActorId,
            Field::ObjectId,
            Field::ObjectName,
            Field::Role,
            Field::ObjectPath,
        ];
        let texts = fields.map(|field| activity.text(field).unwrap_or("-".into()));
        assert_eq!(texts.join(" "), expected, "{json}");
    }
}

/// Events that look like Google's and Microsoft's: lists of named values, and words that conditions know.
fn any_named_values() -> impl Strategy<Value = Value> {
    let word = || {
        prop::sample::select(vec![
            "doc_id",
            "doc_title",
            "target_user",
            "visibility",
            "new_value",
            "people_with_link",
            "User",
            "AccessRights",
            "bob@acme.example",
            "change_user_access",
            "Add-MailboxPermission",
            "SharingSet",
            "Shared removed",
            "drive",
            "",
        ])
    };
    let text = || word().prop_map(Value::from);
    let member = (text(), text(), prop::bool::ANY).prop_map(|(name, value, upper)| match upper {
        true => json!({"Name": name, "Value": value}),
        false => json!({"name": name, "value": value}),
    });
    let list = || prop::collection::vec(member.clone(), 0..6).prop_map(Value::from);
    let list = (list(), list());
    (text(), text(), text(), list).prop_map(|(one, other, third, (parameters, more))| {
        json!({
            "Id": "1", "Operation": one, "UserId": other, "TargetUserOrGroupName": third, "Parameters": parameters, "Workload": third,
            "id": {"time": "2026-01-02T03:04:05Z", "applicationName": other},
            "events": [{"name": one, "parameters": parameters}, {"name": third, "parameters": more}],
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_event_is_mapped_otherwise_when_nothing_is_remembered(event in any_named_values()) {
        static EACH: LazyLock<Vec<(Mapper, Mapper)>> = LazyLock::new(|| {
            let ids = ["microsoft-365", "google-workspace"];
            ids.map(|id| (built_in(id), each_time(id))).into()
        });
        let event = raw(&event.to_string());
        for (once, each) in EACH.iter() {
            prop_assert_eq!(outcome(once, &event), outcome(each, &event));
        }
    }
}
