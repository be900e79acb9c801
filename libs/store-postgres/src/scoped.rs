//! Counts for who sees some connections only: statements that an index of the connection, or of the
//! moment, answers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use event_model::{ConnectionScope, PolicyId};
use ports::{Board, CaseTimes, PolicyVerdicts, StoreError};
use sqlx::Postgres;
use store_rows::board::{Counted, DAY_MICROS, board};
use store_rows::casework::{Worked, case_times, policy_verdicts};
use store_rows::scoped::{self, BoardQueries};

use crate::PostgresStore;
use crate::failure::failed;
use crate::instants::micros;
use crate::tallies;

impl PostgresStore {
    /// Counts for a board, of what is of connections within the scope.
    pub(crate) async fn count_board_within(
        &self,
        within: &ConnectionScope,
        active_since: DateTime<Utc>,
        days_since: DateTime<Utc>,
    ) -> Result<Board, StoreError> {
        let BoardQueries::<Postgres> {
            mut activity,
            mut actors,
            mut violations,
            mut last,
        } = scoped::board(within, active_since);
        let mut tx = self.snapshot().await?;
        let activity = activity.build_query_as().fetch_all(&mut *tx).await;
        let actors = actors.build_query_scalar().fetch_one(&mut *tx).await;
        let violations = violations.build_query_scalar().fetch_one(&mut *tx).await;
        let open = tallies::open(&mut tx, within).await?;
        let day = micros(days_since) / DAY_MICROS;
        let by_day = tallies::by_day(&mut tx, within, day).await?;
        let last = last.build_query_as().fetch_all(&mut *tx).await;
        board(Counted {
            activity: activity.map_err(failed)?,
            actors: actors.map_err(failed)?,
            violations: violations.map_err(failed)?,
            open,
            by_day,
            last: last.map_err(failed)?,
        })
    }

    /// How fast people work on incidents of connections within the scope.
    pub(crate) async fn case_times_of(
        &self,
        within: &ConnectionScope,
    ) -> Result<CaseTimes, StoreError> {
        let mut query = scoped::closed::<Postgres>(within);
        let rows: Result<Vec<Worked>, _> = query.build_query_as().fetch_all(&self.pool).await;
        Ok(case_times(&rows.map_err(failed)?))
    }

    /// What people concluded of incidents of connections within the scope.
    pub(crate) async fn policy_verdicts_of(
        &self,
        within: &ConnectionScope,
    ) -> Result<BTreeMap<PolicyId, PolicyVerdicts>, StoreError> {
        let mut snapshot = self.snapshot().await?;
        policy_verdicts(tallies::verdicts(&mut snapshot, within).await?)
    }
}
