//! The values that a jaq program works on: JSON, metered.
//!
//! INVARIANT: whatever takes time or memory is paid for with fuel, in proportion. When the fuel is used
//! up, every operation fails and every iterator ends, so a program ends soon after. Every value knows
//! its size and depth, so that a small one cannot stand for an enormous tree.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use jaq_core::Error;
use jaq_core::val::Range;
use serde_json::{Number, Value};

mod access;
mod arithmetic;

/// Deepest nesting that is built.
const DEPTH_MAX: usize = 128;
/// Bytes of text that one unit of fuel moves.
const BYTES_PER_UNIT: usize = 16;

thread_local! {
    /// What is left. Programs run to their end on one thread.
    static FUEL: Cell<u64> = const { Cell::new(0) };
}

/// Fills the tank.
pub(super) fn refuel(units: u64) {
    FUEL.with(|fuel| fuel.set(units));
}

/// Whether nothing is left.
pub(super) fn is_spent() -> bool {
    FUEL.with(|fuel| fuel.get() == 0)
}

/// Takes one unit and so many more; says whether there was enough.
pub(super) fn spend(units: usize) -> bool {
    FUEL.with(|fuel| {
        let units = (units as u64).saturating_add(1);
        let left = fuel.get().saturating_sub(units);
        fuel.set(left);
        left > 0
    })
}

fn spend_bytes(bytes: usize) -> bool {
    spend(bytes / BYTES_PER_UNIT)
}

fn spent() -> Error<Val> {
    Error::str("the program takes too long")
}

/// JSON. Kinds are ordered as jq orders them.
#[derive(Debug, Clone)]
pub(super) enum Val {
    Null,
    Bool(bool),
    Int(isize),
    Float(f64),
    Str(Rc<str>),
    Arr(Rc<Tree<Vec<Val>>>),
    Obj(Rc<Tree<BTreeMap<Rc<str>, Val>>>),
}

/// Children, and how much there is below.
#[derive(Debug)]
pub(super) struct Tree<T> {
    pub(super) children: T,
    /// Values below, and every sixteen bytes of text.
    size: usize,
    depth: usize,
}

impl Val {
    pub(super) fn text(text: impl Into<Rc<str>>) -> Self {
        Val::Str(text.into())
    }

    pub(super) fn array(children: Vec<Val>) -> Self {
        match measured(children.iter()) {
            Some((size, depth)) => Val::Arr(Rc::new(Tree {
                children,
                size,
                depth,
            })),
            None => Val::Null,
        }
    }

    pub(super) fn object(children: BTreeMap<Rc<str>, Val>) -> Self {
        match measured(children.values()) {
            Some((size, depth)) => Val::Obj(Rc::new(Tree {
                children,
                size,
                depth,
            })),
            None => Val::Null,
        }
    }

    pub(super) fn size(&self) -> usize {
        match self {
            Val::Str(text) => 1 + text.len() / BYTES_PER_UNIT,
            Val::Arr(tree) => tree.size,
            Val::Obj(tree) => tree.size,
            _ => 1,
        }
    }

    fn depth(&self) -> usize {
        match self {
            Val::Arr(tree) => tree.depth,
            Val::Obj(tree) => tree.depth,
            _ => 0,
        }
    }

    /// Where jq orders its kind.
    fn rank(&self) -> u8 {
        match self {
            Val::Null => 0,
            Val::Bool(false) => 1,
            Val::Bool(true) => 2,
            Val::Int(_) | Val::Float(_) => 3,
            Val::Str(_) => 4,
            Val::Arr(_) => 5,
            Val::Obj(_) => 6,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Val::Null => "null",
            Val::Bool(_) => "boolean",
            Val::Int(_) | Val::Float(_) => "number",
            Val::Str(_) => "string",
            Val::Arr(_) => "array",
            Val::Obj(_) => "object",
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Val::Int(number) => Some(*number as f64),
            Val::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The JSON of it. What JSON does not have, such as NaN, is null.
    pub(super) fn json(&self) -> Value {
        if !spend(0) {
            return Value::Null;
        }
        match self {
            Val::Null => Value::Null,
            Val::Bool(truth) => Value::Bool(*truth),
            Val::Int(number) => Value::from(*number as i64),
            Val::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Val::Str(text) => Value::from(&**text),
            Val::Arr(tree) => tree.children.iter().map(Val::json).collect(),
            Val::Obj(tree) => {
                let entries = tree.children.iter();
                Value::Object(
                    entries
                        .map(|(key, value)| (key.to_string(), value.json()))
                        .collect(),
                )
            }
        }
    }

    /// As a text, as `tojson` writes it.
    pub(super) fn written(&self) -> Option<String> {
        spend(self.size()).then(|| self.json().to_string())
    }
}

/// Size and depth over these children; none when that is more than is paid for.
fn measured<'v>(children: impl Iterator<Item = &'v Val>) -> Option<(usize, usize)> {
    let (mut size, mut depth) = (1usize, 0);
    for child in children {
        size = size.saturating_add(child.size());
        depth = depth.max(child.depth());
    }
    if depth >= DEPTH_MAX {
        refuel(0);
        return None;
    }
    spend(size).then_some((size, depth + 1))
}

impl From<&Value> for Val {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Val::Null,
            Value::Bool(truth) => Val::Bool(*truth),
            Value::Number(number) => match number.as_i64().and_then(|int| int.try_into().ok()) {
                Some(int) => Val::Int(int),
                None => Val::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Val::text(text.as_str()),
            Value::Array(items) => Val::array(items.iter().map(Val::from).collect()),
            Value::Object(map) => {
                let entries = map
                    .iter()
                    .map(|(key, value)| (Rc::from(key.as_str()), value.into()));
                Val::object(entries.collect())
            }
        }
    }
}

impl From<bool> for Val {
    fn from(truth: bool) -> Self {
        Val::Bool(truth)
    }
}

impl From<isize> for Val {
    fn from(number: isize) -> Self {
        Val::Int(number)
    }
}

impl From<usize> for Val {
    fn from(number: usize) -> Self {
        isize::try_from(number).map_or(Val::Float(number as f64), Val::Int)
    }
}

impl From<f64> for Val {
    fn from(number: f64) -> Self {
        Val::Float(number)
    }
}

impl From<String> for Val {
    fn from(text: String) -> Self {
        spend_bytes(text.len());
        Val::text(text)
    }
}

impl From<Range<Val>> for Val {
    fn from(range: Range<Val>) -> Self {
        let ends = [("start", range.start), ("end", range.end)];
        let ends = ends
            .into_iter()
            .filter_map(|(key, end)| Some((Rc::from(key), end?)));
        Val::object(ends.collect())
    }
}

impl FromIterator<Val> for Val {
    fn from_iter<T: IntoIterator<Item = Val>>(items: T) -> Self {
        let items = items.into_iter().map_while(|item| spend(0).then_some(item));
        Val::array(items.collect())
    }
}

impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written().unwrap_or_default())
    }
}

impl Ord for Val {
    fn cmp(&self, other: &Self) -> Ordering {
        if !spend(self.size().min(other.size())) {
            return Ordering::Equal;
        }
        match (self, other) {
            (Val::Int(a), Val::Int(b)) => a.cmp(b),
            (Val::Str(a), Val::Str(b)) => a.cmp(b),
            (Val::Arr(a), Val::Arr(b)) => a.children.cmp(&b.children),
            (Val::Obj(a), Val::Obj(b)) => {
                let keys = a.children.keys().cmp(b.children.keys());
                keys.then_with(|| a.children.values().cmp(b.children.values()))
            }
            _ => match (self.number(), other.number()) {
                // NaN is less than every number, as jq has it.
                (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Less),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }
}

impl PartialOrd for Val {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Val {}
