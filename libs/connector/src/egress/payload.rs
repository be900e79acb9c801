//! What a call carries: bytes, or content of the vault, which is opened anew for every try and never stands
//! in memory as a whole.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http::header;
use serde_json::Value;

use crate::call::CallError;
use crate::client::KeptContent;

/// Content that goes slower than this is taken for stuck, in bytes per second.
const SLOWEST_BYTES_PER_S: u64 = 64 * 1024;

/// What a call carries.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    /// These bytes.
    Whole(Vec<u8>),
    /// Content of the vault.
    Streamed(Streamed),
}

/// A range of content of the vault, with what stands around it.
#[derive(Clone)]
pub(crate) struct Streamed {
    pub(crate) kept: Arc<dyn KeptContent>,
    /// Which of the object's contents.
    pub(crate) of: Value,
    pub(crate) range: Range<u64>,
    pub(crate) before: Vec<u8>,
    pub(crate) after: Vec<u8>,
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Streamed({:?})", self.range)
    }
}

impl Payload {
    /// How much longer than other calls it may take.
    pub(crate) fn patience(&self) -> Duration {
        match self {
            Payload::Whole(_) => Duration::ZERO,
            Payload::Streamed(streamed) => {
                Duration::from_secs(streamed.bytes() / SLOWEST_BYTES_PER_S)
            }
        }
    }

    /// The request with it.
    pub(super) async fn of(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::RequestBuilder, CallError> {
        match self {
            Payload::Whole(bytes) => Ok(request.body(bytes.clone())),
            Payload::Streamed(streamed) => {
                let body = reqwest::Body::wrap_stream(streamed.open().await?);
                let request = request.header(header::CONTENT_LENGTH, streamed.bytes());
                Ok(request.body(body))
            }
        }
    }
}

impl Streamed {
    fn bytes(&self) -> u64 {
        let around = self.before.len() + self.after.len();
        self.range.end - self.range.start + around as u64
    }

    async fn open(&self) -> Result<BoxStream<'static, Result<Bytes, CallError>>, CallError> {
        let content = self.kept.read(&self.of, self.range.clone()).await?;
        let around = |bytes: &[u8]| {
            let bytes = Bytes::copy_from_slice(bytes);
            stream::iter((!bytes.is_empty()).then_some(Ok(bytes)))
        };
        let (before, after) = (around(&self.before), around(&self.after));
        Ok(before.chain(content).chain(after).boxed())
    }
}
