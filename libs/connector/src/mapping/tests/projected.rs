//! Parsing only what is read changes nothing.

use super::*;

/// The same mapping over the whole document: what parsing only a part must not change.
fn over_the_whole(id: &str) -> Mapper {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../connectors")
        .join(id)
        .join("connector.yaml");
    let yaml = std::fs::read_to_string(path).unwrap();
    let mut connector = Connector::parse(&yaml, id).unwrap();
    connector.mapping.projection = Projection::Whole;
    let connection = connector.sample_connection();
    Arc::new(connector).mapper(&connection)
}

#[test]
fn parsing_only_what_is_read_changes_nothing_about_any_sample() {
    for connector in CATALOGUE.iter() {
        let (part, whole) = (built_in(connector.id()), over_the_whole(connector.id()));
        for path in samples(connector.id()) {
            let event = raw(&std::fs::read_to_string(&path).unwrap());
            let name = path.display();
            assert_eq!(outcome(&part, &event), outcome(&whole, &event), "{name}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(Value::from("2026-01-02T03:04:05Z")),
    ];
    let keys = prop::sample::select(vec![
        "id",
        "type",
        "category",
        "actor",
        "object",
        "share",
        "target",
        "link",
        "email",
        "external",
        "ip",
        "occurred_at",
        "client",
        "app_id",
        "x",
    ]);
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn parsing_only_what_is_read_changes_nothing_about_any_event(event in any_json()) {
        static WHOLE: LazyLock<Mapper> = LazyLock::new(|| over_the_whole("toy-cloud"));
        let event = raw(&event.to_string());
        prop_assert_eq!(outcome(&built_in("toy-cloud"), &event), outcome(&WHOLE, &event));
    }

    #[test]
    fn no_json_makes_the_mapper_panic_and_absent_fields_are_null(event in any_json()) {
        for service in ["toy-cloud", "generic", "google-workspace", "microsoft-365"] {
            let mapped = built_in(service).map(&raw(&event.to_string()), received_at());
            for mapped in mapped.unwrap_or_default() {
                for field in Field::ALL {
                    let present = mapped.provenance.of(field).is_present();
                    prop_assert_eq!(mapped.activity.text(field).is_some(), present, "{}", field);
                }
            }
        }
    }
}
