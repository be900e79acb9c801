//! Remedies: snapshot, execution, verification, undo. Every step can be made again.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use event_model::{
    Activity, Particulars, Remedy, RemedyKind, Restoration, Snapshot, Vaulted, Whom,
};

use crate::call::{CallError, Disposition};
use crate::client::run::Run;
use crate::client::{ContentHash, HashKind, KeptContent, ServiceClient, not_supported};
use crate::manifest::action::{Action, CONTENT_PART, Part};
use crate::scope::{Scope, Word};

/// A remedy that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// What is to be done.
    pub kind: RemedyKind,
    /// What it is about.
    pub activity: &'a Activity,
    /// What it is told besides.
    pub particulars: &'a Particulars,
    /// When it was planned: the same at every try.
    pub asked_at: DateTime<Utc>,
    /// `quarantine_to_vault` only: what is left in the object's place.
    pub vaulted: Option<&'a Vaulted>,
}

impl<'a> Ask<'a> {
    /// What that remedy asks for.
    pub fn of(remedy: &'a Remedy, activity: &'a Activity) -> Self {
        Ask {
            kind: remedy.kind,
            activity,
            particulars: &remedy.particulars,
            asked_at: remedy.created_at,
            vaulted: remedy.vaulted.as_ref(),
        }
    }

    /// What the steps of this action can name.
    fn words(&self, action: &Action) -> Vec<(Word, String)> {
        let Ask {
            activity,
            particulars: told,
            asked_at,
            ..
        } = self;
        let written = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let scope = told.scope.and_then(|scope| {
            let mut scopes = action.scopes.iter();
            let (_, word) = scopes.find(|(known, _)| *known == scope)?;
            Some(word.clone())
        });
        let (id, email) = match told.whom {
            Some(Whom::Target) => (&activity.target_user_id, &activity.target_user_email),
            Some(Whom::Actor) | None => (&activity.actor_id, &activity.actor_email),
        };
        let words = [
            (Word::Role, told.role.clone()),
            (Word::ExpiresAt, told.expires_at(*asked_at).map(written)),
            (Word::LinkScope, scope),
            (Word::NewOwner, told.new_owner.clone()),
            (Word::UserId, id.clone()),
            (Word::UserEmail, email.clone()),
        ];
        let there = words
            .into_iter()
            .filter_map(|(word, text)| Some((word, text?)));
        there.chain(self.tombstone()).collect()
    }

    /// What is left in the object's place, in words.
    fn tombstone(&self) -> Vec<(Word, String)> {
        let Some(vaulted) = self.vaulted else {
            return Vec::new();
        };
        let text = &vaulted.tombstone;
        let hash = |kind| {
            let mut hash = ContentHash::new(kind);
            hash.update(text.as_bytes());
            hash.finish()
        };
        vec![
            (Word::Tombstone, text.clone()),
            (Word::TombstoneSha256, hash(HashKind::Sha256)),
            (Word::TombstoneSha1, hash(HashKind::Sha1)),
            (Word::TombstoneBytes, text.len().to_string()),
            (Word::TombstoneStays, vaulted.tombstone_stays.to_string()),
        ]
    }
}

impl ServiceClient {
    pub(super) fn action_of(&self, ask: &Ask<'_>) -> Result<&Action, CallError> {
        let kind = ask.kind;
        let Some(action) = self.connector().action(kind) else {
            let missing = self.connector().missing_for(kind);
            return Err(not_supported(missing.unwrap_or_else(|| kind.to_string())));
        };
        let words = ask.words(action);
        let scope = Scope {
            words: &words,
            ..self.scope_of(ask.activity)
        };
        match &action.needs {
            Some((condition, otherwise)) if !condition.holds(&scope) => {
                Err(not_supported(otherwise.clone()))
            }
            _ => Ok(action),
        }
    }

    /// Records what the remedy is going to change, so that it can be undone.
    ///
    /// # Errors
    /// `NotSupported` when the activity does not name what the remedy needs, or when it must not be done
    /// to this one, such as an administrator; see [`CallError`].
    pub async fn snapshot(&self, ask: &Ask<'_>) -> Result<Snapshot, CallError> {
        let action = self.action_of(ask)?;
        let mut run = self.run(ask, action, None);
        run.must(&action.snapshot).await?;
        let scope = Scope {
            snapshot: Some(&run.kept),
            ..run.scope()
        };
        let mut spared = action.spare.iter();
        if let Some((_, because)) = spared.find(|(condition, _)| condition.holds(&scope)) {
            return Err(not_supported(because.clone()));
        }
        Ok(Snapshot {
            taken_at: self.0.clock.now(),
            values: run.kept,
        })
    }

    /// Whether the service shows what the remedy is to bring about. Before there is a snapshot, a
    /// verification that reads one cannot tell: it is taken for not so. Nor can it where the service shows
    /// nothing of it: see [`Self::shows`].
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn in_effect(
        &self,
        ask: &Ask<'_>,
        snapshot: Option<&Snapshot>,
    ) -> Result<bool, CallError> {
        let action = self.action_of(ask)?;
        let unknown = snapshot.is_none() && action.verified_by_snapshot;
        if unknown || action.unseen.is_some() {
            return Ok(false);
        }
        let mut run = self.run(ask, action, snapshot);
        run.must(&action.setup).await?;
        run.all(&action.verify).await
    }

    /// Whether the service shows the effect of the remedy at all. Where it does not, what it answers to
    /// the steps is all that can be known.
    pub fn shows(&self, kind: RemedyKind) -> bool {
        let action = self.connector().action(kind);
        action.is_none_or(|action| action.unseen.is_none())
    }

    /// Carries the remedy out.
    ///
    /// # Errors
    /// `VersionMismatch` when the object was changed since the snapshot; see [`CallError`]. It may
    /// be half done then: make it again, or undo it.
    pub async fn execute(&self, ask: &Ask<'_>, snapshot: &Snapshot) -> Result<(), CallError> {
        let action = self.action_of(ask)?;
        let mut run = self.run(ask, action, Some(snapshot));
        run.must(&action.setup).await?;
        run.must(&action.steps).await
    }

    /// Puts everything back as the snapshot has it, part by part, and looks whether it is.
    ///
    /// # Errors
    /// Those that may pass, and a dead grant: what was restored so far is restored again then.
    /// Whatever cannot be restored stands in the result instead.
    pub async fn undo(&self, ask: &Ask<'_>, snapshot: &Snapshot) -> Result<Restoration, CallError> {
        self.undo_parts(ask, snapshot, None).await
    }

    pub(super) async fn undo_parts(
        &self,
        ask: &Ask<'_>,
        snapshot: &Snapshot,
        vault: Option<&Arc<dyn KeptContent>>,
    ) -> Result<Restoration, CallError> {
        let kind = ask.kind;
        let action = self
            .connector()
            .action(kind)
            .filter(|action| !action.undo.is_empty());
        let action = action.ok_or_else(|| not_supported(format!("`{kind}` cannot be undone")))?;
        let mut restoration = Restoration::default();
        for part in &action.undo {
            // INVARIANT: what was open on the content that was taken is never set on another, which nobody
            // looked at.
            if vault.is_some() && is_without_content(part, &restoration) {
                let line = format!("{}: left, for the object has another content", part.name);
                restoration.not_restored.push(line);
                continue;
            }
            let run = self.run(ask, action, Some(snapshot)).sending(vault);
            let failures = undo_part(run, part).await?;
            if failures.is_empty() {
                restoration.restored.push(part.name.clone());
            }
            let named = failures
                .iter()
                .map(|failure| format!("{}: {failure}", part.name));
            restoration.not_restored.extend(named);
        }
        Ok(restoration)
    }

    /// Deletes for good what was held in quarantine in the service.
    ///
    /// # Errors
    /// `Malformed` when the service still shows it afterwards; see [`CallError`].
    pub async fn purge(&self, ask: &Ask<'_>, snapshot: &Snapshot) -> Result<(), CallError> {
        let purge = Ask {
            kind: RemedyKind::Purge,
            ..*ask
        };
        self.execute(&purge, snapshot).await?;
        match self.in_effect(&purge, Some(snapshot)).await? {
            true => Ok(()),
            false => Err(CallError::malformed("the service still has the object")),
        }
    }

    pub(super) fn run<'a>(
        &'a self,
        ask: &Ask<'a>,
        action: &Action,
        snapshot: Option<&'a Snapshot>,
    ) -> Run<'a> {
        Run::new(self)
            .about(ask.activity)
            .from(snapshot.map(|snapshot| &snapshot.values))
            .told(ask.words(action))
    }
}

/// Whether the part follows on the content, which is not back.
fn is_without_content(part: &Part, so_far: &Restoration) -> bool {
    let is_back = so_far.restored.iter().any(|name| name == CONTENT_PART);
    part.name != CONTENT_PART && !is_back
}

/// What of the part could not be put back.
async fn undo_part(mut run: Run<'_>, part: &Part) -> Result<Vec<String>, CallError> {
    run.note_failures();
    let done = run.all(&part.steps).await;
    let mut failures = run.take_failures();
    let seen = match done {
        Ok(true) if failures.is_empty() => run.all(&part.verify).await,
        other => other,
    };
    match seen {
        Ok(true) => {}
        Ok(false) => failures.push("it is not as it was before".into()),
        Err(error) if error.disposition() == Disposition::GiveUp => {
            failures.push(error.to_string());
        }
        Err(error) => return Err(error),
    }
    Ok(failures)
}
