//! `_metadata`: attributes of the file, or of any of the files when a folder is downloaded.

use std::sync::LazyLock;

use super::{Entry, Example, Given, Parameter, Reads, Refusal, Type, WITH_OBJECT};
use crate::expression::Operator;
use crate::metadata::{Asked, Name, Wanted};
use crate::reader::Reader;

const ATTRIBUTE: Parameter = Parameter::one("attribute");

const OPERATORS: &[(&str, Operator)] = &[
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<>", Operator::NotEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
];

const BLANK: Entry = Entry {
    object: "_metadata",
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
            name: "exists",
            parameters: const { &[ATTRIBUTE] },
            doc: "Whether the file, or any of the files, has the attribute, written `set.attribute`. A document's own \
                  properties are of the set `document`, its labels of the set `label`; a property or label that is itself \
                  called `set.attribute` is that attribute. Sets, attributes and values are compared in any case.",
            example: Example::new(
                "_metadata.exists('document.Author')",
                "content=full; property:author=Ann Lee",
                "true",
            ),
            build: |_, given| Ok(Reader::Metadata(name(given)?, Asked::Anything)),
            ..BLANK
        },
        Entry {
            name: "existsAll",
            parameters: const { &[ATTRIBUTE] },
            doc: "Whether every file has the attribute. Recorded activity is of one file; an attempt may tell of several.",
            example: Example::new(
                "_metadata.existsAll('Security.internal')",
                "file:Security.internal=true; file:Project.name=Apollo",
                "false",
            ),
            build: |_, given| Ok(Reader::MetadataOfAll(name(given)?)),
            ..BLANK
        },
        Entry {
            name: "existsWithValue",
            parameters: const { &[ATTRIBUTE, Parameter::many("value").of_any_value()] },
            doc: "Whether the attribute has the value: a text, a number, `true` or `false`. A file without the attribute has \
                  no value of it. A label is `true`.",
            example: Example::new(
                "_metadata.existsWithValue('Security.internal', true)",
                "content=full; label=Security.internal",
                "true",
            ),
            build: |_, given| Ok(Reader::Metadata(name(given)?, Asked::OneOf(wanted(given)))),
            ..BLANK
        },
        Entry {
            name: "existsWithValueInArray",
            parameters: const { &[ATTRIBUTE, Parameter::many("value").of_any_value()] },
            doc: "Whether the attribute is a list, its items separated by commas or semicolons, that has the value.",
            example: Example::new(
                "_metadata.existsWithValueInArray('document.keywords', 'merger')",
                "content=full; property:keywords=budget, merger",
                "true",
            ),
            build: |_, given| {
                let asked = Asked::WithItem(wanted(given));
                Ok(Reader::Metadata(name(given)?, asked))
            },
            ..BLANK
        },
        Entry {
            name: "existsWithCondition",
            parameters: const {
                &[
                    ATTRIBUTE,
                    Parameter::one("operator"),
                    Parameter::one("value").of_any_value(),
                ]
            },
            doc: "Whether the attribute exists and compares so: `==`, `!=` or `<>`, `>`, `<`, `>=`, `<=`. Numbers and dates \
                  (`2026-03-01`) have an order; a value that is neither is not before and not after one.",
            example: Example::new(
                "_metadata.existsWithCondition('secure.risk_level', '>', 3)",
                "content=full; label=secure.risk_level=4",
                "true",
            ),
            build: |_, given| Ok(Reader::Metadata(name(given)?, condition(given)?)),
            ..BLANK
        },
    ]
});

fn name(given: &[Given]) -> Result<Name, Refusal> {
    let text = &given[0].text;
    Name::parse(text).ok_or_else(|| {
        let shown = crate::token::cut(text);
        Refusal::of(0, format!("`{shown}` is not an attribute"))
            .hint("write `set.attribute`, with exactly one dot")
    })
}

fn wanted(given: &[Given]) -> Vec<Wanted> {
    let values = given.iter().skip(1);
    values.map(|value| Wanted::of(&value.text)).collect()
}

fn condition(given: &[Given]) -> Result<Asked, Refusal> {
    let sign = given[1].text.trim();
    let known = OPERATORS.iter().find(|(known, _)| *known == sign);
    let Some((_, operator)) = known else {
        let shown = crate::token::cut(sign);
        return Err(Refusal::of(1, format!("`{shown}` compares nothing"))
            .hint("write '==', '!=', '<>', '>', '<', '>=' or '<='"));
    };
    let wanted = Wanted::of(&given[2].text);
    let is_order = !matches!(operator, Operator::Equal | Operator::NotEqual);
    if is_order && !wanted.is_ordered() {
        return Err(Refusal::of(
            2,
            format!("`{sign}` orders numbers and dates only"),
        ));
    }
    Ok(Asked::Compares(*operator, wanted))
}
