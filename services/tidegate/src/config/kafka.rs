//! The keys of a log on Kafka. They are read whether the log is on Kafka or not, so that a mistake
//! in them is found either way.

use std::path::{Path, PathBuf};
use std::time::Duration;

use event_model::Secret;
use log_kafka::{Login, Mechanism, Options, Tls};

use super::source::Reading;

/// Longest prefix of topics and groups, in characters.
const PREFIX_LENGTH_MAX: usize = 100;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How the brokers of a `kafka://` log let us in, and what topics are made like.
#[derive(Debug, Clone)]
pub struct Kafka {
    tls: Option<Tls>,
    login: Option<Login>,
    prefix: String,
    partitions: u16,
    replication: Option<u16>,
    retention_days: u16,
}

impl Kafka {
    pub(super) fn read(reading: &mut Reading) -> Self {
        let encrypted = reading.take("kafka_security", security).unwrap_or(false);
        let ca_file = reading.take("kafka_ca_file", file);
        if ca_file.is_some() && !encrypted {
            let message = "is of no use without `kafka_security = \"tls\"`";
            reading.mistake("kafka_ca_file", message);
        }
        Kafka {
            tls: encrypted.then_some(Tls { ca_file }),
            login: login(reading),
            prefix: reading.take("kafka_prefix", prefix).unwrap_or_default(),
            partitions: reading
                .take("kafka_partitions", |text| number(text, 1_000))
                .unwrap_or(12),
            replication: reading.take("kafka_replication", |text| number(text, 15)),
            retention_days: reading
                .take("kafka_retention_days", |text| number(text, 3_650))
                .unwrap_or(7),
        }
    }

    /// The log at these brokers.
    pub fn options(&self, brokers: Vec<String>) -> Options {
        let mut options = Options::at(brokers);
        options.tls = self.tls.clone();
        options.login = self.login.clone();
        options.prefix = self.prefix.clone();
        options.partitions = self.partitions;
        options.replication = self.replication;
        options.retention = DAY * u32::from(self.retention_days);
        options
    }
}

/// User and password come together.
fn login(reading: &mut Reading) -> Option<Login> {
    let mechanism = reading.take("kafka_mechanism", mechanism);
    let user = reading.take("kafka_user", |text| Ok(text.to_owned()));
    let password = reading.take("kafka_password", |text| Ok(Secret::new(text.to_owned())));
    match (user, password) {
        (Some(user), Some(password)) => Some(Login {
            mechanism: mechanism.unwrap_or(Mechanism::ScramSha512),
            user,
            password,
        }),
        (Some(_), None) => {
            let message = "needs `kafka_password` (TIDEGATE_KAFKA_PASSWORD_FILE) beside it";
            reading.mistake("kafka_user", message);
            None
        }
        (None, Some(_)) => {
            reading.mistake("kafka_password", "needs `kafka_user` beside it");
            None
        }
        (None, None) => None,
    }
}

/// Whether the way to the brokers is encrypted.
fn security(text: &str) -> Result<bool, String> {
    match text {
        "plaintext" => Ok(false),
        "tls" => Ok(true),
        other => Err(format!("`{other}` is neither `plaintext` nor `tls`")),
    }
}

fn mechanism(text: &str) -> Result<Mechanism, String> {
    let found = Mechanism::ALL.iter().find(|(word, _)| *word == text);
    found.map(|(_, mechanism)| *mechanism).ok_or_else(|| {
        let words: Vec<&str> = Mechanism::ALL.iter().map(|(word, _)| *word).collect();
        format!("`{text}` is none of {}", words.join(", "))
    })
}

fn file(text: &str) -> Result<PathBuf, String> {
    if Path::new(text).is_file() {
        return Ok(PathBuf::from(text));
    }
    Err(format!("there is no file `{text}`"))
}

/// Letters that a topic's name may have. Source: Kafka's naming of topics.
fn prefix(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.len() <= PREFIX_LENGTH_MAX && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{text}` is not a prefix: at most {PREFIX_LENGTH_MAX} of letters, digits, `.`, `_` and `-`"
    ))
}

fn number(text: &str, max: u16) -> Result<u16, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| format!("`{text}` is not a number from 1 to {max}"))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Given};

    fn said(pairs: &[(&str, &str)]) -> Option<String> {
        let mut given = Given::default();
        for (key, value) in pairs {
            let name = format!("TIDEGATE_{}", key.to_uppercase());
            given.environment.insert(name, (*value).to_owned());
        }
        Config::load(&given).err().map(|error| error.to_string())
    }

    #[test]
    fn what_does_not_fit_together_is_said() {
        // what is given => what is said, if anything
        type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
        let rows: &[Row<'_>] = &[
            (&[("log", "kafka://a:1,b:2")], None),
            (
                &[("log", "kafka://a:1/?x=1")],
                Some("must look like `kafka://"),
            ),
            (&[("kafka_user", "u"), ("kafka_password", "p")], None),
            (
                &[("kafka_user", "u")],
                Some("kafka_user: needs `kafka_password`"),
            ),
            (
                &[("kafka_password", "p")],
                Some("kafka_password: needs `kafka_user`"),
            ),
            (&[("kafka_security", "ssl")], Some("`ssl` is neither")),
            (
                &[("kafka_mechanism", "gssapi")],
                Some("none of plain, scram-sha-256"),
            ),
            (
                &[("kafka_ca_file", "/no/such")],
                Some("there is no file `/no/such`"),
            ),
            (
                &[("kafka_ca_file", "Cargo.toml")],
                Some("of no use without `kafka_security"),
            ),
            (
                &[("kafka_ca_file", "Cargo.toml"), ("kafka_security", "tls")],
                None,
            ),
            (&[("kafka_prefix", "a b")], Some("is not a prefix")),
            (&[("kafka_partitions", "0")], Some("from 1 to 1000")),
            (
                &[("kafka_replication", "3"), ("kafka_retention_days", "30")],
                None,
            ),
        ];
        for (given, expected) in rows {
            let said = said(given);
            match (&said, expected) {
                (None, None) => {}
                (Some(text), Some(part)) if text.contains(part) => {}
                _ => panic!("{given:?}: expected {expected:?}, said {said:?}"),
            }
        }
    }
}
