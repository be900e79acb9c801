//! The bytes that a signature is over: the JSON with its keys sorted by code point at every depth,
//! without space, without the member `signature` of the outermost object, as UTF-8.

use std::fmt::Write;

use crate::json::{Members, Value};

/// The member that holds the signature.
pub(crate) const SIGNATURE: &str = "signature";

/// How a text of the form is written. The first of [`Form::ALL`] is what is signed here; signatures
/// over the others are taken, for other software writes them by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// Whatever is not printable ASCII is escaped (`\u00e9`).
    ascii: bool,
    /// Numbers with a fraction or an exponent are the shortest that read the same.
    shortest: bool,
}

impl Form {
    pub(crate) const SIGNED: Form = Form {
        ascii: false,
        shortest: false,
    };
    const ALL: [Form; 4] = [
        Form::SIGNED,
        Form {
            ascii: true,
            shortest: false,
        },
        Form {
            ascii: false,
            shortest: true,
        },
        Form {
            ascii: true,
            shortest: true,
        },
    ];

    /// The distinct texts that a signature over these members may be over, ours first.
    pub(crate) fn texts(members: &Members) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for form in Form::ALL {
            let text = form.write(members);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }

    /// The members without the signature.
    pub(crate) fn write(self, members: &Members) -> String {
        let mut out = String::new();
        let signed = members.iter().filter(|(key, _)| *key != SIGNATURE);
        let signed = signed.map(|(key, member)| (key, &member.node.value));
        self.object(&mut out, signed);
        out
    }

    /// One value alone.
    pub(crate) fn value_text(self, value: &Value) -> String {
        let mut out = String::new();
        self.value(&mut out, value);
        out
    }

    fn object<'a>(self, out: &mut String, members: impl Iterator<Item = (&'a String, &'a Value)>) {
        out.push('{');
        for (place, (key, value)) in members.enumerate() {
            if place > 0 {
                out.push(',');
            }
            self.text(out, key);
            out.push(':');
            self.value(out, value);
        }
        out.push('}');
    }

    fn value(self, out: &mut String, value: &Value) {
        match value {
            Value::Null => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Number(number) if self.shortest => out.push_str(&shortest(number)),
            Value::Number(number) => out.push_str(number),
            Value::Text(text) => self.text(out, text),
            Value::List(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    self.value(out, &item.value);
                }
                out.push(']');
            }
            Value::Object(members) => {
                let members = members
                    .iter()
                    .map(|(key, member)| (key, &member.node.value));
                self.object(out, members);
            }
        }
    }

    fn text(self, out: &mut String, text: &str) {
        out.push('"');
        for character in text.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '\0'..'\u{20}' => escaped(out, character),
                '\u{7f}'.. if self.ascii => escaped(out, character),
                plain => out.push(plain),
            }
        }
        out.push('"');
    }
}

fn escaped(out: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        write!(out, "\\u{unit:04x}").expect("a string takes whatever is written");
    }
}

/// A number as software writes it that read it into a 64-bit float: the fewest digits that read the
/// same, in full from 1e-4 to below 1e16. Whole numbers without fraction and exponent stay.
fn shortest(number: &str) -> String {
    if !number.contains(['.', 'e', 'E']) {
        return if number == "-0" {
            "0".to_owned()
        } else {
            number.to_owned()
        };
    }
    let Some(float) = number.parse::<f64>().ok().filter(|float| float.is_finite()) else {
        return number.to_owned();
    };
    let scientific = format!("{float:e}");
    let exponent = scientific
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        Some(exponent) if !(-4..16).contains(&exponent) => {
            let digits = scientific.split('e').next().unwrap_or_default();
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ if float.fract() == 0.0 => format!("{float}.0"),
        _ => float.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn texts(text: &str) -> Vec<String> {
        match json::read(text.as_bytes()).unwrap().value {
            Value::Object(members) => Form::texts(&members),
            other => panic!("{} is no manifest", other.kind()),
        }
    }

    #[test]
    fn the_form_is_sorted_by_code_point_and_has_no_space() {
        // U+FFE6 stands before U+1F600; in UTF-16 it would stand behind it.
        let text = "{ \"signature\": \"00\", \"b\": { \"\u{1f600}\": 1, \"\u{ffe6}\": 2, \"signature\": 3 }, \"a\": [ 2, 1 ] }";
        let expected = "{\"a\":[2,1],\"b\":{\"signature\":3,\"\u{ffe6}\":2,\"\u{1f600}\":1}}";
        assert_eq!(texts(text)[0], expected);
    }

    #[test]
    fn what_other_software_may_have_signed_comes_after_our_form() {
        // as it stands => the texts
        let rows: [(&str, &[&str]); 5] = [
            ("{\"a\":\"b\"}", &["{\"a\":\"b\"}"]),
            (
                "{\"a\":\"\\u00e9\"}",
                &["{\"a\":\"é\"}", "{\"a\":\"\\u00e9\"}"],
            ),
            (
                "{\"a\":\"\u{1f600}\u{7f}\\u0001\\/\\b\"}",
                &[
                    "{\"a\":\"\u{1f600}\u{7f}\\u0001/\\b\"}",
                    "{\"a\":\"\\ud83d\\ude00\\u007f\\u0001/\\b\"}",
                ],
            ),
            ("{\"a\":1.50}", &["{\"a\":1.50}", "{\"a\":1.5}"]),
            (
                "{\"é\":1E2}",
                &[
                    "{\"é\":1E2}",
                    "{\"\\u00e9\":1E2}",
                    "{\"é\":100.0}",
                    "{\"\\u00e9\":100.0}",
                ],
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(texts(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_shortened_as_others_do() {
        let rows = [
            ("100000000000000000000", "100000000000000000000"),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("1.0", "1.0"),
            ("0.10", "0.1"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("123456789012345678.0", "1.2345678901234568e+17"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("2.5E-7", "2.5e-07"),
            ("1e999", "1e999"),
        ];
        for (number, expected) in rows {
            assert_eq!(shortest(number), expected);
        }
    }
}
