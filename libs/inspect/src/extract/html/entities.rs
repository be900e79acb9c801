//! Character references of HTML: numbers, and the names that matter to detectors. Each looks at a
//! bounded number of bytes; what is unknown stays as it is.

use std::borrow::Cow;

use memchr::memchr;

/// Bytes between `&` and `;` of the longest entity that is looked for.
const NAME_BYTES_MAX: usize = 32;

/// Entities that can carry or split what detectors look for, and those of common prose.
const NAMED: [(&str, &str); 58] = [
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", "\u{a0}"),
    ("ensp", "\u{2002}"),
    ("emsp", "\u{2003}"),
    ("thinsp", "\u{2009}"),
    ("Tab", "\t"),
    ("NewLine", "\n"),
    ("shy", "\u{ad}"),
    ("zwnj", "\u{200c}"),
    ("zwj", "\u{200d}"),
    ("ZeroWidthSpace", "\u{200b}"),
    ("hyphen", "-"),
    ("dash", "-"),
    ("ndash", "–"),
    ("mdash", "—"),
    ("minus", "−"),
    ("commat", "@"),
    ("period", "."),
    ("colon", ":"),
    ("semi", ";"),
    ("comma", ","),
    ("num", "#"),
    ("plus", "+"),
    ("equals", "="),
    ("sol", "/"),
    ("lowbar", "_"),
    ("lpar", "("),
    ("rpar", ")"),
    ("hellip", "…"),
    ("lsquo", "‘"),
    ("rsquo", "’"),
    ("ldquo", "“"),
    ("rdquo", "”"),
    ("bull", "•"),
    ("middot", "·"),
    ("copy", "©"),
    ("reg", "®"),
    ("trade", "™"),
    ("euro", "€"),
    ("pound", "£"),
    ("yen", "¥"),
    ("cent", "¢"),
    ("deg", "°"),
    ("auml", "ä"),
    ("ouml", "ö"),
    ("uuml", "ü"),
    ("Auml", "Ä"),
    ("Ouml", "Ö"),
    ("Uuml", "Ü"),
    ("szlig", "ß"),
    ("eacute", "é"),
    ("egrave", "è"),
    ("agrave", "à"),
    ("ccedil", "ç"),
];

/// `source` with its character references resolved; unknown ones stay as they are.
pub(crate) fn decode(source: &str) -> Cow<'_, str> {
    if memchr(b'&', source.as_bytes()).is_none() {
        return Cow::Borrowed(source);
    }
    let mut text = String::with_capacity(source.len());
    decode_into(source, &mut text);
    Cow::Owned(text)
}

/// Appends `source` to `text` with its character references resolved.
pub(crate) fn decode_into(source: &str, text: &mut String) {
    let mut rest = source;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match resolve(rest, text) {
            Some(taken) => rest = &rest[taken..],
            None => text.push('&'),
        }
    }
    text.push_str(rest);
}

/// Resolves the reference whose name `rest` starts with; answers how many bytes it took.
fn resolve(rest: &str, text: &mut String) -> Option<usize> {
    let window = &rest.as_bytes()[..rest.len().min(NAME_BYTES_MAX)];
    let length = window
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'#'))
        .unwrap_or(window.len());
    let name = &rest[..length];
    // Browsers take a number without its semicolon too.
    let taken = length + usize::from(rest.as_bytes().get(length) == Some(&b';'));
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        text.push(char::from_u32(code.ok()?).unwrap_or(char::REPLACEMENT_CHARACTER));
        return Some(taken);
    }
    let (_, value) = NAMED.iter().find(|(known, _)| *known == name)?;
    text.push_str(value);
    Some(taken)
}
