//! Reads the characters of JSON one after the other. Every mistake is where it stands: nothing is
//! guessed, nothing is skipped.

use std::collections::btree_map::Entry;

use crate::json::{Member, Members, Node, Value};

/// Most values within each other.
const DEPTH_MAX: usize = 32;
/// Longest number, in characters.
const NUMBER_CHARS_MAX: usize = 1_000;

/// What is wrong, and at which byte.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) at: usize,
    pub(crate) what: String,
}

type Read<T> = Result<T, Mistake>;

pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str, at: usize) -> Self {
        Reader { text, at, depth: 0 }
    }

    /// One value and nothing else.
    pub(crate) fn document(&mut self) -> Read<Node> {
        let node = self.value()?;
        self.skip_space();
        match (self.peek(), &node.value) {
            (None, _) => Ok(node),
            // The commonest loss: members without the object around them.
            (Some(b':'), Value::Text(_)) => {
                self.wrong("nothing may follow the value: is `{` missing at the beginning?")
            }
            _ => self.wrong("nothing may follow the value"),
        }
    }

    fn value(&mut self) -> Read<Node> {
        self.skip_space();
        let at = self.at;
        let value = match self.peek() {
            Some(b'{') => self.within(Self::object)?,
            Some(b'[') => self.within(Self::list)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            _ if self.takes("true") => Value::Bool(true),
            _ if self.takes("false") => Value::Bool(false),
            _ if self.takes("null") => Value::Null,
            _ => return self.wrong("a value is missing"),
        };
        Ok(Node { at, value })
    }

    fn within(&mut self, read: fn(&mut Self) -> Read<Value>) -> Read<Value> {
        if self.depth == DEPTH_MAX {
            return self.wrong(format!("more than {DEPTH_MAX} values within each other"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Read<Value> {
        let mut members = Members::new();
        self.skip_space();
        if self.takes("}") {
            return Ok(Value::Object(members));
        }
        loop {
            self.member(&mut members)?;
            self.skip_space();
            if self.takes("}") {
                return Ok(Value::Object(members));
            }
            if !self.takes(",") {
                return self.wrong("`,` or `}` is missing");
            }
        }
    }

    fn member(&mut self, members: &mut Members) -> Read<()> {
        self.skip_space();
        let key_at = self.at;
        if self.peek() != Some(b'"') {
            return self.wrong("a key in quotes is missing");
        }
        let key = self.string()?;
        self.skip_space();
        if !self.takes(":") {
            return self.wrong("`:` is missing");
        }
        let node = self.value()?;
        match members.entry(key) {
            Entry::Vacant(place) => {
                place.insert(Member { key_at, node });
                Ok(())
            }
            Entry::Occupied(before) => Err(Mistake {
                at: key_at,
                what: format!(
                    "the key `{}` stands here a second time",
                    shown(before.key())
                ),
            }),
        }
    }

    fn list(&mut self) -> Read<Value> {
        let mut items = Vec::new();
        self.skip_space();
        if self.takes("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.takes("]") {
                return Ok(Value::List(items));
            }
            if !self.takes(",") {
                return self.wrong("`,` or `]` is missing");
            }
        }
    }

    fn number(&mut self) -> Read<String> {
        let begins = self.at;
        self.takes("-");
        if !self.takes("0") {
            self.digits()?;
        }
        if self.takes(".") {
            self.digits()?;
        }
        if self.takes("e") || self.takes("E") {
            let _signed = self.takes("+") || self.takes("-");
            self.digits()?;
        }
        let number = &self.text[begins..self.at];
        if number.len() > NUMBER_CHARS_MAX {
            return Err(Mistake {
                at: begins,
                what: format!("a number of more than {NUMBER_CHARS_MAX} characters"),
            });
        }
        Ok(number.to_owned())
    }

    fn digits(&mut self) -> Read<()> {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return self.wrong("a digit is missing");
        }
        self.at += count;
        Ok(())
    }

    fn string(&mut self) -> Read<String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest
                .bytes()
                .take_while(|byte| *byte != b'"' && *byte != b'\\' && *byte >= b' ')
                .count();
            text.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                None => return self.wrong("the text has no end"),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return self.wrong("a control character must be escaped"),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let begins = self.at;
        self.at += 1;
        let plain = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(begins),
            None => return self.wrong("the text has no end"),
            Some(_) => return self.wrong("there is no such escape"),
        };
        self.at += 1;
        Ok(plain)
    }

    fn code_point(&mut self, begins: usize) -> Read<char> {
        let mut units = vec![self.code_unit()?];
        if (0xd800..0xdc00).contains(&units[0]) && self.text[self.at..].starts_with("\\u") {
            self.at += 1;
            units.push(self.code_unit()?);
        }
        let mut decoded = char::decode_utf16(units);
        match (decoded.next(), decoded.next()) {
            (Some(Ok(character)), None) => Ok(character),
            // There is no such text: neither UTF-8 nor a signature over it could be written.
            _ => Err(Mistake {
                at: begins,
                what: "half of a pair of surrogates is missing".to_owned(),
            }),
        }
    }

    /// The four digits behind the `u` at hand.
    fn code_unit(&mut self) -> Read<u16> {
        self.at += 1;
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let unit = digits.and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u16::from_str_radix(digits, 16).ok()
        });
        let Some(unit) = unit else {
            return self.wrong("four hexadecimal digits are missing");
        };
        self.at += 4;
        Ok(unit)
    }

    fn skip_space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(is_space).count();
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_there = self.text[self.at..].starts_with(word);
        self.at += if is_there { word.len() } else { 0 };
        is_there
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong<T>(&self, what: impl Into<String>) -> Read<T> {
        Err(Mistake {
            at: self.at,
            what: what.into(),
        })
    }
}

/// A key as it stands in a sentence: of hostile documents only the beginning, without control characters.
pub(crate) fn shown(key: &str) -> String {
    const CHARS_MAX: usize = 100;
    let clean = key
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c });
    clean.take(CHARS_MAX).collect()
}
