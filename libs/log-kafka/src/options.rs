//! Where the brokers are, how they let us in, and the bounds of the log.
//!
//! What is not an option here is fixed on purpose: every acknowledgement is asked of all in-sync
//! replicas, the producer is idempotent, offsets are committed by nobody but `commit`.

use std::path::PathBuf;
use std::time::Duration;

use event_model::Secret;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};

use ports::LogRecord;

/// The port of an address that names none.
const PORT: u16 = 9092;
/// Most brokers that an address lists: the others are learnt from the first that answers.
const BROKERS_MAX: usize = 32;
/// What a record may weigh beyond its key, headers and value: framing of the record and its batch.
pub(crate) const FRAMING_BYTES_MAX: usize = 64 * 1024;
/// Longest that a broker may take for an answer before the connection is given up.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Longest pause between two attempts to reach a broker again.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How a password is shown to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// As it is: over TLS only.
    Plain,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
}

impl Mechanism {
    /// Every mechanism with its word in the configuration.
    pub const ALL: [(&'static str, Mechanism); 3] = [
        ("plain", Mechanism::Plain),
        ("scram-sha-256", Mechanism::ScramSha256),
        ("scram-sha-512", Mechanism::ScramSha512),
    ];

    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, one)| *one == self);
        found.map_or("", |(word, _)| word)
    }
}

/// Who we are to the brokers (SASL).
#[derive(Debug, Clone)]
pub struct Login {
    /// How the password is shown.
    pub mechanism: Mechanism,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret<String>,
}

/// Encryption on the way to the brokers.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// PEM file of the authorities that may sign the brokers' certificates; the system's when absent.
    pub ca_file: Option<PathBuf>,
}

/// How a log on Kafka is reached, and its bounds.
#[derive(Debug, Clone)]
pub struct Options {
    /// `host:port` of some brokers.
    pub brokers: Vec<String>,
    /// None: the way to the brokers is not encrypted.
    pub tls: Option<Tls>,
    /// None: the brokers ask for no password.
    pub login: Option<Login>,
    /// Before every topic and group, so that several installations can share a cluster.
    pub prefix: String,
    /// Partitions of a topic that is made; what exists keeps what it has. From 1 to 1,000.
    pub partitions: u16,
    /// Copies of each partition of a topic that is made. None: three, or one per broker when there are fewer.
    pub replication: Option<u16>,
    /// How long a topic that is made keeps its records.
    pub retention: Duration,
    /// How long an append waits for the brokers' acknowledgement before it is `NotDurable`.
    pub acknowledged_max: Duration,
    /// So many bytes wait for acknowledgement at most; a call beyond them is `Overloaded`.
    pub in_flight_bytes_max: usize,
    /// So many records wait for acknowledgement at most; a call beyond them is `Overloaded`.
    pub in_flight_records_max: usize,
    /// A member of a group that is not heard of for so long is taken for dead.
    pub session_max: Duration,
}

impl Options {
    /// The defaults, for brokers at these addresses.
    pub fn at(brokers: Vec<String>) -> Self {
        Options {
            brokers,
            tls: None,
            login: None,
            prefix: String::new(),
            partitions: 12,
            replication: None,
            retention: Duration::from_secs(7 * 24 * 60 * 60),
            acknowledged_max: Duration::from_secs(10),
            in_flight_bytes_max: 64 * 1024 * 1024,
            in_flight_records_max: 100_000,
            session_max: Duration::from_secs(10),
        }
    }

    /// The addresses of `kafka://host:port,host:port`, with or without a `/` at the end.
    ///
    /// # Errors
    /// With a sentence that says what would be right.
    pub fn brokers_of(url: &str) -> Result<Vec<String>, String> {
        let shape = || format!("`{url}` must look like `kafka://host:port,host:port`");
        let rest = url.strip_prefix("kafka://").ok_or_else(shape)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '@', '#']) {
            return Err(format!(
                "{}: the keys `kafka_…` say everything else",
                shape()
            ));
        }
        let brokers: Vec<String> = rest
            .split(',')
            .map(|address| broker(address.trim()).ok_or_else(shape))
            .collect::<Result<_, _>>()?;
        match brokers.len() {
            1..=BROKERS_MAX => Ok(brokers),
            count => Err(format!("{count} brokers are listed, at most {BROKERS_MAX}")),
        }
    }

    /// Whether anybody on the way can read the password.
    pub(crate) fn sends_password_in_the_clear(&self) -> bool {
        let login = self.login.as_ref();
        self.tls.is_none() && login.is_some_and(|login| login.mechanism == Mechanism::Plain)
    }

    /// A topic's name with the prefix.
    pub(crate) fn topic(&self, topic: ports::Topic) -> String {
        format!("{}{}", self.prefix, topic.name())
    }

    /// The group's id at the brokers: one per topic, so that readers of one topic never rebalance
    /// another's, and one rule on the prefix covers topics and groups.
    pub(crate) fn group(&self, topic: ports::Topic, group: &str) -> String {
        format!("{}.{group}", self.topic(topic))
    }

    /// What every client of the brokers is told.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.brokers.join(","))
            .set("client.id", "tidegate")
            .set("security.protocol", self.protocol())
            .set("socket.timeout.ms", millis(ANSWER_MAX))
            .set("socket.connection.setup.timeout.ms", "5000")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", millis(RECONNECT_PAUSE_MAX))
            .set("enable.metrics.push", "false")
            .set_log_level(RDKafkaLogLevel::Error);
        if let Some(tls) = &self.tls {
            let authorities = tls.ca_file.as_ref().map(|path| path.display().to_string());
            config.set("ssl.ca.location", authorities.as_deref().unwrap_or("probe"));
        }
        if let Some(login) = &self.login {
            config
                .set("sasl.mechanism", login.mechanism.word().to_uppercase())
                .set("sasl.username", &login.user)
                .set("sasl.password", login.password.expose());
        }
        config
    }

    /// What the producer is told on top.
    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", millis(self.acknowledged_max))
            // The same partition as the Java clients choose for the same key.
            .set("partitioner", "murmur2_random")
            // So long a batch waits for company: what one fsync for a group is to the embedded log.
            .set("linger.ms", "5")
            .set("message.max.bytes", message_bytes_max().to_string())
            // The bounds are held before this queue: see `room`.
            .set("queue.buffering.max.messages", "0")
            .set("queue.buffering.max.kbytes", "2097151");
        config
    }

    /// What a member of a group is told on top.
    pub(crate) fn member(&self, group: &str) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", millis(self.session_max))
            .set("heartbeat.interval.ms", millis(self.session_max / 4))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("check.crcs", "true")
            // What is fetched ahead, in memory: 16 MiB a member.
            .set("queued.max.messages.kbytes", "16384")
            .set("queued.min.messages", "10000")
            .set("fetch.queue.backoff.ms", "50")
            .set("fetch.error.backoff.ms", "200");
        config
    }

    fn protocol(&self) -> &'static str {
        match (&self.tls, &self.login) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        }
    }
}

/// Largest message that a topic of ours must take.
pub(crate) fn message_bytes_max() -> usize {
    LogRecord::BYTES_MAX + FRAMING_BYTES_MAX
}

fn broker(address: &str) -> Option<String> {
    let (host, port) = match address.rsplit_once(':') {
        // The colons of an IPv6 address are no port.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse::<u16>().ok()?),
        _ => (address, PORT),
    };
    let is_name =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let fits = !host.is_empty() && host.chars().all(is_name) && port > 0;
    fits.then(|| format!("{host}:{port}"))
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for (url, read) in [
            ("kafka://a:1", Some("a:1")),
            ("kafka://a:1,b.example:2/", Some("a:1,b.example:2")),
            ("kafka://a", Some("a:9092")),
            ("kafka://[::1]:9093,[::1]", Some("[::1]:9093,[::1]:9092")),
            ("kafka://", None),
            ("kafka://a,,b", None),
            ("kafka://a:port", None),
            ("kafka://a:0", None),
            ("kafka://user@a:1", None),
            ("kafka://a:1/?acks=0", None),
            ("http://a:1", None),
        ] {
            let brokers = Options::brokers_of(url).ok().map(|list| list.join(","));
            assert_eq!(brokers.as_deref(), read, "{url}");
        }
    }

    #[test]
    fn a_password_does_not_show_in_the_options() {
        let mut options = Options::at(vec!["a:1".into()]);
        options.login = Some(Login {
            mechanism: Mechanism::Plain,
            user: "u".into(),
            password: Secret::new("hunter2".into()),
        });
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
