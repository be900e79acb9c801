//! What the platform has recorded, read from its store and its log: what the API does not show, or not
//! fast enough.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use event_model::ActivityRecord;
use log_kafka::{KafkaLog, Options};
use ports::{LogScan, SystemClock, Topic};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::fleet::Shared;

/// Records read of the log at a time.
const SCANNED_AT_ONCE: usize = 500;
/// Longest that a question may wait for a connection.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Object and event, in the order in which they came.
type InOrder = Vec<(String, String)>;

/// Reads what was recorded.
pub(crate) struct Record {
    store: PgPool,
}

/// Who reads a stream.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct PullLease {
    pub(crate) holder: Option<String>,
    pub(crate) epoch: i64,
    until: i64,
}

impl Record {
    pub(crate) fn of(shared: &Shared) -> Self {
        let options = PgPoolOptions::new().max_connections(2);
        let options = options.acquire_timeout(WAIT_MAX);
        Record {
            store: options.connect_lazy(&shared.store).unwrap(),
        }
    }

    /// How many activities there are, and how many remedies and second looks are still to do.
    pub(crate) async fn counts(&self) -> anyhow::Result<(i64, i64)> {
        let counts = sqlx::query_as(
            "SELECT (SELECT count(*) FROM activities),
                    (SELECT count(*) FROM remedies WHERE open) + (SELECT count(*) FROM awaited)",
        );
        Ok(counts.fetch_one(&self.store).await?)
    }

    /// How many activities of a connection there are.
    pub(crate) async fn count_of(&self, connection: &str) -> anyhow::Result<usize> {
        let query = "SELECT count(*) FROM activities WHERE connection_id = $1";
        let asked = sqlx::query_scalar::<_, i64>(query).bind(connection);
        Ok(asked.fetch_one(&self.store).await? as usize)
    }

    /// Every activity of a tenant, in the shape of the API.
    pub(crate) async fn activities(&self, connection: &str) -> Vec<Value> {
        let ids: Vec<(String,)> =
            sqlx::query_as("SELECT event_id FROM activities WHERE connection_id = $1")
                .bind(connection)
                .fetch_all(&self.store)
                .await
                .unwrap();
        ids.into_iter()
            .map(|(id,)| json!({"event_id": id}))
            .collect()
    }

    /// When activities were evaluated, in milliseconds since 1970, in order.
    pub(crate) async fn evaluated_at_ms(&self) -> Vec<i64> {
        let query =
            "SELECT evaluated_at / 1000 FROM activities WHERE evaluated_at IS NOT NULL ORDER BY 1";
        let asked = sqlx::query_scalar(query);
        asked.fetch_all(&self.store).await.unwrap()
    }

    /// The lease on a connection's activity stream.
    pub(crate) async fn pull_lease(&self, connection: &str) -> anyhow::Result<Option<PullLease>> {
        let query =
            "SELECT holder, epoch, until FROM leases WHERE resource LIKE 'pull/%' || $1 || '%'";
        let asked = sqlx::query_as(query).bind(connection);
        Ok(asked.fetch_optional(&self.store).await?)
    }

    /// Leases that run: on streams, on remedies, in the gate.
    pub(crate) async fn leases_held(&self) -> anyhow::Result<i64> {
        let query = "SELECT
            (SELECT count(*) FROM leases WHERE holder IS NOT NULL AND until > here.micros)
            + (SELECT count(*) FROM remedies WHERE lease_until > here.micros)
            + (SELECT count(*) FROM gate_entries WHERE until > now())
            FROM (SELECT (extract(epoch FROM now()) * 1000000)::bigint AS micros) AS here";
        Ok(sqlx::query_scalar(query).fetch_one(&self.store).await?)
    }

    /// Panics where the events of an object were not evaluated in the order of the log. Gives how many
    /// pairs of events of one object were looked at.
    pub(crate) async fn order_is_kept(&self, shared: &Shared) -> usize {
        // The platform's own last deeds may still come as activities: what was evaluated is read first, so
        // the log has all of it and perhaps more.
        let evaluated = by_object(self.evaluated().await);
        let appended = by_object(appended(shared).await);
        let mut pairs = 0;
        for (object, events) in &evaluated {
            let expected = appended.get(object).unwrap();
            let known = &expected[..events.len().min(expected.len())];
            assert_eq!(events, known, "the order of the events of {object}");
            pairs += events.len() - 1;
        }
        pairs
    }

    async fn evaluated(&self) -> InOrder {
        let query = "SELECT connection_id || '/' || coalesce(object_id, ''), event_id FROM activities ORDER BY sequence";
        let asked = sqlx::query_as(query);
        asked.fetch_all(&self.store).await.unwrap()
    }
}

/// What stands in the log, partition by partition, with nothing missing between.
async fn appended(shared: &Shared) -> InOrder {
    let mut options = Options::at(vec![shared.kafka.clone()]);
    options.prefix.clone_from(&shared.prefix);
    let log = KafkaLog::open(options, Arc::new(SystemClock::new())).await;
    let mut scan = log.unwrap().scan(Topic::Activity).await.unwrap();
    let mut all = Vec::new();
    let mut next: BTreeMap<u32, u64> = BTreeMap::new();
    loop {
        let batch = scan.next(SCANNED_AT_ONCE).await.unwrap();
        if batch.is_empty() {
            return all;
        }
        for delivered in batch {
            let place = delivered.place;
            let expected = next.insert(place.partition, place.offset + 1);
            assert_eq!(
                place.offset,
                expected.unwrap_or(0),
                "the log has a gap: {place:?}"
            );
            let record = ActivityRecord::decode(&delivered.record.value).unwrap();
            let object = record.activity.object_id.unwrap_or_default();
            let key = format!("{}/{object}", record.connection_id);
            all.push((key, record.activity.event_id.as_str().to_owned()));
        }
    }
}

/// The events of each object, each where it came first.
fn by_object(all: InOrder) -> BTreeMap<String, Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut objects: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (object, event) in all {
        // Logins are about no object: nothing is said of their order.
        if !object.ends_with('/') && seen.insert((object.clone(), event.clone())) {
            objects.entry(object).or_default().push(event);
        }
    }
    objects
}
