//! The reference names everything that a manifest can say: the words are asked of the reader itself,
//! which lists them when it is given one that it does not know.

use connector::Connector;

use crate::world::MANIFEST;

const REFERENCE: &str = include_str!("../../../../docs/connectors.md");

/// The words that the reader lists in its complaint about `odd`, put in the place of `old`.
fn words_at(old: &str, new: &str, after: &str) -> Vec<String> {
    assert!(MANIFEST.contains(old), "{old}");
    let yaml = MANIFEST.replacen(old, new, 1);
    let mistakes = Connector::parse(&yaml, "m").unwrap_err();
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let list = told.iter().find_map(|told| Some(told.split_once(after)?.1));
    let list = list.unwrap_or_else(|| panic!("{new}: {told:?}"));
    let list = list.split([')', '(']).next().unwrap();
    list.split(", ")
        .map(|word| word.trim().to_owned())
        .collect()
}

#[test]
fn the_reference_names_every_word_that_the_reader_knows() {
    let rows = [
        (
            "kinds of authorisation",
            "kind: oauth2_code",
            "kind: odd",
            "not one of ",
            6,
        ),
        (
            "kinds of pages",
            "kind: cursor",
            "kind: odd",
            "not one of ",
            3,
        ),
        (
            "kinds of signatures",
            "kind: standard_webhooks",
            "kind: odd",
            "not one of ",
            3,
        ),
        (
            "kinds of handshakes",
            "  accept: 202",
            "  handshake: {kind: odd}\n  accept: 202",
            "not one of ",
            5,
        ),
        (
            "verbs",
            "actor_id: /actor/id",
            "actor_id: {odd: /actor/id}",
            "one of ",
            18,
        ),
        (
            "formats of times",
            "{time: /occurred_at}",
            "{time: /occurred_at, format: odd}",
            "not one of ",
            5,
        ),
        (
            "filters",
            "{snapshot.name}",
            "{snapshot.name|odd}",
            "filters ",
            6,
        ),
        (
            "tests of conditions",
            "{status: 404}",
            "{path: /a}",
            "has no test: ",
            8,
        ),
    ];
    for (what, old, new, after, least) in rows {
        let words = words_at(old, new, after);
        assert!(words.len() >= least, "{what}: {words:?}");
        for word in words.iter().flat_map(|word| word.split(" or ")) {
            let word = word.trim_matches('`');
            let named = [
                format!("`{word}"),
                format!("{word}:"),
                format!("|{word}"),
                format!("{word}`"),
            ]
            .iter()
            .any(|form| REFERENCE.contains(form.as_str()))
                || REFERENCE.contains(&format!("{word}\\|"));
            assert!(
                named,
                "the reference does not name `{word}` among the {what}"
            );
        }
    }
}
