//! Reads `normalize` and the verbs of a manifest.

use std::sync::Arc;

use event_model::{EventType, Field, PartyType, Reason, Visibility};

use crate::condition::filter::{Filter, share_names};
use crate::condition::memo::number_repeated;
use crate::condition::{Condition, not_one_of, read_regex};
use crate::jaq::Program;
use crate::mapping::Mapping;
use crate::mapping::verb::{Table, Verb};
use crate::mistake::did_you_mean;
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::scope::{Names, Ref};
use crate::template::Template;
use crate::time::FORMATS;

/// The verbs, as a manifest writes them.
const VERBS: [&str; 17] = [
    "path",
    "field",
    "param",
    "connection",
    "first_of",
    "const",
    "lookup",
    "template",
    "time",
    "received_at",
    "ip",
    "domain_class",
    "lower",
    "basename",
    "regex_capture",
    "join",
    "hash_id",
];
const DOES_NOT_APPLY: Reason = Reason::fixed("does not apply to this event");
const MORE_VERBS: [&str; 5] = ["pick", "join_each", "url_path", "jaq", "absent"];

/// Reads `normalize`: each of the 24 fields must be mapped, or absent for a reason.
pub(crate) fn read_mapping(node: &Node<'_>) -> Option<Mapping> {
    let fields = node.fields()?;
    let names = Names::MAPPING;
    let rewrite = fields.maybe("rewrite", |node| {
        let fields = node.fields()?;
        let program = fields.require("jaq")?;
        program.take(Program::compile(&program.text()?))
    });
    let explode = fields.maybe("explode", |node| node.take(Pointer::parse(&node.text()?)));
    let skip = fields.maybe("skip", |node| Condition::read(node, &names));
    let own = fields.maybe("own", |node| Condition::read(node, &names));
    let verbs = fields
        .require("fields")
        .and_then(|node| read_fields(&node, true));
    let (explode, skip, own, mut fields) = (explode?, skip?, own?, verbs?);
    number_repeated(&mut fields);
    share_names(&mut fields);
    let conditions: Vec<&Condition> = skip.iter().chain(&own).collect();
    let projection = Mapping::projection_of(explode.as_ref(), &conditions, &fields);
    Some(Mapping {
        rewrite: rewrite?,
        explode,
        skip,
        own,
        fields,
        projection,
    })
}

/// Reads a mapping from field names to verbs, and puts each after those that it needs.
pub(crate) fn read_fields(node: &Node<'_>, all: bool) -> Option<Vec<(Field, Verb)>> {
    let entries = node.entries()?;
    let mut whole = true;
    let mut verbs = Vec::new();
    for (name, node) in &entries {
        let Some(field) = Field::from_name(name) else {
            let hint = did_you_mean(name, Field::ALL.iter().map(|field| field.name()));
            node.wrong_with::<()>(format!("`{name}` is not one of the 24 fields"), hint);
            whole = false;
            continue;
        };
        match read_verb(node, &Names::MAPPING) {
            Some(verb) => {
                whole &= check_words(field, &verb, node);
                verbs.push((field, verb));
            }
            None => whole = false,
        }
    }
    for field in Field::ALL {
        if all && !entries.iter().any(|(name, _)| name == field.name()) {
            node.wrong_with::<()>(
                format!("`{field}` is not mapped"),
                Some(format!(
                    "if the service does not have it, write `{field}: {{absent: why}}`"
                )),
            );
            whole = false;
        }
    }
    if !whole {
        return None;
    }
    in_order(verbs, node)
}

/// Puts each field after the fields that it reads.
fn in_order(verbs: Vec<(Field, Verb)>, node: &Node<'_>) -> Option<Vec<(Field, Verb)>> {
    let mut waiting = verbs;
    waiting.sort_by_key(|(field, _)| *field);
    let mut done = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|(_, verb)| {
            let mut names = Vec::new();
            verb.reads(&mut names);
            !waiting
                .iter()
                .any(|(open, _)| names.contains(&Ref::Activity(*open)))
        });
        let Some(ready) = ready else {
            let circle: Vec<&str> = waiting.iter().map(|(field, _)| field.name()).collect();
            let circle = circle.join(", ");
            return node.wrong(format!("these fields are made of each other: {circle}"));
        };
        done.push(waiting.remove(ready));
    }
    Some(done)
}

/// A table or constant for a field with a closed set of words must use those words.
fn check_words(field: Field, verb: &Verb, node: &Node<'_>) -> bool {
    let known: Vec<&str> = match field {
        Field::EventType => EventType::ALL.iter().map(|word| word.word()).collect(),
        Field::ActorType | Field::TargetUserType => {
            PartyType::ALL.iter().map(|word| word.word()).collect()
        }
        Field::Visibility => Visibility::ALL.iter().map(|word| word.word()).collect(),
        _ => return true,
    };
    let mut words = Vec::new();
    written_words(verb, &mut words);
    words.sort_unstable();
    words.dedup();
    let wrong: Vec<&&str> = words.iter().filter(|word| !known.contains(*word)).collect();
    for word in &wrong {
        node.wrong::<()>(not_one_of(word, known.iter().copied()));
    }
    wrong.is_empty()
}

/// The words that a verb can write, as far as the manifest says them.
pub(crate) fn written_words<'v>(verb: &'v Verb, out: &mut Vec<&'v str>) {
    match verb {
        Verb::Const(word) => out.push(word),
        Verb::Lookup { table, .. } => {
            let prefixes = table.prefixes.iter().map(|(_, value)| value);
            let all = table.exact.values().chain(prefixes).chain(&table.default);
            out.extend(all.map(String::as_str));
        }
        Verb::FirstOf(verbs) => verbs.iter().for_each(|verb| written_words(verb, out)),
        Verb::When { then, .. } => written_words(then, out),
        Verb::Pick { take, .. } => written_words(take, out),
        _ => {}
    }
}

/// Reads one verb: a path, a list of which the first that is there counts, or a mapping.
pub(crate) fn read_verb(node: &Node<'_>, names: &Names) -> Option<Verb> {
    if node.is_list() {
        return node.each(|node| read_verb(node, names)).map(Verb::FirstOf);
    }
    if !node.is_mapping() {
        let text = node.text()?;
        if !text.starts_with('/') && !text.starts_with("envelope/") {
            let hint = format!("a path starts with `/`; a constant is `{{const: {text}}}`");
            return node.wrong_with(format!("`{text}` is not a path"), Some(hint));
        }
        return node.take(Ref::parse(&text, names)).map(Verb::value);
    }
    let fields = node.fields()?;
    let condition = fields.maybe("when", |node| Condition::read(node, names));
    let otherwise = fields.maybe("otherwise", Node::text);
    let verb = read_kind(&fields, names);
    let verb = match (verb?, condition?) {
        (then, Some(condition)) => {
            let reason = otherwise?.map_or(DOES_NOT_APPLY, Reason::from);
            Verb::When {
                condition,
                then: Box::new(then),
                reason,
            }
        }
        (verb, None) => verb,
    };
    Some(verb)
}

/// The one verb that is given, and what it is given.
fn the_verb<'a>(fields: &Fields<'a>) -> Option<(&'static str, Node<'a>)> {
    let kinds = VERBS.into_iter().chain(MORE_VERBS);
    let mut given = kinds.filter_map(|kind| Some((kind, fields.get(kind)?)));
    let (first, second) = (given.next(), given.next());
    if second.is_none() && first.is_some() {
        return first;
    }
    let message = if first.is_none() {
        "there is no verb here"
    } else {
        "there are several verbs here"
    };
    drop(given);
    fields.forgive();
    let list = [&VERBS[..], &MORE_VERBS].concat().join(", ");
    let hint = Some(format!("one of {list}"));
    fields.node().wrong_with(message, hint)
}

fn read_kind(fields: &Fields<'_>, names: &Names) -> Option<Verb> {
    let (kind, node) = &the_verb(fields)?;
    let inner = || read_verb(node, names).map(Box::new);
    let each = || node.each(|node| read_verb(node, names));
    let name = |prefix: &str| {
        let text = format!("{prefix}{}", node.text()?);
        node.take(Ref::parse(&text, names)).map(Verb::value)
    };
    match *kind {
        "path" => name(""),
        "field" => name("activity."),
        "param" => name("params."),
        "connection" => name("connection."),
        "first_of" => each().map(Verb::FirstOf),
        "const" => node.text().map(Verb::Const),
        "template" => node
            .take(Template::parse(&node.text()?, names))
            .map(Verb::Template),
        "jaq" => read_program(node).map(Verb::Jaq),
        "received_at" => node.boolean().map(|_| Verb::ReceivedAt),
        "ip" => inner().map(Verb::Ip),
        "lower" => inner().map(Verb::Lower),
        "basename" => inner().map(Verb::Basename),
        "url_path" => inner().map(Verb::UrlPath),
        "hash_id" => each().map(Verb::HashId),
        "absent" => node.text().map(|reason| Verb::Absent(reason.into())),
        "time" => {
            let format = fields.read("format", FORMATS[0].1, |node| node.word(&FORMATS));
            Some(Verb::Time(inner()?, format?))
        }
        "lookup" => {
            let table = read_table(fields);
            Some(Verb::Lookup {
                of: inner()?,
                table: table?,
            })
        }
        "domain_class" => {
            let against = fields
                .require("against")
                .and_then(|node| read_verb(&node, names));
            Some(Verb::DomainClass {
                of: inner()?,
                against: Box::new(against?),
            })
        }
        "join" => {
            let with = fields.read("with", " ".to_owned(), Node::text);
            Some(Verb::Join(each()?, with?))
        }
        "join_each" => {
            let list = node.take(Pointer::parse(&node.text()?));
            let take = fields.require("take");
            let take = take.and_then(|node| read_verb(&node, names));
            let with = fields.read("with", " ".to_owned(), Node::text);
            Some(Verb::JoinEach {
                list: list?,
                take: Box::new(take?),
                with: with?,
            })
        }
        "regex_capture" => read_capture(fields, inner()),
        "pick" => read_pick(fields, node, names),
        _ => None,
    }
}

fn read_pick(fields: &Fields<'_>, node: &Node<'_>, names: &Names) -> Option<Verb> {
    let list = node.take(Pointer::parse(&node.text()?));
    let filter = fields.maybe("where", |node| Condition::read(node, names));
    let take = fields
        .require("take")
        .and_then(|node| read_verb(&node, names));
    Some(Verb::Pick {
        list: list?,
        filter: filter?.map(Filter::from),
        take: Box::new(take?),
    })
}

/// Reads a jaq program.
fn read_program(node: &Node<'_>) -> Option<Arc<Program>> {
    node.take(Program::compile(&node.text()?)).map(Arc::new)
}

fn read_capture(fields: &Fields<'_>, of: Option<Box<Verb>>) -> Option<Verb> {
    let pattern = fields.require("pattern");
    let regex = pattern.as_ref().and_then(read_regex);
    let group = fields.read("group", 1, |node| node.integer(0, 9));
    let (regex, group) = (regex?, usize::try_from(group?).ok()?);
    if group >= regex.captures_len() {
        return pattern?.wrong(format!("the pattern has no group {group}"));
    }
    Some(Verb::Capture {
        of: of?,
        regex,
        group,
    })
}

fn read_table(fields: &Fields<'_>) -> Option<Table> {
    let mut table = Table {
        default: fields.maybe("default", Node::text)?,
        ..Table::default()
    };
    for (key, node) in fields.require("table")?.entries()? {
        let value = node.text()?;
        match key.strip_suffix('*') {
            Some(prefix) => table.prefixes.push((prefix.to_owned(), value)),
            None => {
                table.exact.insert(key, value);
            }
        }
    }
    table
        .prefixes
        .sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
    Some(table)
}
