//! What happens now and what is open, counted.

use chrono::{DateTime, Utc};
use event_model::ConnectionScope;
use ports::{Board, CONNECTIONS_ASKED_MAX, StoreError};
use store_rows::board::{Counted, DAY_MICROS, board};

use crate::SqliteStore;
use crate::failure::failed;
use crate::instants::micros;
use crate::tallies;

impl SqliteStore {
    /// Counts for a board. Each statement is answered by an index, or by sums that are kept; days are whole.
    pub(crate) async fn count_board(
        &self,
        active_since: DateTime<Utc>,
        days_since: DateTime<Utc>,
    ) -> Result<Board, StoreError> {
        let (active, days) = (micros(active_since), micros(days_since));
        let mut tx = self.snapshot().await?;
        let activity = sqlx::query_as(
            // Grouped by an expression, so that the moment decides and not an index of kinds.
            "SELECT event_type, COUNT(*) FROM activities WHERE received_at >= $1 GROUP BY +event_type",
        );
        let activity = activity
            .bind(active)
            .fetch_all(&mut *tx)
            .await
            .map_err(failed)?;
        let actors = sqlx::query_scalar(
            "SELECT COUNT(DISTINCT actor_email) FROM activities WHERE received_at >= $1",
        );
        let actors = actors
            .bind(active)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
        let violations =
            sqlx::query_scalar("SELECT COUNT(*) FROM incidents WHERE created_at >= $1");
        let violations = violations
            .bind(active)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
        let open = tallies::open(&mut tx, &ConnectionScope::Every).await?;
        let by_day = tallies::by_day(&mut tx, &ConnectionScope::Every, days / DAY_MICROS).await?;
        let last = sqlx::query_as(
            "SELECT id, (SELECT MAX(received_at) FROM activities WHERE connection_id = connections.id)
             FROM connections ORDER BY created_at, id LIMIT $1",
        );
        let last = last.bind(i64::from(CONNECTIONS_ASKED_MAX));
        let last = last.fetch_all(&mut *tx).await.map_err(failed)?;
        board(Counted {
            activity,
            actors,
            violations,
            open,
            by_day,
            last,
        })
    }
}
