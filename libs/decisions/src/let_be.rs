use chrono::{DateTime, Utc};
use event_model::{Activity, ConnectionId, Exception, Mode, PolicyOutcome, Verdict};

/// What is let be of an attempt.
pub(crate) struct LetBe<'a> {
    /// Every exception that counts now.
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) connection: ConnectionId,
    pub(crate) activity: &'a Activity,
    pub(crate) now: DateTime<Utc>,
}

impl LetBe<'_> {
    /// The exception that lets a violation of that policy be.
    pub(crate) fn covering(&self, outcome: &PolicyOutcome) -> Option<&Exception> {
        let policy = outcome.policy.id;
        let mut all = self.exceptions.iter();
        all.find(|one| one.lets_be(policy, self.connection, self.activity, self.now))
    }

    /// Whether the chain ended at a violation that is let be.
    pub(crate) fn ends_the_chain(&self, verdict: &Verdict) -> bool {
        let mut violations = verdict.violations();
        violations.any(|one| one.mode == Mode::Enforce && self.covering(one).is_some())
    }
}
