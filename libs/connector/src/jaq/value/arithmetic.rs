//! Sums, differences and the rest, each paid for.

use jaq_core::{Error, ValR};

use super::{Val, spend, spend_bytes, spent};

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
