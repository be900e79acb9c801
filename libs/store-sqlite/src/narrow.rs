//! The conditions of lists. Values are always bound; columns come from this crate only.

use chrono::{DateTime, Utc};
use sqlx::{Encode, QueryBuilder, Sqlite, Type};

use crate::cursor::SortKey;
use crate::instants::micros;

/// Only where the column has the value, if there is one.
pub(crate) fn equal<'t, T>(query: &mut QueryBuilder<Sqlite>, column: &'static str, value: Option<T>)
where
    T: Encode<'t, Sqlite> + Type<Sqlite>,
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
pub(crate) fn one_of(query: &mut QueryBuilder<Sqlite>, column: &'static str, words: &[&str]) {
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

/// Only where the column, which is in lower case, contains the text in any case.
pub(crate) fn contains(
    query: &mut QueryBuilder<Sqlite>,
    column: &'static str,
    text: Option<&String>,
) {
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
pub(crate) fn between(
    query: &mut QueryBuilder<Sqlite>,
    column: &'static str,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) {
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
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

/// Only what follows the key; in order; one more than the page may have.
pub(crate) fn follow(
    query: &mut QueryBuilder<Sqlite>,
    [number, text]: [&'static str; 2],
    order: Order,
    after: Option<SortKey>,
    limit: u32,
) {
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
pub(crate) fn searchable<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> String {
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
