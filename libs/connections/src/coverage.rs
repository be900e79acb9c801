//! How completely a connection's feed is read, and when to worry.

use chrono::{DateTime, TimeDelta, Utc};
use event_model::{
    Connection, ConnectionId, CoverageGap, FeedChoice, FeedCoverage, HealthCheck, StreamCoverage,
    rfc3339,
};
use ports::AdminError;

use crate::Connections;

/// Most gaps shown.
const GAPS_SHOWN_MAX: u32 = 100;
/// A gap counts against a connection's health for so long; it is kept and shown for longer.
const GAP_COUNTS_DAYS: i64 = 7;

impl Connections {
    /// How completely the feed is read.
    ///
    /// # Errors
    /// When there is no such connection, or the store fails.
    pub(crate) async fn feed_coverage(&self, id: ConnectionId) -> Result<FeedCoverage, AdminError> {
        let connection = self.get(id).await?;
        self.coverage_of(&connection).await
    }

    async fn coverage_of(&self, connection: &Connection) -> Result<FeedCoverage, AdminError> {
        let (id, now) = (connection.id, self.ports.clock.now());
        let notes = self.ports.feed_notes.as_ref();
        let standings = notes.standings(id).await?;
        let connector = self.connector(connection)?;
        let feed = connection.lifecycle.feed().map(|feed| feed.choice());
        let read = connector.streams_read(feed.unwrap_or(FeedChoice::Pull));
        let streams = read.iter().map(|stream| {
            let standing = standings.iter().find(|standing| standing.stream == *stream);
            let retention = connector.retention(stream);
            let retention_s = retention.map(|retention| retention.as_secs());
            standing_of(stream, standing.map(|one| one.read_until), retention_s, now)
        });
        let paused = notes.paused_until(id).await?;
        Ok(FeedCoverage {
            streams: streams.collect(),
            gaps: notes.gaps(id, GAPS_SHOWN_MAX).await?,
            paused_until: paused.filter(|until| *until > now),
        })
    }

    /// What the coverage says to a health check. Nothing while nothing is read.
    pub(crate) async fn coverage_checks(
        &self,
        connection: &Connection,
    ) -> Result<Vec<HealthCheck>, AdminError> {
        if !connection.lifecycle.is_enabled() {
            return Ok(Vec::new());
        }
        let coverage = self.coverage_of(connection).await?;
        if coverage.streams.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.ports.clock.now();
        let late = coverage.streams.iter().filter(|stream| stream.late);
        let late: Vec<String> = late
            .map(|stream| {
                let hours = stream.behind_s.unwrap_or_default() / 3_600;
                let kept = stream.retention_s.unwrap_or_default() / 3_600;
                format!(
                    "`{}` was read up to {hours} hours ago and the service keeps {kept} hours",
                    stream.stream
                )
            })
            .collect();
        let kept = HealthCheck {
            name: "retention".into(),
            ok: late.is_empty(),
            detail: match late.is_empty() {
                true => "Every stream is read well before the service forgets.".into(),
                false => format!("{}: see why its reading fails", late.join("; ")),
            },
        };
        let counts = |gap: &&CoverageGap| now - gap.noted_at < TimeDelta::days(GAP_COUNTS_DAYS);
        let gaps: Vec<&CoverageGap> = coverage.gaps.iter().filter(counts).collect();
        let covered = HealthCheck {
            name: "coverage".into(),
            ok: gaps.is_empty(),
            detail: match gaps.first() {
                None => "Nothing was missed in the last seven days.".into(),
                Some(last) => format!(
                    "{} gaps in seven days; the last: {}",
                    gaps.len(),
                    told(last)
                ),
            },
        };
        Ok(vec![kept, covered])
    }
}

fn standing_of(
    stream: &str,
    read_until: Option<DateTime<Utc>>,
    retention_s: Option<u64>,
    now: DateTime<Utc>,
) -> StreamCoverage {
    let behind = read_until.map(|until| (now - until).num_seconds().max(0).unsigned_abs());
    StreamCoverage {
        stream: stream.to_owned(),
        read_until,
        behind_s: behind,
        retention_s,
        late: behind
            .zip(retention_s)
            .is_some_and(|(behind, kept)| behind >= kept / 2),
    }
}

/// A gap in a sentence's end.
fn told(gap: &CoverageGap) -> String {
    let moment = |at: Option<DateTime<Utc>>| at.map_or("an unknown moment".to_owned(), rfc3339);
    let (from, to) = (moment(gap.from), moment(gap.to));
    format!(
        "stream `{}`, from {from} to {to} ({})",
        gap.stream, gap.reason
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_late_from_half_of_what_the_service_keeps_on() {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let rows = [
            (Some(49), Some(100), false),
            (Some(50), Some(100), true),
            (Some(-5), Some(100), false),
            (None, Some(100), false),
            (Some(1_000), None, false),
        ];
        for (behind, kept, late) in rows {
            let read_until = behind.map(|behind| now - TimeDelta::seconds(behind));
            let standing = standing_of("s", read_until, kept, now);
            assert_eq!(standing.late, late, "{behind:?} {kept:?}");
        }
    }
}
