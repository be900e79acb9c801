//! Reads JSON in one pass: strict as `serde_json` is, never deeper than the bound, no number or text
//! judged by anybody but `serde_json` when it is not plain.

use std::borrow::Cow;
use std::ops::Range;

use event_model::plain_until;

use super::{Document, Json, Members, Outline};
use crate::json::JSON_DEPTH_MAX;
use crate::mapping::projection::{Parts, Projection};

/// Longest whole number that is kept as it is written, in bytes with its sign: it fits into 64 bits.
const PLAIN_NUMBER_BYTES_MAX: usize = 18;

/// Parts of the text, by their bytes.
pub(crate) type Spans = Vec<Range<usize>>;

/// What an outline found, and the elements of the one list that was asked for.
type Outlined<'t> = (Outline<'t>, Option<Vec<&'t str>>);

/// The text is not JSON from this byte on, or nested too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) usize);

pub(super) struct Parser<'t> {
    text: &'t str,
    at: usize,
    spans: Spans,
}

impl<'t> Parser<'t> {
    pub(super) fn over(text: &'t str) -> Self {
        Parser {
            text,
            at: 0,
            spans: Vec::new(),
        }
    }

    /// The whole text, and nothing after it.
    pub(super) fn document(mut self, wanted: &'t Projection) -> Result<Document<'t>, Malformed> {
        let root = self.read(wanted, 0)?;
        match self.peek() {
            None => Ok(Document {
                root,
                spans: self.spans,
            }),
            Some(_) => self.wrong(),
        }
    }

    /// Where the members or elements of the whole text stand, and nothing after it; and the elements of
    /// the member of that name, when it is a list.
    pub(super) fn outline(mut self, name: Option<&str>) -> Result<Outlined<'t>, Malformed> {
        let mut listed = None;
        let outline = match self.peek() {
            Some(b'{') => {
                let mut members = Vec::new();
                self.within(b'}', 0, |parser, depth| {
                    let key = parser.key()?;
                    if name != Some(&*key) {
                        members.push((key, parser.skipped(depth)?));
                        return Ok(());
                    }
                    let is_list = parser.peek() == Some(b'[');
                    let start = parser.at;
                    // Of a key that was sent twice the last counts.
                    listed = match is_list {
                        true => Some(parser.items(depth)?),
                        false => parser.skip(depth).map(|()| None)?,
                    };
                    members.push((key, &parser.text[start..parser.at]));
                    Ok(())
                })?;
                Outline::Object(members)
            }
            Some(b'[') => Outline::List(self.items(0)?),
            _ => {
                self.skip(0)?;
                Outline::Single
            }
        };
        match self.peek() {
            None => Ok((outline, listed)),
            Some(_) => self.wrong(),
        }
    }

    /// The texts of the elements of the list here.
    fn items(&mut self, depth: usize) -> Result<Vec<&'t str>, Malformed> {
        let mut items = Vec::new();
        self.within(b']', depth, |parser, depth| {
            items.push(parser.skipped(depth)?);
            Ok(())
        })?;
        Ok(items)
    }

    /// The text of the value here.
    fn skipped(&mut self, depth: usize) -> Result<&'t str, Malformed> {
        self.peek();
        let start = self.at;
        self.skip(depth)?;
        Ok(&self.text[start..self.at])
    }

    /// The value here as far as it is wanted; null for a single value of which parts are wanted.
    fn read(&mut self, wanted: &'t Projection, depth: usize) -> Result<Json<'t>, Malformed> {
        match (wanted, self.peek()) {
            (Projection::Whole, _) => self.whole(depth),
            (Projection::Parts(parts), Some(b'{')) => self.parts_of_object(parts, depth),
            (Projection::Parts(parts), Some(b'[')) => self.parts_of_list(parts, depth),
            (Projection::Each(element), Some(b'[')) => self.each(element, depth),
            // One element without its list.
            (Projection::Each(element), Some(b'{')) => {
                let start = self.at;
                let value = self.read(element, depth)?;
                self.spans.clear();
                self.spans.push(start..self.at);
                Ok(value)
            }
            _ => self.single().map(|_| Json::Null),
        }
    }

    fn whole(&mut self, depth: usize) -> Result<Json<'t>, Malformed> {
        match self.peek() {
            Some(b'{') => {
                let mut members = Vec::new();
                self.within(b'}', depth, |parser, depth| {
                    let key = parser.key()?;
                    members.push((key, parser.whole(depth)?));
                    Ok(())
                })?;
                Ok(Json::Object(Members::of(members)))
            }
            Some(b'[') => {
                let mut items = Vec::new();
                self.within(b']', depth, |parser, depth| {
                    items.push(parser.whole(depth)?);
                    Ok(())
                })?;
                Ok(Json::List(items))
            }
            _ => self.single(),
        }
    }

    fn parts_of_object(&mut self, parts: &'t Parts, depth: usize) -> Result<Json<'t>, Malformed> {
        let mut values: Box<[_]> = (0..parts.len()).map(|_| None).collect();
        self.within(b'}', depth, |parser, depth| {
            let key = parser.key()?;
            match parts.find(&key) {
                Some(at) => values[at] = Some(parser.read(parts.below(at), depth)?),
                None => parser.skip(depth)?,
            }
            Ok(())
        })?;
        Ok(Json::Object(Members::Read(parts, values)))
    }

    /// The elements up to the last that is wanted, null for those between.
    fn parts_of_list(&mut self, parts: &'t Parts, depth: usize) -> Result<Json<'t>, Malformed> {
        let last = parts.last_index();
        let mut items = Vec::new();
        self.within(b']', depth, |parser, depth| {
            if last.is_none_or(|last| items.len() > last) {
                return parser.skip(depth);
            }
            items.push(match parts.at_index(items.len()) {
                Some(below) => parser.read(below, depth)?,
                None => parser.skip(depth).map(|()| Json::Null)?,
            });
            Ok(())
        })?;
        Ok(Json::List(items))
    }

    fn each(&mut self, element: &'t Projection, depth: usize) -> Result<Json<'t>, Malformed> {
        let (mut items, mut spans) = (Vec::new(), Spans::new());
        self.within(b']', depth, |parser, depth| {
            parser.peek();
            let start = parser.at;
            items.push(parser.read(element, depth)?);
            spans.push(start..parser.at);
            Ok(())
        })?;
        self.spans = spans;
        Ok(Json::List(items))
    }

    /// Goes through a list or an object up to its closing bracket. `take` reads one element, with its
    /// key where it has one, and is told how deep it is.
    fn within(
        &mut self,
        closing: u8,
        depth: usize,
        mut take: impl FnMut(&mut Self, usize) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        if depth == JSON_DEPTH_MAX {
            return self.wrong();
        }
        self.at += 1;
        if self.peek() == Some(closing) {
            self.at += 1;
            return Ok(());
        }
        loop {
            take(self, depth + 1)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == closing => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.wrong(),
            }
        }
    }

    /// Goes over a value that nobody reads. Only its grammar is checked.
    fn skip(&mut self, depth: usize) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'{') => self.within(b'}', depth, |parser, depth| {
                parser.key_span()?;
                parser.skip(depth)
            }),
            Some(b'[') => self.within(b']', depth, Self::skip),
            Some(b'"') => self.text_span().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number_span().map(drop),
            _ => self.word().map(drop),
        }
    }

    /// A value that is neither a list nor an object.
    fn single(&mut self) -> Result<Json<'t>, Malformed> {
        match self.peek() {
            Some(b'"') => self.text().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Json<'t>, Malformed> {
        let (word, value) = match self.peek() {
            Some(b'n') => ("null", Json::Null),
            Some(b't') => ("true", Json::Bool(true)),
            Some(b'f') => ("false", Json::Bool(false)),
            _ => return self.wrong(),
        };
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.wrong();
        }
        self.at += word.len();
        Ok(value)
    }

    fn key(&mut self) -> Result<Cow<'t, str>, Malformed> {
        let (span, plain) = self.key_span()?;
        self.decoded(span, plain)
    }

    /// A key and the colon behind it.
    fn key_span(&mut self) -> Result<(Range<usize>, bool), Malformed> {
        if self.peek() != Some(b'"') {
            return self.wrong();
        }
        let found = self.text_span()?;
        if self.peek() != Some(b':') {
            return self.wrong();
        }
        self.at += 1;
        Ok(found)
    }

    fn text(&mut self) -> Result<Cow<'t, str>, Malformed> {
        let (span, plain) = self.text_span()?;
        self.decoded(span, plain)
    }

    /// What stands between the quotes; `serde_json` reads what has escapes in it.
    fn decoded(&self, span: Range<usize>, plain: bool) -> Result<Cow<'t, str>, Malformed> {
        if plain {
            return Ok(Cow::Borrowed(&self.text[span]));
        }
        let quoted = &self.text[span.start - 1..=span.end];
        match serde_json::from_str(quoted) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(_) => Err(Malformed(span.start)),
        }
    }

    /// What stands between the quotes that begin here, and whether it has no escapes.
    fn text_span(&mut self) -> Result<(Range<usize>, bool), Malformed> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let (mut end, mut plain) = (start, true);
        loop {
            end = plain_until(bytes, end);
            match bytes.get(end) {
                Some(b'"') => {
                    self.at = end + 1;
                    return Ok((start..end, plain));
                }
                Some(b'\\') => {
                    plain = false;
                    end += escape_bytes(&bytes[end + 1..]).ok_or(Malformed(end))?;
                }
                _ => return Err(Malformed(end)),
            }
        }
    }

    fn number(&mut self) -> Result<Json<'t>, Malformed> {
        let (span, whole) = self.number_span()?;
        let text = &self.text[span.clone()];
        if whole && text.len() <= PLAIN_NUMBER_BYTES_MAX && text != "-0" {
            return Ok(Json::Whole(text));
        }
        let number = serde_json::from_str(text).map(Json::Number);
        number.map_err(|_| Malformed(span.start))
    }

    /// The number that begins here, and whether it is whole. Source: RFC 8259, section 6.
    fn number_span(&mut self) -> Result<(Range<usize>, bool), Malformed> {
        let bytes = self.text.as_bytes();
        let digits = |from: usize| {
            let rest = bytes[from..].iter();
            from + rest.take_while(|byte| byte.is_ascii_digit()).count()
        };
        let start = self.at;
        let first = start + usize::from(bytes.get(start) == Some(&b'-'));
        let mut end = digits(first);
        if end == first || (bytes[first] == b'0' && end > first + 1) {
            return Err(Malformed(end));
        }
        let mut whole = true;
        if bytes.get(end) == Some(&b'.') {
            (whole, end) = (false, after_digits(end + 1, digits(end + 1))?);
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let first = end + 1 + sign;
            (whole, end) = (false, after_digits(first, digits(first))?);
        }
        self.at = end;
        Ok((start..end, whole))
    }

    /// The next byte that is not white space; none at the end.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
        None
    }

    fn wrong<T>(&self) -> Result<T, Malformed> {
        Err(Malformed(self.at))
    }
}

/// There must be digits.
fn after_digits(from: usize, end: usize) -> Result<usize, Malformed> {
    if end > from {
        Ok(end)
    } else {
        Err(Malformed(end))
    }
}

/// How long an escape is, with its backslash, by what follows that.
fn escape_bytes(after: &[u8]) -> Option<usize> {
    match after.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => {
            let digits = after.get(1..5)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(6)
        }
        _ => None,
    }
}
