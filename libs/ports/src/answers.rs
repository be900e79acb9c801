//! Answers that are kept, so that a request that is sent again is answered and not carried out again.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::StoreError;

/// Most answers kept of one who asks: the oldest make room.
pub const ANSWERS_KEPT_MAX: u32 = 1_000;
/// Largest body of an answer that is kept, in bytes.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that belong to the answer, as names and values.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`ANSWER_BYTES_MAX`]. It may hold a secret that is shown once: stores seal it.
    pub body: Vec<u8>,
}

/// A request that asks to be carried out once.
#[derive(Debug, Clone, Copy)]
pub struct OnceAsked<'a> {
    /// Who asks: one's keys are nobody else's.
    pub owner: &'a str,
    /// What tells the request apart, of a bounded length: the same when it is sent again.
    pub key: &'a str,
    /// A digest of all that was asked.
    pub request: &'a str,
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Nothing: whoever claimed it carries it out, and nobody else does.
    New,
    /// It was begun, and nothing was answered: it is under way, or what became of it is not known.
    Begun,
    /// Something else was asked under this key.
    Other,
    /// It was answered.
    Answered(KeptAnswer),
}

/// The answers that are kept.
#[async_trait]
pub trait AnswerStore: Send + Sync {
    /// Claims a request until that moment, unless its key is known. What ended is removed on the way.
    async fn claim_answer(
        &self,
        asked: OnceAsked<'_>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Claimed, StoreError>;

    /// Keeps the answer of a request that was claimed, as long as the claim holds.
    async fn keep_answer(
        &self,
        asked: OnceAsked<'_>,
        answer: &KeptAnswer,
    ) -> Result<(), StoreError>;

    /// Forgets a claim: nothing was done, and the same may be asked again.
    async fn forget_answer(&self, asked: OnceAsked<'_>) -> Result<(), StoreError>;
}
