//! `_file`: the object that is downloaded, uploaded, changed, deleted or shared.

use std::sync::LazyLock;

use event_model::Field;

use super::{
    Entry, Example, Given, Parameter, Reads, Refusal, Type, WITH_OBJECT, texts, the_field,
};
use crate::pattern::{Case, TextTest};
use crate::reader::Reader;

pub(super) const PATH: &[Parameter] = &[Parameter::one("path")];
pub(super) const TEXT: &[Parameter] = &[Parameter::one("text")];
pub(super) const PATTERN: &[Parameter] = &[Parameter::one("pattern")];

const NAME: Reads = Reads::Fields(&[Field::ObjectName]);

const BLANK: Entry = Entry {
    object: "_file",
    name: "",
    aliases: &[],
    parameters: &[],
    result: Type::Bool,
    actions: WITH_OBJECT,
    effect: None,
    reads: Reads::Fields(&[Field::ObjectPath]),
    words: &[],
    ignores_case: false,
    doc: "",
    example: Example::new("", "", ""),
    build: the_field,
};

pub(super) static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    vec![
        Entry {
            name: "path",
            result: Type::String,
            ignores_case: true,
            doc: "Where the object is.",
            example: Example::new(
                "_file.path == '/hr/pay.xlsx'",
                "object_path=/HR/pay.xlsx",
                "true",
            ),
            ..BLANK
        },
        Entry {
            name: "name",
            result: Type::String,
            reads: NAME,
            ignores_case: true,
            doc: "What the object is called, without its path.",
            example: Example::new("_file.name == 'pay.xlsx'", "object_name=pay.xlsx", "true"),
            ..BLANK
        },
        Entry {
            name: "ext",
            result: Type::String,
            reads: NAME,
            ignores_case: true,
            doc: "What follows the last dot of the name, in lower case; empty without one.",
            example: Example::new(
                "_file.ext in ['pdf', 'docx']",
                "object_name=Plan.DOCX",
                "true",
            ),
            build: |_, _| Ok(Reader::Extension),
            ..BLANK
        },
        Entry {
            name: "extIs",
            parameters: const { &[Parameter::many("extension")] },
            reads: NAME,
            doc: "Whether the extension is one of these, with or without a dot.",
            example: Example::new(
                "_file.extIs('pdf', '.docx')",
                "object_name=Plan.DOCX",
                "true",
            ),
            build: |_, given| Ok(Reader::ExtensionIs(extensions(given))),
            ..BLANK
        },
        Entry {
            name: "pathStartsWith",
            parameters: PATH,
            doc: "Whether the path starts with the text. End it with `/` to mean a folder.",
            example: Example::new(
                "_file.pathStartsWith('/hr/')",
                "object_path=/HR/pay.xlsx",
                "true",
            ),
            build: starts_with,
            ..BLANK
        },
        Entry {
            name: "pathContains",
            parameters: TEXT,
            doc: "Whether the path has the text somewhere.",
            example: Example::new(
                "_file.pathContains('/private/')",
                "object_path=/a/public/b",
                "false",
            ),
            build: contains,
            ..BLANK
        },
        Entry {
            name: "pathMatches",
            parameters: PATTERN,
            doc: "Whether the whole path is of that form: `*` is any run of characters, `#` is exactly one.",
            example: Example::new(
                "_file.pathMatches('/20##/*')",
                "object_path=/2026/q1.xlsx",
                "true",
            ),
            build: matches,
            ..BLANK
        },
        Entry {
            name: "fileNameContains",
            parameters: TEXT,
            reads: NAME,
            doc: "Whether the name has the text somewhere.",
            example: Example::new(
                "_file.fileNameContains('salary')",
                "object_name=2026 Salary.xlsx",
                "true",
            ),
            build: contains,
            ..BLANK
        },
    ]
});

fn extensions(given: &[Given]) -> Vec<String> {
    let bare = |text: &str| text.strip_prefix('.').unwrap_or(text).to_owned();
    texts(given).map(bare).collect()
}

pub(super) fn starts_with(entry: &Entry, given: &[Given]) -> Result<Reader, Refusal> {
    test(entry, TextTest::starts_with(&given[0].text, Case::Any))
}

pub(super) fn contains(entry: &Entry, given: &[Given]) -> Result<Reader, Refusal> {
    test(entry, TextTest::contains(&given[0].text, Case::Any))
}

pub(super) fn matches(entry: &Entry, given: &[Given]) -> Result<Reader, Refusal> {
    test(entry, TextTest::has_form(&given[0].text))
}

fn test(entry: &Entry, test: Result<TextTest, String>) -> Result<Reader, Refusal> {
    let test = test.map_err(|wrong| Refusal::of(0, wrong))?;
    match entry.reads {
        Reads::Fields([field]) => Ok(Reader::Test(*field, test)),
        _ => Err(Refusal::of(0, "the name reads no single field")),
    }
}
