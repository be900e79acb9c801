//! What a notification may hold: text, and of HTML only `<a href="https://…">`, `<br>` and `<p>`.
//!
//! A saved message is written out anew when it is shown, so that nothing else can be in it whoever saved it.
//! Source: FileCloud's documentation of rule notifications. Anything else is refused when the
//! policy is saved, so that a message shown to a user can carry neither scripts nor styles.

use event_model::PolicyDocument;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const TAGS: &[&str] = &["a", "br", "p"];
/// Signs that cannot be written as they are; the ampersand last, for it begins all of them.
const ENTITIES: &[(&str, &str)] = &[
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&nbsp;", "\u{a0}"),
    ("&amp;", "&"),
];

/// What is wrong with the text: nothing, or the first thing of each sort.
pub(crate) fn check(text: &str) -> Vec<String> {
    let max = PolicyDocument::NOTIFICATION_BYTES_MAX;
    let mut wrong = Vec::new();
    if text.len() > max {
        wrong.push(format!(
            "the message has {} bytes; it may have {max}",
            text.len()
        ));
    }
    wrong.extend(first_bad_tag(text));
    let unseen = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.contains(unseen) {
        wrong.push("the message has control characters".to_owned());
    }
    wrong
}

fn first_bad_tag(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let after = &rest[start + 1..];
        let Some(length) = after.find('>') else {
            return Some(
                "`<` opens a tag that is not closed; write `&lt;` for the sign".to_owned(),
            );
        };
        if let Err(wrong) = tag(&after[..length]) {
            return Some(wrong);
        }
        rest = &after[length + 1..];
    }
    None
}

/// A tag that may stand in a message.
enum Tag<'t> {
    Open(&'static str),
    Close(&'static str),
    Break,
    Link(&'t str),
}

fn tag(inside: &str) -> Result<Tag<'_>, String> {
    let shown = crate::token::cut(inside);
    let closing = inside.starts_with('/');
    let body = inside.trim_start_matches('/').trim_end_matches('/').trim();
    let (name, attributes) = match body.split_once(char::is_whitespace) {
        Some((name, attributes)) => (name, attributes.trim()),
        None => (body, ""),
    };
    let known = TAGS.iter().find(|tag| tag.eq_ignore_ascii_case(name));
    match (known.copied(), attributes) {
        (None, _) => Err(format!(
            "`<{shown}>` is not taken: only <a>, <br> and <p> are"
        )),
        (Some("br"), "") => Ok(Tag::Break),
        (Some(name), "") if closing => Ok(Tag::Close(name)),
        (Some(name), "") => Ok(Tag::Open(name)),
        (Some("a"), attributes) if !closing => link(attributes).map(Tag::Link),
        _ => Err(format!("`<{shown}>` may have no attributes")),
    }
}

/// Exactly one attribute: `href` with a full address.
fn link(attributes: &str) -> Result<&str, String> {
    let address = attributes.split_once('=').and_then(|(name, value)| {
        let value = value.trim();
        let address = ['"', '\''].iter().find_map(|quote| {
            let inner = value.strip_prefix(*quote)?.strip_suffix(*quote)?;
            (!inner.contains(*quote)).then_some(inner)
        })?;
        let lower = address.to_ascii_lowercase();
        let host = lower
            .strip_prefix("https://")
            .or(lower.strip_prefix("http://"))?;
        let full = !host.is_empty() && !host.contains(char::is_whitespace);
        (name.trim().eq_ignore_ascii_case("href") && full).then_some(address)
    });
    address.ok_or_else(|| {
        let shown = crate::token::cut(attributes);
        format!("`{shown}` is not taken: a link is `<a href=\"https://…\">`")
    })
}

/// A message as it is shown to a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// As text alone; the address of a link stands behind it in parentheses.
    pub text: String,
    /// As HTML of which nothing is left but `<a href="https://…">`, `<br>` and `<p>`, each closed.
    pub html: String,
}

/// The message of a notification. What may not stand in one is shown as text, whenever it was saved.
pub(crate) fn message(notification: &str) -> Message {
    let mut writer = Writer::default();
    let mut rest = notification;
    while let Some(start) = rest.find('<') {
        writer.words(&rest[..start]);
        let after = &rest[start + 1..];
        let found = after
            .find('>')
            .and_then(|end| Some((tag(&after[..end]).ok()?, &after[end + 1..])));
        match found {
            Some((tag, behind)) => {
                writer.tag(&tag);
                rest = behind;
            }
            None => {
                writer.words("<");
                rest = after;
            }
        }
    }
    writer.words(rest);
    writer.finish()
}

#[derive(Default)]
struct Writer<'t> {
    text: String,
    html: String,
    open: Vec<&'static str>,
    address: Option<&'t str>,
}

impl<'t> Writer<'t> {
    fn words(&mut self, words: &str) {
        // What is written as an entity is one character, which is written as an entity again.
        let plain = ENTITIES
            .iter()
            .fold(words.to_owned(), |text, (entity, sign)| {
                text.replace(entity, sign)
            });
        for letter in plain.chars().filter(|c| !c.is_control() || *c == '\n') {
            self.text.push(letter);
            match letter {
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '&' => self.html.push_str("&amp;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                _ => self.html.push(letter),
            }
        }
    }

    fn tag(&mut self, tag: &Tag<'t>) {
        match tag {
            Tag::Break => {
                self.html.push_str("<br>");
                self.text.push('\n');
            }
            // A link to nowhere is no link.
            Tag::Open("a") => {}
            Tag::Open(name) => {
                self.html.push_str(&format!("<{name}>"));
                self.open.push(name);
                self.new_line();
            }
            Tag::Link(address) => {
                self.close("a");
                let quoted = address.replace('&', "&amp;").replace('"', "&quot;");
                let quoted = quoted.replace('<', "&lt;").replace('>', "&gt;");
                let link = format!("<a href=\"{quoted}\" rel=\"noopener noreferrer\">");
                self.html.push_str(&link);
                self.open.push("a");
                self.address = Some(address);
            }
            Tag::Close(name) => self.close(name),
        }
    }

    /// Closes the innermost tag of that name and what is open in it; a stray end is left out.
    fn close(&mut self, name: &str) {
        let Some(at) = self.open.iter().rposition(|open| *open == name) else {
            return;
        };
        while self.open.len() > at {
            match self.open.pop() {
                Some("a") => {
                    self.html.push_str("</a>");
                    if let Some(address) = self.address.take() {
                        self.text.push_str(&format!(" ({address})"));
                    }
                }
                Some(other) => {
                    self.html.push_str(&format!("</{other}>"));
                    self.new_line();
                }
                None => return,
            }
        }
    }

    fn new_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn finish(mut self) -> Message {
        if let Some(outermost) = self.open.first().copied() {
            // The outermost closes all others; the same name may be open twice.
            while self.open.contains(&outermost) {
                self.close(outermost);
            }
            while let Some(left) = self.open.last().copied() {
                self.close(left);
            }
        }
        Message {
            text: self.text.trim().to_owned(),
            html: self.html,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn a_message_keeps_links_breaks_and_paragraphs_and_nothing_else() {
        let rows = [
            ("Plain.", "Plain.", "Plain."),
            (
                "Ask <a href='https://x.example/?a=1&b=2'>us</a>.<br/>Soon.",
                "Ask us (https://x.example/?a=1&b=2).\nSoon.",
                "Ask <a href=\"https://x.example/?a=1&amp;b=2\" rel=\"noopener noreferrer\">us</a>.<br>Soon.",
            ),
            ("<p>One<p>Two", "One\nTwo", "<p>One<p>Two</p></p>"),
            ("1 &lt; 2 &amp; 3", "1 < 2 & 3", "1 &lt; 2 &amp; 3"),
            (
                "<script>alert(1)</script>",
                "<script>alert(1)</script>",
                "&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            (
                "<a href=\"javascript:alert(1)\">x</a>",
                "<a href=\"javascript:alert(1)\">x",
                "&lt;a href=&quot;javascript:alert(1)&quot;&gt;x",
            ),
            (
                "<p onclick='x'>a",
                "<p onclick='x'>a",
                "&lt;p onclick=&#39;x&#39;&gt;a",
            ),
            (
                "<a href='https://a.example/\"onx=1'>q",
                "q (https://a.example/\"onx=1)",
                "<a href=\"https://a.example/&quot;onx=1\" rel=\"noopener noreferrer\">q</a>",
            ),
            ("a < b", "a < b", "a &lt; b"),
            ("</p></a>x", "x", "x"),
        ];
        for (given, text, html) in rows {
            let shown = message(given);
            assert_eq!(
                (shown.text.as_str(), shown.html.as_str()),
                (text, html),
                "{given}"
            );
        }
    }
}
