//! Text out of HTML, in one pass whatever the markup is like: tags are tokens, there is no tree,
//! so nothing can nest. Text across inline tags joins and block tags separate. What a browser does
//! not show is read too (scripts, comments, attributes, meta content), kept apart from the prose.

mod entities;

use std::borrow::Cow;
use std::sync::Arc;

use encoding_rs::Encoding;
use memchr::{memchr, memmem};

use super::charset;
use super::harvest::Harvest;
use crate::{Field, Place};

/// Attributes of one tag that are read.
const ATTRIBUTES_MAX: usize = 1_000;
/// Form values that carry their field's name.
const FIELDS_MAX: usize = 1 << 16;

/// Tags that do not break a word.
const INLINE: [&str; 24] = [
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "em", "font", "i", "ins", "kbd", "mark",
    "o:p", "q", "s", "small", "span", "strong", "sub", "sup", "u", "wbr",
];

pub(crate) fn extract(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place) {
    let source = charset::decode(bytes, declared(bytes));
    let mut page = Page::default();
    page.read(&source);
    let Page {
        text,
        hidden,
        fields,
        properties,
    } = page;
    harvest.push(place.clone(), text);
    harvest.push_fields(place.within("hidden"), hidden, fields);
    for (name, value) in properties {
        harvest.property(&name, &value);
    }
}

/// The charset that the page declares of itself in its first kilobyte.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(1_024)];
    let after = memmem::find(head, b"charset=")? + b"charset=".len();
    let label = head[after..].strip_prefix(b"\"").unwrap_or(&head[after..]);
    let end = label
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || b"-_:".contains(b)))?;
    Encoding::for_label(&label[..end])
}

#[derive(Default)]
struct Page {
    text: String,
    hidden: String,
    fields: Vec<Field>,
    properties: Vec<(String, String)>,
}

impl Page {
    fn read(&mut self, source: &str) {
        let mut rest = source;
        while let Some(at) = memchr(b'<', rest.as_bytes()) {
            self.prose(&rest[..at]);
            rest = self.markup(&rest[at..]);
        }
        self.prose(rest);
    }

    /// Takes one piece of markup, which starts with `<`, and answers what follows it. Whatever is
    /// not closed runs to the end of the page, so no byte is searched twice for the same thing.
    fn markup<'s>(&mut self, source: &'s str) -> &'s str {
        let inner = &source[1..];
        if let Some(comment) = inner.strip_prefix("!--") {
            let (comment, rest) = cut(comment, memmem::find(comment.as_bytes(), b"-->"), 3);
            self.hide(comment);
            return rest;
        }
        match inner.as_bytes().first() {
            Some(b'!' | b'?') => {
                let (declaration, rest) = cut(inner, memchr(b'>', inner.as_bytes()), 1);
                self.hide(declaration.strip_prefix("![CDATA[").unwrap_or(declaration));
                rest
            }
            Some(b'/') => {
                let (tag, rest) = cut(&inner[1..], memchr(b'>', &inner.as_bytes()[1..]), 1);
                self.separate(name_of(tag));
                rest
            }
            Some(byte) if byte.is_ascii_alphabetic() => self.tag(inner),
            _ => {
                self.text.push('<');
                inner
            }
        }
    }

    fn tag<'s>(&mut self, source: &'s str) -> &'s str {
        let name = name_of(source);
        let (attributes, rest) = attributes(&source[name.len()..]);
        self.separate(name);
        self.keep_attributes(name, &attributes);
        if ["script", "style", "noscript", "template"]
            .iter()
            .any(|n| name.eq_ignore_ascii_case(n))
        {
            let (content, rest) = cut(rest, closing(rest, name), 0);
            if !name.eq_ignore_ascii_case("style") {
                self.hide(content);
            }
            return rest;
        }
        rest
    }

    fn keep_attributes(&mut self, tag: &str, attributes: &[(&str, Cow<'_, str>)]) {
        let named = |wanted: &[&str]| {
            attributes
                .iter()
                .find(|(name, _)| wanted.iter().any(|w| name.eq_ignore_ascii_case(w)))
                .map(|(_, value)| value.as_ref())
        };
        let field = named(&["name", "aria-label", "placeholder", "property", "id"]);
        for (name, value) in attributes {
            let skip = ["class", "id", "style", "name"]
                .iter()
                .any(|n| name.eq_ignore_ascii_case(n));
            if skip || value.trim().is_empty() || value.starts_with("data:image/") {
                continue;
            }
            let start = self.hidden.len();
            self.hidden.push_str(value);
            if let Some(field) = field.filter(|_| self.fields.len() < FIELDS_MAX) {
                let name = Arc::from(field);
                self.fields.push(Field {
                    start,
                    end: self.hidden.len(),
                    name,
                    cell: None,
                });
            }
            self.hidden.push('\n');
        }
        if let (true, Some(name), Some(content)) =
            (tag.eq_ignore_ascii_case("meta"), field, named(&["content"]))
        {
            self.properties.push((name.to_owned(), content.to_owned()));
        }
    }

    fn prose(&mut self, source: &str) {
        entities::decode_into(source, &mut self.text);
    }

    fn hide(&mut self, source: &str) {
        if !source.trim().is_empty() {
            entities::decode_into(source, &mut self.hidden);
            self.hidden.push('\n');
        }
    }

    fn separate(&mut self, tag: &str) {
        if INLINE.iter().any(|inline| tag.eq_ignore_ascii_case(inline)) {
            return;
        }
        let cell = tag.eq_ignore_ascii_case("td") || tag.eq_ignore_ascii_case("th");
        if !self.text.is_empty() && !self.text.ends_with(['\n', '\t']) {
            self.text.push(if cell { '\t' } else { '\n' });
        }
    }
}

/// Splits at `end`, leaving out `skip` bytes there; without an end everything is taken.
fn cut(source: &str, end: Option<usize>, skip: usize) -> (&str, &str) {
    match end {
        Some(end) => (&source[..end], &source[end + skip..]),
        None => (source, ""),
    }
}

fn name_of(tag: &str) -> &str {
    let end = tag
        .bytes()
        .position(|byte| byte.is_ascii_whitespace() || byte == b'>' || byte == b'/')
        .unwrap_or(tag.len());
    &tag[..end]
}

/// Where the closing tag of `name` starts.
fn closing(source: &str, name: &str) -> Option<usize> {
    memmem::find_iter(source.as_bytes(), b"</").find(|at| {
        source
            .as_bytes()
            .get(at + 2..at + 2 + name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
    })
}

/// The attributes of a tag and what follows its `>`.
fn attributes(source: &str) -> (Vec<(&str, Cow<'_, str>)>, &str) {
    let mut found = Vec::new();
    let mut rest = source;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return (found, after);
        }
        if rest.is_empty() {
            return (found, rest);
        }
        let end = rest
            .bytes()
            .skip(1)
            .position(|b| b.is_ascii_whitespace() || matches!(b, b'=' | b'>' | b'/'))
            .map_or(rest.len(), |at| at + 1);
        // A name may begin with a character of several bytes.
        let end = rest.ceil_char_boundary(end);
        let name = &rest[..end];
        let after = rest[end..].trim_ascii_start();
        let Some(value) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let (value, after) = value_of(value.trim_ascii_start());
        if found.len() < ATTRIBUTES_MAX {
            found.push((name, entities::decode(value)));
        }
        rest = after;
    }
}

fn value_of(source: &str) -> (&str, &str) {
    match source.as_bytes().first() {
        Some(quote @ (b'"' | b'\'')) => {
            cut(&source[1..], memchr(*quote, &source.as_bytes()[1..]), 1)
        }
        _ => {
            let end = source
                .bytes()
                .position(|b| b.is_ascii_whitespace() || b == b'>');
            cut(source, end, 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_join_across_inline_tags_and_nothing_stays_hidden() {
        let rows = [
            (
                "4111<b>1111</b><span>1111</span>1111",
                "4111111111111111",
                "",
            ),
            ("<p>one</p><p>two</p>", "one\ntwo\n", ""),
            ("<td>a</td><td>b</td>", "a\tb\t", ""),
            (
                "a&amp;b &#52;&#x31;1&nbsp;x &unknown; &",
                "a&b 411\u{a0}x &unknown; &",
                "",
            ),
            ("<!-- pin 4111 -->x", "x", " pin 4111 \n"),
            ("<script>var c='5500'</script>x", "x", "var c='5500'\n"),
            ("<img alt='my card' src=a.png>", "", "my card\na.png\n"),
            (
                "<input name=ssn value=\"123-45-6789\">",
                "",
                "123-45-6789\n",
            ),
            ("<style>p{}</style>y", "y", ""),
            ("a < b and c > d", "a < b and c > d", ""),
            ("<!-- never closed", "", " never closed\n"),
            ("<a href=\"never closed", "", "never closed\n"),
            ("<script>never closed", "", "never closed\n"),
            ("</", "", ""),
            ("<é é=é>z", "<é é=é>z", ""),
            ("<p é=é>z", "z", "é\n"),
        ];
        for (source, text, hidden) in rows {
            let mut page = Page::default();
            page.read(source);
            assert_eq!(
                (page.text.as_str(), page.hidden.as_str()),
                (text, hidden),
                "{source}"
            );
        }
    }

    #[test]
    fn a_form_value_carries_its_fields_name() {
        let mut page = Page::default();
        page.read("<input type=text value='4111' name='card_number'>");
        let field = page
            .fields
            .iter()
            .find(|f| &page.hidden[f.start..f.end] == "4111")
            .expect("it is there");
        assert_eq!(&*field.name, "card_number");
    }

    #[test]
    fn hostile_markup_is_read_in_one_pass() {
        for unit in [
            "<div>", "<!--", "<a b='", "<script>", "<", "</", "&", "<a b=", "&#",
        ] {
            let source = unit.repeat(1_000_000 / unit.len());
            let mut page = Page::default();
            page.read(&source);
            assert!(
                page.text.len() + page.hidden.len() <= 2 * source.len(),
                "{unit}"
            );
        }
    }
}
