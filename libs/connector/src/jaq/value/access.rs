//! What the language asks of a value: its children, by key, by index, by range. Nothing is written.

use std::collections::BTreeMap;

use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error, Exn, ValR, ValT, ValX};

use super::{Val, spend, spend_bytes, spent};

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
