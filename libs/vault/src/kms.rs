//! Who wraps data keys. A wrapped key opens only for the item and the version that it was wrapped for.

mod local;
mod transit;

use std::sync::Arc;

use async_trait::async_trait;
use event_model::WrappedKey;
use sealing::KeysError;
use thiserror::Error;

use crate::cipher::DataKey;

pub use local::LocalKms;
pub use transit::{TransitKms, TransitOptions};

/// Why a key was not wrapped or unwrapped.
#[derive(Debug, Error)]
pub enum KmsError {
    /// It cannot be reached, or has too much to do: try again later.
    #[error("the key service `{place}` does not answer")]
    Unavailable {
        /// Which.
        place: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It says no: to the token, or to what was asked.
    #[error("the key service `{place}` refuses: {detail}")]
    Refused {
        /// Which.
        place: String,
        /// In its words.
        detail: String,
    },
    /// The wrapped key does not open: it was changed, or is of something else, or its key is gone.
    #[error("the wrapped key does not open: {detail}")]
    NotOpened {
        /// Why.
        detail: String,
    },
    /// There is no wrapping key any more, and something was wrapped with it.
    #[error(
        "{place} is missing, and what the vault holds is wrapped with its keys: bring it back from where it was backed up"
    )]
    Missing {
        /// Where it was.
        place: String,
    },
    /// It cannot be read, or not be made.
    #[error("{place} cannot be used")]
    Unusable {
        /// Where the key is.
        place: String,
        /// Why.
        #[source]
        source: KeysError,
    },
    /// Nobody who is configured wraps like that.
    #[error("the data key is wrapped by `{scheme}`, which is not configured (setting `vault_key`)")]
    UnknownScheme {
        /// By whom it is wrapped.
        scheme: String,
    },
    /// A new key cannot be made here.
    #[error("a new key cannot be made here: {detail}")]
    NotRenewable {
        /// Why, and what to do.
        detail: String,
    },
}

/// A key-encryption key, wherever it is kept.
#[async_trait]
pub trait Kms: Send + Sync {
    /// The word that its wrapped keys carry.
    fn scheme(&self) -> &'static str;

    /// Where the key is, for a person.
    fn describe(&self) -> String;

    /// Wraps a data key for that context, with the newest key.
    async fn wrap(&self, key: &DataKey, context: &str) -> Result<String, KmsError>;

    /// Opens what was wrapped for that context.
    async fn unwrap(&self, wrapped: &str, context: &str) -> Result<DataKey, KmsError>;

    /// Whether it was wrapped with the newest key.
    async fn is_current(&self, wrapped: &str) -> Result<bool, KmsError>;

    /// Whether there is no key yet, so that wrapping would make the first one.
    fn is_missing(&self) -> bool {
        false
    }

    /// Makes a new key, the newest from now on. Those of before still open what they wrapped.
    async fn renew(&self) -> Result<(), KmsError>;
}

/// The one that wraps, and others that opened what is still theirs.
#[derive(Clone)]
pub struct KeyRing {
    current: Arc<dyn Kms>,
    former: Vec<Arc<dyn Kms>>,
}

impl KeyRing {
    /// The first wraps; the others open what they wrapped before.
    pub fn new(current: Arc<dyn Kms>, former: Vec<Arc<dyn Kms>>) -> Self {
        KeyRing { current, former }
    }

    /// The one that wraps.
    pub fn current(&self) -> &dyn Kms {
        self.current.as_ref()
    }

    /// Wraps a data key for that context, with the newest key of the one that wraps.
    ///
    /// # Errors
    /// When that one cannot be had.
    pub async fn wrap(&self, key: &DataKey, context: &str) -> Result<WrappedKey, KmsError> {
        Ok(WrappedKey {
            scheme: self.current.scheme().to_owned(),
            wrapped: self.current.wrap(key, context).await?,
        })
    }

    /// Opens what one of them wrapped for that context.
    ///
    /// # Errors
    /// When none of them did, or that one cannot be had, or it was wrapped for something else.
    pub async fn unwrap(&self, key: &WrappedKey, context: &str) -> Result<DataKey, KmsError> {
        self.of(key)?.unwrap(&key.wrapped, context).await
    }

    /// The same data key wrapped with the newest key; none when it is already.
    pub(crate) async fn rewrap(
        &self,
        key: &WrappedKey,
        context: &str,
    ) -> Result<Option<WrappedKey>, KmsError> {
        let is_ours = key.scheme == self.current.scheme();
        if is_ours && self.current.is_current(&key.wrapped).await? {
            return Ok(None);
        }
        let plain = self.unwrap(key, context).await?;
        self.wrap(&plain, context).await.map(Some)
    }

    fn of(&self, key: &WrappedKey) -> Result<&dyn Kms, KmsError> {
        std::iter::once(&self.current)
            .chain(&self.former)
            .find(|kms| kms.scheme() == key.scheme)
            .map(AsRef::as_ref)
            .ok_or_else(|| KmsError::UnknownScheme {
                scheme: key.scheme.clone(),
            })
    }
}
