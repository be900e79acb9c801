//! One typed configuration, from flags, the environment, a file and defaults, in that order.
//!
//! Every key stands once in [`KEYS`], with its sentence and its default: the file, the variables
//! (`TIDEGATE_` and the key in capitals) and the commented default file all come from there. Every
//! mistake is reported at once, with where it was written.

mod inspection;
mod kafka;
mod key;
mod shown;
mod source;
mod vault;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::http::{HeaderName, HeaderValue};
use connector::Endpoints;
use event_model::{Role, Secret};
use telemetry::{CollectorOptions, LogFormat};
use thiserror::Error;

use crate::proxies::TrustedProxies;

pub use inspection::Inspection;
pub use kafka::Kafka;
pub use key::{KEYS, Key, default_file};
pub use shown::Shown;
pub use source::Given;
pub use vault::{Vault, VaultKey, VaultStorage};

/// Shortest administrator's token that is taken, in characters.
const TOKEN_LENGTH_MIN: usize = 32;
/// Longest draining, in seconds.
const DRAIN_S_MAX: u64 = 600;

/// Everything that can be configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the one listener binds.
    pub listen: SocketAddr,
    /// Where services and browsers reach this installation; derived from `listen` when absent.
    pub public_url: Option<String>,
    /// Folder of everything that is kept.
    pub data: PathBuf,
    /// Store URL.
    pub store: String,
    /// Log URL.
    pub log: String,
    /// How a log on Kafka is reached.
    pub kafka: Kafka,
    /// File with the keys that seal secrets; made at the first start.
    pub keys_file: PathBuf,
    /// How content is held encrypted.
    pub vault: Vault,
    /// The administrator's token, instead of one in the data folder.
    pub admin_token: Option<Secret<String>>,
    /// How content is inspected.
    pub inspection: Inspection,
    /// How long to go on serving, in seconds, after `/readyz` says that the process leaves.
    pub drain_seconds: u64,
    /// How long recorded activity is kept, in days.
    pub activity_days: u32,
    /// Where e-mail is handed over; none sends no e-mail.
    pub smtp_url: Option<Secret<String>>,
    /// The only authorities that are believed about the mail server.
    pub smtp_ca_file: Option<PathBuf>,
    /// Sender of e-mail.
    pub mail_from: String,
    /// The file of sinks; without it incidents go to no other tool.
    pub sinks_file: Option<PathBuf>,
    /// Folder with more connectors.
    pub connectors_dir: Option<PathBuf>,
    /// Settings of the provider of identities; without it there is no single sign-on.
    pub sign_on_file: Option<PathBuf>,
    /// Who has one of these roles signs in with a second factor.
    pub second_factor_roles: BTreeSet<Role>,
    /// Who may say whom a request comes from.
    pub trusted_proxies: TrustedProxies,
    /// Settings of classification labels.
    pub labels_file: Option<PathBuf>,
    /// Database of countries by IP address; without it no country is known.
    pub geoip_database: Option<PathBuf>,
    /// Origins of services that are called at another address.
    pub service_endpoints: Endpoints,
    /// Where journeys are sent; nowhere without it.
    pub otlp_endpoint: Option<String>,
    /// Headers that the collector asks for.
    pub otlp_headers: Secret<Vec<(String, String)>>,
    /// Share of the journeys that is traced.
    pub otlp_ratio: f64,
    /// Log filter.
    pub log_filter: String,
    /// Log format.
    pub log_format: LogFormat,
    /// Every key as it may be shown.
    pub shown: Vec<Shown>,
}

/// One thing that is wrong, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMistake {
    /// `--listen`, `TIDEGATE_LISTEN` or `tidegate.toml, line 3`.
    pub place: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Every mistake of a configuration.
#[derive(Debug, Error)]
#[error("the configuration has {} mistake{}:{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, listed(.0))]
pub struct ConfigError(pub Vec<ConfigMistake>);

fn listed(mistakes: &[ConfigMistake]) -> String {
    mistakes
        .iter()
        .map(|m| format!("\n  {}: {}", m.place, m.message))
        .collect()
}

impl Config {
    /// Puts a configuration together.
    ///
    /// # Errors
    /// With every mistake.
    pub fn load(given: &Given) -> Result<Self, ConfigError> {
        let mut reading = source::Reading::of(given);
        let shown = reading.shown();
        let data = reading.take("data", |text| Ok(PathBuf::from(text)));
        let data = data.unwrap_or_else(|| PathBuf::from("./data"));
        let within = |name: &str| data.join(name).display().to_string();
        let config = Config {
            listen: reading
                .take("listen", listen)
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            public_url: reading.take("public_url", public_url),
            store: reading
                .take("store", |text| scheme(text, &["sqlite:", "postgres://"]))
                .unwrap_or_else(|| format!("sqlite:{}", within("tidegate.db"))),
            log: reading
                .take("log", log)
                .unwrap_or_else(|| format!("embedded:{}", within("log"))),
            kafka: Kafka::read(&mut reading),
            keys_file: reading
                .take("keys_file", |text| Ok(PathBuf::from(text)))
                .unwrap_or_else(|| data.join("keys")),
            vault: Vault::read(&mut reading, &data),
            admin_token: reading.take("admin_token", token),
            inspection: Inspection::read(&mut reading),
            drain_seconds: reading.take("drain_seconds", drain).unwrap_or(0),
            activity_days: reading.take("activity_days", days).unwrap_or(365),
            smtp_url: reading
                .take("smtp_url", |text| scheme(text, &["smtp://", "smtps://"]))
                .map(Secret::new),
            smtp_ca_file: reading.take("smtp_ca_file", file),
            mail_from: reading
                .take("mail_from", address)
                .unwrap_or_else(|| "Tidegate <tidegate@localhost>".into()),
            sinks_file: reading.take("sinks_file", |text| Ok(PathBuf::from(text))),
            connectors_dir: reading.take("connectors_dir", directory),
            sign_on_file: reading.take("sign_on_file", |text| Ok(PathBuf::from(text))),
            second_factor_roles: reading
                .take("second_factor_roles", roles)
                .unwrap_or_default(),
            trusted_proxies: reading
                .take("trusted_proxies", str::parse)
                .unwrap_or_default(),
            labels_file: reading.take("labels_file", |text| Ok(PathBuf::from(text))),
            geoip_database: reading.take("geoip_database", file),
            service_endpoints: reading
                .take("service_endpoints", |text| {
                    Endpoints::parse(text).map_err(|error| error.to_string())
                })
                .unwrap_or_default(),
            otlp_endpoint: reading.take("otlp_endpoint", |text| {
                scheme(text, &["http://", "https://"])
            }),
            otlp_headers: Secret::new(reading.take("otlp_headers", headers).unwrap_or_default()),
            otlp_ratio: reading.take("otlp_ratio", ratio).unwrap_or(1.0),
            log_filter: reading
                .take("log_filter", |text| Ok(text.to_owned()))
                .unwrap_or_else(|| "info".into()),
            log_format: reading.take("log_format", log_format).unwrap_or_default(),
            shown,
            data,
        };
        reading.finish()?;
        Ok(config)
    }

    /// The addresses of a `kafka://` log's brokers; none of another log.
    pub fn log_brokers(&self) -> Option<Vec<String>> {
        log_kafka::Options::brokers_of(&self.log).ok()
    }

    /// Where journeys are sent by a process of that name.
    pub fn collector(&self, service_name: &str) -> Option<CollectorOptions> {
        self.otlp_endpoint
            .as_ref()
            .map(|endpoint| CollectorOptions {
                endpoint: endpoint.clone(),
                headers: self.otlp_headers.expose().clone(),
                ratio: self.otlp_ratio,
                service_name: service_name.to_owned(),
            })
    }

    /// The folder of an `embedded:` log.
    pub fn log_dir(&self) -> PathBuf {
        PathBuf::from(self.log.trim_start_matches("embedded:"))
    }
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not an address: write `127.0.0.1:8080`"))
}

fn public_url(text: &str) -> Result<String, String> {
    let is_http = text.starts_with("http://") || text.starts_with("https://");
    if !is_http {
        return Err(format!(
            "`{text}` is not a URL: write `https://tidegate.example.org`"
        ));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn scheme(text: &str, known: &[&str]) -> Result<String, String> {
    if known.iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(text.to_owned());
    }
    let known = known.join("…` or `");
    Err(format!("a URL must start with `{known}…`"))
}

fn log(text: &str) -> Result<String, String> {
    let url = scheme(text, &["embedded:", "kafka://"])?;
    if url.starts_with("kafka:") {
        log_kafka::Options::brokers_of(&url)?;
    }
    Ok(url)
}

fn roles(text: &str) -> Result<BTreeSet<Role>, String> {
    let known = |word: &str| {
        let all: Vec<&str> = Role::ALL.iter().map(|role| role.word()).collect();
        let none = || format!("`{word}` is not one of {}", all.join(", "));
        Role::from_word(word).ok_or_else(none)
    };
    text.split(',').map(str::trim).map(known).collect()
}

fn token(text: &str) -> Result<Secret<String>, String> {
    let is_long =
        text.len() >= TOKEN_LENGTH_MIN && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_long {
        return Ok(Secret::new(text.to_owned()));
    }
    Err(format!(
        "a token has at least {TOKEN_LENGTH_MIN} visible ASCII characters"
    ))
}

fn drain(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds <= DRAIN_S_MAX);
    seconds.ok_or_else(|| format!("`{text}` is not a number of seconds from 0 to {DRAIN_S_MAX}"))
}

fn days(text: &str) -> Result<u32, String> {
    let days = text.parse().ok().filter(|days| (1..=36_500).contains(days));
    days.ok_or_else(|| format!("`{text}` is not a number of days from 1 to 36500"))
}

fn address(text: &str) -> Result<String, String> {
    if text.contains('@') && !text.contains(['\r', '\n']) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{text}` is not an address: write `Tidegate <tidegate@example.org>`"
    ))
}

fn directory(text: &str) -> Result<PathBuf, String> {
    if Path::new(text).is_dir() {
        return Ok(PathBuf::from(text));
    }
    Err(format!("there is no folder `{text}`"))
}

fn file(text: &str) -> Result<PathBuf, String> {
    if Path::new(text).is_file() {
        return Ok(PathBuf::from(text));
    }
    Err(format!("there is no file `{text}`"))
}

fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let name = HeaderName::try_from(name.trim()).ok()?;
        let value = HeaderValue::try_from(value.trim()).ok()?;
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    text.split(',')
        .map(|text| pair(text).ok_or_else(|| "write `name=value`, separated by commas".to_owned()))
        .collect()
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text
        .parse()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| format!("`{text}` is not a number from 0 to 1"))
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(format!(
            "`{other}` is not a log format: write `text` or `json`"
        )),
    }
}

#[cfg(test)]
mod tests;
