//! Keys of a file or of the environment: data keys are sealed as `sealing` has it.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ports::Entropy;
use sealing::{KeysError, NONCE_BYTES, Sealer};

use super::{Kms, KmsError};
use crate::cipher::DataKey;

/// Wraps with keys that this process holds.
pub struct LocalKms {
    sealer: RwLock<Sealer>,
    file: Option<PathBuf>,
    entropy: Arc<dyn Entropy>,
}

impl LocalKms {
    /// With the keys of a file, which is made when it is missing.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn from_file(file: PathBuf, entropy: Arc<dyn Entropy>) -> Result<Self, KeysError> {
        let sealer = if file.exists() {
            Sealer::from_file(&file)?
        } else {
            Sealer::generate_file(&file, |bytes| entropy.fill(bytes))?
        };
        Ok(LocalKms {
            sealer: RwLock::new(sealer),
            file: Some(file),
            entropy,
        })
    }

    /// With keys that were given: lines of `id:base64`, the newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn from_text(keys: &str, entropy: Arc<dyn Entropy>) -> Result<Self, KeysError> {
        Ok(LocalKms {
            sealer: RwLock::new(Sealer::from_text(keys)?),
            file: None,
            entropy,
        })
    }

    fn with<T>(&self, act: impl FnOnce(&Sealer) -> T) -> T {
        act(&self.sealer.read().expect("no holder panics"))
    }
}

fn decoded(wrapped: &str) -> Result<Vec<u8>, KmsError> {
    STANDARD.decode(wrapped).map_err(|_| KmsError::NotOpened {
        detail: "it is not base64".into(),
    })
}

#[async_trait]
impl Kms for LocalKms {
    fn scheme(&self) -> &'static str {
        "local"
    }

    fn describe(&self) -> String {
        match &self.file {
            Some(file) => format!("the key file `{}`", file.display()),
            None => "the keys of the configuration".into(),
        }
    }

    async fn wrap(&self, key: &DataKey, context: &str) -> Result<String, KmsError> {
        let mut nonce = [0; NONCE_BYTES];
        self.entropy.fill(&mut nonce);
        let sealed = self.with(|sealer| sealer.seal(context, key.bytes(), nonce));
        Ok(STANDARD.encode(sealed))
    }

    async fn unwrap(&self, wrapped: &str, context: &str) -> Result<DataKey, KmsError> {
        let sealed = decoded(wrapped)?;
        let opened = self.with(|sealer| sealer.open(context, &sealed));
        let opened = opened.map_err(|error| KmsError::NotOpened {
            detail: error.to_string(),
        })?;
        DataKey::of(&opened).ok_or_else(|| KmsError::NotOpened {
            detail: "it is no data key".into(),
        })
    }

    async fn is_current(&self, wrapped: &str) -> Result<bool, KmsError> {
        let sealed = decoded(wrapped)?;
        Ok(!self.with(|sealer| sealer.needs_resealing(&sealed)))
    }

    async fn renew(&self) -> Result<(), KmsError> {
        let refused = |detail: String| KmsError::NotRenewable { detail };
        let file = self.file.as_ref().ok_or_else(|| {
            refused(
                "the keys are given by the configuration: put a new one before the others".into(),
            )
        })?;
        let renewed = Sealer::renew_file(file, |bytes| self.entropy.fill(bytes));
        let renewed = renewed.map_err(|error| refused(format!("{}: {error}", file.display())))?;
        *self.sealer.write().expect("no holder panics") = renewed;
        Ok(())
    }
}
