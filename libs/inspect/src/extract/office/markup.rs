//! Names, values and references as XML writes them.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart};

/// An attribute's value with its references resolved.
pub(super) fn plain<'a>(found: &Attribute<'a>) -> Cow<'a, str> {
    let value = found.normalized_value(XmlVersion::Implicit1_0);
    value.unwrap_or_else(|_| found.value.clone())
}

/// A cell's number as a person types it: some writers store whole numbers with an exponent.
pub(super) fn as_typed(value: &str) -> Cow<'_, str> {
    const WHOLE_MAX: f64 = 1e18;
    let number = value
        .contains(['E', 'e'])
        .then(|| value.trim().parse::<f64>().ok())
        .flatten();
    match number {
        Some(number) if number.fract() == 0.0 && number.abs() < WHOLE_MAX => {
            Cow::Owned(format!("{number:.0}"))
        }
        _ => Cow::Borrowed(value),
    }
}

/// Appends what a reference stands for.
pub(super) fn resolve(entity: &BytesRef<'_>, text: &mut String) {
    match entity.resolve_char_ref() {
        Ok(Some(character)) => text.push(character),
        // INVARIANT: entities that a document defines itself are never expanded.
        _ => text.push_str(match &**entity {
            "lt" => "<",
            "gt" => ">",
            "amp" => "&",
            "quot" => "\"",
            "apos" => "'",
            _ => " ",
        }),
    }
}

/// The local name of the tag that starts at `from`, borrowed from the source.
pub(super) fn local_in(source: &str, from: u64) -> &str {
    let rest = usize::try_from(from)
        .ok()
        .and_then(|from| source.get(from..))
        .unwrap_or_default();
    let rest = rest.strip_prefix('<').unwrap_or(rest);
    let end = rest
        .bytes()
        .position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'>' | b'/'))
        .unwrap_or(rest.len());
    let name = &rest[..end];
    name.split_once(':').map_or(name, |(_, local)| local)
}

pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.try_get_attribute(name).ok()??;
    Some(plain(&found).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_an_exponent_are_read_as_they_were_typed() {
        let rows = [
            ("4.539578763621486E15", "4539578763621486"),
            ("5.36228145E+8", "536228145"),
            ("1.5E-3", "1.5E-3"),
            ("1E300", "1E300"),
            ("4539578763621486", "4539578763621486"),
            ("Elbe", "Elbe"),
        ];
        for (value, typed) in rows {
            assert_eq!(as_typed(value), typed);
        }
    }
}
