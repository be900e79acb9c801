//! Query strings, read strictly: unknown names, repeated names and bad values are mistakes, and all
//! of them are reported together. A value left empty, as forms send it, is absent.

use std::str::FromStr;

use axum::http::Uri;
use chrono::{DateTime, Utc};
use event_model::{PAGE_ITEMS_MAX, PageRequest};

use crate::problem::{Mistake, Problem};

/// Items of a page unless asked otherwise.
const LIMIT_DEFAULT: u32 = 50;
/// Longest value, in bytes.
const VALUE_BYTES_MAX: usize = 1024;
/// Most parameters of one query.
const PARAMETERS_MAX: usize = 64;

/// A query being read.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    mistakes: Vec<Mistake>,
}

impl Query {
    /// Takes the query apart and refuses every name that is not known.
    pub(crate) fn read(uri: &Uri, known: &[&str]) -> Self {
        let all = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
        let mut query = Query {
            pairs: Vec::new(),
            mistakes: Vec::new(),
        };
        let pairs = match all {
            Ok(pairs) if pairs.len() <= PARAMETERS_MAX => pairs.0,
            Ok(_) => {
                query.refuse(
                    "query",
                    format!("at most {PARAMETERS_MAX} parameters are taken"),
                );
                return query;
            }
            Err(_) => {
                query.refuse("query", "the query is not `name=value&name=value`");
                return query;
            }
        };
        for (name, value) in pairs {
            query.take(name, value, known);
        }
        query
    }

    fn take(&mut self, name: String, value: String, known: &[&str]) {
        if !known.contains(&name.as_str()) {
            let hint = nearest(&name, known).map(|near| format!("did you mean `{near}`?"));
            let name: String = name.chars().take(64).collect();
            let message = format!("there is no parameter `{name}`");
            self.mistakes.push(Mistake::new(name, message).hint(hint));
        } else if self.pairs.iter().any(|(taken, _)| *taken == name) {
            self.refuse(&name, "is given twice");
        } else if value.len() > VALUE_BYTES_MAX {
            self.refuse(&name, format!("is longer than {VALUE_BYTES_MAX} bytes"));
        } else if !value.is_empty() {
            self.pairs.push((name, value));
        }
    }

    /// Notes a mistake.
    pub(crate) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(name, message));
    }

    /// The value as it is.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let mut pairs = self.pairs.iter();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    }

    /// The value as one of these words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        name: &str,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Option<T> {
        self.words(name, all, word).into_iter().next()
    }

    /// The value as a comma-separated list of these words.
    pub(crate) fn words<T: Copy>(
        &mut self,
        name: &str,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Vec<T> {
        let Some(value) = self.text(name) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for given in value
            .split(',')
            .map(str::trim)
            .filter(|given| !given.is_empty())
        {
            match all.iter().find(|item| word(**item) == given) {
                Some(item) => found.push(*item),
                None => {
                    let known: Vec<&str> = all.iter().map(|item| word(*item)).collect();
                    let given: String = given.chars().take(64).collect();
                    let message = format!("`{given}` is not one of {}", known.join(", "));
                    let hint =
                        nearest(&given, &known).map(|near| format!("did you mean `{near}`?"));
                    self.mistakes.push(Mistake::new(name, message).hint(hint));
                }
            }
        }
        found
    }

    /// The value as what it must parse to.
    pub(crate) fn parsed<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        match self.text(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(name, T::Err::to_string(&error));
                None
            }
        }
    }

    /// The value as an RFC 3339 instant, or a day (its start in UTC).
    pub(crate) fn instant(&mut self, name: &str) -> Option<DateTime<Utc>> {
        let value = self.text(name)?;
        let found = parse_instant(&value);
        if found.is_none() {
            self.refuse(
                name,
                "is not a time like `2026-01-31T09:30:00Z` or `2026-01-31`",
            );
        }
        found
    }

    /// The page asked for by `limit` and `cursor`.
    pub(crate) fn page(&mut self) -> PageRequest {
        let cursor = self.text("cursor");
        let limit = match self.text("limit") {
            None => LIMIT_DEFAULT,
            Some(text) => match text.parse() {
                Ok(limit) if (1..=PAGE_ITEMS_MAX).contains(&limit) => limit,
                _ => {
                    self.refuse(
                        "limit",
                        format!("is not a number from 1 to {PAGE_ITEMS_MAX}"),
                    );
                    LIMIT_DEFAULT
                }
            },
        };
        PageRequest { cursor, limit }
    }

    /// The value, unless the query had mistakes: then all of them.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Problem> {
        if self.mistakes.is_empty() {
            Ok(value)
        } else {
            Err(Problem::bad_request(self.mistakes))
        }
    }
}

fn parse_instant(value: &str) -> Option<DateTime<Utc>> {
    // A `+` of an offset that was not percent-encoded arrives as a space.
    let repaired = value.replace(' ', "+");
    DateTime::parse_from_rfc3339(&repaired)
        .map(|at| at.to_utc())
        .or_else(|_| {
            chrono::NaiveDate::parse_from_str(value, "%Y-%m-%d")
                .map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc())
        })
        .ok()
}

/// The known name closest to what was given, if any is close.
pub(crate) fn nearest<'k>(given: &str, known: &[&'k str]) -> Option<&'k str> {
    const CLOSE: f64 = 0.5;
    const GIVEN_BYTES_MAX: usize = 64;
    if given.len() > GIVEN_BYTES_MAX {
        return None;
    }
    let given = given.to_lowercase();
    known
        .iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(&given, name), *name))
        .filter(|(likeness, _)| *likeness > CLOSE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_model::Severity;

    fn mistakes(query: &str) -> Vec<String> {
        let uri: Uri = format!("/x?{query}").parse().unwrap();
        let mut query = Query::read(&uri, &["severity", "from", "limit", "cursor", "q"]);
        query.words("severity", Severity::ALL, Severity::word);
        query.instant("from");
        query.page();
        let problem = query.finish(()).err();
        let errors = problem.map(|problem| problem.errors).unwrap_or_default();
        errors
            .into_iter()
            .map(|error| {
                let hint = error.hint.unwrap_or_default();
                format!("{}: {} {hint}", error.field, error.message)
                    .trim()
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn every_mistake_of_a_query_is_reported_at_once() {
        let none: &[&str] = &[];
        for (query, expected) in [
            ("", none),
            ("severity=&q=&limit=", none),
            ("severity=high,critical&from=2026-01-31&limit=500", none),
            ("from=2026-01-31T00:00:00+02:00", none),
            (
                "severty=high",
                &["severty: there is no parameter `severty` did you mean `severity`?"],
            ),
            (
                "limit=0&from=yesterday&severity=hihg",
                &[
                    "severity: `hihg` is not one of info, low, medium, high, critical did you mean `high`?",
                    "from: is not a time like `2026-01-31T09:30:00Z` or `2026-01-31`",
                    "limit: is not a number from 1 to 500",
                ],
            ),
            ("limit=501", &["limit: is not a number from 1 to 500"]),
            ("q=a&q=b", &["q: is given twice"]),
        ] {
            assert_eq!(mistakes(query), expected, "{query}");
        }
    }
}
