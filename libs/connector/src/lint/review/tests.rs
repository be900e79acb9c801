use super::*;

const TOY_CLOUD: &str = include_str!("../../../../../connectors/toy-cloud/connector.yaml");

fn said(found: &[Mistake]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_reviewer_finds_what_a_manifest_is_not_refused_for() {
    let secret = ["gh", "p_0123456789abcdefABCDEF"].concat();
    let header = format!("base: \"{{base_url}}\"\n  headers: {{x-key: \"{secret}\"}}");
    let rows: [(&str, &str, &str); 9] = [
        ("    retention: 30d\n", "", "`retention` is missing"),
        ("        retention: 30d\n", "", "`retention` is missing"),
        (
            "actor_role: /actor/role",
            "actor_role: {absent: n/a}",
            "absent without a reason",
        ),
        (
            "actor_role: /actor/role",
            "actor_role: {absent: FILL IN why not}",
            "still open",
        ),
        ("base: \"{base_url}\"", &header, "looks like a secret"),
        (
            "base: \"{base_url}\"",
            "base: \"{base_url}\"\n  headers: {x-api-key: abcdef0123456789}",
            "under a key that is called one",
        ),
        (
            "token: \"{base_url}/oauth/token\"",
            "token: http://login.example/token",
            "in the clear",
        ),
        (
            "docs_url: https://",
            "docs_url: https://anna:pass-word@",
            "looks like a secret",
        ),
        ("every: 1s", "every: 1", "is not a duration"),
    ];
    assert_eq!(said(&Connector::lint(TOY_CLOUD, "m").mistakes), [""; 0]);
    for (old, new, expected) in rows {
        assert!(TOY_CLOUD.contains(old), "{old}");
        let changed = TOY_CLOUD.replacen(old, new, 1);
        let line = 1 + TOY_CLOUD[..TOY_CLOUD.find(old).unwrap()]
            .matches('\n')
            .count();
        let found = said(&Connector::lint(&changed, "m").mistakes);
        let hit = found.iter().find(|mistake| mistake.contains(expected));
        assert!(hit.is_some(), "{expected}: {found:?}");
        let near = (line.saturating_sub(30)..line + 2)
            .any(|line| hit.is_some_and(|hit| hit.starts_with(&format!("m:{line}:"))));
        assert!(near, "line {line}: {hit:?}");
    }
}

#[test]
fn labels_are_asked_for_within_the_allow_list_and_are_called_something() {
    let rows = [
        (
            "get: /api/v1/files/{activity.object_id}/labels",
            "get: \"https://labels.example/{activity.object_id}\"",
            "the host of `https://labels.example/` is not among `http.hosts`",
        ),
        (
            "told: {each: /items, name: /name, id: /id}",
            "told: {each: /items}",
            "a label has a `name`, an `id`, or both",
        ),
    ];
    for (old, new, expected) in rows {
        assert!(TOY_CLOUD.contains(old), "{old}");
        let found = said(&Connector::lint(&TOY_CLOUD.replacen(old, new, 1), "m").mistakes);
        assert!(found.iter().any(|one| one.contains(expected)), "{found:?}");
    }
}

#[test]
fn what_tells_of_changed_labels_is_a_stream_and_somebody_can_look_again() {
    let (before, rest) = TOY_CLOUD
        .split_once("      pull:\n        stream: labels\n")
        .unwrap();
    let (own, after) = rest.split_once("      events: [labels.changed]\n").unwrap();
    let of = |changes: &str| format!("{before}{changes}{after}");
    let own = format!("      pull:\n        stream: labels\n{own}");
    let many: Vec<String> = (0..=50).map(|number| format!("e{number}")).collect();
    let many = format!("{own}      events: [{}]\n", many.join(", "));
    let told = "    told: {each: /items, name: /name, id: /id}\n";
    let (listed, _) = TOY_CLOUD.split_once("\ncrawl:\n").unwrap();
    let goes_with = "`changes` goes with `told`";
    for (manifest, expected) in [
        (
            of("      pull: activity\n      events: [file.labelled]\n"),
            None,
        ),
        (
            of("      pull: activty\n      events: [file.labelled]\n"),
            Some("names no stream: `activty` (did you mean `activity`?)"),
        ),
        (
            of("      pull: elsewhere\n      events: [file.labelled]\n"),
            Some("(name one of `pull`, or write a stream there)"),
        ),
        (
            of("      events: [file.labelled]\n"),
            Some("`pull` is missing"),
        ),
        (of(&own), Some("`events` is missing")),
        (
            of(&format!("{own}      events: []\n")),
            Some("names 1 to 50 events"),
        ),
        (
            of(&format!("{own}      events: ['']\n")),
            Some("names 1 to 50 events"),
        ),
        (of(&many), Some("names 1 to 50 events")),
        (
            TOY_CLOUD.replace("stream: labels", "stream: activity"),
            Some("there are two streams `activity`"),
        ),
        (TOY_CLOUD.replace(told, ""), Some(goes_with)),
        (listed.to_owned(), Some("`changes` needs `crawl`")),
    ] {
        let found = said(&Connector::lint(&manifest, "m").mistakes);
        match expected {
            None => assert_eq!(found, [""; 0]),
            Some(expected) => assert!(
                found.iter().any(|one| one.contains(expected)),
                "{expected}: {found:?}"
            ),
        }
    }
}

#[test]
fn what_could_be_better_is_advice_and_no_mistake() {
    let rows = [
        (
            ", query: {limit: 500}",
            "",
            "how many events a page may have",
        ),
        ("    lag: 1m\n", "", "`lag` is missing"),
        ("        lag: 1m\n", "", "`lag` is missing"),
        (
            "tenant: {get: /api/v1/tenant, capture: {id: /id}}\n",
            "",
            "there is no `tenant`",
        ),
        (
            "self_hosted: true\n",
            "self_hosted: true\nparams: {unused: {}}\n",
            "nothing uses",
        ),
        (
            "{kind: standard_webhooks, tolerance: 300s}",
            "{kind: static_header, header: x-secret}",
            "proves the sender only",
        ),
    ];
    assert_eq!(said(&Connector::lint(TOY_CLOUD, "m").advice), [""; 0]);
    for (old, new, expected) in rows {
        assert!(TOY_CLOUD.contains(old), "{old}");
        let found = Connector::lint(&TOY_CLOUD.replacen(old, new, 1), "m");
        assert_eq!(said(&found.mistakes), [""; 0], "{expected}");
        let advice = said(&found.advice);
        assert!(
            advice.iter().any(|one| one.contains(expected)),
            "{advice:?}"
        );
    }
}

#[test]
fn what_only_looks_a_little_like_a_secret_is_none() {
    let rows = [
        ("secret", "/secret", false),
        ("secret", "true", false),
        ("token", "https://api.example/oauth/token", false),
        ("token", "{base_url}/oauth/token", false),
        ("secret_encoding", "base64", false),
        ("over", "v0:{header.x-time}:{body}", false),
        ("x", "whsec_", false),
        ("password", "correct-horse-1-battery", true),
    ];
    for (key, text, expected) in rows {
        assert_eq!(secret_in(key, text).is_some(), expected, "{key}: {text}");
    }
}
