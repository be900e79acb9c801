//! A topic of a Kafka cluster: where the brokers are, and how they let us in.

use std::path::PathBuf;

use serde::Deserialize;

use super::Secret;

/// Most brokers that are listed: the others are learnt from the first that answers.
const BROKERS_MAX: usize = 32;
/// Longest name of a topic. Source: Apache Kafka, `Topic.MAX_NAME_LENGTH`.
const TOPIC_CHARS_MAX: usize = 249;

/// Records in a topic that is there already.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kafka {
    /// `host:port` of some brokers.
    pub(crate) brokers: Vec<String>,
    pub(crate) topic: String,
    #[serde(default)]
    pub(crate) tls: bool,
    pub(crate) ca_file: Option<PathBuf>,
    /// Who we are to the brokers (SASL), with the password as the secret.
    pub(crate) user: Option<String>,
    #[serde(default)]
    pub(crate) mechanism: Mechanism,
    #[serde(flatten)]
    pub(crate) secret: Secret,
}

/// How the password is shown to the brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mechanism {
    /// As it is: over TLS only.
    Plain,
    #[serde(rename = "scram-sha-256")]
    Scram256,
    #[default]
    #[serde(rename = "scram-sha-512")]
    Scram512,
}

impl Mechanism {
    /// As SASL calls it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Scram256 => "SCRAM-SHA-256",
            Mechanism::Scram512 => "SCRAM-SHA-512",
        }
    }
}

impl Kafka {
    pub(super) fn mistake(&self) -> Option<String> {
        let is_broker = |broker: &&String| {
            let parts = broker.rsplit_once(':');
            parts.is_some_and(|(host, port)| {
                !host.is_empty() && !broker.contains(',') && port.parse::<u16>().is_ok()
            })
        };
        if self.brokers.is_empty() || self.brokers.len() > BROKERS_MAX {
            return Some(format!("`brokers` names 1 to {BROKERS_MAX} of them"));
        }
        if let Some(wrong) = self.brokers.iter().find(|broker| !is_broker(broker)) {
            return Some(format!("`{wrong}` is no `host:port`"));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let named = !self.topic.is_empty() && self.topic.len() <= TOPIC_CHARS_MAX;
        if !named || !self.topic.chars().all(allowed) {
            return Some(format!("`{}` is no name of a topic", self.topic));
        }
        if self.ca_file.is_some() && !self.tls {
            return Some("`ca_file` is of no use without `tls = true`".into());
        }
        let clear = self.user.is_some() && self.mechanism == Mechanism::Plain && !self.tls;
        clear.then(|| "a password in the clear needs `tls = true`".into())
    }
}
