use super::*;

fn build(text: &str) -> Result<Labelling, Vec<String>> {
    let settings: Settings = toml::from_str(text).unwrap();
    let none = |file: &str| Err(format!("`{file}` cannot be read"));
    let built = Labelling::build(settings, &none, &|name| name == "us-ssn");
    built.map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

#[test]
fn every_mistake_is_said_with_its_place() {
    let text = r#"
        sign = {id = "a", private_key_file = "a.pem"}
        keys = [{id = "a", public_key = "x"}, {id = "b"}, {id = "", public_key = "x"}]
        detected = [{label = "", detector = "us-ssn"}, {label = "A", detector = "none"}, {label = "A", detector = "us-ssn", confidence = "sure"}, {label = "A", detector = "us-ssn", at_least = 0}]
        fields = [{field = "(", value = "a{9999}{9999}", label = ""}]
        mip_names = {a = ""}
    "#;
    let expected = [
        "keys[0]: no `-----BEGIN PUBLIC KEY-----` is in it",
        "keys[1]: one of `public_key` and `public_key_file` is needed",
        "keys[2]: each key has an `id` of its own",
        "sign: `a.pem` cannot be read",
        "detected[0]: a label has a name",
        "detected[1]: there is no detector `none`",
        "detected[2]: a confidence is `low`, `medium` or `high`",
        "detected[3]: `at_least` is 1 or more",
        "mip_names.a: a label has a name",
        "fields[0].field: error: unclosed group",
    ];
    let said = build(text).unwrap_err();
    assert_eq!(said[..expected.len()], expected);
    assert!(
        said[expected.len()].starts_with("fields[0].value: "),
        "{said:?}"
    );
    assert_eq!(
        said[expected.len() + 1..],
        ["fields[0].label: a label has a name"]
    );
}

#[test]
fn an_administrators_expressions_find_labels_in_fields() {
    let text = r#"
        fields = [
            {field = "^(?i)exif:UserComment$", value = "class=(\\w+)", label = "Image $1"},
            {field = "^user\\.", value = "^restricted$", label = "Restricted"},
        ]
    "#;
    let labelling = build(text).unwrap();
    // field, value => label
    let rows = [
        (
            "EXIF:UserComment",
            "shot at noon; class=secret;",
            Some("Image secret"),
        ),
        ("EXIF:UserComment", "class=", None),
        ("EXIF:Artist", "class=secret", None),
        ("user.class", "restricted", Some("Restricted")),
        ("user.class", "unrestricted", None),
    ];
    for (field, value, expected) in rows {
        let found = labelling.of_document(&[(field.to_owned(), value.to_owned())]);
        let names: Vec<_> = found.iter().map(|label| label.name.as_str()).collect();
        assert_eq!(
            names,
            expected.into_iter().collect::<Vec<_>>(),
            "{field} {value}"
        );
    }
}

#[test]
fn a_told_label_has_the_organisations_name_its_own_or_its_id() {
    let labelling = build("mip_names = {ABC = \"Secret\"}").unwrap();
    // name, id => name
    let rows = [
        (Some("General"), None, Some("General")),
        (Some("Geheim"), Some("abc"), Some("Secret")),
        (Some("General"), Some("x"), Some("General")),
        (None, Some("x"), Some("x")),
        (Some(""), None, None),
        (None, None, None),
    ];
    for (name, id, expected) in rows {
        let told = labelling.of_told(name, id).map(|label| label.name);
        assert_eq!(told.as_deref(), expected, "{name:?} {id:?}");
    }
}

#[test]
fn findings_stand_for_labels_from_a_number_and_a_confidence_on() {
    let text = r#"detected = [{label = "A", detector = "us-ssn", at_least = 2}, {label = "B", detector = "us-ssn", confidence = "high"}]"#;
    let labelling = build(text).unwrap();
    let rows: [([usize; 3], &[&str]); 4] = [
        ([9, 1, 0], &[]),
        ([2, 2, 0], &["A"]),
        ([2, 2, 1], &["A", "B"]),
        ([0, 0, 0], &[]),
    ];
    for (counts, expected) in rows {
        let found = labelling.of_findings(|_, level| counts[level]);
        let names: Vec<_> = found.iter().map(|label| label.name.as_str()).collect();
        assert_eq!(names, expected, "{counts:?}");
    }
}

#[test]
fn a_signature_is_asked_for_as_soon_as_there_is_a_key() {
    let pem = SigningKey::from_secret(crate::Curve::P256, &[7; 32])
        .unwrap()
        .public_key()
        .to_pem();
    let key = format!("[[keys]]\nid = \"a\"\npublic_key = '''{pem}'''");
    // settings => unsigned ones
    let rows = [
        (String::new(), WhenAbsent::Take),
        ("unsigned = \"refuse\"".to_owned(), WhenAbsent::Refuse),
        (key.clone(), WhenAbsent::Refuse),
        (format!("unsigned = \"take\"\n{key}"), WhenAbsent::Take),
    ];
    for (text, expected) in rows {
        assert_eq!(build(&text).unwrap().trust.unsigned, expected, "{text}");
    }
}
