//! The escape hatch: jaq programs in a manifest, bounded.
//!
//! What it promises: a program ends, and soon, whatever it is and whatever it is given. It reads its
//! input and nothing else: no files, no environment, no clock, no other module. It has no recursion and
//! no loop but over what is there, and all that it does is metered: see [`value`].

use std::fmt;

use jaq_core::data::JustLut;
use jaq_core::load::lex::{Lexer, StrPart, Tok, Token};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::native::{Fun, bome, run, unary, v};
use jaq_core::{Compiler, Ctx, Error, Filter, ValR, Vars, unwrap_valr};
use jaq_std::ValT as _;
use serde_json::Value;

use value::{Val, is_spent, refuel, spend};

mod value;

/// Longest program, in bytes.
pub(crate) const PROGRAM_BYTES_MAX: usize = 2 * 1024;
/// Deepest nesting of brackets in a program.
const NESTING_MAX: usize = 32;
/// Largest event that a program is given, in bytes of JSON.
pub(crate) const INPUT_BYTES_MAX: usize = 128 * 1024;
/// What one run may cost: about a value looked at, or sixteen bytes moved, each.
pub(crate) const FUEL: u64 = 200_000;

/// Definitions taken from the language's own library, by name and number of arguments: those that
/// neither recur nor write in place.
const DEFINITIONS: [(&str, usize); 49] = [
    ("empty", 0),
    ("error", 0),
    ("error", 1),
    ("true", 0),
    ("false", 0),
    ("not", 0),
    ("select", 1),
    ("tostring", 0),
    ("range", 1),
    ("range", 2),
    ("map", 1),
    ("first", 0),
    ("last", 0),
    ("nth", 1),
    ("to_entries", 0),
    ("from_entries", 0),
    ("with_entries", 1),
    ("isempty", 1),
    ("all", 2),
    ("any", 2),
    ("all", 1),
    ("any", 1),
    ("all", 0),
    ("any", 0),
    ("getpath", 1),
    ("null", 0),
    ("isboolean", 0),
    ("isnumber", 0),
    ("isstring", 0),
    ("isarray", 0),
    ("isobject", 0),
    ("values", 0),
    ("nulls", 0),
    ("booleans", 0),
    ("numbers", 0),
    ("strings", 0),
    ("arrays", 0),
    ("objects", 0),
    ("iterables", 0),
    ("scalars", 0),
    ("add", 1),
    ("add", 0),
    ("min_by", 1),
    ("max_by", 1),
    ("min", 0),
    ("max", 0),
    ("unique_by", 1),
    ("unique", 0),
    ("keys", 0),
];
const MORE_DEFINITIONS: [(&str, usize); 1] = [("split", 1)];

/// Functions taken from there.
const FUNCTIONS: [&str; 27] = [
    "error_empty",
    "range",
    "keys_unsorted",
    "key_values",
    "first",
    "last",
    "limit",
    "skip",
    "floor",
    "round",
    "ceil",
    "utf8bytelength",
    "explode",
    "implode",
    "ascii_downcase",
    "ascii_upcase",
    "reverse",
    "sort",
    "sort_by",
    "group_by",
    "min_by_or_empty",
    "max_by_or_empty",
    "startswith",
    "endswith",
    "ltrimstr",
    "rtrimstr",
    "trim",
];
const MORE_FUNCTIONS: [&str; 2] = ["ltrim", "rtrim"];

/// Words and signs that a program must not have: they could make it endless, or write in place.
const REFUSED: [&str; 14] = [
    "def", "import", "include", "module", "label", "=", "|=", "+=", "-=", "*=", "/=", "%=", "//=",
    "?//",
];

type Data = JustLut<Val>;

/// A program, compiled once.
pub(crate) struct Program {
    filter: Filter<Data>,
    text: String,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({:?})", self.text)
    }
}

impl Program {
    /// Reads a program.
    ///
    /// # Errors
    /// A complaint: what is not in the language, or not in the part of it that is taken.
    pub(crate) fn compile(text: &str) -> Result<Self, String> {
        if text.len() > PROGRAM_BYTES_MAX {
            return Err(format!("a program has at most {PROGRAM_BYTES_MAX} bytes"));
        }
        if nesting(text) > NESTING_MAX {
            return Err(format!("a program nests at most {NESTING_MAX} deep"));
        }
        let tokens = Lexer::new(text).lex();
        let tokens = tokens.map_err(|errors| match errors.first() {
            Some((expected, "")) => format!("expected {} at the end", expected.as_str()),
            Some((expected, at)) => format!("expected {} at `{at}`", expected.as_str()),
            None => "not a jaq program".to_owned(),
        })?;
        if let Some(word) = refused(&tokens) {
            return Err(format!(
                "`{word}` is not taken: a program only reads, and ends"
            ));
        }
        let arena = Arena::default();
        let file = File {
            code: text,
            path: (),
        };
        let modules = Loader::new(definitions()).load(&arena, file);
        let modules = modules.map_err(|_| format!("`{text}` is not a jaq program"))?;
        let filter = Compiler::default().with_funs(functions()).compile(modules);
        let filter = filter.map_err(|errors| {
            let unknown = errors.iter().flat_map(|(_, unknown)| unknown);
            let unknown: Vec<String> = unknown
                .map(|(name, what)| format!("there is no {} `{name}`", what.as_str()))
                .collect();
            unknown.join(", ")
        })?;
        Ok(Program {
            filter,
            text: text.to_owned(),
        })
    }

    /// What the program makes of a document, at most so many values.
    ///
    /// # Errors
    /// When it fails, gives more values, or takes longer than is paid for.
    pub(crate) fn run(&self, document: &Value, most: usize) -> Result<Vec<Value>, String> {
        refuel(FUEL);
        let input = Val::from(document);
        let context = Ctx::<Data>::new(&self.filter.lut, Vars::new([]));
        let mut found = Vec::new();
        for output in self.filter.id.run((context, input)).map(unwrap_valr) {
            match output {
                _ if is_spent() => break,
                Err(_) => return Err("the program fails on this event".to_owned()),
                Ok(_) if found.len() == most => {
                    return Err(format!("the program gives more than {most} values"));
                }
                Ok(value) if !spend(value.size()) => break,
                Ok(value) => found.push(value.json()),
            }
        }
        match is_spent() {
            true => Err("the program takes too long".to_owned()),
            false => Ok(found),
        }
    }
}

/// Most brackets that are open at once, strings included: an upper bound.
fn nesting(text: &str) -> usize {
    let (mut open, mut most) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

/// The first word or sign that is not taken.
fn refused<'t>(tokens: &[Token<&'t str>]) -> Option<&'t str> {
    tokens.iter().find_map(|Token(text, kind)| match kind {
        Tok::Word | Tok::Sym if REFUSED.contains(text) => Some(*text),
        Tok::Block(inner) => refused(inner),
        Tok::Str(parts) => parts.iter().find_map(|part| match part {
            StrPart::Term(token) => refused(std::slice::from_ref(token)),
            StrPart::Str(_) | StrPart::Char(_) => None,
        }),
        _ => None,
    })
}

fn definitions() -> impl Iterator<Item = jaq_core::load::parse::Def<&'static str>> {
    let all = jaq_core::defs().chain(jaq_std::defs());
    all.filter(|definition| {
        let named = (definition.name, definition.args.len());
        DEFINITIONS.contains(&named) || MORE_DEFINITIONS.contains(&named)
    })
}

fn functions() -> impl Iterator<Item = Fun<Data>> {
    let all = jaq_core::funs::<Data>().chain(jaq_std::base_funs::<Data>());
    let taken = all.filter(|(name, ..)| FUNCTIONS.contains(name) || MORE_FUNCTIONS.contains(name));
    taken.chain(own_functions().map(|own| run::<Data>(own)))
}

fn own_functions() -> impl Iterator<Item = jaq_core::native::Filter<jaq_core::RunPtr<Data>>> {
    [
        (
            "type",
            v(0),
            (|cv| bome(Ok(Val::text(cv.1.kind())))) as jaq_core::RunPtr<Data>,
        ),
        ("length", v(0), |cv| bome(length(&cv.1))),
        ("tojson", v(0), |cv| {
            bome(Ok(cv.1.written().map_or(Val::Null, Val::text)))
        }),
        ("fromjson", v(0), |cv| bome(from_json(&cv.1))),
        ("tonumber", v(0), |cv| bome(number(cv.1))),
        ("has", v(1), |cv| unary(cv, |value, key| has(&value, &key))),
        ("contains", v(1), |cv| {
            unary(cv, |text, part| contains(&text, &part))
        }),
        ("join", v(1), |cv| {
            unary(cv, |list, with| join(&list, &with))
        }),
    ]
    .into_iter()
}

fn length(value: &Val) -> ValR<Val> {
    match value {
        Val::Null => Ok(Val::Int(0)),
        Val::Str(text) if spend(text.len()) => Ok(Val::from(text.chars().count())),
        Val::Arr(tree) => Ok(Val::from(tree.children.len())),
        Val::Obj(tree) => Ok(Val::from(tree.children.len())),
        other => Err(Error::typ(other.clone(), "string, array or object")),
    }
}

fn from_json(text: &Val) -> ValR<Val> {
    let bytes = text.as_utf8_bytes().filter(|bytes| spend(bytes.len()));
    let value = bytes.and_then(|bytes| crate::json::value(bytes).ok());
    value
        .as_ref()
        .map(Val::from)
        .ok_or_else(|| Error::str("not JSON"))
}

fn number(value: Val) -> ValR<Val> {
    match &value {
        Val::Int(_) | Val::Float(_) => Ok(value),
        Val::Str(text) if text.len() <= 40 => jaq_core::ValT::from_num(text.trim()),
        _ => Err(Error::str("not a number")),
    }
}

fn has(value: &Val, key: &Val) -> ValR<Val> {
    match (value, key) {
        (Val::Obj(tree), Val::Str(key)) => Ok(Val::Bool(tree.children.contains_key(key))),
        (Val::Arr(tree), Val::Int(at)) => {
            let at = usize::try_from(*at);
            Ok(Val::Bool(at.is_ok_and(|at| at < tree.children.len())))
        }
        _ => Err(Error::index(value.clone(), key.clone())),
    }
}

/// A text in a text, an element in a list.
fn contains(value: &Val, part: &Val) -> ValR<Val> {
    match (value, part) {
        (Val::Str(text), Val::Str(part)) if spend(text.len() + part.len()) => {
            Ok(Val::Bool(text.contains(&**part)))
        }
        (Val::Arr(tree), part) => Ok(Val::Bool(tree.children.contains(part))),
        _ => Err(Error::typ(value.clone(), "string or array")),
    }
}

fn join(list: &Val, with: &Val) -> ValR<Val> {
    let (Val::Arr(tree), Val::Str(with)) = (list, with) else {
        return Err(Error::typ(list.clone(), "array"));
    };
    let bytes = tree.children.len().saturating_mul(with.len());
    if !spend(list.size().saturating_add(bytes)) {
        return Err(Error::str("the program takes too long"));
    }
    let texts = tree.children.iter().map(|item| match item {
        Val::Str(text) => text.to_string(),
        Val::Null => String::new(),
        other => other.written().unwrap_or_default(),
    });
    Ok(Val::text(texts.collect::<Vec<_>>().join(with)))
}

#[cfg(test)]
mod tests;
