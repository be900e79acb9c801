//! `_content`: what inspection found in the object. Fetched only when a policy needs it.

use std::sync::LazyLock;

use super::{DETECTOR, Entry, Example, Given, Parameter, Reads, Refusal, Type, WITH_OBJECT};
use crate::input::{Confidence, Coverage};
use crate::reader::Reader;

const MATCHES: &[Parameter] = &[Parameter::one(DETECTOR), Parameter::optional("confidence")];

const BLANK: Entry = Entry {
    object: "_content",
    name: "",
    aliases: &[],
    parameters: &[],
    result: Type::Bool,
    actions: WITH_OBJECT,
    effect: None,
    reads: Reads::Content,
    words: &[],
    ignores_case: false,
    doc: "",
    example: Example::new("", "", ""),
    build: |_, _| Ok(Reader::Coverage),
};

pub(super) static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    vec![
        Entry {
            name: "has",
            parameters: MATCHES,
            doc: "Whether a detector, or any of a group, matches with at least that confidence: `low`, `medium` \
                  (the default) or `high`. Unknown when it was not found in content that could be read only in part.",
            example: Example::new(
                "_content.has('us-ssn', 'high')",
                "content=full; us-ssn=3/2/1",
                "true",
            ),
            build: |_, given| {
                matches(given).map(|(detector, at_least)| Reader::Has(detector, at_least))
            },
            ..BLANK
        },
        Entry {
            name: "count",
            aliases: &["distinct"],
            parameters: MATCHES,
            result: Type::Number,
            doc: "How many distinct values a detector, or a group, finds with at least that confidence (`medium` by \
                  default). Of content that could be read only in part, it is at least that many.",
            example: Example::new(
                "_content.count('credit-card') >= 5",
                "content=partial; credit-card=9/6/0",
                "true",
            ),
            build: |_, given| {
                matches(given).map(|(detector, at_least)| Reader::Count(detector, at_least))
            },
            ..BLANK
        },
        Entry {
            name: "coverage",
            result: Type::String,
            words: Coverage::WORDS,
            doc: "How much of the content could be read: `full`, `partial` or `none`. With it a rule can forbid what \
                  could not be inspected.",
            example: Example::new(
                "_content.coverage == 'none'",
                "content=none: encrypted",
                "true",
            ),
            build: |_, _| Ok(Reader::Coverage),
            ..BLANK
        },
        Entry {
            name: "kind",
            result: Type::String,
            ignores_case: true,
            doc: "What the content is, by its bytes and not by its name: `pdf`, `docx` and so on.",
            example: Example::new(
                "_content.kind in ['docx', 'xlsx']",
                "content=full; kind=docx",
                "true",
            ),
            build: |_, _| Ok(Reader::Kind),
            ..BLANK
        },
        Entry {
            name: "label",
            parameters: const { &[Parameter::one("label")] },
            doc: "Whether the object has the classification label, whatever its case.",
            example: Example::new(
                "_content.label('confidential')",
                "content=full; label=Confidential",
                "true",
            ),
            build: |_, given| Ok(Reader::HasLabel(given[0].text.clone())),
            ..BLANK
        },
        Entry {
            name: "labels",
            result: Type::List,
            ignores_case: true,
            doc: "Every classification label of the object.",
            example: Example::new(
                "'internal' in _content.labels",
                "content=full; label=Internal",
                "true",
            ),
            build: |_, _| Ok(Reader::Labels),
            ..BLANK
        },
    ]
});

fn matches(given: &[Given]) -> Result<(String, Confidence), Refusal> {
    let at_least = match given.get(1) {
        None => Confidence::DEFAULT,
        Some(word) => Confidence::from_word(&word.text).ok_or_else(|| {
            let shown = crate::token::cut(&word.text);
            Refusal::of(1, format!("`{shown}` is not a confidence"))
                .hint("a confidence is `low`, `medium` or `high`")
        })?,
    };
    Ok((given[0].text.clone(), at_least))
}
