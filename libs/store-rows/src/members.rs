//! The conditions of lists on parts of what is stored as one text, the same in both dialects: members of
//! an activity's document, and the trail.
//!
//! A document is JSON as `serde_json` writes it: a quote within a value has a backslash before it, so that
//! no value can look like a member; members stand in the order of [`event_model::Activity`], absent ones as
//! `null`.

use ports::{ActivityDetails, AuditFilter, BlindSpots};
use sqlx::{Database, Encode, QueryBuilder, Type};

use crate::narrow;

/// Only activities that are so. `stored` makes of a text what the store keeps of it; `from` narrows to those from an
/// address, by an index of the store's own.
pub fn of_activity<D>(
    query: &mut QueryBuilder<D>,
    details: &ActivityDetails,
    stored: impl Fn(&str) -> String,
    from: impl Fn(&mut QueryBuilder<D>, &str),
) where
    D: Database,
    for<'t> String: Encode<'t, D> + Type<D>,
{
    let ActivityDetails {
        actor,
        address,
        object,
        blind_spots,
    } = details;
    let search = |text: &Option<String>| text.as_deref().map(&stored);
    if let Some(actor) = actor {
        between(query, ["actor_id", "actor_type"], actor);
    }
    if let Some(address) = address {
        from(query, address);
        like(query, "activity", &member("actor_ip_address", address));
    }
    narrow::contains(query, "search", search(object).as_ref());
    if let Some(object) = object {
        between(query, ["object_name", "from_email"], object);
    }
    match blind_spots {
        BlindSpots::Whatever => {}
        BlindSpots::Some => drop(query.push(" AND blind_spots <> '[]'")),
        BlindSpots::Of(reason) => {
            query.push(" AND blind_spots <> '[]'");
            like(query, "blind_spots", &member("reason", reason));
        }
    }
}

/// Only entries of the trail that are so. `stored` makes of a text what the store keeps of it.
pub fn of_audit<D>(
    query: &mut QueryBuilder<D>,
    filter: &AuditFilter,
    stored: impl Fn(&str) -> String,
) where
    D: Database,
    for<'t> String: Encode<'t, D> + Type<D>,
    for<'t> i64: Encode<'t, D> + Type<D>,
{
    let AuditFilter {
        actor,
        action,
        subject,
        text,
        from,
        to,
    } = filter;
    let kept = |text: &Option<String>| text.as_deref().map(&stored);
    narrow::equal(query, "actor", kept(actor));
    narrow::equal(query, "subject", kept(subject));
    if let Some(action) = kept(action) {
        query.push(" AND (action = ").push_bind(action.clone());
        query.push(" OR action LIKE ");
        let below = format!("{}.%", escaped(&action));
        query.push_bind(below).push(" ESCAPE '\\')");
    }
    let all = "LOWER(actor || ' ' || action || ' ' || subject || ' ' || detail)";
    narrow::contains(query, all, kept(text).as_ref());
    narrow::between(query, "at", *from, *to);
}

/// Only where the text stands within the values from one member to the one before another, in any case.
/// Letters beyond ASCII, which not every dialect puts into lower case, stand for any letter here.
fn between<D>(query: &mut QueryBuilder<D>, [from, to]: [&str; 2], text: &str)
where
    D: Database,
    for<'t> String: Encode<'t, D> + Type<D>,
{
    let json = serde_json::Value::from(text.to_lowercase()).to_string();
    let inner: String = escaped(&json[1..json.len() - 1])
        .chars()
        .map(|letter| if letter.is_ascii() { letter } else { '_' })
        .collect();
    let pattern = format!(
        "%{}%{inner}%{}%",
        escaped(&format!("\"{from}\":")),
        escaped(&format!("\"{to}\":"))
    );
    query.push(" AND LOWER(activity) LIKE ");
    query.push_bind(pattern).push(" ESCAPE '\\'");
}

/// A member with that value, as it is written.
fn member(name: &str, value: &str) -> String {
    format!("\"{name}\":{}", serde_json::Value::from(value))
}

fn like<D>(query: &mut QueryBuilder<D>, column: &'static str, text: &str)
where
    D: Database,
    for<'t> String: Encode<'t, D> + Type<D>,
{
    query.push(" AND ").push(column).push(" LIKE ");
    let pattern = format!("%{}%", escaped(text));
    query.push_bind(pattern).push(" ESCAPE '\\'");
}

/// Taken by the letter in a pattern.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_written_so_that_no_other_value_looks_like_it() {
        let hostile = serde_json::Value::from("\"reason\":\"x\"").to_string();
        assert!(!hostile.contains(&member("reason", "x")), "{hostile}");
        assert_eq!(escaped(&member("a_b", "5%\"")), "\"a\\_b\":\"5\\%\\\\\"\"");
    }
}
