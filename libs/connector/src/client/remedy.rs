//! Remedies: snapshot, execution, verification, undo. Every step can be made again.

use event_model::{Activity, RemedyKind, Restoration, Snapshot};

use crate::call::{CallError, Disposition};
use crate::client::run::Run;
use crate::client::{ServiceClient, not_supported};
use crate::manifest::action::{Action, Part};
use crate::scope::Word;

impl ServiceClient {
    pub(super) fn action_of(
        &self,
        kind: RemedyKind,
        activity: &Activity,
    ) -> Result<&Action, CallError> {
        let Some(action) = self.connector().action(kind) else {
            let missing = self.connector().missing_for(kind);
            return Err(not_supported(missing.unwrap_or_else(|| kind.to_string())));
        };
        let scope = self.scope_of(activity);
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
    /// `NotSupported` when the activity does not name what the remedy needs; see [`CallError`].
    pub async fn snapshot(
        &self,
        kind: RemedyKind,
        activity: &Activity,
    ) -> Result<Snapshot, CallError> {
        let action = self.action_of(kind, activity)?;
        let mut run = Run::new(self).about(activity);
        run.must(&action.snapshot).await?;
        Ok(Snapshot {
            taken_at: self.0.clock.now(),
            values: run.kept,
        })
    }

    /// Whether the service shows what the remedy is to bring about. `role` as in [`Self::execute`].
    /// Before there is a snapshot, a verification that reads one cannot tell: it is taken for not so.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn in_effect(
        &self,
        kind: RemedyKind,
        activity: &Activity,
        snapshot: Option<&Snapshot>,
        role: Option<&str>,
    ) -> Result<bool, CallError> {
        let action = self.action_of(kind, activity)?;
        if snapshot.is_none() && action.verified_by_snapshot {
            return Ok(false);
        }
        let mut run = self.run(activity, snapshot).with(Word::Role, role);
        run.must(&action.setup).await?;
        run.all(&action.verify).await
    }

    /// Carries the remedy out. `role` is the lesser role of `downgrade_role`.
    ///
    /// # Errors
    /// `VersionMismatch` when the object was changed since the snapshot; see [`CallError`]. It may
    /// be half done then: make it again, or undo it.
    pub async fn execute(
        &self,
        kind: RemedyKind,
        activity: &Activity,
        snapshot: &Snapshot,
        role: Option<&str>,
    ) -> Result<(), CallError> {
        let action = self.action_of(kind, activity)?;
        let mut run = self.run(activity, Some(snapshot)).with(Word::Role, role);
        run.must(&action.setup).await?;
        run.must(&action.steps).await
    }

    /// Puts everything back as the snapshot has it, part by part, and looks whether it is.
    ///
    /// # Errors
    /// Those that may pass, and a dead grant: what was restored so far is restored again then.
    /// Whatever cannot be restored stands in the result instead.
    pub async fn undo(
        &self,
        kind: RemedyKind,
        activity: &Activity,
        snapshot: &Snapshot,
    ) -> Result<Restoration, CallError> {
        let action = self
            .connector()
            .action(kind)
            .filter(|action| !action.undo.is_empty());
        let action = action.ok_or_else(|| not_supported(format!("`{kind}` cannot be undone")))?;
        let mut restoration = Restoration::default();
        for part in &action.undo {
            let failures = self.undo_part(part, activity, snapshot).await?;
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

    async fn undo_part(
        &self,
        part: &Part,
        activity: &Activity,
        snapshot: &Snapshot,
    ) -> Result<Vec<String>, CallError> {
        let mut run = self.run(activity, Some(snapshot));
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

    /// Deletes for good what was held in quarantine in the service.
    ///
    /// # Errors
    /// `Malformed` when the service still shows it afterwards; see [`CallError`].
    pub async fn purge(&self, activity: &Activity, snapshot: &Snapshot) -> Result<(), CallError> {
        let kind = RemedyKind::Purge;
        self.execute(kind, activity, snapshot, None).await?;
        match self.in_effect(kind, activity, Some(snapshot), None).await? {
            true => Ok(()),
            false => Err(CallError::malformed("the service still has the object")),
        }
    }

    pub(super) fn run<'a>(
        &'a self,
        activity: &'a Activity,
        snapshot: Option<&'a Snapshot>,
    ) -> Run<'a> {
        Run::new(self)
            .about(activity)
            .from(snapshot.map(|snapshot| &snapshot.values))
    }
}
