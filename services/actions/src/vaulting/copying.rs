//! One content: from the service into the vault, and read back.

use connector::{CallError, ContentHash, ServiceClient, ToKeep};
use event_model::{VaultId, VaultOrigin, VaultState};
use futures::TryStreamExt;
use ports::{ClaimedRemedy, Pass, RemedyProgress};
use telemetry::Counter;
use vault::{Act, NewItem, Put, VaultError};

use super::{About, OURSELVES};
use crate::Actions;
use crate::failure::RemedyError;

/// What the service answers when it is asked for what comes after the end.
const NO_SUCH_RANGE: u16 = 416;

impl Actions {
    /// Takes one content in, unless it is there already, and notes down how long it is.
    pub(super) async fn take_in(
        &self,
        claimed: &mut ClaimedRemedy,
        client: &ServiceClient,
        pass: &Pass,
        wanted: &ToKeep,
    ) -> Result<(), RemedyError> {
        let about = About::of(claimed)?;
        let contents = about.remedy.vaulted.iter().flat_map(|one| &one.contents);
        let Some(content) = contents.into_iter().find(|one| one.of == wanted.of) else {
            return Err(RemedyError::NothingToUndo);
        };
        if content.bytes.is_some() {
            return Ok(());
        }
        let copied = Box::pin(self.copied(client, &about, content.item, wanted));
        let (bytes, sha256) = self.while_leased(claimed, pass, copied).await?;
        let kept = claimed.remedy.vaulted.iter_mut();
        let kept = kept.flat_map(|one| &mut one.contents);
        for one in kept.filter(|one| one.of == wanted.of) {
            (one.bytes, one.sha256) = (Some(bytes), Some(sha256.clone()));
        }
        self.save(claimed, &RemedyProgress::default()).await
    }

    async fn copied(
        &self,
        client: &ServiceClient,
        about: &About,
        item: VaultId,
        wanted: &ToKeep,
    ) -> Result<(u64, String), RemedyError> {
        let vault = &self.ports.vault;
        let put = match vault.item(item).await {
            Err(VaultError::NotFound(_)) => {
                Some(vault.put_as(item, self.new_item(about), OURSELVES).await?)
            }
            Ok(found) if found.state == VaultState::Receiving => {
                Some(vault.resume(item, OURSELVES).await?)
            }
            Ok(_) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(put) = put {
            self.fill(client, about, wanted, put).await?;
        }
        self.read_back(item, wanted).await
    }

    fn new_item(&self, about: &About) -> NewItem {
        let (remedy, activity) = (&about.remedy, &about.activity);
        let object_id = activity.object_id.clone().unwrap_or_default();
        let name = activity.object_name.clone();
        NewItem {
            name: name.unwrap_or_else(|| object_id.clone()),
            origin: VaultOrigin::Service {
                connection_id: remedy.connection_id,
                object_id,
                path: activity.object_path.clone(),
                remedy_id: remedy.id,
            },
            keep_until: self.keep_until(),
        }
    }

    /// From what is durable on, piece by piece: neither side has more than some of it in memory.
    async fn fill(
        &self,
        client: &ServiceClient,
        about: &About,
        wanted: &ToKeep,
        mut put: Put,
    ) -> Result<(), RemedyError> {
        let from = put.received();
        let filled = async {
            if wanted.bytes == Some(from) && from > 0 {
                return Ok(());
            }
            let (ask, snapshot) = (about.ask(), &about.snapshot);
            let opened = client.open_content(&ask, snapshot, &wanted.of, from).await;
            let mut incoming = match opened {
                Err(CallError::Refused { status, .. }) if status == NO_SUCH_RANGE && from > 0 => {
                    return Ok(());
                }
                other => other?,
            };
            while let Some(piece) = incoming.piece().await? {
                put.take(&piece).await?;
            }
            Ok(())
        };
        let filled: Result<(), RemedyError> = filled.await;
        let came = put.received().saturating_sub(from);
        self.ports.metrics.count(Counter::VaultBytes, &["in"], came);
        match filled {
            Ok(()) => put.finish().await.map(drop).map_err(RemedyError::from),
            Err(error) => {
                // What is being written becomes durable: the next try goes on from there.
                put.pause().await;
                Err(error)
            }
        }
    }

    /// Opens every byte that the vault has, and compares length and hash with what the service says.
    async fn read_back(
        &self,
        item: VaultId,
        wanted: &ToKeep,
    ) -> Result<(u64, String), RemedyError> {
        let content = self.ports.vault.open(item, OURSELVES, Act::Verify).await?;
        let bytes = content.bytes();
        let mut hash = wanted
            .hash
            .as_ref()
            .map(|(kind, _)| ContentHash::new(*kind));
        let mut pieces = Box::pin(content.read(0..bytes)?);
        while let Some(piece) = pieces.try_next().await? {
            if let Some(hash) = &mut hash {
                hash.update(&piece);
            }
        }
        drop(pieces);
        if let Some(told) = wanted.bytes.filter(|told| *told != bytes) {
            let what = format!("{bytes} bytes, and {told} were told");
            return Err(RemedyError::Differs(what));
        }
        let hash = hash.map(ContentHash::finish);
        let told = wanted.hash.as_ref().map(|(_, told)| told);
        if hash.as_ref() != told {
            return Err(RemedyError::Differs("another hash was told".to_owned()));
        }
        Ok((bytes, hex::encode(content.sha256())))
    }
}
