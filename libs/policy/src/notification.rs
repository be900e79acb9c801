//! What a notification may hold: text, and of HTML only `<a href="https://…">`, `<br>` and `<p>`.
//!
//! Source: FileCloud's documentation of rule notifications. Anything else is refused when the
//! policy is saved, so that a message shown to a user can carry neither scripts nor styles.

use event_model::PolicyDocument;

const TAGS: &[&str] = &["a", "br", "p"];

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

fn tag(inside: &str) -> Result<(), String> {
    let shown = crate::token::cut(inside);
    let closing = inside.starts_with('/');
    let body = inside.trim_start_matches('/').trim_end_matches('/').trim();
    let (name, attributes) = match body.split_once(char::is_whitespace) {
        Some((name, attributes)) => (name, attributes.trim()),
        None => (body, ""),
    };
    let name = name.to_ascii_lowercase();
    if !TAGS.contains(&name.as_str()) {
        return Err(format!(
            "`<{shown}>` is not taken: only <a>, <br> and <p> are"
        ));
    }
    match (name.as_str(), attributes) {
        (_, "") => Ok(()),
        ("a", attributes) if !closing => link(attributes),
        _ => Err(format!("`<{shown}>` may have no attributes")),
    }
}

/// Exactly one attribute: `href` with a full address.
fn link(attributes: &str) -> Result<(), String> {
    let refuse = || {
        let shown = crate::token::cut(attributes);
        Err(format!(
            "`{shown}` is not taken: a link is `<a href=\"https://…\">`"
        ))
    };
    let Some((name, value)) = attributes.split_once('=') else {
        return refuse();
    };
    let value = value.trim();
    let unquoted = ['"', '\''].iter().find_map(|quote| {
        let inner = value.strip_prefix(*quote)?.strip_suffix(*quote)?;
        (!inner.contains(*quote)).then_some(inner)
    });
    let full = unquoted.is_some_and(|address| {
        let lower = address.to_ascii_lowercase();
        let host = lower
            .strip_prefix("https://")
            .or(lower.strip_prefix("http://"));
        host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace))
    });
    if name.trim().eq_ignore_ascii_case("href") && full {
        Ok(())
    } else {
        refuse()
    }
}
