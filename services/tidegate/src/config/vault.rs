//! The keys of the vault: where content is held, who wraps its keys, and how long it is kept.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use event_model::{NO_TOMBSTONE, Secret, TombstoneText};
use url::Url;
use vault::{BucketOptions, TransitOptions};

use super::source::Reading;

/// Whom to ask when nobody is named.
const TOMBSTONE_CONTACT: &str = "your administrator";
/// Longest retention, in days.
const RETENTION_DAYS_MAX: u32 = 36_500;

/// How content is held.
#[derive(Debug, Clone)]
pub struct Vault {
    /// Where the content stands.
    pub storage: VaultStorage,
    /// Who wraps the data keys.
    pub key: VaultKey,
    /// Who wrapped them before, and still opens them.
    pub former_key: Option<VaultKey>,
    /// How long an item is kept at least, in days; 0 for not at all.
    pub retention_days: u32,
    /// What is left where an object of a service was; none deletes it.
    pub tombstone: Option<TombstoneText>,
    /// Whom to ask, in the tombstone.
    pub tombstone_contact: String,
}

/// Where content stands.
#[derive(Debug, Clone)]
pub enum VaultStorage {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket that speaks S3.
    Bucket(BucketOptions),
}

/// Who wraps data keys.
#[derive(Debug, Clone)]
pub enum VaultKey {
    /// Keys of a file, made at the first use.
    File(PathBuf),
    /// Keys that the configuration gives.
    Given(Secret<String>),
    /// A key of the transit engine.
    Transit(TransitOptions),
}

impl Vault {
    /// How long what comes in is kept at least, where it is.
    pub fn keep(&self) -> Option<TimeDelta> {
        let days = i64::from(self.retention_days);
        (days > 0).then(|| TimeDelta::days(days))
    }

    pub(super) fn read(reading: &mut Reading, data: &Path) -> Self {
        let token = reading.take("vault_key_token", |text| Ok(Secret::new(text.to_owned())));
        let namespace = reading.take("vault_key_namespace", |text| Ok(text.to_owned()));
        let given = reading.take("vault_keys", |text| Ok(Secret::new(text.to_owned())));
        let transit = |reading: &mut Reading, name: &str| {
            let place = reading.take(name, place)?;
            match (place, &token) {
                (Place::File(path), _) => Some(VaultKey::File(path)),
                (Place::Transit(key), Some(token)) => Some(VaultKey::Transit(TransitOptions {
                    key,
                    token: token.clone(),
                    namespace: namespace.clone(),
                })),
                (Place::Transit(_), None) => {
                    let message =
                        "needs `vault_key_token` (TIDEGATE_VAULT_KEY_TOKEN_FILE) beside it";
                    reading.mistake(name, message);
                    None
                }
            }
        };
        let (key, former_key) = (
            transit(reading, "vault_key"),
            transit(reading, "vault_key_former"),
        );
        if given.is_some() && key.is_some() {
            reading.mistake("vault_keys", "give either this or `vault_key`");
        }
        let file = || VaultKey::File(data.join("vault-keys"));
        Vault {
            storage: storage(reading, data),
            key: key.or(given.map(VaultKey::Given)).unwrap_or_else(file),
            former_key,
            retention_days: reading
                .take("vault_retention_days", days)
                .unwrap_or_default(),
            tombstone: reading
                .take("vault_tombstone", tombstone)
                .unwrap_or_else(|| Some(TombstoneText::default())),
            tombstone_contact: reading
                .take("vault_tombstone_contact", |text| Ok(text.to_owned()))
                .unwrap_or_else(|| TOMBSTONE_CONTACT.into()),
        }
    }
}

fn storage(reading: &mut Reading, data: &Path) -> VaultStorage {
    let endpoint = reading.take("vault_s3_endpoint", endpoint);
    let region = reading.take("vault_s3_region", |text| Ok(text.to_owned()));
    let key = reading.take("vault_s3_access_key", |text| Ok(text.to_owned()));
    let secret = reading.take("vault_s3_secret_key", |text| {
        Ok(Secret::new(text.to_owned()))
    });
    let credentials = match (key, secret) {
        (Some(key), Some(secret)) => Some((key, secret)),
        (None, None) => None,
        (Some(_), None) => {
            let message =
                "needs `vault_s3_secret_key` (TIDEGATE_VAULT_S3_SECRET_KEY_FILE) beside it";
            reading.mistake("vault_s3_access_key", message);
            None
        }
        (None, Some(_)) => {
            reading.mistake(
                "vault_s3_secret_key",
                "needs `vault_s3_access_key` beside it",
            );
            None
        }
    };
    match reading.take("vault", home) {
        None => VaultStorage::Folder(data.join("vault")),
        Some(Home::Folder(path)) => VaultStorage::Folder(path),
        Some(Home::Bucket { bucket, prefix }) => VaultStorage::Bucket(BucketOptions {
            bucket,
            prefix,
            endpoint,
            region: region.unwrap_or_else(|| "us-east-1".into()),
            credentials,
        }),
    }
}

enum Home {
    Folder(PathBuf),
    Bucket { bucket: String, prefix: String },
}

fn home(text: &str) -> Result<Home, String> {
    if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
        return Ok(Home::Folder(PathBuf::from(path)));
    }
    let bucket = text
        .strip_prefix("s3://")
        .map(|rest| match rest.split_once('/') {
            Some((bucket, prefix)) => (bucket, prefix.trim_matches('/')),
            None => (rest, ""),
        });
    match bucket {
        Some((bucket, prefix)) if !bucket.is_empty() => Ok(Home::Bucket {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        }),
        _ => Err(format!(
            "`{text}` is not a place: write `file:FOLDER` or `s3://BUCKET/PREFIX`"
        )),
    }
}

fn endpoint(text: &str) -> Result<String, String> {
    let is_http = text.starts_with("http://") || text.starts_with("https://");
    match is_http {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err(format!(
            "`{text}` is not a URL: write `https://s3.example.org`"
        )),
    }
}

enum Place {
    File(PathBuf),
    Transit(Url),
}

fn place(text: &str) -> Result<Place, String> {
    if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
        return Ok(Place::File(PathBuf::from(path)));
    }
    let url = text
        .strip_prefix("transit:")
        .and_then(|url| Url::parse(url).ok());
    url.map(Place::Transit).ok_or_else(|| {
        format!(
            "`{text}` is not a key: write `file:FILE` or `transit:https://HOST:8200/transit/KEY`"
        )
    })
}

fn tombstone(text: &str) -> Result<Option<TombstoneText>, String> {
    match text {
        NO_TOMBSTONE => Ok(None),
        text => TombstoneText::parse(text).map(Some),
    }
}

fn days(text: &str) -> Result<u32, String> {
    let days = text.parse().ok().filter(|days| *days <= RETENTION_DAYS_MAX);
    days.ok_or_else(|| format!("`{text}` is not a number of days from 0 to {RETENTION_DAYS_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Given};

    /// What is made of it, or what is said.
    fn outcome(pairs: &[(&str, &str)]) -> String {
        let mut given = Given::default();
        for (key, value) in pairs {
            let name = format!("TIDEGATE_{}", key.to_uppercase());
            given.environment.insert(name, (*value).to_owned());
        }
        match Config::load(&given) {
            Ok(config) => format!("{:?}", config.vault),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_given_is_understood_or_its_mistake_is_said() {
        // what is given => what is in the outcome
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a str);
        let transit = ("vault_key", "transit:https://v.example:8200/transit/k");
        let rows: &[Row<'_>] = &[
            (
                &[],
                "Folder(\"./data/vault\"), key: File(\"./data/vault-keys\"), former_key: None, retention_days: 0",
            ),
            (
                &[("data", "/d")],
                "Folder(\"/d/vault\"), key: File(\"/d/vault-keys\")",
            ),
            (
                &[("vault", "s3://b/a/b/")],
                "bucket: \"b\", prefix: \"a/b\"",
            ),
            (
                &[("vault", "s3://b"), ("vault_s3_endpoint", "http://h:1/")],
                "endpoint: Some(\"http://h:1\"), region: \"us-east-1\", credentials: None",
            ),
            (&[("vault", "s3:///x")], "`s3:///x` is not a place"),
            (&[("vault", "/x")], "`/x` is not a place"),
            (
                &[("vault_s3_access_key", "a")],
                "needs `vault_s3_secret_key`",
            ),
            (
                &[("vault_s3_secret_key", "a")],
                "needs `vault_s3_access_key`",
            ),
            (&[("vault_s3_endpoint", "h:1")], "`h:1` is not a URL"),
            (
                &[transit, ("vault_key_token", "t")],
                "Transit(TransitOptions",
            ),
            (&[transit, ("vault_key_token", "t")], "token: Secret(…)"),
            (&[transit], "vault_key: needs `vault_key_token`"),
            (&[("vault_key", "transit:nowhere")], "is not a key: write"),
            (&[("vault_keys", "a:AAAA")], "key: Given(Secret(…))"),
            (
                &[("vault_keys", "a:AAAA"), ("vault_key", "file:k")],
                "give either this or `vault_key`",
            ),
            (
                &[("vault_key_former", "file:k")],
                "former_key: Some(File(\"k\"))",
            ),
            (&[("vault_retention_days", "30")], "retention_days: 30"),
            (&[("vault_retention_days", "-1")], "from 0 to 36500"),
            (
                &[],
                "tombstone: Some(TombstoneText(\"This file was taken away",
            ),
            (&[("vault_tombstone", "none")], "tombstone: None"),
            (
                &[("vault_tombstone", "gone, ask {who}")],
                "a brace begins one of `{policy}`",
            ),
        ];
        for (given, expected) in rows {
            let found = outcome(given);
            assert!(
                found.contains(expected),
                "{given:?}: {expected} is not in {found}"
            );
        }
    }
}
