//! One remedy: look, take the snapshot, act, look again.

use chrono::TimeDelta;
use connector::{Ask, CallError, ServiceClient};
use event_model::{
    AuditId, Remedy, RemedyKind, RemedyState, Restoration, Snapshot, TimelineEntry, TimelineKind,
};
use ports::{ClaimedRemedy, GateError, NewAudit, RemedyProgress, StoreError};
use telemetry::{Counter, Timing, journey, stage};
use tracing::Instrument;

use crate::failure::{self, RemedyError};
use crate::{Actions, label, quarantine};

impl Actions {
    /// Carries a claimed remedy as far as it goes now. Whatever happens is in its row afterwards; if
    /// even that cannot be written, the lease runs out and the next claim looks again.
    pub(crate) async fn carry_out(&self, claimed: ClaimedRemedy) {
        let stage = stage!(
            "remedy",
            remedy.id = %claimed.remedy.id,
            remedy.kind = claimed.remedy.kind.word(),
            incident.number = claimed.incident_number,
            attempt = claimed.remedy.attempts + 1,
        );
        let stage = journey::follow(stage, claimed.traceparent.as_deref());
        self.carry_out_in_stage(claimed).instrument(stage).await;
    }

    async fn carry_out_in_stage(&self, mut claimed: ClaimedRemedy) {
        claimed.remedy.attempts += 1;
        let done = match claimed.remedy.kind {
            RemedyKind::Notify => self.notify(&mut claimed).await,
            RemedyKind::Restore | RemedyKind::Purge => {
                Box::pin(self.undo_or_purge(&mut claimed)).await
            }
            RemedyKind::ApplyLabel => Box::pin(self.apply_label(&mut claimed)).await,
            RemedyKind::QuarantineToVault => Box::pin(self.take_into_vault(&mut claimed)).await,
            _ => self.act(&mut claimed).await,
        };
        let outcome = match done {
            Ok(()) => match claimed.remedy.state {
                RemedyState::Done => "done",
                RemedyState::Planned | RemedyState::Failed => "waits",
                other => other.word(),
            },
            Err(RemedyError::Store(StoreError::Fenced { .. })) => "fenced",
            Err(error) => self.failed(&mut claimed, &error).await,
        };
        self.ports
            .metrics
            .count(Counter::Remedies, &[claimed.remedy.kind.word(), outcome], 1);
    }

    /// A remedy that changes something in the service.
    async fn act(&self, claimed: &mut ClaimedRemedy) -> Result<(), RemedyError> {
        if !self.goes_on(claimed).await? {
            return Ok(());
        }
        let (client, pass) = self.client(claimed).await?;
        let snapshot = claimed.remedy.snapshot.clone();
        if client.in_effect(&ask(claimed), snapshot.as_ref()).await? {
            // Either someone did it before us, or we did and were interrupted before saying so.
            let text = if snapshot.is_some() {
                "is done"
            } else {
                "was so already"
            };
            return self.finish(claimed, text, None).await;
        }
        let snapshot = match snapshot {
            Some(snapshot) => snapshot,
            None => self.take_snapshot(claimed, &client).await?,
        };
        self.begin(claimed, &pass).await?;
        client.execute(&ask(claimed), &snapshot).await?;
        if !client.shows(claimed.remedy.kind) {
            return self.finish(claimed, "was taken by the service", None).await;
        }
        if !client.in_effect(&ask(claimed), Some(&snapshot)).await? {
            return Err(RemedyError::NotInEffect);
        }
        self.finish(claimed, "is done", None).await
    }

    /// INVARIANT: the snapshot is durable before the remedy executes.
    async fn take_snapshot(
        &self,
        claimed: &mut ClaimedRemedy,
        client: &ServiceClient,
    ) -> Result<Snapshot, RemedyError> {
        let snapshot = client.snapshot(&ask(claimed)).await?;
        claimed.remedy.snapshot = Some(snapshot.clone());
        self.advance(claimed, RemedyState::SnapshotTaken, None)
            .await?;
        Ok(snapshot)
    }

    async fn undo_or_purge(&self, claimed: &mut ClaimedRemedy) -> Result<(), RemedyError> {
        let of = claimed.of.clone().ok_or(RemedyError::NothingToUndo)?;
        if of.vaulted.is_some() && claimed.remedy.kind == RemedyKind::Purge {
            return self.purge_from_vault(claimed, &of).await;
        }
        let (client, pass) = self.client(claimed).await?;
        let snapshot = of.snapshot.clone().ok_or(RemedyError::NothingToUndo)?;
        self.begin(claimed, &pass).await?;
        if claimed.remedy.kind == RemedyKind::Purge {
            client.purge(&ask(claimed), &snapshot).await?;
            return self.finish(claimed, "deleted it for good", Some(&of)).await;
        }
        let restoration = match of.kind {
            RemedyKind::QuarantineToVault => {
                self.put_back_from_vault(claimed, &client, &pass, &of)
                    .await?
            }
            RemedyKind::ApplyLabel => {
                let labelling = &self.options.labelling;
                label::take_back(labelling, &client, &claimed.activity, &of).await?
            }
            _ => {
                let ask = Ask::of(&of, &claimed.activity);
                let first = client.undo(&ask, &snapshot).await?;
                put_back(claimed, &client, first).await?
            }
        };
        let text = told(&restoration);
        claimed.remedy.restoration = Some(restoration);
        self.finish(claimed, &text, Some(&of)).await
    }

    /// A client of the service, if its connection is enabled, and the pass that keeps it so.
    pub(crate) async fn client(
        &self,
        claimed: &ClaimedRemedy,
    ) -> Result<(ServiceClient, ports::Pass), RemedyError> {
        let id = claimed.remedy.connection_id;
        // The order matters: first through the gate, then look at the state. See `CallGate`.
        let pass = match self.ports.gate.enter(id).await {
            Ok(pass) => pass,
            Err(GateError::Closed(_)) => return Err(RemedyError::NotEnabled),
            Err(GateError::Store(error)) => return Err(error.into()),
        };
        let connection = self
            .ports
            .connections
            .get(id)
            .await?
            .ok_or(RemedyError::NotEnabled)?;
        if !connection.lifecycle.is_enabled() {
            return Err(RemedyError::NotEnabled);
        }
        let client = self.ports.clients.client(&connection).map_err(|error| {
            RemedyError::Call(CallError::NotSupported {
                what: error.to_string(),
            })
        })?;
        Ok((client, pass))
    }

    /// From here on the service is changed. A process that was frozen meanwhile may have lost its pass:
    /// then the connection may be disabled by now.
    pub(crate) async fn begin(
        &self,
        claimed: &mut ClaimedRemedy,
        pass: &ports::Pass,
    ) -> Result<(), RemedyError> {
        self.advance(claimed, RemedyState::Executing, None).await?;
        if pass.holds() {
            Ok(())
        } else {
            Err(RemedyError::NotEnabled)
        }
    }

    /// Done, and seen to be done.
    pub(crate) async fn finish(
        &self,
        claimed: &mut ClaimedRemedy,
        text: &str,
        of: Option<&Remedy>,
    ) -> Result<(), RemedyError> {
        let now = self.ports.clock.now();
        if claimed.remedy.state != RemedyState::Executing {
            claimed.remedy.step(RemedyState::Executing, now)?;
        }
        claimed.remedy.step(RemedyState::Done, now)?;
        let progress = RemedyProgress {
            timeline: Some(self.entry(&claimed.remedy, text)),
            quarantine: quarantine::item(claimed, of, now),
            release: true,
        };
        self.save(claimed, &progress).await?;
        if claimed.remedy.kind.acts_in_service() {
            self.audit(&claimed.remedy, text).await;
            self.ports
                .metrics
                .time(Timing::EventToEffect, &[], failure::age(claimed, now));
            let planned = (now - claimed.remedy.created_at).num_microseconds();
            let took = planned.unwrap_or(0) as f64 / 1e6;
            self.ports
                .metrics
                .time(Timing::StageSeconds, &["effect"], took);
        }
        Ok(())
    }

    pub(crate) async fn advance(
        &self,
        claimed: &mut ClaimedRemedy,
        to: RemedyState,
        text: Option<&str>,
    ) -> Result<(), RemedyError> {
        if claimed.remedy.state == to && to != RemedyState::Executing {
            return Ok(());
        }
        claimed.remedy.step(to, self.ports.clock.now())?;
        let timeline = text.map(|text| self.entry(&claimed.remedy, text));
        self.save(
            claimed,
            &RemedyProgress {
                timeline,
                ..Default::default()
            },
        )
        .await
    }

    pub(crate) async fn save(
        &self,
        claimed: &mut ClaimedRemedy,
        progress: &RemedyProgress,
    ) -> Result<(), RemedyError> {
        let lease = TimeDelta::from_std(self.options.lease).unwrap_or(TimeDelta::seconds(120));
        let until = self.ports.clock.now() + lease;
        let remedies = self.ports.remedies.as_ref();
        remedies
            .save_remedy(&claimed.lease, until, &claimed.remedy, progress)
            .await?;
        claimed.lease.until = until;
        Ok(())
    }

    pub(crate) fn entry(&self, remedy: &Remedy, text: &str) -> TimelineEntry {
        let at = self.ports.clock.now();
        let text = format!("{} {text}", remedy.kind.word().replace('_', " "));
        TimelineEntry {
            at,
            kind: TimelineKind::Remedy,
            text,
        }
    }

    pub(crate) async fn audit(&self, remedy: &Remedy, text: &str) {
        let at = self.ports.clock.now();
        let entry = NewAudit {
            id: AuditId::new(at, self.ports.entropy.draw()),
            at,
            actor: "system".into(),
            action: format!("remedy.{}", remedy.kind),
            subject: remedy.id.to_string(),
            detail: format!("{text}, for the incident {}", remedy.incident_id),
        };
        if let Err(error) = self.ports.audit.audit(&entry).await {
            tracing::error!(remedy.id = %remedy.id, error = %error, "a remedy could not be audited");
        }
    }
}

fn ask(claimed: &ClaimedRemedy) -> Ask<'_> {
    Ask::of(&claimed.remedy, &claimed.activity)
}

/// From quarantine, undoes also what the incident had done to the object before, last first, so that the
/// object is as it was before the incident.
pub(crate) async fn put_back(
    claimed: &ClaimedRemedy,
    client: &ServiceClient,
    mut whole: Restoration,
) -> Result<Restoration, CallError> {
    let activity = &claimed.activity;
    // A label says what the content is, wherever it lies: it stays.
    let is_undone = |before: &&Remedy| before.kind != RemedyKind::ApplyLabel;
    for before in claimed.earlier.iter().rev().filter(is_undone) {
        if let Some(snapshot) = &before.snapshot {
            let part = client.undo(&Ask::of(before, activity), snapshot).await?;
            let new = part
                .restored
                .into_iter()
                .filter(|name| !whole.restored.contains(name));
            let new: Vec<String> = new.collect();
            whole.restored.extend(new);
            whole.not_restored.extend(part.not_restored);
        }
    }
    Ok(whole)
}

fn told(restoration: &Restoration) -> String {
    let Restoration {
        restored,
        not_restored,
    } = restoration;
    match (restored.is_empty(), not_restored.is_empty()) {
        (_, true) => format!("brought back {}", restored.join(", ")),
        (true, false) => format!("could not bring back {}", not_restored.join("; ")),
        (false, false) => format!(
            "brought back {}, but not {}",
            restored.join(", "),
            not_restored.join("; ")
        ),
    }
}
