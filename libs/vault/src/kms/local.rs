//! Keys of a file or of the environment: data keys are sealed as `sealing` has it.
//!
//! Several processes share a file, and one of them may put a new key into it: each wraps with what stands there
//! now, and looks again when something does not open.

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
    /// None while the file is missing.
    sealer: RwLock<Option<Sealer>>,
    file: Option<PathBuf>,
    entropy: Arc<dyn Entropy>,
}

impl LocalKms {
    /// With the keys of a file, which is made by the first wrapping when it is missing.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn from_file(file: PathBuf, entropy: Arc<dyn Entropy>) -> Result<Self, KeysError> {
        let sealer = file.exists().then(|| Sealer::from_file(&file));
        Ok(LocalKms {
            sealer: RwLock::new(sealer.transpose()?),
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
            sealer: RwLock::new(Some(Sealer::from_text(keys)?)),
            file: None,
            entropy,
        })
    }

    /// With the keys. A file that was missing may have come since.
    fn with<T>(&self, act: impl FnOnce(&Sealer) -> T) -> Result<T, KmsError> {
        if let Some(sealer) = &*self.sealer.read().expect("no holder panics") {
            return Ok(act(sealer));
        }
        self.read_again()?;
        let place = self.describe();
        let sealer = self.sealer.read().expect("no holder panics");
        sealer.as_ref().map(act).ok_or(KmsError::Missing { place })
    }

    /// Takes what stands in the file now, if it is there.
    fn read_again(&self) -> Result<(), KmsError> {
        let Some(file) = self.file.as_ref().filter(|file| file.exists()) else {
            return Ok(());
        };
        let read = Sealer::from_file(file).map_err(|source| KmsError::Unusable {
            place: self.describe(),
            source,
        })?;
        *self.sealer.write().expect("no holder panics") = Some(read);
        Ok(())
    }

    /// Makes the file, unless somebody else was first.
    fn begin(&self) -> Result<(), KmsError> {
        let Some(file) = self.file.as_ref().filter(|_| self.is_missing()) else {
            return Ok(());
        };
        match Sealer::generate_file(file, |bytes| self.entropy.fill(bytes)) {
            Ok(made) => {
                *self.sealer.write().expect("no holder panics") = Some(made);
                Ok(())
            }
            Err(_) if file.exists() => Ok(()),
            Err(source) => {
                let place = self.describe();
                Err(KmsError::Unusable { place, source })
            }
        }
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
        self.begin()?;
        self.read_again()?;
        let mut nonce = [0; NONCE_BYTES];
        self.entropy.fill(&mut nonce);
        let sealed = self.with(|sealer| sealer.seal(context, key.bytes(), nonce))?;
        Ok(STANDARD.encode(sealed))
    }

    async fn unwrap(&self, wrapped: &str, context: &str) -> Result<DataKey, KmsError> {
        let sealed = decoded(wrapped)?;
        let mut opened = self.with(|sealer| sealer.open(context, &sealed))?;
        if opened.is_err() {
            self.read_again()?;
            opened = self.with(|sealer| sealer.open(context, &sealed))?;
        }
        let opened = opened.map_err(|error| KmsError::NotOpened {
            detail: error.to_string(),
        })?;
        DataKey::of(&opened).ok_or_else(|| KmsError::NotOpened {
            detail: "it is no data key".into(),
        })
    }

    async fn is_current(&self, wrapped: &str) -> Result<bool, KmsError> {
        let sealed = decoded(wrapped)?;
        self.read_again()?;
        Ok(!self.with(|sealer| sealer.needs_resealing(&sealed))?)
    }

    fn is_missing(&self) -> bool {
        let has_read = self.sealer.read().expect("no holder panics").is_some();
        !has_read && self.file.as_ref().is_some_and(|file| !file.exists())
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
        *self.sealer.write().expect("no holder panics") = Some(renewed);
        Ok(())
    }
}
