//! Conditions of a manifest: total, two-valued, over the values at hand.

use std::borrow::Cow;

use regex::Regex;
use serde_json::Value;

use crate::mapping::address::is_internal;
use crate::mistake::did_you_mean;
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::scope::{Names, Ref, Scope, Word, scalar};
use crate::template::Template;
use crate::time::{self, Format};
use crate::view::View;
use filter::Filter;

pub(crate) mod filter;
pub(crate) mod memo;

/// Largest compiled regular expression of a manifest, in bytes.
const REGEX_BYTES_MAX: usize = 256 * 1024;

/// Something that holds or does not.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Test(Subject, Vec<Test>),
    /// One that the manifest has several times, by its number.
    Numbered(u8, Box<Condition>),
}

/// What is tested.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    Name(Ref),
    Text(Template),
}

/// One test of a subject. A missing value passes only `present: false` and `empty: true`.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Present(bool),
    Empty(bool),
    Equals(Template),
    In(Vec<Template>),
    StartsWith(Template),
    EndsWith(Template),
    Matches(Regex),
    /// An element of the list holds.
    Some(Box<Filter>),
    /// No element of the list holds.
    None(Box<Filter>),
    /// Stands later in the order, least first, than the other; an unknown word stands nowhere.
    RanksAbove {
        of: Template,
        order: Vec<String>,
    },
    /// What an element of the list has under that name.
    Among {
        list: Ref,
        at: String,
    },
    /// An e-mail address of none of those domains. Where there is no list, nobody is outside.
    Outside(Template),
    /// A moment that is not later than the other.
    NotAfter(Template),
}

impl Condition {
    /// Whether it holds.
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> bool {
        match self {
            Condition::All(all) => all.iter().all(|condition| condition.holds(scope)),
            Condition::Any(any) => any.iter().any(|condition| condition.holds(scope)),
            Condition::Not(condition) => !condition.holds(scope),
            Condition::Test(subject, tests) => tests.iter().all(|test| test.holds(subject, scope)),
            Condition::Numbered(number, condition) => match scope.memo {
                Some(memo) => memo.judge(*number, || condition.holds(scope)),
                None => condition.holds(scope),
            },
        }
    }

    /// The names that it reads.
    pub(crate) fn reads(&self, out: &mut Vec<Ref>) {
        match self {
            Condition::All(inner) | Condition::Any(inner) => {
                inner.iter().for_each(|condition| condition.reads(out));
            }
            Condition::Not(condition) | Condition::Numbered(_, condition) => condition.reads(out),
            Condition::Test(subject, tests) => {
                match subject {
                    Subject::Name(name) => out.push(name.clone()),
                    Subject::Text(template) => out.extend(template.names().cloned()),
                }
                tests.iter().for_each(|test| test.reads(out));
            }
        }
    }

    /// Reads a condition: one test, a mapping with `all`, `any` or `not`, or a list of which all hold.
    pub(crate) fn read(node: &Node<'_>, names: &Names) -> Option<Condition> {
        if node.is_list() {
            let all = node.each(|node| Condition::read(node, names))?;
            return Some(Condition::All(all));
        }
        let fields = node.fields()?;
        let each = |node: &Node<'_>| node.each(|node| Condition::read(node, names));
        let groups = [
            fields
                .get("all")
                .map(|node| each(&node).map(Condition::All)),
            fields
                .get("any")
                .map(|node| each(&node).map(Condition::Any)),
            fields.get("not").map(|node| {
                Condition::read(&node, names).map(|inner| Condition::Not(Box::new(inner)))
            }),
        ];
        let test = read_test(&fields, names);
        let mut given = groups.into_iter().chain([test]).flatten();
        match (given.next(), given.next()) {
            (Some(one), None) => one,
            (None, _) => {
                fields.forgive();
                node.wrong("a condition has `path`, `field`, `value` or `status` with a test, or `all`, `any`, `not`")
            }
            _ => node.wrong("`all`, `any`, `not` and a test do not go together: nest them"),
        }
    }
}

/// `None`: there is no subject here. `Some(None)`: there is one, and it is wrong.
fn read_test(fields: &Fields<'_>, names: &Names) -> Option<Option<Condition>> {
    let name = |node: Node<'_>, prefix: &str| -> Option<Subject> {
        let text = format!("{prefix}{}", node.text()?);
        if text.is_empty() {
            return Some(Subject::Name(Ref::Document(Pointer::whole())));
        }
        node.take(Ref::parse(&text, names)).map(Subject::Name)
    };
    let status = fields.get("status");
    if let Some(node) = status {
        let template = node
            .text()
            .and_then(|text| node.take(Template::parse(&text, names)));
        let subject = Subject::Name(Ref::Word(Word::Status));
        return Some(template.map(|is| Condition::Test(subject, vec![Test::Equals(is)])));
    }
    let (path, field, value) = (fields.get("path"), fields.get("field"), fields.get("value"));
    let subject = match (path, field, value) {
        (Some(node), None, None) => name(node, ""),
        (None, Some(node), None) => name(node, "activity."),
        (None, None, Some(node)) => node
            .text()
            .and_then(|text| node.take(Template::parse(&text, names)))
            .map(Subject::Text),
        (None, None, None) => return None,
        _ => fields
            .node()
            .wrong("`path`, `field` and `value` do not go together"),
    };
    let tests = read_tests(fields, names);
    Some(subject.and_then(|subject| Some(Condition::Test(subject, tests?))))
}

fn read_tests(fields: &Fields<'_>, names: &Names) -> Option<Vec<Test>> {
    let template = |node: &Node<'_>| {
        node.text()
            .and_then(|text| node.take(Template::parse(&text, names)))
    };
    let inner = |node: &Node<'_>| Condition::read(node, names).map(|one| Box::new(one.into()));
    let read = [
        fields.maybe("present", |node| node.boolean().map(Test::Present)),
        fields.maybe("empty", |node| node.boolean().map(Test::Empty)),
        fields.maybe("equals", |node| template(node).map(Test::Equals)),
        fields.maybe("in", |node| node.each(template).map(Test::In)),
        fields.maybe("starts_with", |node| template(node).map(Test::StartsWith)),
        fields.maybe("ends_with", |node| template(node).map(Test::EndsWith)),
        fields.maybe("matches", |node| read_regex(node).map(Test::Matches)),
        fields.maybe("some", |node| inner(node).map(Test::Some)),
        fields.maybe("none", |node| inner(node).map(Test::None)),
        fields.maybe("outside", |node| template(node).map(Test::Outside)),
        fields.maybe("not_after", |node| template(node).map(Test::NotAfter)),
        fields.maybe("among", |node| {
            let among = node.fields()?;
            let list = among.require("list");
            let list = list.and_then(|node| node.take(Ref::parse(&node.text()?, names)));
            let at = among.require("at").and_then(|node| node.text());
            Some(Test::Among {
                list: list?,
                at: at?,
            })
        }),
        fields.maybe("ranks_above", |node| {
            let rank = node.fields()?;
            let of = rank.require("of").and_then(|node| template(&node));
            let order = rank.require("order").and_then(|node| node.each(Node::text));
            Some(Test::RanksAbove {
                of: of?,
                order: order?,
            })
        }),
    ];
    let tests: Vec<Test> = read
        .into_iter()
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    if tests.is_empty() {
        return fields.node().wrong("the condition has no test: `present`, `equals`, `in`, `starts_with`, `ends_with`, `matches`, `empty`, `some`, `none`, `among`, `outside`, `not_after` or `ranks_above`");
    }
    Some(tests)
}

/// A regular expression: linear time, bounded size.
pub(crate) fn read_regex(node: &Node<'_>) -> Option<Regex> {
    let text = node.text()?;
    let built = regex::RegexBuilder::new(&text)
        .size_limit(REGEX_BYTES_MAX)
        .build();
    node.take(built.map_err(|error| format!("not a regular expression: {error}")))
}

impl Test {
    fn reads(&self, out: &mut Vec<Ref>) {
        match self {
            Test::Present(_) | Test::Empty(_) | Test::Matches(_) => {}
            Test::Equals(of)
            | Test::StartsWith(of)
            | Test::EndsWith(of)
            | Test::Outside(of)
            | Test::NotAfter(of) => {
                out.extend(of.names().cloned());
            }
            Test::Among { list, .. } => out.push(list.clone()),
            Test::RanksAbove { of, .. } => out.extend(of.names().cloned()),
            Test::In(all) => all.iter().for_each(|of| out.extend(of.names().cloned())),
            Test::Some(filter) | Test::None(filter) => filter.condition.reads(out),
        }
    }

    fn holds(&self, subject: &Subject, scope: &Scope<'_>) -> bool {
        let text = || subject.text(scope);
        let is = |text: &str, template: &Template, test: fn(&str, &str) -> bool| {
            template.cow(scope).is_ok_and(|other| test(text, &other))
        };
        let both = |template: &Template, test: fn(&str, &str) -> bool| {
            text().is_some_and(|text| is(&text, template, test))
        };
        match self {
            Test::Present(expected) => subject.is_present(scope) == *expected,
            Test::Empty(expected) => subject.is_empty(scope) == *expected,
            Test::Equals(template) => both(template, |a, b| a == b),
            Test::In(templates) => text().is_some_and(|text| {
                let mut words = templates.iter();
                words.any(|template| is(&text, template, |a, b| a == b))
            }),
            Test::StartsWith(template) => both(template, |a, b| a.starts_with(b)),
            Test::EndsWith(template) => both(template, |a, b| a.ends_with(b)),
            Test::Matches(regex) => text().is_some_and(|text| regex.is_match(&text)),
            Test::Some(filter) => subject.has_element(filter, scope) == Some(true),
            Test::None(filter) => subject.has_element(filter, scope) == Some(false),
            Test::Among { list, at } => text().is_some_and(|text| {
                let list = scope.value(list);
                let items = list.as_deref().and_then(Value::as_array).into_iter();
                let values = items.flatten().filter_map(|item| item.get(at));
                values.filter_map(scalar).any(|value| value == text)
            }),
            Test::Outside(domains) => both(domains, |email, domains| {
                // An empty list says nothing: else everybody would be outside.
                domains.contains(char::is_alphanumeric)
                    && is_internal(email, domains) == Some(false)
            }),
            Test::NotAfter(other) => both(other, in_order),
            Test::RanksAbove { of, order } => {
                let rank = |word: Option<Cow<'_, str>>| {
                    word.and_then(|word| order.iter().position(|known| *known == word))
                };
                rank(text())
                    .zip(rank(of.cow(scope).ok()))
                    .is_some_and(|(mine, theirs)| mine > theirs)
            }
        }
    }
}

/// Whether both are moments, and the first is not later than the second.
fn in_order(first: &str, second: &str) -> bool {
    let at = |text| time::parse(text, Format::Rfc3339);
    at(first).zip(at(second)).is_some_and(|(a, b)| a <= b)
}

impl Subject {
    fn text<'a>(&'a self, scope: &Scope<'a>) -> Option<Cow<'a, str>> {
        match self {
            Subject::Name(name) => scope.text(name),
            Subject::Text(template) => template.cow(scope).ok().filter(|text| !text.is_empty()),
        }
    }

    /// The name of the place in a document that it is; none where it is a text.
    fn place(&self) -> Option<&Ref> {
        let name = match self {
            Subject::Name(name) => Some(name),
            Subject::Text(template) => template.plain_name(),
        };
        name.filter(|name| name.is_place())
    }

    fn is_present(&self, scope: &Scope<'_>) -> bool {
        match self.place() {
            Some(name) => scope.view(name).is_some_and(|view| !view.is_missing()),
            None => self.text(scope).is_some(),
        }
    }

    fn is_empty(&self, scope: &Scope<'_>) -> bool {
        match self.place() {
            Some(name) => scope.view(name).is_none_or(View::is_empty),
            None => self.text(scope).is_none(),
        }
    }

    /// Whether an element of the list is so. What is not a list has no elements, and nothing can be said
    /// of it.
    fn has_element(&self, filter: &Filter, scope: &Scope<'_>) -> Option<bool> {
        let list = self.place().and_then(|name| scope.view(name))?;
        list.is_list().then(|| filter.first(list, scope).is_some())
    }
}

/// The complaint about a word that is not one of those known.
pub(crate) fn not_one_of<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    let list: Vec<&str> = known.clone().into_iter().collect();
    let hint = did_you_mean(word, known).map(|hint| format!(" ({hint})"));
    format!(
        "`{word}` is not one of {}{}",
        list.join(", "),
        hint.unwrap_or_default()
    )
}
