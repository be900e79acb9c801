//! `tidegate protect --watch`: what `.ip-labels` manifests in watched folders label is protected at once.
//!
//! A label counts only with a hash, and only while that is the content's; and only of a manifest that is
//! believed. What happened while nobody looked, or too fast to be told, is found by looking at everything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use labels::{Labelling, MANIFEST_NAME, Manifest, Md5, TrustedManifest, WhenAbsent};
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::Protect;
use super::act::{Acting, Outcome};
use crate::cli::labels::file;
use crate::cli::labels::walk::{Chosen, Walk};
use crate::cli::{Stream, signals};
use crate::labelling;
use crate::say;

/// Most folders that wait to be looked at; when there are more, everything is looked at.
const WAITING_MAX: usize = 4_096;

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    Folder(PathBuf),
    Everything,
}

struct Watched<'a> {
    protect: &'a Protect,
    acting: &'a Acting,
    chosen: Chosen,
    labelling: Labelling,
}

pub(super) async fn run(protect: &Protect, acting: &Acting) -> anyhow::Result<()> {
    let mut labelling = match &protect.label_settings {
        None => Labelling::built_in(),
        Some(file) => labelling::load(file)?,
    };
    labelling.trust.without_hash = WhenAbsent::Refuse;
    let watched = Watched {
        chosen: Chosen::new(&protect.which.include, &protect.which.exclude)?,
        protect,
        acting,
        labelling,
    };
    let stop = signals::asked_to_stop()?;
    let (tell, mut told) = mpsc::channel(WAITING_MAX);
    // Before everything is looked at: what comes meanwhile is told.
    let watching = watcher(&protect.which.paths, tell)?;
    watched.everything().await;
    say("watching", Stream::Out);
    let looking = async {
        while let Some(look) = told.recv().await {
            let mut looks = vec![look];
            while let Ok(more) = told.try_recv() {
                looks.push(more);
            }
            watched.looked(looks).await;
        }
    };
    tokio::select! {
        () = looking => {}
        () = stop => {}
    }
    drop(watching);
    Ok(())
}

fn watcher(folders: &[PathBuf], tell: mpsc::Sender<Look>) -> anyhow::Result<RecommendedWatcher> {
    let (mut missed, mut last) = (false, None);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        for look in looks(event) {
            // The same folder again and again, while one of its files is written.
            let is_known = last.as_ref() == Some(&look) && tell.capacity() < tell.max_capacity();
            if is_known && !missed {
                continue;
            }
            let look = if missed { Look::Everything } else { look };
            missed = tell.try_send(look.clone()).is_err();
            last = Some(look);
        }
    })?;
    for folder in folders {
        let shown = folder.display();
        ensure!(
            folder.is_dir(),
            "`{shown}` is not a folder that could be watched"
        );
        let watched = watcher.watch(folder, RecursiveMode::Recursive);
        watched.with_context(|| format!("`{shown}` cannot be watched"))?;
    }
    Ok(watcher)
}

/// What an event makes worth a look. Reading is none: we read ourselves.
fn looks(event: notify::Result<Event>) -> Vec<Look> {
    let Ok(event) = event else {
        return vec![Look::Everything];
    };
    if event.need_rescan() {
        return vec![Look::Everything];
    }
    let written = AccessKind::Close(AccessMode::Write);
    match event.kind {
        EventKind::Access(kind) if kind != written => return Vec::new(),
        EventKind::Remove(_) => return Vec::new(),
        _ => {}
    }
    let folders = event.paths.iter().flat_map(|path| {
        // A folder that came may hold all of it already.
        let own = path.is_dir().then(|| path.clone());
        own.into_iter().chain(path.parent().map(Path::to_owned))
    });
    folders.map(Look::Folder).collect()
}

impl Watched<'_> {
    async fn looked(&self, looks: Vec<Look>) {
        if looks.contains(&Look::Everything) {
            return self.everything().await;
        }
        let folders = looks.into_iter().filter_map(|look| match look {
            Look::Folder(folder) => Some(folder),
            Look::Everything => None,
        });
        for folder in folders.collect::<BTreeSet<_>>() {
            self.below(&folder, &self.protect.which.paths).await;
        }
    }

    async fn everything(&self) {
        for root in &self.protect.which.paths {
            self.walk(root).await;
        }
    }

    /// A folder, and those below it if it has no manifest itself: it may have come with all of them.
    async fn below(&self, folder: &Path, roots: &[PathBuf]) {
        let is_root = roots.iter().any(|root| root == folder);
        match is_root || folder.join(MANIFEST_NAME).exists() {
            true => self.folder(folder).await,
            false => self.walk(folder).await,
        }
    }

    async fn walk(&self, root: &Path) {
        for folder in Walk::new(root, &self.chosen) {
            match folder {
                Ok(folder) if folder.has_manifest => self.folder(&folder.path).await,
                Ok(_) => {}
                // It may be gone again.
                Err(error) => tracing::info!("{error:#}"),
            }
        }
    }

    async fn folder(&self, folder: &Path) {
        let manifest = match self.manifest(folder) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => return,
            Err(error) => {
                let path = folder.join(MANIFEST_NAME);
                return self.acting.tell(&path, &format!("{error:#}"), Some(false));
            }
        };
        for (name, entry) in manifest.manifest().files() {
            if entry.labels.is_empty() {
                continue;
            }
            let path = folder.join(name);
            if !self.chosen.holds(self.below_root(&path)) {
                continue;
            }
            match self.labelled(&path, name, &manifest).await {
                Ok(Some(what)) => self.acting.tell(&path, &what, None),
                Ok(None) => {}
                Err(error) => self.acting.tell(&path, &format!("{error:#}"), Some(false)),
            }
        }
    }

    fn below_root<'p>(&self, path: &'p Path) -> &'p Path {
        let mut roots = self.protect.which.paths.iter();
        let below = roots.find_map(|root| path.strip_prefix(root).ok());
        below.unwrap_or(path)
    }

    fn manifest(&self, folder: &Path) -> anyhow::Result<Option<TrustedManifest>> {
        let Some(bytes) = file::manifest(folder)? else {
            return Ok(None);
        };
        let manifest = Manifest::read(&bytes).context("it is not a manifest")?;
        let trusted = manifest.judge(&self.labelling.trust);
        Ok(Some(trusted.context("it is not believed")?))
    }

    async fn labelled(
        &self,
        path: &Path,
        name: &str,
        manifest: &TrustedManifest,
    ) -> anyhow::Result<Option<String>> {
        if std::fs::symlink_metadata(path).is_err() || self.acting.is_done(path)? {
            return Ok(None);
        }
        let content = || file::open(path).and_then(Md5::of_reader).ok();
        let found = manifest.labels_of(name, self.labelling.names, content);
        let wanted = &self.protect.label;
        let label = found.labels.into_iter().find(|label| {
            let is_it = |one: &String| one.to_lowercase() == label.name.to_lowercase();
            wanted.is_empty() || wanted.iter().any(is_it)
        });
        // A label whose hash is another says nothing of this content.
        let Some(label) = label else {
            return Ok(None);
        };
        Ok(match self.acting.one(path, &|_| ()).await? {
            Outcome::Done(what) => Some(format!("{what}, for it is labelled `{}`", label.name)),
            Outcome::Already => None,
        })
    }
}
