//! Answers in XML, as WebDAV gives them, read as JSON: an element is an object with one list for
//! each name among its children, by local name; one without children is its text.
//!
//! `<multistatus><response><href>/a</href></response></multistatus>` is
//! `{"response": [{"href": ["/a"]}]}`. Attributes are left out. Entities that a document defines
//! itself are never expanded.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use serde_json::{Map, Value};

use crate::json::JSON_DEPTH_MAX;

/// Most elements of one document.
const ELEMENTS_MAX: usize = 200_000;
/// Half of what JSON may have: each element is an object in a list.
const DEPTH_MAX: usize = JSON_DEPTH_MAX / 2;

/// An element that is not closed yet.
#[derive(Default)]
struct Open {
    name: String,
    text: String,
    children: Map<String, Value>,
}

impl Open {
    fn named(name: &str) -> Self {
        Open {
            name: name.to_owned(),
            ..Open::default()
        }
    }

    fn adopt(&mut self, name: String, child: Value) {
        match self
            .children
            .entry(name)
            .or_insert_with(|| Value::Array(Vec::new()))
        {
            Value::Array(list) => list.push(child),
            _ => unreachable!("only lists are put in"),
        }
    }

    fn closed(self) -> (String, Value) {
        let value = match self.children.is_empty() {
            true => Value::String(self.text.trim().to_owned()),
            false => Value::Object(self.children),
        };
        (self.name, value)
    }
}

/// The document's root element; none when it is not well-formed, nested too deep or too long.
pub(crate) fn value(bytes: &[u8]) -> Option<Value> {
    let source = std::str::from_utf8(bytes).ok()?;
    let mut reader = Reader::from_str(source);
    // Stands around the root.
    let mut open = vec![Open::default()];
    let mut elements = 0;
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                elements += 1;
                if open.len() > DEPTH_MAX || elements > ELEMENTS_MAX {
                    return None;
                }
                open.push(Open::named(tag.local_name().as_ref()));
            }
            Event::Empty(tag) => {
                elements += 1;
                let name = tag.local_name().as_ref().to_owned();
                open.last_mut()
                    .filter(|_| elements <= ELEMENTS_MAX)?
                    .adopt(name, Value::String(String::new()));
            }
            Event::End(_) => {
                let (name, value) = open.pop()?.closed();
                open.last_mut()?.adopt(name, value);
            }
            Event::Text(part) => open.last_mut()?.text.push_str(&part),
            Event::CData(part) => open.last_mut()?.text.push_str(&part),
            Event::GeneralRef(entity) => open.last_mut()?.text.push(character(&entity)),
            Event::Eof => break,
            _ => {}
        }
    }
    let [around] = &mut open[..] else {
        return None;
    };
    let root = around.children.values_mut().next()?.as_array_mut()?;
    (root.len() == 1).then(|| root.remove(0))
}

fn character(entity: &BytesRef<'_>) -> char {
    match (entity.resolve_char_ref(), &**entity) {
        (Ok(Some(character)), _) => character,
        (_, "lt") => '<',
        (_, "gt") => '>',
        (_, "amp") => '&',
        (_, "quot") => '"',
        (_, "apos") => '\'',
        _ => ' ',
    }
}

/// A text as it may stand in an element or an attribute.
pub(crate) fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_by_local_names_and_a_broken_one_not_at_all() {
        let rows = [
            ("<a/>", Some(r#""""#)),
            ("<a>x &amp; &#65;</a>", Some(r#""x & A""#)),
            (
                r#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response><d:href>/f/a%20b</d:href><d:prop><oc:id n="1">7</oc:id><d:collection/></d:prop></d:response></d:multistatus>"#,
                Some(
                    r#"{"response":[{"href":["/f/a%20b"],"prop":[{"collection":[""],"id":["7"]}]}]}"#,
                ),
            ),
            (
                "<a><b>1</b><c/><b>2</b></a>",
                Some(r#"{"b":["1","2"],"c":[""]}"#),
            ),
            ("<a><![CDATA[<x>]]></a>", Some(r#""<x>""#)),
            (
                r#"<!DOCTYPE a [<!ENTITY e "eee">]><a>&e;</a>"#,
                Some(r#""""#),
            ),
            ("<a>", None),
            ("<a></b>", None),
            ("text", None),
            ("", None),
            ("<a/><b/>", Some(r#""""#)),
        ];
        for (xml, expected) in rows {
            let found = value(xml.as_bytes()).map(|value| value.to_string());
            assert_eq!(found.as_deref(), expected, "{xml}");
        }
        let deep = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
        assert!(value(deep(DEPTH_MAX).as_bytes()).is_some());
        assert!(value(deep(DEPTH_MAX + 1).as_bytes()).is_none());
    }

    #[test]
    fn what_is_put_into_a_document_cannot_end_its_element() {
        assert_eq!(escaped(r#"</a>&"'"#), "&lt;/a&gt;&amp;&quot;&apos;");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[<>/a-c&;\"'= !\\[\\]?-]{0,80}") {
            let _ = value(text.as_bytes());
        }
    }
}
