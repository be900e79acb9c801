//! Answers to enrichment, kept for a while: a burst of events about one thing asks once.
//!
//! INVARIANT: an answer is used only for what happened well before it was asked for. What a policy sees
//! of an object is never older than the event that made somebody look.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// Most answers kept, and most bytes of them; beyond either the cache is begun anew.
const ANSWERS_MAX: usize = 1_000;
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// How far the service's clock may be behind ours.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(10);

/// Answers by the question.
#[derive(Default)]
pub(crate) struct AnswerCache(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    by_question: HashMap<String, Kept>,
    bytes: usize,
}

struct Kept {
    asked_at: DateTime<Utc>,
    /// On the monotonic clock.
    until: Duration,
    answer: Arc<Value>,
}

impl AnswerCache {
    /// An answer that was asked for after that moment, if one is kept.
    pub(crate) fn get(
        &self,
        question: &str,
        after: DateTime<Utc>,
        monotonic: Duration,
    ) -> Option<Arc<Value>> {
        let answers = self.0.lock().expect("no holder panics");
        let kept = answers.by_question.get(question)?;
        let fresh = kept.until > monotonic && kept.asked_at >= after + CLOCKS_DIFFER;
        fresh.then(|| Arc::clone(&kept.answer))
    }

    /// Keeps an answer of so many bytes until then.
    pub(crate) fn put(
        &self,
        question: String,
        asked_at: DateTime<Utc>,
        until: Duration,
        (answer, bytes): (Arc<Value>, usize),
    ) {
        if bytes > BYTES_MAX / 16 {
            return;
        }
        let mut answers = self.0.lock().expect("no holder panics");
        if answers.by_question.len() >= ANSWERS_MAX || answers.bytes + bytes > BYTES_MAX {
            *answers = Answers::default();
        }
        answers.bytes += bytes;
        answers.by_question.insert(
            question,
            Kept {
                asked_at,
                until,
                answer,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_serves_what_happened_before_it_and_only_for_its_time() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let cache = AnswerCache::default();
        let answer = Arc::new(Value::from(7));
        let until = Duration::from_secs(60);
        cache.put("q".into(), at(100), until, (answer, 1));
        let rows = [
            ("q", 90, 59, true),
            ("q", 91, 59, false),
            ("q", 200, 0, false),
            ("q", 90, 60, false),
            ("other", 90, 0, false),
        ];
        for (question, happened, monotonic, found) in rows {
            let kept = cache.get(question, at(happened), Duration::from_secs(monotonic));
            assert_eq!(kept.is_some(), found, "{question} {happened} {monotonic}");
        }
    }

    #[test]
    fn the_cache_is_bounded_in_answers_and_in_bytes() {
        let cache = AnswerCache::default();
        let put = |n: usize, bytes| {
            let answer = (Arc::new(Value::Null), bytes);
            cache.put(n.to_string(), DateTime::UNIX_EPOCH, Duration::MAX, answer);
            let answers = cache.0.lock().unwrap();
            (answers.by_question.len(), answers.bytes)
        };
        for n in 0..3 * ANSWERS_MAX {
            let (answers, bytes) = put(n, n % 100_000);
            assert!(
                answers <= ANSWERS_MAX && bytes <= BYTES_MAX,
                "{answers} {bytes}"
            );
        }
        let before = put(1, 1).0;
        assert_eq!(
            put(usize::MAX, BYTES_MAX).0,
            before,
            "one that is too large is not kept"
        );
    }
}
