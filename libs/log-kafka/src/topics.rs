//! What must hold before the log is used: a broker answers and lets us in, the topics are there.
//!
//! Missing topics are made. Those that exist keep their settings; what would lose activity is
//! refused, what is only unwise is said.

use std::sync::Arc;
use std::time::Duration;

use ports::{Clock, LogRecord, Topic};
use rdkafka::ClientContext;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use thiserror::Error;

use crate::options::{FRAMING_BYTES_MAX, Options, message_bytes_max};
use crate::report::Reporter;

/// Longest that opening waits for a broker.
const REACHED_MAX: Duration = Duration::from_secs(10);
/// How long one attempt may take; between them it is looked at why the last one failed.
const ATTEMPT_MAX: Duration = Duration::from_millis(500);
/// Complaints heard after each attempt.
const COMPLAINTS_MAX: usize = 100;
/// Longest that one question to a broker that answers may take.
const ASK_MAX: Duration = Duration::from_secs(5);
/// Copies of a partition when nothing else is said and there are brokers enough.
const REPLICATION: usize = 3;
/// What was set aside waits for a person: it is kept at least so long.
const DEAD_LETTERS_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Why a log on Kafka cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The settings themselves are not usable: a file is missing, a word is wrong.
    #[error("the client cannot be made of these settings")]
    Settings(#[source] KafkaError),
    /// No broker answers.
    #[error("none of the brokers `{brokers}` answers: {reason}")]
    Unreachable {
        /// As configured.
        brokers: String,
        /// The last complaint.
        reason: String,
    },
    /// A broker answers and does not let us in.
    #[error("the brokers `{brokers}` do not let us in{user}: {reason}")]
    Refused {
        /// As configured.
        brokers: String,
        /// As whom, when somebody.
        user: String,
        /// Their words.
        reason: String,
    },
    /// A topic cannot be seen, made or looked at.
    #[error("the topic `{topic}` cannot be {doing}: {reason}")]
    Topic {
        /// Its name.
        topic: String,
        /// `seen`, `made` and so on.
        doing: &'static str,
        /// The brokers' words.
        reason: String,
    },
    /// Compaction keeps only the newest record of an object.
    #[error(
        "the topic `{topic}` has `cleanup.policy={policy}`, which would lose activity: make it `delete`"
    )]
    Compacted {
        /// Its name.
        topic: String,
        /// Its policy.
        policy: String,
    },
    /// The program is ending.
    #[error("opening was interrupted")]
    Interrupted,
}

/// A client that only asks; it never makes topics by asking for them, as a producer's would.
struct Asking(Arc<Reporter>);

impl ClientContext for Asking {
    fn log(&self, level: RDKafkaLogLevel, kind: &str, line: &str) {
        self.0.line(level, kind, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }
}

impl ConsumerContext for Asking {}

/// Makes everything ready; gives the largest record that every topic takes, in bytes.
///
/// # Errors
/// See [`OpenError`].
pub(crate) async fn prepare(
    options: &Arc<Options>,
    reporter: &Arc<Reporter>,
    clock: &Arc<dyn Clock>,
) -> Result<usize, OpenError> {
    let (asked, heard, time) = (Arc::clone(options), Arc::clone(reporter), Arc::clone(clock));
    let (brokers, missing) = blocking(move || {
        let client: BaseConsumer<Asking> = asked
            .client()
            .create_with_context(Asking(Arc::clone(&heard)))
            .map_err(OpenError::Settings)?;
        let metadata = reach(&client, &asked, &heard, time.as_ref())?;
        let missing = missing_topics(&client, &asked)?;
        Ok((metadata.brokers().len(), missing))
    })
    .await?;
    let admin: AdminClient<DefaultClientContext> =
        options.client().create().map_err(OpenError::Settings)?;
    for topic in missing {
        make(&admin, options, topic, brokers).await?;
    }
    let mut bytes_max = LogRecord::BYTES_MAX;
    for topic in Topic::ALL {
        bytes_max = bytes_max.min(check(&admin, &options.topic(topic)).await?);
    }
    // Letting go of the client waits for its threads.
    blocking(move || {
        drop(admin);
        Ok(bytes_max)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| OpenError::Interrupted)?
}

/// Waits for the first answer of a broker; gives up early when waiting cannot help.
fn reach(
    client: &BaseConsumer<Asking>,
    options: &Options,
    reporter: &Reporter,
    clock: &dyn Clock,
) -> Result<Metadata, OpenError> {
    let began = clock.monotonic();
    loop {
        let failed = match client.fetch_metadata(None, ATTEMPT_MAX) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => error,
        };
        // Complaints are heard only while polling, one a poll; `None` may mean that one was heard.
        for _ in 0..COMPLAINTS_MAX {
            client.poll(Duration::ZERO);
        }
        let complaint = reporter.last();
        let brokers = options.brokers.join(",");
        let code = complaint.as_ref().map(|one| one.code);
        let reason = complaint.map_or_else(|| described(&failed), |one| one.reason);
        if matches!(
            code,
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL)
        ) {
            let login = options.login.as_ref();
            let user = login.map_or(String::new(), |login| format!(" as `{}`", login.user));
            return Err(OpenError::Refused {
                brokers,
                user,
                reason,
            });
        }
        if clock.monotonic().saturating_sub(began) > REACHED_MAX {
            return Err(OpenError::Unreachable { brokers, reason });
        }
    }
}

fn missing_topics(
    client: &BaseConsumer<Asking>,
    options: &Options,
) -> Result<Vec<Topic>, OpenError> {
    let mut missing = Vec::new();
    for topic in Topic::ALL {
        let name = options.topic(topic);
        let seen = |reason| topic_error(&name, "seen", reason);
        let metadata = client
            .fetch_metadata(Some(&name), ASK_MAX)
            .map_err(|error| seen(described(&error)))?;
        let error = metadata.topics().first().and_then(|one| one.error());
        match error.map(RDKafkaErrorCode::from) {
            None => {}
            Some(RDKafkaErrorCode::UnknownTopicOrPartition) => missing.push(topic),
            Some(code) => return Err(seen(words(code))),
        }
    }
    Ok(missing)
}

async fn make(
    admin: &AdminClient<DefaultClientContext>,
    options: &Options,
    topic: Topic,
    brokers: usize,
) -> Result<(), OpenError> {
    let name = options.topic(topic);
    let replication = options
        .replication
        .map_or(brokers.clamp(1, REPLICATION), usize::from);
    let kept = match topic {
        Topic::DeadLetter => options.retention.max(DEAD_LETTERS_KEPT),
        Topic::Activity | Topic::Incidents | Topic::Remedies => options.retention,
    };
    let kept_ms = kept.as_millis().to_string();
    let bytes = message_bytes_max().to_string();
    let in_sync = replication.saturating_sub(1).max(1).to_string();
    let new = NewTopic::new(
        &name,
        i32::from(options.partitions),
        TopicReplication::Fixed(i32::try_from(replication).unwrap_or(i32::MAX)),
    )
    .set("cleanup.policy", "delete")
    .set("retention.ms", &kept_ms)
    .set("max.message.bytes", &bytes)
    .set("min.insync.replicas", &in_sync)
    .set("message.timestamp.type", "LogAppendTime");
    let request = AdminOptions::new()
        .request_timeout(Some(ASK_MAX))
        .operation_timeout(Some(ASK_MAX));
    let made = admin.create_topics([&new], &request).await;
    let refused = |reason| topic_error(&name, "made", reason);
    match made.map_err(|error| refused(described(&error)))?.pop() {
        // Another process was faster.
        None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => {
            tracing::info!(
                topic = name,
                partitions = options.partitions,
                replication,
                "made a topic"
            );
            Ok(())
        }
        Some(Err((_, code))) => Err(refused(words(code))),
    }
}

/// Looks at a topic's settings; gives the largest record that it takes, in bytes.
async fn check(admin: &AdminClient<DefaultClientContext>, name: &str) -> Result<usize, OpenError> {
    let request = AdminOptions::new().request_timeout(Some(ASK_MAX));
    let described_topics = admin
        .describe_configs(&[ResourceSpecifier::Topic(name)], &request)
        .await
        .map_err(|error| topic_error(name, "looked at", described(&error)))?;
    let settings = match described_topics.into_iter().next() {
        Some(Ok(settings)) => settings,
        Some(Err(code)) => {
            tracing::warn!(
                topic = name,
                reason = words(code),
                "the settings of a topic cannot be seen"
            );
            return Ok(LogRecord::BYTES_MAX);
        }
        None => return Ok(LogRecord::BYTES_MAX),
    };
    judge(name, &settings)
}

fn judge(name: &str, settings: &ConfigResource) -> Result<usize, OpenError> {
    let value = |key| settings.get(key).and_then(|entry| entry.value.as_deref());
    if let Some(policy) = value("cleanup.policy").filter(|policy| policy.contains("compact")) {
        return Err(OpenError::Compacted {
            topic: name.to_owned(),
            policy: policy.to_owned(),
        });
    }
    let number = |key| value(key).and_then(|text| text.parse::<i64>().ok());
    let day_ms = i64::from(24 * 60 * 60 * 1_000);
    if let Some(kept_ms) = number("retention.ms").filter(|ms| (0..day_ms).contains(ms)) {
        tracing::warn!(
            topic = name,
            kept_ms,
            "a topic keeps its records for less than a day"
        );
    }
    let takes = number("max.message.bytes").and_then(|bytes| usize::try_from(bytes).ok());
    let bytes_max = takes.map_or(LogRecord::BYTES_MAX, |bytes| {
        bytes.saturating_sub(FRAMING_BYTES_MAX.min(bytes / 8))
    });
    if bytes_max < LogRecord::BYTES_MAX {
        tracing::warn!(
            topic = name,
            bytes_max,
            "a topic takes only smaller records than Tidegate does"
        );
    }
    Ok(bytes_max)
}

fn topic_error(topic: &str, doing: &'static str, reason: String) -> OpenError {
    OpenError::Topic {
        topic: topic.to_owned(),
        doing,
        reason,
    }
}

/// The library's own words for an error, without the names of its types.
pub(crate) fn described(error: &KafkaError) -> String {
    error
        .rdkafka_error_code()
        .map_or_else(|| error.to_string(), words)
}

/// What a code means: its `Display` is `Name (words)`.
pub(crate) fn words(code: RDKafkaErrorCode) -> String {
    let both = code.to_string();
    let inner = both
        .split_once(" (")
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(both.clone(), str::to_owned)
}
