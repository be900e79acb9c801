//! The manifest of one folder. Entries of files that this run looked at are as it found them; entries of
//! files that patterns left out stay; labels that the settings know nothing of stay while they are current.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use labels::{Label, MANIFEST_NAME, Manifest, ManifestDraft, Seal};

use super::super::file;
use super::super::walk::Folder;
use super::Run;
use super::batch::Looked;

/// What became of a folder's manifest.
pub(super) enum Written {
    /// It was as it is to be, or there is none and none is needed.
    Nothing,
    /// It was written.
    Manifest,
}

/// Each name once, in order.
pub(super) fn names(labels: &[Label]) -> Vec<String> {
    let names: BTreeSet<&String> = labels.iter().map(|label| &label.name).collect();
    names.into_iter().cloned().collect()
}

impl Run {
    pub(super) fn write(&self, folder: &Folder, files: &[Looked]) -> anyhow::Result<Written> {
        let is_labelled = |looked: &Looked| {
            looked
                .found
                .as_ref()
                .is_ok_and(|found| !found.labels.is_empty())
        };
        if self.dry_run || !(folder.has_manifest || files.iter().any(is_labelled)) {
            return Ok(Written::Nothing);
        }
        let path = folder.path.join(MANIFEST_NAME);
        let shown = path.display();
        let (mut draft, is_there) = self.before(&folder.path)?;
        let before = draft.clone();
        if !self.in_part {
            let gone: Vec<String> = draft
                .names()
                .filter(|name| !folder.path.join(name).exists())
                .map(str::to_owned)
                .collect();
            gone.iter().for_each(|name| draft.remove(name));
        }
        for looked in files {
            self.enter(&mut draft, looked).map_err(|what| {
                anyhow!(
                    "`{}` is not entered into `{shown}`: {what}",
                    looked.path.display()
                )
            })?;
        }
        if draft == before && is_there {
            return Ok(Written::Nothing);
        }
        draft.run(&self.guid, &self.start);
        let signer = self.signer.as_ref().map(|(id, key)| (id.as_str(), key));
        file::replace(&path, &draft.write(signer))
            .with_context(|| format!("`{shown}` cannot be written"))?;
        Ok(Written::Manifest)
    }

    /// What the folder's manifest says already, if that is to be believed; and whether it is gone on with.
    fn before(&self, folder: &Path) -> anyhow::Result<(ManifestDraft, bool)> {
        let judged = || -> anyhow::Result<Option<ManifestDraft>> {
            let Some(bytes) = file::manifest(folder)? else {
                return Ok(None);
            };
            let trusted = Manifest::read(&bytes)?.judge(&self.labelling.trust)?;
            let is_signed = matches!(trusted.seal(), Seal::Signed(_));
            // What nobody signed is not made sure by signing it together with what is.
            anyhow::ensure!(is_signed || self.signer.is_none(), "it is not signed");
            Ok(Some(ManifestDraft::of(trusted.manifest())))
        };
        match judged() {
            Ok(Some(draft)) => Ok((draft, true)),
            Ok(None) => Ok((ManifestDraft::new(), false)),
            Err(_) if self.replace => Ok((ManifestDraft::new(), false)),
            Err(error) => {
                let shown = folder.join(MANIFEST_NAME);
                bail!(
                    "`{}` stays as it is (`--replace` writes over it): {error:#}",
                    shown.display()
                )
            }
        }
    }

    fn enter(&self, draft: &mut ManifestDraft, looked: &Looked) -> Result<(), &'static str> {
        let Some(name) = looked.path.file_name().and_then(|name| name.to_str()) else {
            return Err("its name is not UTF-8");
        };
        // What could not be read keeps what was said of it: whether that is current is seen by its hash.
        let Ok(found) = &looked.found else {
            return Ok(());
        };
        let mut labels = names(&found.labels);
        let ours = |label: &String| {
            self.labelling
                .detections
                .iter()
                .any(|known| known.label == *label)
        };
        let others = draft.current(name, Some(found.content)).into_iter();
        labels.extend(others.filter(|label| !ours(label)));
        match labels.is_empty() {
            true => draft.remove(name),
            false if draft.is_so(name, &labels, found.content) => {}
            false => draft.set(name, &labels, Some(found.content))?,
        }
        Ok(())
    }
}
