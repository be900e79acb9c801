//! Gaps, standings and pauses of the feeds.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{ConnectionId, CoverageGap, StreamStanding};
use ports::{FeedNotes, GAPS_KEPT_MAX, StoreError};

use crate::failure::{failed, read, written};
use crate::instants::{instant, micros};
use crate::{SqliteStore, commit};

const WHAT: &str = "coverage gap";

#[async_trait]
impl FeedNotes for SqliteStore {
    async fn note_gap(&self, gap: &CoverageGap) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO feed_gaps (connection_id, stream, noted_at, document)
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(gap.connection_id.to_string())
        .bind(&gap.stream)
        .bind(micros(gap.noted_at))
        .bind(written(gap))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        sqlx::query(
            "DELETE FROM feed_gaps WHERE connection_id = $1 AND noted_at <
             (SELECT noted_at FROM feed_gaps WHERE connection_id = $1
              ORDER BY noted_at DESC LIMIT 1 OFFSET $2)",
        )
        .bind(gap.connection_id.to_string())
        .bind(i64::from(GAPS_KEPT_MAX) - 1)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        commit(tx).await
    }

    async fn gaps(
        &self,
        connection: ConnectionId,
        at_most: u32,
    ) -> Result<Vec<CoverageGap>, StoreError> {
        let documents: Vec<String> = sqlx::query_scalar(
            "SELECT document FROM feed_gaps WHERE connection_id = $1
             ORDER BY noted_at DESC, stream LIMIT $2",
        )
        .bind(connection.to_string())
        .bind(i64::from(at_most))
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?;
        documents.iter().map(|text| read(WHAT, text)).collect()
    }

    async fn note_standing(
        &self,
        connection: ConnectionId,
        standing: &StreamStanding,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO feed_standings (connection_id, stream, read_until) VALUES ($1, $2, $3)
             ON CONFLICT (connection_id, stream) DO UPDATE SET read_until = excluded.read_until",
        )
        .bind(connection.to_string())
        .bind(&standing.stream)
        .bind(micros(standing.read_until))
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn standings(&self, connection: ConnectionId) -> Result<Vec<StreamStanding>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT stream, read_until FROM feed_standings WHERE connection_id = $1 ORDER BY stream",
        )
        .bind(connection.to_string())
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?;
        let standing = |(stream, at)| {
            Ok(StreamStanding {
                stream,
                read_until: instant(at)?,
            })
        };
        rows.into_iter().map(standing).collect()
    }

    async fn note_pause(
        &self,
        connection: ConnectionId,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO feed_pauses (connection_id, until) VALUES ($1, $2)
             ON CONFLICT (connection_id) DO UPDATE SET until = max(until, excluded.until)",
        )
        .bind(connection.to_string())
        .bind(micros(until))
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn paused_until(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let until: Option<i64> =
            sqlx::query_scalar("SELECT until FROM feed_pauses WHERE connection_id = $1")
                .bind(connection.to_string())
                .fetch_optional(&self.reader)
                .await
                .map_err(failed)?;
        until.map(instant).transpose()
    }
}
