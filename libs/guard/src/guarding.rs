//! Who asks and what holds for them, together: a verdict for every open, read and write. A refusal is in the
//! audit trail, with who was refused and by which policy: it is how an administrator finds out who needs what.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::{AccessGroup, Allowed, View, Winner};
use event_model::AuditId;
use ports::{AuditTrail, Clock, Entropy, NewAudit, StoreError};
use thiserror::Error;

use crate::rules::{Rules, RulesError};
use crate::witness::{Asker, Glance, Unknown, Witness};

/// Most refusals that are written into the trail in a minute. More are only logged: whoever asks and asks
/// must not fill the store.
const REFUSALS_PER_MINUTE_MAX: u32 = 120;
const MINUTE: Duration = Duration::from_secs(60);
/// How long a verdict holds for a process that is what it was, by policies that are what they were. Its
/// parents, and the names of its accounts, may be others since.
const VERDICT_KEPT: Duration = Duration::from_secs(1);
/// Most verdicts that are kept.
const VERDICTS_MAX: usize = 4_096;
/// Most bytes of a refusal's sentence.
const DETAIL_CHARS_MAX: usize = 500;

/// Why there is no verdict: nobody is let in.
#[derive(Debug, Error)]
pub enum GuardError {
    /// It is not known who asks.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// It is not known what holds.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

/// What holds for who asks.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Who asks.
    pub asker: Asker,
    /// What they may do.
    pub allowed: Allowed,
    /// What decided, for a person.
    pub because: String,
}

impl Verdict {
    /// Whether nothing at all is allowed.
    pub fn is_nothing(&self) -> bool {
        self.allowed.read == View::Nothing && self.allowed.write == View::Nothing
    }
}

/// Gives verdicts.
pub struct Guard {
    witness: Witness,
    rules: Rules,
    audit: Arc<dyn AuditTrail>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Since when refusals are counted, and how many there were.
    refusals: Mutex<(Duration, u32)>,
    verdicts: Mutex<HashMap<Glance, Given>>,
}

/// A verdict, when it was given, and by which policies.
struct Given {
    at: Duration,
    by: Arc<AccessGroup>,
    verdict: Arc<Verdict>,
}

impl Guard {
    /// Of these.
    pub fn new(
        witness: Witness,
        rules: Rules,
        audit: Arc<dyn AuditTrail>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Guard {
            witness,
            rules,
            audit,
            clock,
            entropy,
            refusals: Mutex::default(),
            verdicts: Mutex::default(),
        }
    }

    /// Who tells who asks.
    pub fn witness(&self) -> &Witness {
        &self.witness
    }

    /// What holds for them by the policies as they are now.
    ///
    /// # Errors
    /// When no policies hold.
    pub fn judge(&self, asker: Asker) -> Result<Verdict, RulesError> {
        Ok(judged(&*self.rules.current()?, asker))
    }

    /// What holds for the process that the thread is of: the same for a moment, as long as the process is
    /// the same and runs the same program, and the policies are the same.
    ///
    /// # Errors
    /// When it is not known who asks, or no policies hold.
    pub fn verdict(&self, thread: u32, uid: u32) -> Result<Arc<Verdict>, GuardError> {
        if let Some(verdict) = self.kept_verdict(thread, uid)? {
            return Ok(verdict);
        }
        let at = self.clock.monotonic();
        let asker = self.witness.ask(thread, uid)?;
        let by = self.rules.current()?;
        let verdict = Arc::new(judged(&by, asker));
        let given = Given {
            at,
            by,
            verdict: Arc::clone(&verdict),
        };
        let mut verdicts = self.verdicts.lock().expect("no holder panics");
        if verdicts.len() >= VERDICTS_MAX {
            verdicts.clear();
        }
        verdicts.insert(verdict.asker.glance, given);
        Ok(verdict)
    }

    /// The verdict that holds still, without looking at more than that: quick.
    ///
    /// # Errors
    /// When it is not known who asks, or no policies hold.
    pub fn kept_verdict(&self, thread: u32, uid: u32) -> Result<Option<Arc<Verdict>>, GuardError> {
        let (group, glance) = (self.rules.current()?, self.witness.glance(thread, uid)?);
        let now = self.clock.monotonic();
        let verdicts = self.verdicts.lock().expect("no holder panics");
        let given = verdicts.get(&glance).filter(|given| {
            Arc::ptr_eq(&given.by, &group) && now.saturating_sub(given.at) < VERDICT_KEPT
        });
        Ok(given.map(|given| Arc::clone(&given.verdict)))
    }

    /// Writes down that something was refused.
    ///
    /// # Errors
    /// When the trail cannot be written.
    pub async fn note_refusal(
        &self,
        actor: &str,
        what: &str,
        subject: &str,
        why: &str,
    ) -> Result<(), StoreError> {
        tracing::info!(subject, "refused: {what}: {why}");
        if !self.is_within_bound() {
            return Ok(());
        }
        let now = self.clock.now();
        let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        let shown =
            |text: &str| -> String { text.chars().map(plain).take(DETAIL_CHARS_MAX).collect() };
        let entry = NewAudit {
            id: AuditId::new(now, self.entropy.draw()),
            at: now,
            actor: shown(actor),
            action: "access.refuse".to_owned(),
            subject: shown(subject),
            detail: shown(&format!("{what}: {why}")),
        };
        self.audit.audit(&entry).await
    }

    fn is_within_bound(&self) -> bool {
        let now = self.clock.monotonic();
        let mut refusals = self.refusals.lock().expect("no holder panics");
        if now.saturating_sub(refusals.0) >= MINUTE {
            *refusals = (now, 0);
        }
        refusals.1 += 1;
        if refusals.1 == REFUSALS_PER_MINUTE_MAX + 1 {
            tracing::warn!(
                "more refusals than the audit trail takes in a minute: they are logged only"
            );
        }
        refusals.1 <= REFUSALS_PER_MINUTE_MAX
    }
}

fn judged(group: &AccessGroup, asker: Asker) -> Verdict {
    let decision = group.decide(&asker.caller);
    let because = match decision.winner {
        Winner::Policy(policy) => format!("policy `{}`: {}", policy.name(), policy.access()),
        Winner::Default => {
            format!("the default of `{}`: {}", group.name(), decision.granted)
        }
    };
    Verdict {
        allowed: decision.allowed,
        because,
        asker,
    }
}
