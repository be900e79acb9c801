//! What was found in the content of an incident, in one text: incidents with the same findings have the same text,
//! and are counted together. See the migrations, which write it for what was recorded before. And what was not
//! looked into: counted by day.
//!
//! Promises: the text is at most [`FOUND_BYTES_MAX`] long, so that it stands in an index; what does not fit is
//! left out.

use std::collections::BTreeSet;

use event_model::{ConnectionScope, EventType, Incident, IncidentLink, TraceNode};
use ports::{
    ActivityDetails, ActivityFilter, BLIND_SPOT_COUNTS_MAX, BlindSpotAsk, BlindSpotCount,
    BlindSpots, FOUND_GROUPS_MAX, FoundInIncidents, StoreError, What,
};
use sqlx::{Database, Encode, QueryBuilder, Type};

use crate::board::DAY_MICROS;
use crate::failure::{corrupt, word};
use crate::instants::{instant, micros};
use crate::narrow;

/// Longest text, in bytes.
pub const FOUND_BYTES_MAX: usize = 1_000;
/// Days that are told at most: longer than activities are kept.
const DAYS_MAX: i64 = 10_000;
/// Longest name of a detector or label, in characters.
const NAME_CHARS_MAX: usize = 256;

/// What was found by one detector, or asked for and had as a label; none when that is nothing.
pub fn found_in(incident: &Incident) -> Option<String> {
    let mut marks: BTreeSet<String> = BTreeSet::new();
    for one in &incident.evidence {
        marks.insert(mark("d:", &one.detector));
    }
    labels_asked_for(&incident.trace, &mut marks);
    let (mut kept, mut bytes) = (Vec::new(), 2);
    for mark in marks {
        let quoted = serde_json::Value::from(mark).to_string();
        if bytes + quoted.len() < FOUND_BYTES_MAX {
            bytes += quoted.len() + 1;
            kept.push(quoted);
        }
    }
    (!kept.is_empty()).then(|| format!("[{}]", kept.join(",")))
}

fn mark(kind: &str, name: &str) -> String {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    format!("{kind}{name}")
}

/// What such a text says.
fn read(found: &str) -> Result<Vec<What>, StoreError> {
    let marks: Vec<String> = serde_json::from_str(found).map_err(corrupt("finding"))?;
    let marks = marks.into_iter();
    Ok(marks
        .filter_map(|mark| match mark.split_once(':')? {
            ("d", detector) => Some(What::Detector(detector.to_owned())),
            ("l", label) => Some(What::Label(label.to_owned())),
            _ => None,
        })
        .collect())
}

/// The labels that a rule asked for and the object had.
fn labels_asked_for(node: &TraceNode, marks: &mut BTreeSet<String>) {
    if node.value == "true"
        && let Some(label) = label_of(&node.expression)
    {
        marks.insert(mark("l:", label));
    }
    for part in &node.parts {
        labels_asked_for(part, marks);
    }
}

/// The label that an expression asks for.
fn label_of(expression: &str) -> Option<&str> {
    let call = expression.strip_prefix("_content.label(");
    let call = call.and_then(|rest| rest.strip_suffix(')'));
    let quoted = call.or_else(|| expression.strip_suffix(" in _content.labels"))?;
    let quoted = quoted.trim();
    let first = quoted
        .chars()
        .next()
        .filter(|quote| "'\"".contains(*quote))?;
    let inner = quoted.strip_prefix(first)?.strip_suffix(first)?;
    (!inner.contains(first)).then_some(inner)
}

/// A text, how many incidents have it, and the last of them: id, number and moment.
pub type Group = (String, i64, Option<String>, Option<String>, Option<i64>);

/// What counts incidents by what was found in them, in these tables of counts together.
pub fn groups_query<D>(within: &ConnectionScope, tables: &[&'static str]) -> QueryBuilder<D>
where
    D: Database,
    for<'t> i64: Encode<'t, D> + Type<D>,
    for<'t> String: Encode<'t, D> + Type<D>,
{
    let mut query = QueryBuilder::new(
        "SELECT word, counted, last.id, last.number, last.created_at FROM (
         SELECT word, CAST(SUM(n) AS BIGINT) AS counted FROM (",
    );
    for (place, table) in tables.iter().enumerate() {
        query.push(if place > 0 { " UNION ALL " } else { "" });
        query.push("SELECT word, n FROM ").push(*table);
        query.push(" WHERE what = 'found'");
        narrow::within(&mut query, "connection_id", within);
    }
    query.push(") AS counts GROUP BY word HAVING SUM(n) > 0 ORDER BY 2 DESC, word LIMIT ");
    query.push_bind(i64::from(FOUND_GROUPS_MAX));
    query.push(
        ") AS counted_groups LEFT JOIN incidents AS last ON last.id = (
         SELECT id FROM incidents WHERE found = word",
    );
    narrow::within(&mut query, "connection_id", within);
    query.push(" ORDER BY created_at DESC, id DESC LIMIT 1) ORDER BY counted DESC, word");
    query
}

/// The groups of these rows.
///
/// # Errors
/// `Corrupt` when a text or an id is none.
pub fn groups(rows: Vec<Group>) -> Result<Vec<FoundInIncidents>, StoreError> {
    let rows = rows.into_iter();
    rows.map(|(found, incidents, id, number, created_at)| {
        let last = match (id, number, created_at) {
            (Some(id), Some(number), Some(at)) => {
                let id = id.parse().map_err(corrupt("incident id"))?;
                Some((IncidentLink { id, number }, instant(at)?))
            }
            _ => None,
        };
        Ok(FoundInIncidents {
            what: read(&found)?,
            incidents: incidents as u64,
            last,
        })
    })
    .collect()
}

/// Connection, kind, reason (empty for any) and how many.
pub type Unseen = (String, String, String, i64);

/// What counts activities with a blind spot, in these tables of counts together.
pub fn unseen_query<D>(ask: &BlindSpotAsk, tables: &[&'static str]) -> QueryBuilder<D>
where
    D: Database,
    for<'t> i64: Encode<'t, D> + Type<D>,
    for<'t> String: Encode<'t, D> + Type<D>,
    for<'t> &'t str: Encode<'t, D> + Type<D>,
{
    let columns = "connection_id, event_type, reason";
    let mut query = QueryBuilder::new("SELECT ");
    query.push(columns).push(", CAST(SUM(n) AS BIGINT) FROM (");
    for (place, table) in tables.iter().enumerate() {
        query.push(if place > 0 { " UNION ALL " } else { "" });
        query.push("SELECT ").push(columns).push(", n FROM ");
        query.push(*table).push(" WHERE day >= ");
        query.push_bind(micros(ask.since) / DAY_MICROS);
        let connection = ask.connection.map(|id| id.to_string());
        narrow::equal(&mut query, "connection_id", connection);
        narrow::within(&mut query, "connection_id", &ask.within);
        narrow::equal(
            &mut query,
            "event_type",
            ask.event_type.map(EventType::word),
        );
    }
    query.push(") AS counts GROUP BY ").push(columns);
    query.push(" HAVING SUM(n) > 0 ORDER BY 4 DESC, 1, 2, 3 LIMIT ");
    query.push_bind(i64::from(BLIND_SPOT_COUNTS_MAX));
    query
}

/// The counts of these rows.
///
/// # Errors
/// `Corrupt` when an id or a word is none.
pub fn unseen(rows: Vec<Unseen>) -> Result<Vec<BlindSpotCount>, StoreError> {
    let rows = rows.into_iter();
    rows.map(|(connection, kind, reason, activities)| {
        Ok(BlindSpotCount {
            connection_id: connection.parse().map_err(corrupt("connection id"))?,
            event_type: word("kind of activity", EventType::from_word(&kind))?,
            reason: (!reason.is_empty()).then_some(reason),
            activities: activities as u64,
        })
    })
    .collect()
}

/// What tells on which days there are activities that the filter lets through, the newest first: with these the list
/// need not be walked where there are none. None when the filter asks for more than is counted.
pub fn days_query<D>(
    filter: &ActivityFilter,
    before: Option<i64>,
    tables: &[&'static str],
) -> Option<QueryBuilder<D>>
where
    D: Database,
    for<'t> i64: Encode<'t, D> + Type<D>,
    for<'t> String: Encode<'t, D> + Type<D>,
    for<'t> &'t str: Encode<'t, D> + Type<D>,
{
    let BlindSpots::Of(reason) = &filter.details.blind_spots else {
        return None;
    };
    let counted = ActivityFilter {
        connection: filter.connection,
        within: filter.within.clone(),
        event_type: filter.event_type,
        from: filter.from,
        to: filter.to,
        details: ActivityDetails {
            blind_spots: filter.details.blind_spots.clone(),
            ..ActivityDetails::default()
        },
        ..ActivityFilter::default()
    };
    if counted != *filter {
        return None;
    }
    let mut query = QueryBuilder::new("SELECT day, CAST(SUM(n) AS BIGINT) FROM (");
    for (place, table) in tables.iter().enumerate() {
        query.push(if place > 0 { " UNION ALL " } else { "" });
        query.push("SELECT day, n FROM ").push(*table);
        query.push(" WHERE reason = ").push_bind(reason.clone());
        let connection = filter.connection.map(|id| id.to_string());
        narrow::equal(&mut query, "connection_id", connection);
        narrow::within(&mut query, "connection_id", &filter.within);
        narrow::equal(
            &mut query,
            "event_type",
            filter.event_type.map(EventType::word),
        );
        let since = filter.from.map(|from| micros(from) / DAY_MICROS);
        if let Some(since) = since {
            query.push(" AND day >= ").push_bind(since);
        }
        let until = filter.to.map(micros).into_iter().chain(before).min();
        if let Some(until) = until {
            query.push(" AND day <= ").push_bind(until / DAY_MICROS);
        }
    }
    query.push(") AS counts GROUP BY day HAVING SUM(n) > 0 ORDER BY day DESC LIMIT ");
    query.push_bind(DAYS_MAX);
    Some(query)
}

/// The filter, narrowed to days that have more than so many activities after the first of them, of which a part may
/// be behind the reader already; none when there are no days.
///
/// # Errors
/// `Corrupt` when a day is none.
pub fn narrowed_to_days(
    filter: &ActivityFilter,
    days: &[(i64, i64)],
    limit: u32,
) -> Result<Option<ActivityFilter>, StoreError> {
    let Some((first, rest)) = days.split_first() else {
        return Ok(None);
    };
    let (mut oldest, mut found) = (first.0, 0);
    for (day, count) in rest {
        (oldest, found) = (*day, found + count);
        if found > i64::from(limit) {
            break;
        }
    }
    Ok(Some(ActivityFilter {
        from: filter.from.max(Some(instant(oldest * DAY_MICROS)?)),
        ..filter.clone()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_read_of_the_expression_that_asks_for_it() {
        for (expression, label) in [
            ("_content.label('Confidential')", Some("Confidential")),
            ("_content.label(\"US SSN\")", Some("US SSN")),
            ("'Secret' in _content.labels", Some("Secret")),
            ("_content.label(_file.name)", None),
            ("_content.count('a')", None),
            ("'a' in _content.labels and 'b' in _content.labels", None),
            ("'", None),
        ] {
            assert_eq!(label_of(expression), label, "{expression}");
        }
    }

    #[test]
    fn a_list_is_walked_on_days_that_fill_its_page() {
        let days = [(40, 5), (30, 5), (20, 5), (10, 5)];
        let from = |days: &[(i64, i64)], limit| {
            let narrowed = narrowed_to_days(&ActivityFilter::default(), days, limit);
            let narrowed = narrowed.expect("the days are of this century");
            narrowed
                .and_then(|filter| filter.from)
                .map(|from| micros(from) / DAY_MICROS)
        };
        assert_eq!(
            from(&days, 4),
            Some(30),
            "the first day may be read already"
        );
        assert_eq!(from(&days, 5), Some(20));
        assert_eq!(from(&days, 50), Some(10));
        assert_eq!(from(&[], 4), None);
    }
}
