//! `apply_label`: an object gets a label in the `.ip-labels` manifest of its folder.
//!
//! What it promises: what others said in the manifest stays; a manifest that is not believed is not
//! written into; two that write at a time do not undo each other's work, where the service compares
//! versions; and undoing takes away only what was said here.

use ::labels::{
    Labelling, MANIFEST_BYTES_MAX, Manifest, ManifestDraft, Md5, Seal, TrustedManifest,
};
use connector::{Ask, CallError, ServiceClient};
use event_model::{Activity, Remedy, RemedyState, Restoration, Snapshot};
use ports::ClaimedRemedy;
use serde_json::Value;

use crate::Actions;
use crate::failure::RemedyError;

/// Largest content that is hashed, in bytes; a larger one's label counts whatever becomes of it.
const CONTENT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What the manifest said of the object before, in the snapshot: its entry as text, or null.
const ENTRY_BEFORE: &str = "labels_before";

/// What is to be said of which object.
struct Target<'a> {
    client: &'a ServiceClient,
    activity: &'a Activity,
    name: &'a str,
    label: &'a str,
    content: Option<Md5>,
}

impl Actions {
    /// Says in the manifest that the object has the label, and looks whether it is said.
    pub(crate) async fn apply_label(&self, claimed: &mut ClaimedRemedy) -> Result<(), RemedyError> {
        if !self.goes_on(claimed).await? {
            return Ok(());
        }
        let (client, pass) = self.client(claimed).await?;
        let activity = claimed.activity.clone();
        let remedy = claimed.remedy.clone();
        let ask = Ask::of(&remedy, &activity);
        let target = Target {
            client: &client,
            activity: &activity,
            name: name_of(&activity)?,
            label: label_of(&remedy)?,
            content: content_of(&client, &activity).await?,
        };
        let labelling = &self.options.labelling;
        if target.is_said(labelling).await? {
            let text = match claimed.remedy.snapshot {
                Some(_) => "is done",
                None => "was so already",
            };
            return self.finish(claimed, text, None).await;
        }
        // Taken before the manifest is read: who writes in between makes the version another.
        let fresh = client.snapshot(&ask).await?;
        let before = target.manifest(labelling).await?;
        self.keep(claimed, fresh.clone(), target.entry(before.as_ref()))
            .await?;
        self.begin(claimed, &pass).await?;
        let mut draft = drafted(before.as_ref());
        let added = draft.add(target.name, target.label, target.content);
        added.map_err(|what| RemedyError::Label(what.to_owned()))?;
        let text = written(draft, before.as_ref(), labelling);
        client.write_labels(&ask, &fresh, &text).await?;
        match target.is_said(labelling).await? {
            true => self.finish(claimed, "is done", None).await,
            false => Err(RemedyError::NotInEffect),
        }
    }

    /// INVARIANT: what the manifest said before is durable before the manifest is written, and is not
    /// taken anew afterwards.
    async fn keep(
        &self,
        claimed: &mut ClaimedRemedy,
        mut fresh: Snapshot,
        entry: Option<String>,
    ) -> Result<(), RemedyError> {
        let kept = claimed.remedy.snapshot.as_ref();
        let entry = match kept.and_then(|kept| kept.values.get(ENTRY_BEFORE)) {
            Some(first) => first.clone(),
            None => entry.map_or(Value::Null, Value::String),
        };
        fresh.values.insert(ENTRY_BEFORE.to_owned(), entry);
        claimed.remedy.snapshot = Some(fresh);
        match claimed.remedy.state {
            RemedyState::Planned | RemedyState::Failed => {
                self.advance(claimed, RemedyState::SnapshotTaken, None)
                    .await
            }
            // What follows keeps it: see `Actions::begin`.
            _ => Ok(()),
        }
    }
}

/// Takes away what was said of the object, and nothing else.
pub(crate) async fn take_back(
    labelling: &Labelling,
    client: &ServiceClient,
    activity: &Activity,
    of: &Remedy,
) -> Result<Restoration, RemedyError> {
    let target = Target {
        client,
        activity,
        name: name_of(activity)?,
        label: label_of(of)?,
        content: None,
    };
    let entry = of
        .snapshot
        .as_ref()
        .and_then(|kept| kept.values.get(ENTRY_BEFORE));
    let entry = entry.and_then(Value::as_str);
    let ask = Ask::of(of, activity);
    let fresh = client.snapshot(&ask).await?;
    let now = target.manifest(labelling).await?;
    if target.entry(now.as_ref()).as_deref() != entry {
        let mut draft = drafted(now.as_ref());
        let put = draft.put(target.name, entry);
        put.map_err(|what| RemedyError::Label(what.to_owned()))?;
        let text = written(draft, now.as_ref(), labelling);
        client.write_labels(&ask, &fresh, &text).await?;
    }
    let after = target.manifest(labelling).await?;
    let mut restoration = Restoration::default();
    match target.entry(after.as_ref()).as_deref() == entry {
        true => restoration.restored.push("labels".into()),
        false => restoration
            .not_restored
            .push("labels: they are not as before".into()),
    }
    Ok(restoration)
}

impl Target<'_> {
    /// The manifest as it is now; none when there is none.
    async fn manifest(
        &self,
        labelling: &Labelling,
    ) -> Result<Option<TrustedManifest>, RemedyError> {
        let Some(file) = self.client.find_labels(self.activity).await? else {
            return Ok(None);
        };
        let fetched = self
            .client
            .label_manifest(self.activity, &file, MANIFEST_BYTES_MAX);
        let Some(bytes) = fetched.await? else {
            return Ok(None);
        };
        let doubted = |why: String| {
            RemedyError::Label(format!("the folder's manifest stays as it is: {why}"))
        };
        let manifest = Manifest::read(&bytes).map_err(|error| doubted(error.to_string()))?;
        let trusted = manifest.judge(&labelling.trust);
        trusted
            .map(Some)
            .map_err(|error| doubted(error.to_string()))
    }

    async fn is_said(&self, labelling: &Labelling) -> Result<bool, RemedyError> {
        let Some(manifest) = self.manifest(labelling).await? else {
            return Ok(false);
        };
        let found = manifest.labels_of(self.name, labelling.names, || self.content);
        Ok(found.labels.iter().any(|label| label.name == self.label))
    }

    fn entry(&self, manifest: Option<&TrustedManifest>) -> Option<String> {
        ManifestDraft::of(manifest?.manifest()).entry(self.name)
    }
}

fn label_of(remedy: &Remedy) -> Result<&str, RemedyError> {
    let label = remedy.particulars.label.as_deref();
    label.ok_or(RemedyError::NoLabel)
}

fn drafted(before: Option<&TrustedManifest>) -> ManifestDraft {
    before.map_or_else(ManifestDraft::new, |before| {
        ManifestDraft::of(before.manifest())
    })
}

/// What nobody signed is not made sure by signing it together with what is.
fn written(
    draft: ManifestDraft,
    before: Option<&TrustedManifest>,
    labelling: &Labelling,
) -> String {
    let may_sign = before.is_none_or(|before| matches!(before.seal(), Seal::Signed(_)));
    let signer = labelling.signer.as_ref().filter(|_| may_sign);
    draft.write(signer.map(|(id, key)| (id.as_str(), key)))
}

fn name_of(activity: &Activity) -> Result<&str, RemedyError> {
    let path = activity.object_path.as_deref();
    let last = path.and_then(|path| path.rsplit('/').next());
    let name = activity
        .object_name
        .as_deref()
        .or(last)
        .filter(|name| !name.is_empty());
    name.ok_or_else(|| RemedyError::Label("the activity does not name its object".to_owned()))
}

async fn content_of(
    client: &ServiceClient,
    activity: &Activity,
) -> Result<Option<Md5>, RemedyError> {
    match client.download(activity, CONTENT_BYTES_MAX).await {
        Ok(download) => Ok(Some(Md5::of(&download.bytes))),
        Err(CallError::TooLarge { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
