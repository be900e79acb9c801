//! Back from the vault into the service, or deleted for good.

use std::sync::Arc;

use connector::{KeptContent, ServiceClient};
use event_model::{Remedy, RemedyState, Restoration, VaultId};
use ports::{ClaimedRemedy, Pass};
use telemetry::Counter;
use vault::VaultError;

use super::kept::Kept;
use super::{About, OURSELVES};
use crate::Actions;
use crate::carry_out::put_back;
use crate::failure::RemedyError;

/// The part of an undo that brings the content back: every manifest's has that name.
const CONTENT: &str = "content";

/// Whether the content is in the service again.
pub(crate) fn is_content_back(restoration: &Restoration) -> bool {
    restoration.restored.iter().any(|part| part == CONTENT)
}

impl Actions {
    /// Sends the content back and sets everything again, unless another content is there by now: that stays
    /// as it is, with its own shares. Only when the service was seen to have it, the
    /// vault's is deleted; if that must be kept, it stays there, and is said.
    pub(crate) async fn put_back_from_vault(
        &self,
        claimed: &mut ClaimedRemedy,
        client: &ServiceClient,
        pass: &Pass,
        of: &Remedy,
    ) -> Result<Restoration, RemedyError> {
        let snapshot = of.snapshot.clone().ok_or(RemedyError::NothingToUndo)?;
        let about = About {
            remedy: of.clone(),
            activity: claimed.activity.clone(),
            snapshot,
        };
        let by = by(claimed);
        let contents = of.vaulted.iter().flat_map(|one| one.contents.clone());
        let contents: Vec<_> = contents.collect();
        let kept = Kept::new(self.ports.vault.clone(), by.clone(), &contents);
        let kept: Arc<dyn KeptContent> = Arc::new(kept);
        let undone = Box::pin(async {
            let ask = about.ask();
            let undone = client.undo_from_vault(&ask, &about.snapshot, &kept);
            Ok(undone.await?)
        });
        let undone = self.while_leased(claimed, pass, undone).await?;
        if !is_content_back(&undone) {
            // Nothing that the incident closed before is opened on a content that nobody looked at.
            return Ok(undone);
        }
        let mut whole = put_back(claimed, client, undone).await?;
        let bytes = contents.iter().filter_map(|one| one.bytes).sum();
        self.ports
            .metrics
            .count(Counter::VaultBytes, &["out"], bytes);
        for content in &contents {
            match self.ports.vault.delete(content.item, &by).await {
                Ok(_) | Err(VaultError::NotFound(_)) => {}
                Err(error @ (VaultError::Kept { .. } | VaultError::OnHold { .. })) => {
                    whole
                        .not_restored
                        .push(format!("vault: {error}, and stays there"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(whole)
    }

    /// Deletes what the vault has, for good. What must be kept is kept: the remedy is given up and says why.
    pub(crate) async fn purge_from_vault(
        &self,
        claimed: &mut ClaimedRemedy,
        of: &Remedy,
    ) -> Result<(), RemedyError> {
        self.advance(claimed, RemedyState::Executing, None).await?;
        let by = by(claimed);
        let contents = of.vaulted.iter().flat_map(|one| &one.contents);
        let items: Vec<_> = contents.map(|content| content.item).collect();
        for item in &items {
            self.may_be_deleted(*item).await?;
        }
        for item in items {
            match self.ports.vault.delete(item, &by).await {
                Ok(_) | Err(VaultError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.finish(claimed, "deleted it for good from the vault", Some(of))
            .await
    }

    /// Looked at before the first is deleted: either all of them go, or none.
    async fn may_be_deleted(&self, id: VaultId) -> Result<(), RemedyError> {
        let item = match self.ports.vault.item(id).await {
            Err(VaultError::NotFound(_)) => return Ok(()),
            other => other?,
        };
        if let Some(hold) = item.legal_hold {
            let reason = hold.reason;
            return Err(VaultError::OnHold { id, reason }.into());
        }
        match item.keep_until {
            Some(until) if until > self.ports.clock.now() => {
                Err(VaultError::Kept { id, until }.into())
            }
            _ => Ok(()),
        }
    }
}

/// Who is written down in the trail: who asked for it, if somebody did.
fn by(claimed: &ClaimedRemedy) -> String {
    let person = claimed.remedy.requested_by.clone();
    person.unwrap_or_else(|| OURSELVES.to_owned())
}
