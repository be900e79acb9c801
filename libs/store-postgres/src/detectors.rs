//! Detectors that administrators write. What is known of each stands apart from its definition, which may be long and is sealed.

use async_trait::async_trait;
use ports::{Changes, DETECTORS_MAX, DetectorEntry, DetectorStore, KeptDetector, StoreError};
use store_rows::detectors::{WHAT, next, read_entry, read_whole};

use crate::PostgresStore;
use crate::changes::Kind;
use crate::failure::{conflict, failed, taken, written};

#[async_trait]
impl DetectorStore for PostgresStore {
    async fn save_detector(
        &self,
        detector: &KeptDetector,
        seen: Option<u64>,
    ) -> Result<DetectorEntry, StoreError> {
        let name = detector.entry.name.as_str();
        let mut tx = self.write().await?;
        let there = sqlx::query_scalar::<_, i64>(
            "SELECT revision FROM detectors WHERE name = $1 FOR UPDATE",
        )
        .bind(name)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        let entry = next(detector, there, seen).ok_or_else(|| conflict(WHAT, name))?;
        // A row that another process made meanwhile is a conflict, and not overwritten unseen.
        let sql = match there {
            Some(_) => {
                "UPDATE detectors SET revision = $2, entry = $3, sealed = $4 WHERE name = $1"
            }
            None => "INSERT INTO detectors (name, revision, entry, sealed) VALUES ($1, $2, $3, $4)",
        };
        sqlx::query(sql)
            .bind(name)
            .bind(entry.revision as i64)
            .bind(written(&entry))
            .bind(self.sealer.seal_detector(name, &detector.definition))
            .execute(&mut *tx)
            .await
            .map_err(taken(WHAT, name))?;
        self.commit_changes(tx, &[Kind::Detectors]).await?;
        Ok(entry)
    }

    async fn detector(&self, name: &str) -> Result<Option<KeptDetector>, StoreError> {
        let sql = "SELECT entry, sealed FROM detectors WHERE name = $1";
        let found = sqlx::query_as(sql).bind(name).fetch_optional(&self.pool);
        let found = found.await.map_err(failed)?;
        found.map(|row| read_whole(&self.sealer, row)).transpose()
    }

    async fn detector_entries(&self) -> Result<Vec<DetectorEntry>, StoreError> {
        let found: Vec<String> =
            sqlx::query_scalar("SELECT entry FROM detectors ORDER BY name LIMIT $1")
                .bind(i64::from(DETECTORS_MAX))
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        found.iter().map(|entry| read_entry(entry)).collect()
    }

    async fn every_detector(&self) -> Result<Vec<KeptDetector>, StoreError> {
        let found: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT entry, sealed FROM detectors ORDER BY name LIMIT $1")
                .bind(i64::from(DETECTORS_MAX))
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        let read = |row| read_whole(&self.sealer, row);
        found.into_iter().map(read).collect()
    }

    async fn remove_detector(&self, name: &str) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let gone = sqlx::query("DELETE FROM detectors WHERE name = $1")
            .bind(name)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        self.commit_changes(tx, &[Kind::Detectors]).await?;
        Ok(gone.rows_affected() > 0)
    }

    fn detector_changes(&self) -> Changes {
        self.watch.subscribe(Kind::Detectors)
    }
}
