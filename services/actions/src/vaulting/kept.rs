//! What the vault has of an object, opened once and handed out in pieces.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use connector::{CallError, KeptContent};
use event_model::VaultedContent;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde_json::Value;
use tokio::sync::OnceCell;
use vault::{Act, CHUNK_BYTES, Content, PART_CHUNKS, Vault, VaultError};

/// The vault's own parts: a piece never needs two.
const PIECE_BYTES: u64 = (CHUNK_BYTES * PART_CHUNKS) as u64;

/// What the vault has of an object.
pub(super) struct Kept {
    vault: Vault,
    by: String,
    contents: Vec<(VaultedContent, OnceCell<Arc<Content>>)>,
}

impl Kept {
    /// To be read by that one, as the trail will say.
    pub(super) fn new(vault: Vault, by: String, contents: &[VaultedContent]) -> Self {
        let contents = contents.iter().cloned();
        Kept {
            vault,
            by,
            contents: contents.map(|one| (one, OnceCell::new())).collect(),
        }
    }

    /// Null is the newest.
    fn of(&self, of: &Value) -> Option<&(VaultedContent, OnceCell<Arc<Content>>)> {
        match of {
            Value::Null => self.contents.last(),
            of => self.contents.iter().find(|(one, _)| one.of == *of),
        }
    }

    async fn open(&self, of: &Value) -> Result<Arc<Content>, CallError> {
        let nothing = || CallError::NotSupported {
            what: "the vault has no such content".to_owned(),
        };
        let (content, opened) = self.of(of).ok_or_else(nothing)?;
        let open = || async {
            let opened = self.vault.open(content.item, &self.by, Act::Restore);
            opened.await.map(Arc::new)
        };
        let opened = opened.get_or_try_init(open).await;
        opened.cloned().map_err(|error| told(&error))
    }
}

#[async_trait]
impl KeptContent for Kept {
    fn bytes(&self, of: &Value) -> Option<u64> {
        self.of(of)?.0.bytes
    }

    fn sha256(&self, of: &Value) -> Option<String> {
        self.of(of)?.0.sha256.clone()
    }

    async fn read(
        &self,
        of: &Value,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, CallError>>, CallError> {
        let content = self.open(of).await?;
        let next = move |at: u64| {
            let content = Arc::clone(&content);
            async move {
                if at >= range.end {
                    return Ok(None);
                }
                let to = ((at / PIECE_BYTES + 1) * PIECE_BYTES).min(range.end);
                let pieces: Vec<Bytes> = content.read(at..to)?.try_collect().await?;
                Ok(Some((Bytes::from(pieces.concat()), to)))
            }
        };
        let pieces = stream::try_unfold(range.start, next);
        Ok(pieces.map_err(|error: VaultError| told(&error)).boxed())
    }
}

/// To the client of the service the vault is what is not available: it is tried again, unless it will not
/// become better.
fn told(error: &VaultError) -> CallError {
    match crate::failure::may_pass(error) {
        true => CallError::Unavailable {
            detail: error.to_string(),
        },
        false => CallError::NotSupported {
            what: error.to_string(),
        },
    }
}
