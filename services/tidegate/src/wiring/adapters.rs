//! Store, log, keys, clock and chance, as configured.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use event_model::Secret;
use log_embedded::EmbeddedLog;
use log_kafka::KafkaLog;
use ports::{Clock, Countries, Entropy, Log, Mailer, NoCountries, SystemClock, SystemEntropy};
use sealing::Sealer;
use telemetry::Metrics;

use super::store::{self, Store};
use crate::config::Config;
use crate::geoip::MaxMindCountries;
use crate::mail::{NoMailer, SmtpMailer};

/// Bytes of chance in the administrator's token.
const TOKEN_BYTES: usize = 32;

/// Everything that the roles reach the world by.
pub struct Adapters {
    /// The relational store.
    pub store: Arc<dyn Store>,
    /// The activity log.
    pub log: Arc<dyn Log>,
    /// E-mail.
    pub mailer: Arc<dyn Mailer>,
    /// Countries by IP address.
    pub countries: Arc<dyn Countries>,
    /// The same, to be looked at for changes, where a file is configured.
    pub geoip: Option<Arc<MaxMindCountries>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// What the platform says of itself.
    pub metrics: Arc<Metrics>,
}

impl Adapters {
    /// Opens what the configuration names, and makes what is missing.
    ///
    /// # Errors
    /// When something cannot be had: the message names the setting.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        private_folder(&config.data)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let sealer = sealer(config, entropy.as_ref())?;
        let log = open_log(config, &clock).await.with_context(|| {
            format!("the log `{}` cannot be opened (setting `log`)", config.log)
        })?;
        let store = store::open(config, sealer, &entropy, clock.as_ref()).await?;
        let geoip = match &config.geoip_database {
            Some(path) => {
                let context = "no countries can be told (setting `geoip_database`)";
                Some(Arc::new(MaxMindCountries::open(path).context(context)?))
            }
            None => None,
        };
        let countries: Arc<dyn Countries> = match &geoip {
            Some(countries) => countries.clone(),
            None => Arc::new(NoCountries),
        };
        let metrics = Arc::new(Metrics::new());
        Ok(Adapters {
            store,
            log,
            mailer: mailer(config)?,
            countries,
            geoip,
            clock,
            entropy,
            metrics,
        })
    }

    /// Gives everything back.
    pub async fn close(self) {
        self.store.close().await;
    }
}

/// The mail server that the configuration names.
pub(crate) fn mailer(config: &Config) -> anyhow::Result<Arc<dyn Mailer>> {
    Ok(match &config.smtp_url {
        Some(url) => Arc::new(SmtpMailer::new(
            url.expose(),
            &config.mail_from,
            config.smtp_ca_file.as_deref(),
        )?),
        None => Arc::new(NoMailer),
    })
}

/// The store of an installation alone, while its platform runs or not.
///
/// # Errors
/// When there is none: nothing is made.
pub(crate) async fn open_store(
    config: &Config,
    clock: &dyn Clock,
) -> anyhow::Result<Arc<dyn Store>> {
    anyhow::ensure!(
        config.keys_file.exists(),
        "there are no keys at `{}` (setting `keys_file`): is this the installation's `data`?",
        config.keys_file.display()
    );
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let sealer = sealer(config, entropy.as_ref())?;
    store::join(config, sealer, &entropy, clock).await
}

async fn open_log(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<dyn Log>> {
    if let Some(brokers) = config.log_brokers() {
        let options = config.kafka.options(brokers);
        return Ok(Arc::new(KafkaLog::open(options, Arc::clone(clock)).await?));
    }
    let options = log_embedded::Options::default();
    let log = EmbeddedLog::open(&config.log_dir(), options, Arc::clone(clock))?;
    Ok(Arc::new(log))
}

fn private_folder(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| {
            format!(
                "the folder `{}` cannot be made (setting `data`)",
                path.display()
            )
        })
}

fn sealer(config: &Config, entropy: &dyn Entropy) -> anyhow::Result<Sealer> {
    let path = &config.keys_file;
    let setting = || {
        format!(
            "the keys `{}` cannot be had (setting `keys_file`)",
            path.display()
        )
    };
    if !path.exists() {
        // Keys of its own would make what the others sealed unreadable.
        anyhow::ensure!(
            config.store.starts_with("sqlite:"),
            "there are no keys at `{}` (setting `keys_file`): processes that share a store need the \
             same keys; make them once with `tidegate keys new FILE` and give them to every process",
            path.display()
        );
        Sealer::generate_file(path, |bytes| entropy.fill(bytes)).with_context(setting)?;
    }
    Sealer::from_file(path).with_context(setting)
}

/// The administrator's token: as configured; or read, or made at the first start, readable by the
/// owner only.
pub(super) fn admin_token(
    config: &Config,
    entropy: &dyn Entropy,
) -> anyhow::Result<Secret<String>> {
    if let Some(token) = &config.admin_token {
        return Ok(token.clone());
    }
    let path = config.data.join("admin-token");
    let context = || {
        format!(
            "the administrator's token `{}` cannot be had",
            path.display()
        )
    };
    match fs::read_to_string(&path) {
        Ok(token) if token.trim().len() >= TOKEN_BYTES => {
            return Ok(Secret::new(token.trim().to_owned()));
        }
        Ok(_) => anyhow::bail!(
            "the administrator's token `{}` is too short: remove the file to have a new one made",
            path.display()
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(context),
    }
    let mut chance = [0; TOKEN_BYTES];
    entropy.fill(&mut chance);
    let letters: String = chance.iter().map(|byte| format!("{byte:02x}")).collect();
    let token = format!("tga_{letters}");
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .with_context(context)?;
    file.write_all(format!("{token}\n").as_bytes())
        .with_context(context)?;
    file.sync_all().with_context(context)?;
    Ok(Secret::new(token))
}

#[cfg(test)]
mod tests {
    use ports::contract::servers::{fresh_name, server};
    use ports::{LogRecord, Topic};

    use super::*;
    use crate::config::Given;

    fn on_kafka(address: &str, data: &Path) -> Config {
        let mut given = Given::default();
        let prefix = format!("{}.", fresh_name());
        given.flags.insert("data", data.display().to_string());
        given.flags.insert("log", format!("kafka://{address}"));
        given.flags.insert("kafka_prefix", prefix);
        Config::load(&given).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_wrong_broker_is_an_error_that_names_the_setting() {
        let data = tempfile::tempdir().unwrap();
        let error = Adapters::open(&on_kafka("127.0.0.1:1", data.path()))
            .await
            .err();
        let said = format!("{:#}", error.unwrap());
        for part in [
            "(setting `log`)",
            "`kafka://127.0.0.1:1`",
            "Connection refused",
        ] {
            assert!(said.contains(part), "{part} is not in: {said}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_log_is_on_kafka_when_it_is_configured_so() {
        let Some(address) = server("TIDEGATE_TEST_KAFKA") else {
            return;
        };
        let data = tempfile::tempdir().unwrap();
        let adapters = Adapters::open(&on_kafka(&address, data.path()))
            .await
            .unwrap();
        let record = LogRecord {
            key: "k".into(),
            headers: Vec::new(),
            value: "v".into(),
        };
        adapters
            .log
            .append(Topic::Activity, vec![record.clone()])
            .await
            .unwrap();
        let mut scan = adapters.log.scan(Topic::Activity).await.unwrap();
        assert_eq!(scan.next(9).await.unwrap()[0].record, record);
        assert!(!data.path().join("log").exists(), "nothing is embedded");
    }
}
