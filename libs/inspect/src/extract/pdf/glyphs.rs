//! Which characters the codes of a simple font stand for, by the names of its glyphs.

use lopdf::{Dictionary, Document, Encoding, Object};

/// Codes of a simple font.
const CODES: usize = 256;
/// Bytes that an encoding may decompress to.
const ENCODING_BYTES_MAX: usize = 1 << 20;
/// Bytes of the longest name that a list of glyphs has.
const NAME_BYTES_MAX: usize = 40;

/// The characters of a simple font's codes, by its `/Encoding` and `/Differences`; empty where nothing is known.
pub(super) fn characters(document: &Document, font: &Dictionary) -> Vec<String> {
    let encoding = font.get_deref(b"Encoding", document).ok();
    let (base, differences) = match encoding {
        Some(Object::Dictionary(told)) => (
            told.get_deref(b"BaseEncoding", document).ok(),
            told.get_deref(b"Differences", document).ok(),
        ),
        base => (base, None),
    };
    let mut characters = of_encoding(document, base.cloned());
    characters.resize(CODES, String::new());
    let differences = differences.and_then(|list| list.as_array().ok());
    let named = named(differences.map_or(&[][..], Vec::as_slice));
    for (text, (code, name)) in texts(document, &named).into_iter().zip(&named) {
        match text {
            Some(text) => characters[*code] = text,
            None if is_number(name, *code) => {}
            None => characters[*code].clear(),
        }
    }
    characters
}

fn of_encoding(document: &Document, encoding: Option<Object>) -> Vec<String> {
    let mut told = Dictionary::new();
    told.set("Type", Object::Name(b"Font".to_vec()));
    if let Some(encoding) = encoding {
        told.set("Encoding", encoding);
    }
    let Ok(encoding) = told.get_font_encoding_with_limit(document, ENCODING_BYTES_MAX) else {
        return Vec::new();
    };
    (0..=u8::MAX).map(|code| shown(&encoding, code)).collect()
}

fn shown(encoding: &Encoding<'_>, code: u8) -> String {
    let text = encoding.bytes_to_string(&[code]).unwrap_or_default();
    let told = |c: &char| !c.is_control() && *c != char::REPLACEMENT_CHARACTER;
    text.chars().filter(told).collect()
}

/// Codes with the names that they have instead of what the base gives them. Source: ISO 32000-2, 9.6.5.
fn named(differences: &[Object]) -> Vec<(usize, &[u8])> {
    let mut code = 0;
    let mut named = Vec::new();
    for told in differences {
        match told {
            Object::Integer(told) => code = usize::try_from(*told).unwrap_or(CODES),
            Object::Name(name) if code < CODES && named.len() < CODES => {
                named.push((code, name.as_slice()));
                code += 1;
            }
            _ => {}
        }
    }
    named
}

/// The text of each glyph; `None` where its name does not tell.
fn texts(document: &Document, named: &[(usize, &[u8])]) -> Vec<Option<String>> {
    let names: Vec<&[u8]> = named.iter().map(|(_, name)| stem(name)).collect();
    let listed = listed(document, &names);
    let each = names.iter().zip(listed);
    each.map(|(name, listed)| coded(name).or(listed)).collect()
}

/// A name without what tells a variant of the glyph. Source: Adobe Glyph List Specification, 2.
fn stem(name: &[u8]) -> &[u8] {
    let end = name.iter().position(|byte| *byte == b'.');
    &name[..end.unwrap_or(name.len())]
}

/// `uni` and four digits of each character, or `u` and four to six. Source: Adobe Glyph List Specification, 2.
fn coded(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let character = |digits: &str| {
        let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = u32::from_str_radix(digits, 16)
            .ok()
            .filter(|_| is_hexadecimal);
        code.and_then(char::from_u32)
    };
    if let Some(digits) = name.strip_prefix("uni").filter(|digits| digits.len() >= 4) {
        let groups = digits.as_bytes().chunks(4);
        return groups
            .map(|four| character(std::str::from_utf8(four).ok()?))
            .collect();
    }
    let digits = name.strip_prefix('u')?;
    let text = (4..=6).contains(&digits.len()).then(|| character(digits))?;
    text.map(String::from)
}

/// The text of names that the list of glyphs has. One name that it has not spoils a whole encoding, so then each is
/// looked up alone.
fn listed(document: &Document, names: &[&[u8]]) -> Vec<Option<String>> {
    let known: Vec<&[u8]> = names
        .iter()
        .copied()
        .filter(|name| !name.is_empty())
        .collect();
    if let (true, Some(texts)) = (known.len() == names.len(), look_up(document, names)) {
        return texts.into_iter().map(Some).collect();
    }
    let alone = |name: &&[u8]| {
        let is_name = !name.is_empty() && name.len() <= NAME_BYTES_MAX && coded(name).is_none();
        let found = is_name.then(|| look_up(document, &[name])).flatten()?;
        found.into_iter().next()
    };
    names.iter().map(alone).collect()
}

fn look_up(document: &Document, names: &[&[u8]]) -> Option<Vec<String>> {
    let names = names.iter().map(|name| Object::Name(name.to_vec()));
    let differences: Vec<Object> = std::iter::once(Object::Integer(0)).chain(names).collect();
    let count = differences.len() - 1;
    let encoding = Dictionary::from_iter([("Differences", Object::Array(differences))]);
    let mut told = Dictionary::new();
    told.set("Type", Object::Name(b"Font".to_vec()));
    told.set("Encoding", Object::Dictionary(encoding));
    let encoding = told
        .get_font_encoding_with_limit(document, ENCODING_BYTES_MAX)
        .ok()?;
    let codes = 0..=u8::MAX;
    matches!(encoding, Encoding::Differences(_)).then(|| {
        codes
            .take(count)
            .map(|code| shown(&encoding, code))
            .collect()
    })
}

/// Whether a glyph is called by its code, as those of fonts that are drawn are: then it is what the base has there.
fn is_number(name: &[u8], code: usize) -> bool {
    let digits = name
        .iter()
        .position(u8::is_ascii_digit)
        .map(|at| &name[at..]);
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    digits.is_some_and(|digits| digits.parse() == Ok(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyphs_are_read_by_their_names_and_one_unknown_spoils_no_other() {
        let names = [
            "zero",
            "uni0031",
            "u0032",
            "u1F600",
            "three.alt",
            "uni00340035",
            ".notdef",
            "g77",
            "a8",
            "union",
            "uni12",
            "Euro",
        ];
        let names = names.map(|name| Object::Name(name.into())).to_vec();
        let differences = [vec![Object::Integer(0)], names].concat();
        let encoding = Dictionary::from_iter([("Differences", Object::Array(differences))]);
        let font = Dictionary::from_iter([("Encoding", Object::Dictionary(encoding))]);
        let found = characters(&Document::new(), &font);
        let expected = ["0", "1", "2", "😀", "3", "45", "", "", "", "∪", "", "€"];
        assert_eq!(found[..12], expected);
        assert_eq!((found[65].as_str(), found.len()), ("A", CODES));
    }

    #[test]
    fn a_glyph_called_by_its_code_is_what_the_base_has_there() {
        let named = |name: &str| {
            let differences = vec![Object::Integer(65), Object::Name(name.into())];
            let encoding = Dictionary::from_iter([("Differences", Object::Array(differences))]);
            Dictionary::from_iter([("Encoding", Object::Dictionary(encoding))])
        };
        for (name, expected) in [("a65", "A"), ("g65", "A"), ("g7", ""), ("B", "B"), ("", "")] {
            let found = characters(&Document::new(), &named(name));
            assert_eq!(found[65], expected, "{name}");
        }
    }
}
