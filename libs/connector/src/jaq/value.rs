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

use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error, Exn, ValR, ValT, ValX};
use serde_json::{Number, Value};

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

type Math = jaq_core::ops::Math;

/// The result over two numbers: whole while it can be.
fn calculated(
    (l, op, r): (&Val, Math, &Val),
    whole: fn(isize, isize) -> Option<isize>,
    broken: fn(f64, f64) -> f64,
) -> ValR<Val> {
    if let (Val::Int(l), Val::Int(r)) = (l, r)
        && let Some(whole) = whole(*l, *r)
    {
        return Ok(Val::Int(whole));
    }
    match (l.number(), r.number()) {
        (Some(l), Some(r)) => Ok(Val::Float(broken(l, r))),
        _ => Err(Error::math(l.clone(), op, r.clone())),
    }
}

impl std::ops::Add for Val {
    type Output = ValR<Val>;
    fn add(self, other: Self) -> ValR<Val> {
        if !spend(0) {
            return Err(spent());
        }
        match (&self, &other) {
            (Val::Null, _) => Ok(other),
            (_, Val::Null) => Ok(self),
            (Val::Str(l), Val::Str(r)) => match spend_bytes(l.len() + r.len()) {
                true => Ok(Val::text(format!("{l}{r}"))),
                false => Err(spent()),
            },
            (Val::Arr(l), Val::Arr(r)) => {
                let all = l.children.iter().chain(&r.children);
                Ok(all.cloned().collect())
            }
            (Val::Obj(l), Val::Obj(r)) => {
                if !spend(l.children.len() + r.children.len()) {
                    return Err(spent());
                }
                let mut all = l.children.clone();
                all.extend(
                    r.children
                        .iter()
                        .map(|(key, value)| (key.clone(), value.clone())),
                );
                Ok(Val::object(all))
            }
            (l, r) => calculated((l, Math::Add, r), isize::checked_add, |l, r| l + r),
        }
    }
}

impl std::ops::Sub for Val {
    type Output = ValR<Val>;
    fn sub(self, other: Self) -> ValR<Val> {
        if !spend(0) {
            return Err(spent());
        }
        match (&self, &other) {
            (Val::Arr(l), Val::Arr(r)) => {
                let kept = l.children.iter().filter(|item| !r.children.contains(item));
                Ok(kept.cloned().collect())
            }
            (l, r) => calculated((l, Math::Sub, r), isize::checked_sub, |l, r| l - r),
        }
    }
}

impl std::ops::Mul for Val {
    type Output = ValR<Val>;
    fn mul(self, other: Self) -> ValR<Val> {
        match spend(0) {
            true => calculated((&self, Math::Mul, &other), isize::checked_mul, |l, r| l * r),
            false => Err(spent()),
        }
    }
}

impl std::ops::Div for Val {
    type Output = ValR<Val>;
    fn div(self, other: Self) -> ValR<Val> {
        match (&self, &other) {
            (Val::Str(text), Val::Str(by)) if spend_bytes(text.len()) => {
                let parts: Vec<Val> = match (text.is_empty(), by.is_empty()) {
                    (true, _) => Vec::new(),
                    (_, true) => text
                        .chars()
                        .map(|char| Val::text(char.to_string()))
                        .collect(),
                    _ => text.split(&**by).map(Val::text).collect(),
                };
                Ok(Val::array(parts))
            }
            (l, r) if spend(0) => calculated((l, Math::Div, r), |_, _| None, |l, r| l / r),
            _ => Err(spent()),
        }
    }
}

impl std::ops::Rem for Val {
    type Output = ValR<Val>;
    fn rem(self, other: Self) -> ValR<Val> {
        match (&self, &other) {
            (_, Val::Int(0)) => Err(Error::math(self, Math::Rem, other)),
            (l, r) if spend(0) => calculated((l, Math::Rem, r), isize::checked_rem, |l, r| l % r),
            _ => Err(spent()),
        }
    }
}

impl std::ops::Neg for Val {
    type Output = ValR<Val>;
    fn neg(self) -> ValR<Val> {
        Val::Int(0) - self
    }
}

/// An iterator that ends when the fuel does.
fn metered<T: 'static>(items: Vec<T>) -> Box<dyn Iterator<Item = ValR<T, Val>>> {
    Box::new(
        items
            .into_iter()
            .map_while(|item| spend(0).then_some(Ok(item))),
    )
}

fn not_iterable<T: 'static>(value: Val) -> Box<dyn Iterator<Item = ValR<T, Val>>> {
    Box::new(std::iter::once(Err(Error::typ(
        value,
        "iterable (array or object)",
    ))))
}

/// Assignments are refused when a manifest is read.
fn no_updates<'a>() -> ValX<'a, Val> {
    Err(Exn::from(Error::str("nothing is changed in place here")))
}

impl ValT for Val {
    fn from_num(text: &str) -> ValR<Self> {
        match (text.parse::<isize>(), text.parse::<f64>()) {
            (Ok(int), _) => Ok(Val::Int(int)),
            (_, Ok(float)) => Ok(Val::Float(float)),
            _ => Err(Error::str("not a number")),
        }
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(entries: I) -> ValR<Self> {
        let mut map = BTreeMap::new();
        for (key, value) in entries {
            let Val::Str(key) = key else {
                return Err(Error::typ(key, "string"));
            };
            if !spend(0) {
                return Err(spent());
            }
            map.insert(key, value);
        }
        Ok(Val::object(map))
    }

    fn key_values(self) -> jaq_core::box_iter::BoxIter<'static, ValR<(Self, Self), Self>> {
        match &self {
            Val::Arr(tree) if spend(tree.children.len()) => {
                let items = tree.children.iter().cloned().enumerate();
                metered(
                    items
                        .map(|(index, item)| (Val::from(index), item))
                        .collect(),
                )
            }
            Val::Obj(tree) if spend(tree.children.len()) => {
                let entries = tree.children.iter();
                metered(
                    entries
                        .map(|(key, item)| (Val::Str(key.clone()), item.clone()))
                        .collect(),
                )
            }
            _ => not_iterable(self),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        match &self {
            Val::Arr(tree) if spend(tree.children.len()) => metered(tree.children.clone()),
            Val::Obj(tree) if spend(tree.children.len()) => {
                metered(tree.children.values().cloned().collect())
            }
            _ => not_iterable(self),
        }
    }

    fn index(self, index: &Self) -> ValR<Self> {
        if !spend(0) {
            return Err(spent());
        }
        let found = match (&self, index) {
            (Val::Null, _) => None,
            (Val::Obj(tree), Val::Str(key)) => tree.children.get(key),
            (Val::Arr(tree), Val::Int(at)) => {
                let from_end = at.checked_add_unsigned(tree.children.len());
                let at = if *at < 0 { from_end } else { Some(*at) };
                at.and_then(|at| tree.children.get(usize::try_from(at).ok()?))
            }
            _ => return Err(Error::index(self, index.clone())),
        };
        Ok(found.cloned().unwrap_or(Val::Null))
    }

    fn range(self, range: Range<&Self>) -> ValR<Self> {
        let bounds = |length: usize| {
            let at = |end: Option<&Val>, otherwise: usize| match end {
                None | Some(Val::Null) => Ok(otherwise),
                Some(Val::Int(at)) if *at < 0 => Ok(length.saturating_sub(at.unsigned_abs())),
                Some(Val::Int(at)) => Ok(at.unsigned_abs().min(length)),
                Some(other) => Err(Error::typ(other.clone(), "integer")),
            };
            let (from, to) = (at(range.start, 0)?, at(range.end, length)?);
            Ok::<_, Error<Val>>((from, to.saturating_sub(from)))
        };
        match &self {
            Val::Null => Ok(Val::Null),
            Val::Arr(tree) => {
                let (from, count) = bounds(tree.children.len())?;
                Ok(tree
                    .children
                    .iter()
                    .skip(from)
                    .take(count)
                    .cloned()
                    .collect())
            }
            Val::Str(text) if spend_bytes(text.len()) => {
                let (from, count) = bounds(text.chars().count())?;
                Ok(Val::text(
                    text.chars().skip(from).take(count).collect::<String>(),
                ))
            }
            _ => Err(Error::typ(self, "rangeable (array or string)")),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        no_updates()
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: &Self,
        _: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        no_updates()
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: Range<&Self>,
        _: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        no_updates()
    }

    fn as_bool(&self) -> bool {
        !matches!(self, Val::Null | Val::Bool(false))
    }

    fn into_string(self) -> Self {
        match self {
            Val::Str(_) => self,
            other => other.written().map_or(Val::Null, Val::text),
        }
    }
}

impl jaq_std::ValT for Val {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        match &self {
            Val::Arr(tree) if spend(tree.children.len()) => {
                Ok(tree.children.iter().cloned().collect())
            }
            _ => Err(self),
        }
    }

    fn is_int(&self) -> bool {
        matches!(self, Val::Int(_))
    }

    fn as_isize(&self) -> Option<isize> {
        match self {
            Val::Int(number) => Some(*number),
            _ => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        self.number()
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Val::Str(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Val::Str(text) if spend_bytes(text.len()) => Some(text.as_bytes()),
            _ => None,
        }
    }

    fn as_sub_str(&self, part: &[u8]) -> Self {
        Val::text(String::from_utf8_lossy(part))
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Val::text(String::from_utf8_lossy(bytes.as_ref()))
    }
}
