//! The conditions of lists. Values are always bound; columns are the program's own words.

pub mod letters;

use chrono::{DateTime, Utc};
use event_model::ConnectionScope;
use sqlx::{Database, Encode, QueryBuilder, Type};

use crate::cursor::SortKey;
use crate::instants::micros;

/// Only where the column has the value, if there is one.
pub fn equal<'t, D, T>(query: &mut QueryBuilder<D>, column: &'static str, value: Option<T>)
where
    D: Database,
    T: Encode<'t, D> + Type<D>,
{
    if let Some(value) = value {
        query
            .push(" AND ")
            .push(column)
            .push(" = ")
            .push_bind(value);
    }
}

/// Only where the column has one of the words, if there are any.
pub fn one_of<D>(query: &mut QueryBuilder<D>, column: &'static str, words: &[&str])
where
    D: Database,
    for<'t> &'t str: Encode<'t, D> + Type<D>,
{
    if words.is_empty() {
        return;
    }
    query.push(" AND ").push(column).push(" IN (");
    let mut list = query.separated(", ");
    for word in words {
        list.push_bind(*word);
    }
    query.push(")");
}

/// Only where the column is a connection within the scope.
pub fn within<D>(query: &mut QueryBuilder<D>, column: &'static str, scope: &ConnectionScope)
where
    D: Database,
    for<'t> String: Encode<'t, D> + Type<D>,
{
    let Some(some) = scope.named() else {
        return;
    };
    if some.is_empty() {
        query.push(" AND 1 = 0");
        return;
    }
    query.push(" AND ").push(column).push(" IN (");
    let mut list = query.separated(", ");
    for connection in some {
        list.push_bind(connection.to_string());
    }
    query.push(")");
}

/// Only where the column, which is in lower case, contains the text in any case.
pub fn contains<D>(query: &mut QueryBuilder<D>, column: &'static str, text: Option<&String>)
where
    D: Database,
    for<'t> String: Encode<'t, D> + Type<D>,
{
    if let Some(text) = text {
        query.push(" AND ").push(column).push(" LIKE ");
        query.push_bind(pattern(text)).push(" ESCAPE '\\'");
    }
}

fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// Only at or after `from` and before `to`.
pub fn between<D>(
    query: &mut QueryBuilder<D>,
    column: &'static str,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) where
    D: Database,
    for<'t> i64: Encode<'t, D> + Type<D>,
{
    if let Some(from) = from {
        query
            .push(" AND ")
            .push(column)
            .push(" >= ")
            .push_bind(micros(from));
    }
    if let Some(to) = to {
        query
            .push(" AND ")
            .push(column)
            .push(" < ")
            .push_bind(micros(to));
    }
}

/// Which end of a list comes first.
#[derive(Clone, Copy)]
pub enum Order {
    /// The oldest.
    OldestFirst,
    /// The newest.
    NewestFirst,
}

/// Only what follows the key; in order; one more than the page may have.
pub fn follow<D>(
    query: &mut QueryBuilder<D>,
    [number, text]: [&'static str; 2],
    order: Order,
    after: Option<SortKey>,
    limit: u32,
) where
    D: Database,
    for<'t> i64: Encode<'t, D> + Type<D>,
    for<'t> String: Encode<'t, D> + Type<D>,
{
    let (comparison, direction) = match order {
        Order::OldestFirst => (">", "ASC"),
        Order::NewestFirst => ("<", "DESC"),
    };
    if let Some(after) = after {
        query.push(format_args!(" AND ({number}, {text}) {comparison} ("));
        query.push_bind(after.number).push(", ");
        query.push_bind(after.text).push(")");
    }
    query.push(format_args!(
        " ORDER BY {number} {direction}, {text} {direction} LIMIT "
    ));
    query.push_bind(i64::from(limit) + 1);
}

/// Texts to search in, in lower case, one per line.
pub fn searchable<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let texts: Vec<&str> = texts.into_iter().flatten().collect();
    texts.join("\n").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn wildcards_of_the_text_are_taken_by_the_letter() {
        assert_eq!(pattern(r"50%_\Ä"), r"%50\%\_\\ä%");
    }
}
