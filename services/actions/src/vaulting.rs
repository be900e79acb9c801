//! `quarantine_to_vault`: content is taken into the vault, and a tombstone is left in its place.
//!
//! What it promises, whatever dies when: nothing is taken away in the service before every byte of it was
//! read back from the vault and is what the service says it has; nobody else gets at it meanwhile; and
//! whoever goes on finds in the remedy's row which items of the vault are its own, so nothing is taken
//! twice. A version that came in since is not written over: it is taken, too.

mod back;
mod copying;
mod kept;
mod leased;

use chrono::TimeDelta;
use connector::{Ask, CallError, Disposition, ServiceClient, ToKeep};
use event_model::{
    Activity, NO_TOMBSTONE, Remedy, RemedyKind, RemedyState, Snapshot, TombstoneText,
    TombstoneWords, VaultId, Vaulted, VaultedContent,
};
use ports::{ClaimedRemedy, Pass};

use crate::Actions;
use crate::failure::RemedyError;

pub(crate) use back::is_content_back;

/// Who puts and reads of its own accord, in the trail.
const OURSELVES: &str = "system";

/// How content is taken into the vault.
#[derive(Debug, Clone)]
pub struct Vaulting {
    /// What is left in place where the policy does not say; none deletes.
    pub tombstone: Option<TombstoneText>,
    /// Whom to ask, in the tombstone.
    pub contact: String,
    /// How long an item is kept at least, in days.
    pub retention_days: u32,
}

impl Default for Vaulting {
    fn default() -> Self {
        Vaulting {
            tombstone: Some(TombstoneText::default()),
            contact: "your administrator".into(),
            retention_days: 0,
        }
    }
}

/// A remedy and what it is about, apart from its row: that is written while content comes in.
#[derive(Clone)]
struct About {
    remedy: Remedy,
    activity: Activity,
    snapshot: Snapshot,
}

impl About {
    fn of(claimed: &ClaimedRemedy) -> Result<Self, RemedyError> {
        let snapshot = claimed.remedy.snapshot.clone();
        Ok(About {
            remedy: claimed.remedy.clone(),
            activity: claimed.activity.clone(),
            snapshot: snapshot.ok_or(RemedyError::NothingToUndo)?,
        })
    }

    fn ask(&self) -> Ask<'_> {
        Ask::of(&self.remedy, &self.activity)
    }
}

impl Actions {
    /// Takes the object's content into the vault.
    pub(crate) async fn take_into_vault(
        &self,
        claimed: &mut ClaimedRemedy,
    ) -> Result<(), RemedyError> {
        if !self.goes_on(claimed).await? {
            return Ok(());
        }
        let (client, pass) = self.client(claimed).await?;
        if claimed.remedy.snapshot.is_none() {
            if self.is_taken_already(claimed, &client).await? {
                return self.finish(claimed, "was so already", None).await;
            }
            self.plan_taking(claimed, &client).await?;
        }
        self.begin(claimed, &pass).await?;
        match self.taken(claimed, &client, &pass).await {
            Ok(()) => self.finish(claimed, "is done", None).await,
            Err(
                error @ (RemedyError::Call(CallError::VersionMismatch) | RemedyError::Differs(_)),
            ) => {
                self.look_anew(claimed, &client).await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn taken(
        &self,
        claimed: &mut ClaimedRemedy,
        client: &ServiceClient,
        pass: &Pass,
    ) -> Result<(), RemedyError> {
        let about = About::of(claimed)?;
        if client
            .in_effect(&about.ask(), Some(&about.snapshot))
            .await?
        {
            return Ok(());
        }
        client.close(&about.ask(), &about.snapshot).await?;
        for wanted in client.contents(&about.ask(), &about.snapshot)? {
            self.take_in(claimed, client, pass, &wanted).await?;
        }
        // INVARIANT: every content was read back from the vault before anything of it is taken away.
        let about = About::of(claimed)?;
        let mut contents = about.remedy.vaulted.iter().flat_map(|one| &one.contents);
        if contents.any(|one| one.bytes.is_none()) {
            let what = "not all of it is in the vault".to_owned();
            return Err(RemedyError::Differs(what));
        }
        if !pass.holds() {
            return Err(RemedyError::NotEnabled);
        }
        client.execute(&about.ask(), &about.snapshot).await?;
        match client
            .in_effect(&about.ask(), Some(&about.snapshot))
            .await?
        {
            true => Ok(()),
            false => Err(RemedyError::NotInEffect),
        }
    }

    /// Whether another remedy has taken it, and what that left is still in its place.
    async fn is_taken_already(
        &self,
        claimed: &ClaimedRemedy,
        client: &ServiceClient,
    ) -> Result<bool, RemedyError> {
        let others = self.others(claimed).await?;
        let undone: Vec<_> = others.iter().filter_map(|one| one.of).collect();
        let same = |one: &&Remedy| {
            one.kind == RemedyKind::QuarantineToVault
                && one.state == RemedyState::Done
                && one.snapshot.is_some()
                && !undone.contains(&one.id)
        };
        for other in others.iter().filter(same) {
            let (ask, snapshot) = (Ask::of(other, &claimed.activity), other.snapshot.as_ref());
            match client.in_effect(&ask, snapshot).await {
                Ok(true) => return Ok(true),
                // It was written over since, or is gone: then this one finds out for itself.
                Err(error) if error.disposition() == Disposition::GiveUp => {}
                other => {
                    other?;
                }
            }
        }
        Ok(false)
    }

    /// INVARIANT: what the object was like, what will be left in its place, and the ids under which the vault
    /// will have it, are durable before the vault or the service is touched.
    async fn plan_taking(
        &self,
        claimed: &mut ClaimedRemedy,
        client: &ServiceClient,
    ) -> Result<(), RemedyError> {
        let snapshot = client
            .snapshot(&Ask::of(&claimed.remedy, &claimed.activity))
            .await?;
        claimed.remedy.vaulted = Some(self.tombstone(claimed));
        let ask = Ask::of(&claimed.remedy, &claimed.activity);
        let contents = client.contents(&ask, &snapshot)?;
        if contents.is_empty() {
            let what = "the object has no content".to_owned();
            return Err(CallError::NotSupported { what }.into());
        }
        let contents = contents.into_iter().map(|one| self.fresh(one)).collect();
        if let Some(vaulted) = &mut claimed.remedy.vaulted {
            vaulted.contents = contents;
        }
        claimed.remedy.snapshot = Some(snapshot);
        self.advance(claimed, RemedyState::SnapshotTaken, None)
            .await
    }

    /// Looks at the object again, which was changed meanwhile. What was read back already stays, if it is a
    /// version of its own; the vault's only content of an object that keeps none stays there, too, and the
    /// timeline names it.
    async fn look_anew(
        &self,
        claimed: &mut ClaimedRemedy,
        client: &ServiceClient,
    ) -> Result<(), RemedyError> {
        let about = About::of(claimed)?;
        let fresh = client.snapshot_again(&about.ask(), &about.snapshot).await?;
        let former = about.remedy.vaulted.clone();
        let former = former.map(|vaulted| vaulted.contents).unwrap_or_default();
        let stays = |wanted: &ToKeep| {
            let same = |one: &&VaultedContent| one.of == wanted.of && one.bytes.is_some();
            former
                .iter()
                .find(same)
                .filter(|one| !one.of.is_null())
                .cloned()
        };
        let wanted = client.contents(&about.ask(), &fresh)?;
        let contents: Vec<VaultedContent> = wanted
            .into_iter()
            .map(|one| stays(&one).unwrap_or_else(|| self.fresh(one)))
            .collect();
        let left: Vec<VaultedContent> = former
            .into_iter()
            .filter(|one| contents.iter().all(|other| other.item != one.item))
            .collect();
        if let Some(vaulted) = &mut claimed.remedy.vaulted {
            vaulted.contents = contents;
        }
        claimed.remedy.snapshot = Some(fresh);
        self.say_what_is_left(claimed, &left).await?;
        for one in left.iter().filter(|one| one.bytes.is_none()) {
            // What never was whole is of no use; if it is not deleted now, the next sweep does it.
            drop(self.ports.vault.delete(one.item, OURSELVES).await);
        }
        Ok(())
    }

    async fn say_what_is_left(
        &self,
        claimed: &mut ClaimedRemedy,
        left: &[VaultedContent],
    ) -> Result<(), RemedyError> {
        let held = left.iter().filter(|one| one.bytes.is_some());
        let held: Vec<String> = held.map(|one| one.item.to_string()).collect();
        let timeline = (!held.is_empty()).then(|| {
            let items = held.join(", ");
            let text = format!("found a newer version; the vault keeps the former one as {items}");
            self.entry(&claimed.remedy, &text)
        });
        let progress = ports::RemedyProgress {
            timeline,
            ..ports::RemedyProgress::default()
        };
        self.save(claimed, &progress).await
    }

    fn fresh(&self, wanted: ToKeep) -> VaultedContent {
        VaultedContent {
            item: VaultId::new(self.ports.clock.now(), self.ports.entropy.draw()),
            of: wanted.of,
            bytes: None,
            sha256: None,
        }
    }

    /// What will be left in the object's place. It is written down: settings may be others at the next try.
    fn tombstone(&self, claimed: &ClaimedRemedy) -> Vaulted {
        let Vaulting {
            tombstone, contact, ..
        } = &self.options.vaulting;
        let given = claimed.remedy.particulars.tombstone.as_deref();
        let text = match given {
            Some(NO_TOMBSTONE) => None,
            Some(text) => TombstoneText::parse(text)
                .ok()
                .or_else(|| tombstone.clone()),
            None => tombstone.clone(),
        };
        let words = TombstoneWords {
            policy: &claimed.policy_name,
            incident: &claimed.incident_number,
            contact,
            name: claimed.activity.object_name.as_deref().unwrap_or_default(),
        };
        Vaulted {
            tombstone: text.clone().unwrap_or_default().filled(&words),
            tombstone_stays: text.is_some(),
            contents: Vec::new(),
        }
    }

    fn keep_until(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        let days = self.options.vaulting.retention_days;
        let until = self.ports.clock.now() + TimeDelta::days(i64::from(days));
        (days > 0).then_some(until)
    }
}
