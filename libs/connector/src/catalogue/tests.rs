use event_model::{Activity, EventId, EventType, FeedChoice, RemedyKind};

use super::*;

const TOY_CLOUD: &str = BUILT_IN[0].1;

fn mistakes_of(yaml: &str) -> Vec<String> {
    let found = Connector::parse(yaml, "m.yaml").err().unwrap_or_default();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn what_comes_with_tidegate_has_no_mistake() {
    for (origin, yaml) in BUILT_IN {
        let mistakes = Connector::parse(yaml, origin).err().unwrap_or_default();
        let list: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert!(list.is_empty(), "{}", list.join("\n"));
    }
    assert_eq!(Catalogue::built_in().iter().count(), BUILT_IN.len());
}

#[test]
fn a_service_says_what_can_be_done_in_it_and_why_not() {
    let catalogue = Catalogue::built_in();
    let toy = catalogue.get("toy-cloud").unwrap();
    let generic = catalogue.get("generic").unwrap();
    let described = toy.describe();
    assert_eq!(described.feeds, ["push", "pull"]);
    assert_eq!(described.auth, ["oauth2_code"]);
    assert_eq!(described.actions.len(), RemedyKind::ALL.len());
    assert_eq!(generic.describe().feeds, ["push"]);
    assert_eq!(generic.describe().actions, ["notify"]);
    let why = generic.missing_for(RemedyKind::Quarantine).unwrap();
    assert_eq!(
        why,
        "the manifest of Generic push has no action `quarantine`"
    );
    // What a service has no way for says why, and what there is instead is there.
    for id in ["microsoft-365", "dropbox", "nextcloud"] {
        let service = catalogue.get(id).unwrap();
        let why = service.missing_for(RemedyKind::QuarantineToVault).unwrap();
        assert!(
            why.contains(" cannot do it: ") && why.contains("`quarantine`"),
            "{why}"
        );
        assert!(service.can(RemedyKind::Quarantine) && service.can_undo(RemedyKind::Quarantine));
    }
    assert!(toy.can_undo(RemedyKind::Quarantine) && !toy.can_undo(RemedyKind::Purge));
}

/// Each row: what is replaced in toy-cloud's manifest, by what, and what the complaint holds.
const MISTAKES: [(&str, &str, &str); 36] = [
    (
        "actions:\n",
        "cannot: {delete: nobody may}\nactions:\n",
        "`delete` is in `actions`",
    ),
    (
        "actions:\n",
        "cannot: {quarantine_to_valt: nobody may}\nactions:\n",
        "`quarantine_to_valt` is not an action",
    ),
    (
        "actions:\n",
        "cannot: {delete: no}\nactions:\n",
        "`cannot` says why",
    ),
    ("    actor_id: /actor/id\n", "", "`actor_id` is not mapped"),
    (
        "    actor_id: /actor/id\n",
        "    actor_idd: /actor/id\n",
        "did you mean `actor_id`?",
    ),
    (
        "object_id: /object/id",
        "object_id: object/id",
        "`object/id` is not a path",
    ),
    (
        "event_name: /type",
        "event_name: {pathh: /type}",
        "there is no verb here",
    ),
    (
        "event_name: /type",
        "event_name: {path: /type, const: x}",
        "there are several verbs here",
    ),
    (
        "default: other",
        "default: others",
        "`others` is not one of data_creation",
    ),
    (
        "actor_id: /actor/id",
        "actor_id: {field: object_name}\n    x: /y",
        "`x` is not one of the 24 fields",
    ),
    (
        "{ip: /actor/ip}",
        "{param: proxy}",
        "`params.proxy` is used but there is no such parameter",
    ),
    (
        "actor_name: /actor/name",
        "actor_name: {field: actor_email}",
        "",
    ),
    (
        "actor_email: /actor/email",
        "actor_email: {field: actor_email}",
        "made of each other: actor_email",
    ),
    (
        "reconcile: {pull: activity",
        "reconcile: {pull: activities",
        "names no stream: `activities` (did you mean `activity`?)",
    ),
    (
        "  reconcile: {pull: activity, every: 15s}\n",
        "",
        "`reconcile` is missing",
    ),
    (
        "kind: standard_webhooks",
        "kind: standard_webhook",
        "did you mean `standard_webhooks`?",
    ),
    (
        "kind: oauth2_code",
        "kind: magic",
        "`magic` is not one of oauth2_code, client_credentials",
    ),
    (
        "hosts: [\"{base_url}\"]",
        "hosts: [\"https://x\"]",
        "is not a host",
    ),
    (
        "hosts: [\"{base_url}\"]",
        "hosts: [api.example.com]",
        "go together",
    ),
    (
        "get: /api/v1/events,",
        "get: https://evil.example/events,",
        "the host of `https://evil.example/events` is not among `http.hosts`",
    ),
    ("every: 1s", "every: 1", "`1` is not a duration"),
    (
        "first: now",
        "first: never",
        "`never` is not one of start, now",
    ),
    ("now: now\n", "noww: now\n", "needs `page.now`"),
    (
        "    irreversible: true\n",
        "",
        "`end_sessions` has no `undo`",
    ),
    (
        "    spare: *administrators\n",
        "",
        "`end_sessions` spares nobody",
    ),
    (
        "    spare: *administrators\n",
        "    spare: *administrators\n    unseen: it shows nothing\n",
        "in place of `verify`",
    ),
    (
        "    scopes: {people_in_company: organization, specific_people: restricted}\n",
        "",
        "`scopes` belongs to `set_link_scope`",
    ),
    (
        "scopes: {people_in_company: organization,",
        "scopes: {people_in_compny: organization,",
        "did you mean `people_in_company`?",
    ),
    (
        "body: {expires_at: \"{expires_at}\"}",
        "body: {expires_at: \"{new_owner}\"}",
        "`new_owner` has no value at this place",
    ),
    (
        "equals: \"{snapshot.me}\"}",
        "equals: \"{snapshot.mee}\"}",
        "no step captures `mee`",
    ),
    (
        "expect: {status: 404}}",
        "}",
        "`purge` needs `verify` with something to `expect`",
    ),
    ("  purge:\n", "  purgee:\n", "did you mean `purge`?"),
    (
        "{activity.object_id}/move",
        "{activity.object}/move",
        "`activity.object` is not known",
    ),
    (
        "equals: \"{snapshot.path}\"}}",
        "equals: \"{snapshot.paht}\"}}",
        "no step captures `paht` (did you mean `path`?)",
    ),
    (
        "capture: {id: /id, secret: /secret}",
        "capture: {secret: /secret}",
        "`register` must capture `id`",
    ),
    ("manifest: 1", "manifest: 2", "from 1 to 1"),
];

#[test]
fn a_mistake_is_found_and_said_with_its_place() {
    for (old, new, expected) in MISTAKES {
        assert!(TOY_CLOUD.contains(old), "{old}");
        let found = mistakes_of(&TOY_CLOUD.replacen(old, new, 1));
        if expected.is_empty() {
            assert_eq!(found, Vec::<String>::new(), "{new}");
            continue;
        }
        assert!(
            found.iter().any(|mistake| mistake.contains(expected)),
            "{new}: {found:#?}"
        );
        assert!(
            found.iter().all(|mistake| mistake.starts_with("m.yaml:")),
            "{found:#?}"
        );
    }
}

#[test]
fn a_stream_of_changed_labels_is_read_whatever_brings_activity_and_is_none_of_it() {
    let reconciled = "reconcile: {pull: activity, every: 15s}";
    let alone = TOY_CLOUD.replace(
        reconciled,
        "reconcile: {nothing: deeds have other ids there}",
    );
    let (head, rest) = alone.split_once("\npull:\n").unwrap();
    let (_, rest) = rest.split_once("\npush:\n").unwrap();
    let pushed_only = format!("{head}\npush:\n{rest}");
    // manifest => feeds, what is read by push, what is read by pull
    let rows = [
        (TOY_CLOUD, "push pull", "activity labels", "activity labels"),
        (&alone, "push pull", "labels", "activity labels"),
        (&pushed_only, "push", "labels", "labels"),
    ];
    for (manifest, feeds, by_push, by_pull) in rows {
        let connector = Connector::parse(manifest, "m.yaml").unwrap();
        assert_eq!(connector.describe().feeds.join(" "), feeds);
        assert_eq!(connector.streams_read(FeedChoice::Push).join(" "), by_push);
        assert_eq!(connector.streams_read(FeedChoice::Pull).join(" "), by_pull);
        assert!(!connector.streams().contains(&"labels".to_owned()));
        assert_eq!(connector.poll_every("labels").as_secs(), 10);
        let id = EventId::new("e").unwrap();
        let mut activity = Activity::bare(id, EventType::Other);
        for (name, expected) in [
            (None, false),
            (Some("labels.changed"), true),
            (Some("labels.changed.not"), false),
            (Some("file.updated"), false),
        ] {
            activity.event_name = name.map(str::to_owned);
            assert_eq!(
                connector.tells_changed_labels(&activity),
                expected,
                "{name:?}"
            );
        }
    }
}

#[test]
fn every_mistake_is_said_at_once_with_its_own_line() {
    let broken = TOY_CLOUD
        .replacen("every: 1s", "every: 1", 1)
        .replacen("default: other", "default: others", 1)
        .replacen("  purge:\n", "  purgee:\n", 1);
    let lines: Vec<usize> = Connector::parse(&broken, "m")
        .unwrap_err()
        .iter()
        .map(|mistake| mistake.line)
        .collect();
    assert_eq!(lines.len(), 3, "{:#?}", mistakes_of(&broken));
    assert!(lines.is_sorted() && lines[0] < lines[2]);
}

#[test]
fn a_folder_of_manifests_is_read_with_all_its_mistakes() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, yaml: &str| {
        std::fs::create_dir_all(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("connector.yaml"), yaml).unwrap();
    };
    write("a", &BUILT_IN[1].1.replacen("id: generic", "id: mine", 1));
    let catalogue = Catalogue::built_in().with_dir(dir.path()).unwrap();
    assert!(catalogue.get("mine").is_some());
    write("b", "id: [");
    write("c", "manifest: 1");
    let mistakes = Catalogue::built_in().with_dir(dir.path()).unwrap_err();
    let has = |name: &str| mistakes.iter().any(|mistake| mistake.origin.contains(name));
    assert!(has("b/connector.yaml") && has("c/connector.yaml"));
    assert!(
        Catalogue::built_in()
            .with_dir(&dir.path().join("none"))
            .is_err()
    );
}

#[test]
fn parameters_are_checked_by_name_and_presence() {
    let catalogue = Catalogue::built_in();
    let given = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let rows = [
        ("toy-cloud", given(&[]), None, 1),
        ("toy-cloud", given(&[]), Some("http://127.0.0.1:9000"), 0),
        ("toy-cloud", given(&[]), Some("ftp://x"), 1),
        (
            "toy-cloud",
            given(&[]),
            Some("https://user:pw@x.example"),
            1,
        ),
        (
            "toy-cloud",
            given(&[("x", "y")]),
            Some("https://x.example/?a=b"),
            2,
        ),
        ("generic", given(&[]), None, 1),
        ("generic", given(&[("webhook_secret", "whsec_x")]), None, 0),
        (
            "generic",
            given(&[("webhook_secrte", "whsec_x")]),
            Some("https://x.example"),
            3,
        ),
    ];
    for (service, params, base_url, count) in rows {
        let found = catalogue
            .get(service)
            .unwrap()
            .check_params(&params, base_url);
        assert_eq!(
            found.len(),
            count,
            "{service} {params:?} {base_url:?}: {found:?}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_manifest_reader_panic(text in "\\PC{0,200}") {
        let _ = Connector::parse(&text, "m");
    }

    #[test]
    fn no_cut_of_a_manifest_makes_its_reader_panic(at in 0usize..TOY_CLOUD.len(), length in 0usize..40) {
        let start = TOY_CLOUD.floor_char_boundary(at);
        let end = TOY_CLOUD.floor_char_boundary((at + length).min(TOY_CLOUD.len()));
        let cut = [&TOY_CLOUD[..start], &TOY_CLOUD[end.max(start)..]].concat();
        let _ = Connector::parse(&cut, "m");
    }
}

#[test]
fn the_manifest_in_the_document_has_no_mistake() {
    let document = include_str!("../../../../docs/connectors.md");
    let start = document.rfind("```yaml\n").unwrap() + "```yaml\n".len();
    let end = start + document[start..].find("```").unwrap();
    let mistakes = mistakes_of(&document[start..end]);
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}

#[test]
fn the_document_shows_the_changes_of_labels_as_the_manifest_has_them() {
    let document = include_str!("../../../../docs/connectors.md");
    let begins = "    told: {each: /items, name: /name, id: /id}\n    changes:\n";
    let ends = "      events: [labels.changed]\n";
    let (_, rest) = TOY_CLOUD.split_once(begins).unwrap();
    let (between, _) = rest.split_once(ends).unwrap();
    let shown = format!("{begins}{between}{ends}");
    assert!(
        document.contains(&shown),
        "docs/connectors.md lacks:\n{shown}"
    );
}

#[test]
fn a_way_of_paging_that_could_lose_events_is_refused() {
    let start = TOY_CLOUD.find("    page:\n").unwrap();
    let end = TOY_CLOUD.find("    first: now\n").unwrap();
    let watermark = "kind: watermark, items: '', since: {query: since}";
    let rows = [
        (
            format!("{{{watermark}, overlap: 1m, next: {{header: link}}}}"),
            "",
        ),
        (
            format!("{{{watermark}, next: /next}}"),
            "`overlap` is missing",
        ),
        (
            format!("{{{watermark}, overlap: 500ms, next: /next}}"),
            "must be `1s` or more",
        ),
        (
            format!("{{{watermark}, overlap: 31d, next: /next}}"),
            "longer than `overlap`",
        ),
        (format!("{{{watermark}, overlap: 1m}}"), "`next` is missing"),
        (
            format!("{{{watermark}, overlap: 1m, window: 1h, next: /next}}"),
            "`window` needs `until`",
        ),
        (
            format!(
                "{{{watermark}, until: {{query: until}}, overlap: 1m, window: 1m, next: /next}}"
            ),
            "`window` must be longer than `overlap`",
        ),
        (
            format!("{{{watermark}, overlap: 1m, next: {{time: /at}}}}"),
            "`full` is missing",
        ),
        (
            format!("{{{watermark}, overlap: 1m, next: {{path: /a, header: b}}}}"),
            "one of `path`, `header`, `time`",
        ),
        (
            "{kind: link, items: '', next: /next}".into(),
            "needs `page.since`",
        ),
        (
            "{kind: link, items: '', next: /next, since: {query: a, format: days}}".into(),
            "`days` is not one of rfc3339",
        ),
        (
            "{kind: cursor, query: c, items: '', next: /next, now: {query: {a: '{params.b}'}}}"
                .into(),
            "`params.b` is used",
        ),
        (
            "{kind: cursor, query: c, items: '', next: /next, now: n, expired: {resume: /a}}"
                .into(),
            "needs `status`, `when`, or both",
        ),
        (
            "{kind: cursor, query: c, body: /c, items: '', next: /next, now: n}".into(),
            "needs `query`",
        ),
        (
            "{kind: watermark, items: '', overlap: 1m, next: /next}".into(),
            "`since` is missing",
        ),
        (
            format!(
                "{{{watermark}, overlap: 1m, next: {{offset: {{query: a}}, page: {{query: b}}}}}}"
            ),
            "do not go together",
        ),
        (
            format!(
                "{{{watermark}, overlap: 1m, next: /next, fetch: {{uri: /a, as: csv, items: /b}}}}"
            ),
            "`items` is only for",
        ),
    ];
    for (page, expected) in rows {
        let manifest = format!(
            "{}    page: {page}\n{}",
            &TOY_CLOUD[..start],
            &TOY_CLOUD[end..]
        );
        let found = mistakes_of(&manifest);
        match expected {
            "" => assert_eq!(found, Vec::<String>::new(), "{page}"),
            _ => assert!(
                found.iter().any(|mistake| mistake.contains(expected)),
                "{page}: {found:?}"
            ),
        }
    }
}
