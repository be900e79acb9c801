use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use guard::BESIDE_PREFIX;

use super::Which;
use crate::cli::labels::walk::{Chosen, Walk};

/// Most files of a run.
const FILES_MAX: usize = 1_000_000;

/// The files of a run, and what is refused before it is looked at.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<PathBuf>,
    pub(super) refused: Vec<(PathBuf, String)>,
    /// How long the files are, in bytes.
    pub(super) bytes: u64,
}

/// What is named, and with `--recursive` what is below it. The installation's own data is left out.
pub(super) fn found(which: &Which, data: &Path) -> anyhow::Result<Found> {
    let chosen = Chosen::new(&which.include, &which.exclude)?;
    let mut found = Found::default();
    let data = fs::canonicalize(data).unwrap_or_else(|_| data.to_owned());
    for path in &which.paths {
        let meta = fs::symlink_metadata(path);
        let meta = meta.with_context(|| format!("`{}` cannot be read", path.display()))?;
        if !meta.is_dir() {
            found.add(path.clone(), &data)?;
        } else if which.recursive {
            for folder in Walk::new(path, &chosen) {
                let folder = folder?;
                for file in folder.files {
                    found.add(file, &data)?;
                }
                let links = folder.links.into_iter();
                let links = links
                    .map(|link| (link, "it is a symbolic link: it is not followed".to_owned()));
                found.refused.extend(links);
                let left_out = folder.left_out.map(|why| (folder.path, why));
                found.refused.extend(left_out);
            }
        } else {
            let why = "it is a folder: give --recursive".to_owned();
            found.refused.push((path.clone(), why));
        }
    }
    Ok(found)
}

impl Found {
    fn add(&mut self, path: PathBuf, data: &Path) -> anyhow::Result<()> {
        ensure!(
            self.files.len() < FILES_MAX,
            "there are more than {FILES_MAX} files: name some folders at a time"
        );
        let whole = fs::canonicalize(path.parent().unwrap_or(Path::new("")));
        if whole.is_ok_and(|folder| folder.starts_with(data)) {
            let why = "it is of the installation's own data".to_owned();
            self.refused.push((path, why));
        } else if is_left(&path) {
            let why = "a run that was killed left it: see what it holds, and remove it".to_owned();
            self.refused.push((path, why));
        } else {
            self.bytes += fs::symlink_metadata(&path).map_or(0, |meta| meta.len());
            self.files.push(path);
        }
        Ok(())
    }
}

/// Whether a run that was killed left that.
pub(super) fn is_left(path: &Path) -> bool {
    let name = path.file_name().map(OsStrExt::as_bytes);
    name.is_some_and(|name| name.starts_with(BESIDE_PREFIX.as_bytes()))
}
