//! The vault that the configuration names.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use ports::{Clock, Entropy};
use vault::{KeyRing, Kms, LocalKms, Storage, TransitKms, Vault, VaultPorts};

use super::store::Store;
use crate::config::{Config, VaultKey, VaultStorage};

/// The vault, with what is known of its items in that store. Folder and key file are made when missing.
///
/// # Errors
/// When storage or keys cannot be had: the message names the setting.
pub(crate) fn open_vault(
    config: &Config,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> anyhow::Result<Vault> {
    let storage = match &config.vault.storage {
        VaultStorage::Folder(path) => Storage::folder(path),
        VaultStorage::Bucket(options) => Storage::bucket(options),
    };
    let storage = storage.context("the vault cannot be opened (setting `vault`)")?;
    Ok(Vault::new(VaultPorts {
        index: store.clone(),
        audit: store,
        storage,
        keys: open_keys(config, &entropy)?,
        clock,
        entropy,
    }))
}

/// Who wraps data keys, as the configuration names them. A key file is made when it is missing.
///
/// # Errors
/// When keys cannot be had: the message names the setting.
pub(crate) fn open_keys(config: &Config, entropy: &Arc<dyn Entropy>) -> anyhow::Result<KeyRing> {
    let current = kms(&config.vault.key, entropy).context("setting `vault_key`")?;
    let former = config.vault.former_key.iter();
    let former = former
        .map(|key| kms(key, entropy).context("setting `vault_key_former`"))
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(KeyRing::new(current, former))
}

fn kms(key: &VaultKey, entropy: &Arc<dyn Entropy>) -> anyhow::Result<Arc<dyn Kms>> {
    let entropy = Arc::clone(entropy);
    Ok(match key {
        VaultKey::File(path) => {
            let kms = LocalKms::from_file(path.clone(), entropy);
            let context = || format!("the vault's keys `{}` cannot be had", path.display());
            Arc::new(kms.with_context(context)?)
        }
        VaultKey::Given(keys) => Arc::new(
            LocalKms::from_text(keys.expose(), entropy)
                .context("the vault's keys cannot be read (setting `vault_keys`)")?,
        ),
        VaultKey::Transit(options) => {
            Arc::new(TransitKms::new(options.clone()).map_err(|error| anyhow!(error))?)
        }
    })
}
