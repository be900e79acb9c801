//! How far the sinks have come.

use async_trait::async_trait;
use event_model::SinkStanding;
use ports::{SINK_STANDINGS_MAX, SinkStandings, StoreError};

use crate::PostgresStore;
use crate::failure::{failed, read, written};

const WHAT: &str = "sink's standing";

#[async_trait]
impl SinkStandings for PostgresStore {
    async fn note_sink(&self, standing: &SinkStanding) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO sink_standings (sink, stream, document) VALUES ($1, $2, $3)
             ON CONFLICT (sink, stream) DO UPDATE SET document = excluded.document",
        )
        .bind(&standing.sink)
        .bind(standing.stream.word())
        .bind(written(standing))
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn sink_standings(&self) -> Result<Vec<SinkStanding>, StoreError> {
        let documents: Vec<String> = sqlx::query_scalar(
            "SELECT document FROM sink_standings ORDER BY sink, stream LIMIT $1",
        )
        .bind(i64::from(SINK_STANDINGS_MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        documents.iter().map(|text| read(WHAT, text)).collect()
    }

    async fn forget_sinks_but(&self, names: &[String]) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sink_standings WHERE NOT sink = ANY($1)")
            .bind(names)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(failed)
    }
}
