//! What is counted for who sees some connections only. Over all of them other statements count.

use chrono::{DateTime, Utc};
use event_model::ConnectionScope;
use ports::{CLOSED_MAX, CONNECTIONS_ASKED_MAX};
use sqlx::{Database, Encode, QueryBuilder, Type};

use crate::narrow;

/// The statements of a board.
pub struct BoardQueries<D: Database> {
    /// Activities by kind.
    pub activity: QueryBuilder<D>,
    /// People who did them.
    pub actors: QueryBuilder<D>,
    /// Incidents recorded.
    pub violations: QueryBuilder<D>,
    /// Last activities.
    pub last: QueryBuilder<D>,
}

/// What counts a board within the scope.
pub fn board<D>(within: &ConnectionScope, active_since: DateTime<Utc>) -> BoardQueries<D>
where
    D: Database,
    for<'t> i64: Encode<'t, D> + Type<D>,
    for<'t> String: Encode<'t, D> + Type<D>,
    for<'t> &'t str: Encode<'t, D> + Type<D>,
{
    let of = |select: &str, column| {
        let mut query = QueryBuilder::new(format!("{select} WHERE 1 = 1"));
        narrow::within(&mut query, column, within);
        query
    };
    let mine = |select: &str| of(select, "connection_id");
    let active = Some(active_since);
    // No index of kinds is of this expression: the moment decides.
    let mut activity = mine("SELECT event_type || '', COUNT(*) FROM activities");
    narrow::between(&mut activity, "received_at", active, None);
    // No index of kinds has this, so that the moment decides.
    activity.push(" GROUP BY 1");
    let mut actors = mine("SELECT COUNT(DISTINCT actor_email) FROM activities");
    narrow::between(&mut actors, "received_at", active, None);
    let mut violations = mine("SELECT COUNT(*) FROM incidents");
    narrow::between(&mut violations, "created_at", active, None);
    let newest = "SELECT id, (SELECT MAX(received_at) FROM activities
        WHERE connection_id = connections.id) FROM connections";
    let mut last = of(newest, "id");
    last.push(" ORDER BY created_at, id LIMIT ");
    last.push_bind(i64::from(CONNECTIONS_ASKED_MAX));
    BoardQueries {
        activity,
        actors,
        violations,
        last,
    }
}

/// The milestones of the last closed incidents within the scope.
pub fn closed<D>(within: &ConnectionScope) -> QueryBuilder<D>
where
    D: Database,
    for<'t> i64: Encode<'t, D> + Type<D>,
    for<'t> String: Encode<'t, D> + Type<D>,
{
    let mut query = QueryBuilder::new(
        "SELECT event_at, created_at, taken_at, qualified_at, closed_at FROM incidents
         WHERE closed_at IS NOT NULL",
    );
    narrow::within(&mut query, "connection_id", within);
    query.push(" ORDER BY closed_at DESC LIMIT ");
    query.push_bind(i64::from(CLOSED_MAX));
    query
}
