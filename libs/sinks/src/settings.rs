//! The file of sinks: TOML, one `[[sink]]` each, with a table that says where it leads.
//!
//! Secrets never stand in it: they are read from a file or an environment variable that it names.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use event_model::SinkStream;
use serde::{Deserialize, Deserializer, de::Error};
use thiserror::Error;
use url::Url;
use zeroize::Zeroizing;

use crate::gather::Rhythm;
use crate::{Format, Severity, Told};

mod kafka;
mod mail;

pub(crate) use kafka::Kafka;
pub(crate) use mail::Mail;

/// Most sinks of an installation.
const SINKS_MAX: usize = 32;
/// Largest file of sinks, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Longest name, in characters: it becomes part of a consumer group's.
const NAME_CHARS_MAX: usize = 60;

/// What is wrong with a file of sinks.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// It cannot be read.
    #[error("the sinks in `{path}` cannot be read: {why}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It is not what a file of sinks is; the message has line and column.
    #[error("the sinks in `{path}` are not right: {why}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What, and where.
        why: String,
    },
    /// One sink is not right.
    #[error("the sink `{name}`: {why}")]
    Sink {
        /// Which.
        name: String,
        /// What.
        why: String,
    },
}

/// One sink, as its file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkSettings {
    /// What it is called: letters, digits, `-`. Its place in the topic goes by this name.
    pub name: String,
    /// Only incidents at least as grave.
    #[serde(default)]
    pub least_severity: Severity,
    /// Only the first version of each incident.
    #[serde(default)]
    pub only_new: bool,
    /// What it hands on; incidents when left out.
    #[serde(default = "incidents")]
    pub(crate) streams: Vec<SinkStream>,
    pub(crate) file: Option<File>,
    pub(crate) webhook: Option<Webhook>,
    pub(crate) syslog: Option<Syslog>,
    pub(crate) splunk: Option<Splunk>,
    pub(crate) chat: Option<Chat>,
    pub(crate) mail: Option<Mail>,
    pub(crate) kafka: Option<Kafka>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    #[serde(default)]
    sink: Vec<SinkSettings>,
}

/// Lines at the end of a file, made durable before they count as told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    #[serde(default)]
    pub(crate) format: Format,
}

/// A POST for each event, signed by Standard Webhooks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    #[serde(deserialize_with = "address")]
    pub(crate) url: Url,
    #[serde(flatten)]
    pub(crate) secret: Secret,
    pub(crate) ca_file: Option<PathBuf>,
}

/// RFC 5424 over TCP or TLS, octet-counted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Syslog {
    pub(crate) host: String,
    pub(crate) port: u16,
    #[serde(default)]
    pub(crate) tls: bool,
    pub(crate) ca_file: Option<PathBuf>,
    #[serde(default)]
    pub(crate) format: Format,
    /// RFC 5424 numerical code; 13 is "log audit".
    #[serde(default = "log_audit")]
    pub(crate) facility: u8,
    pub(crate) hostname: Option<String>,
}

/// Splunk's HTTP Event Collector, with acknowledgement.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Splunk {
    #[serde(deserialize_with = "address")]
    pub(crate) url: Url,
    #[serde(flatten)]
    pub(crate) secret: Secret,
    pub(crate) index: Option<String>,
    #[serde(default = "sourcetype")]
    pub(crate) sourcetype: String,
    #[serde(default = "yes")]
    pub(crate) acknowledged: bool,
    pub(crate) ca_file: Option<PathBuf>,
}

/// An incoming webhook of Slack, Microsoft Teams or what is compatible with one of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chat {
    #[serde(flatten)]
    pub(crate) url: Secret,
    #[serde(default)]
    pub(crate) style: ChatStyle,
    /// Where the console is, for a link to the incident.
    #[serde(default, deserialize_with = "maybe_address")]
    pub(crate) console: Option<Url>,
}

/// What the receiver of a chat message understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChatStyle {
    #[default]
    Slack,
    Teams,
}

/// Where a secret is: in a file or in an environment variable.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Secret {
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
}

fn incidents() -> Vec<SinkStream> {
    vec![SinkStream::Incidents]
}

fn log_audit() -> u8 {
    13
}

fn sourcetype() -> String {
    "tidegate:ocsf".into()
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    Url::parse(&text).map_err(|error| D::Error::custom(format!("`{text}` is no address: {error}")))
}

fn maybe_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    address(deserializer).map(Some)
}

fn yes() -> bool {
    true
}

impl Secret {
    /// The secret, without white space around it.
    pub(crate) fn read(&self) -> Result<Zeroizing<String>, String> {
        let found = match (&self.secret_file, &self.secret_env) {
            (Some(path), None) => std::fs::read_to_string(path).map_err(|error| {
                format!("the secret in `{}` cannot be read: {error}", path.display())
            })?,
            (None, Some(name)) => std::env::var(name)
                .map_err(|_| format!("the environment variable `{name}` is not set"))?,
            _ => {
                return Err(
                    "say where the secret is: `secret_file` or `secret_env`, one of them".into(),
                );
            }
        };
        let secret = Zeroizing::new(found.trim().to_owned());
        if secret.is_empty() {
            return Err("the secret is empty".into());
        }
        Ok(secret)
    }
}

impl SinkSettings {
    /// The sinks of a file.
    ///
    /// # Errors
    /// See [`SettingsError`]. Secrets are read later, when the sink is made.
    pub fn of_file(path: &Path) -> Result<Vec<Self>, SettingsError> {
        let unreadable = |why: String| SettingsError::Unreadable {
            path: path.to_owned(),
            why,
        };
        let size = std::fs::metadata(path)
            .map_err(|error| unreadable(error.to_string()))?
            .len();
        if size > FILE_BYTES_MAX {
            return Err(unreadable(format!(
                "it has {size} bytes, more than {FILE_BYTES_MAX}"
            )));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let sheet: Sheet = toml::from_str(&text).map_err(|error| SettingsError::Malformed {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        check(&sheet.sink)?;
        Ok(sheet.sink)
    }

    /// What it hands on, each with a place of its own.
    pub fn followed(&self) -> Vec<SinkStream> {
        let digest = self.mail.as_ref().is_some_and(Mail::has_digest);
        let digest = digest.then_some(SinkStream::Digest);
        self.streams.iter().copied().chain(digest).collect()
    }

    /// The consumer group by whose name a stream's place is kept. No name has a `_`.
    pub(crate) fn group(&self, stream: SinkStream) -> String {
        match stream {
            SinkStream::Incidents => format!("sink-{}", self.name),
            other => format!("sink-{}_{other}", self.name),
        }
    }

    /// When what it gathers goes out.
    pub(crate) fn rhythm(&self) -> Option<Rhythm> {
        self.mail.as_ref().map(Mail::rhythm)
    }

    /// Whether the event is this sink's to tell. Severities and versions are the incidents'.
    pub(crate) fn wants(&self, stream: SinkStream, told: &Told) -> bool {
        match stream {
            SinkStream::Incidents | SinkStream::Digest => {
                let at_once = |mail: &Mail| told.severity() >= mail.at_once;
                let at_once = self.mail.as_ref().is_none_or(at_once);
                told.severity() >= self.least_severity
                    && (told.is_new() || !self.only_new)
                    && at_once == (stream == SinkStream::Incidents)
            }
            SinkStream::Activities | SinkStream::Remedies => true,
        }
    }

    /// In a word: `file`, `webhook` and so on.
    pub fn kind(&self) -> &'static str {
        let kinds = self.kinds();
        kinds.first().copied().unwrap_or("none")
    }

    fn kinds(&self) -> Vec<&'static str> {
        [
            ("file", self.file.is_some()),
            ("webhook", self.webhook.is_some()),
            ("syslog", self.syslog.is_some()),
            ("splunk", self.splunk.is_some()),
            ("chat", self.chat.is_some()),
            ("mail", self.mail.is_some()),
            ("kafka", self.kafka.is_some()),
        ]
        .into_iter()
        .filter_map(|(kind, there)| there.then_some(kind))
        .collect()
    }

    fn mistake(&self) -> Option<String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let named = !self.name.is_empty() && self.name.len() <= NAME_CHARS_MAX;
        if !named || !self.name.chars().all(allowed) {
            return Some(format!(
                "its name must be letters, digits and `-`, at most {NAME_CHARS_MAX} of them"
            ));
        }
        if let Some(why) = self.mistake_of_streams() {
            return Some(why);
        }
        match self.kinds().as_slice() {
            [_] => {}
            [] => {
                return Some(
                    "say where it leads: one of `file`, `webhook`, `syslog`, `splunk`, `chat`, `mail`, `kafka`"
                        .into(),
                );
            }
            more => {
                return Some(format!(
                    "it leads to {}: make a sink of each",
                    more.join(" and ")
                ));
            }
        }
        let urls = [
            self.webhook.as_ref().map(|to| &to.url),
            self.splunk.as_ref().map(|to| &to.url),
        ];
        if let Some(url) = urls
            .into_iter()
            .flatten()
            .find(|url| !matches!(url.scheme(), "http" | "https"))
        {
            return Some(format!("`{url}` is neither http nor https"));
        }
        let mail = self.mail.as_ref().and_then(Mail::mistake);
        if let Some(why) = mail.or_else(|| self.kafka.as_ref().and_then(Kafka::mistake)) {
            return Some(why);
        }
        match &self.syslog {
            Some(syslog) if syslog.facility > 23 => Some(format!(
                "the facility {} is not one of 0 to 23",
                syslog.facility
            )),
            Some(syslog) if syslog.ca_file.is_some() && !syslog.tls => {
                Some("`ca_file` is of no use without `tls = true`".into())
            }
            _ => None,
        }
    }
}

impl SinkSettings {
    fn mistake_of_streams(&self) -> Option<String> {
        let distinct: HashSet<&SinkStream> = self.streams.iter().collect();
        if self.streams.is_empty() || distinct.len() < self.streams.len() {
            return Some("`streams` names each of what it hands on once".into());
        }
        if self.mail.is_some() && self.streams != [SinkStream::Incidents] {
            return Some("e-mail hands incidents on, and nothing else".into());
        }
        let digest = self.streams.contains(&SinkStream::Digest);
        digest.then(|| "`streams` are `incidents`, `activities` and `remedies`".into())
    }
}

fn check(sinks: &[SinkSettings]) -> Result<(), SettingsError> {
    let sink = |name: &str, why: String| SettingsError::Sink {
        name: name.to_owned(),
        why,
    };
    if sinks.len() > SINKS_MAX {
        return Err(sink(
            &sinks[SINKS_MAX].name,
            format!("there are more than {SINKS_MAX}"),
        ));
    }
    let mut names = HashSet::new();
    for one in sinks {
        if let Some(why) = one.mistake() {
            return Err(sink(&one.name, why));
        }
        if !names.insert(&one.name) {
            return Err(sink(&one.name, "another has the same name".into()));
        }
    }
    Ok(())
}
