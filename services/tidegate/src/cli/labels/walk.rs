//! Folders and the files in them, without following a link and without an end of depth.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use labels::MANIFEST_NAME;

/// Deepest folder that is looked into.
const DEPTH_MAX: usize = 256;
/// Most patterns of each kind.
const PATTERNS_MAX: usize = 1_000;

/// Which files are looked at: those that some of the first match, if there are any, and none of the second.
#[derive(Debug)]
pub(in crate::cli) struct Chosen {
    included: Option<GlobSet>,
    excluded: GlobSet,
}

impl Chosen {
    /// A pattern without `/` is one of names; one with it is of the whole path below the folder.
    pub(in crate::cli) fn new(included: &[String], excluded: &[String]) -> anyhow::Result<Self> {
        Ok(Chosen {
            included: (!included.is_empty())
                .then(|| globs(included))
                .transpose()?,
            excluded: globs(excluded)?,
        })
    }

    pub(in crate::cli) fn holds(&self, below: &Path) -> bool {
        let is_included = self
            .included
            .as_ref()
            .is_none_or(|included| included.is_match(below));
        is_included && !self.excluded.is_match(below)
    }

    /// An excluded folder is not looked into.
    fn enters(&self, below: &Path) -> bool {
        !self.excluded.is_match(below)
    }
}

fn globs(patterns: &[String]) -> anyhow::Result<GlobSet> {
    anyhow::ensure!(
        patterns.len() <= PATTERNS_MAX,
        "there are more than {PATTERNS_MAX} patterns"
    );
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let whole = match pattern.trim_start_matches('/').contains('/') || pattern.starts_with('/')
        {
            true => pattern.trim_start_matches('/').to_owned(),
            false => format!("**/{pattern}"),
        };
        let glob = GlobBuilder::new(&whole).literal_separator(true).build();
        set.add(glob.with_context(|| format!("`{pattern}` is not a pattern"))?);
    }
    Ok(set.build()?)
}

/// A folder, and what was found in it.
#[derive(Debug, Default)]
pub(in crate::cli) struct Folder {
    pub(in crate::cli) path: PathBuf,
    /// Regular files that were chosen, by name, ascending.
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Symbolic links that were chosen, in no order.
    pub(in crate::cli) links: Vec<PathBuf>,
    /// Whether it has a manifest.
    pub(in crate::cli) has_manifest: bool,
    /// What of it was left out, in a sentence.
    pub(in crate::cli) left_out: Option<String>,
}

/// Every folder from the first on, each before those in it, in the order of names.
pub(in crate::cli) struct Walk<'a> {
    root: PathBuf,
    chosen: &'a Chosen,
    waiting: Vec<(PathBuf, usize)>,
}

impl<'a> Walk<'a> {
    pub(in crate::cli) fn new(root: &Path, chosen: &'a Chosen) -> Self {
        Walk {
            root: root.to_owned(),
            chosen,
            waiting: vec![(root.to_owned(), 0)],
        }
    }

    fn folder(&mut self, path: PathBuf, depth: usize) -> anyhow::Result<Folder> {
        let mut folder = Folder {
            path,
            ..Folder::default()
        };
        let mut below = Vec::new();
        let shown = folder.path.display().to_string();
        let cannot = || format!("`{shown}` cannot be read");
        for entry in fs::read_dir(&folder.path).with_context(cannot)? {
            let entry = entry.with_context(cannot)?;
            let (kind, path) = (entry.file_type().with_context(cannot)?, entry.path());
            let relative = path.strip_prefix(&self.root).unwrap_or(&path);
            if entry.file_name() == MANIFEST_NAME {
                folder.has_manifest = true;
            } else if kind.is_dir() && self.chosen.enters(relative) {
                below.push(path);
            } else if kind.is_file() && self.chosen.holds(relative) {
                folder.files.push(path);
            } else if kind.is_symlink() && self.chosen.holds(relative) {
                folder.links.push(path);
            }
        }
        folder.files.sort_unstable();
        below.sort_unstable();
        if depth == DEPTH_MAX && !below.is_empty() {
            let left_out =
                format!("`{shown}` is {DEPTH_MAX} folders deep: those in it are left out");
            folder.left_out = Some(left_out);
            return Ok(folder);
        }
        self.waiting
            .extend(below.into_iter().rev().map(|path| (path, depth + 1)));
        Ok(folder)
    }
}

impl Iterator for Walk<'_> {
    type Item = anyhow::Result<Folder>;

    fn next(&mut self) -> Option<Self::Item> {
        let (path, depth) = self.waiting.pop()?;
        Some(self.folder(path, depth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_by_name_or_by_the_path_below_the_folder() {
        let strings = |patterns: &[&str]| {
            patterns
                .iter()
                .map(|one| (*one).to_owned())
                .collect::<Vec<_>>()
        };
        // included, excluded, path => whether it is looked at
        let rows: [(&[&str], &[&str], &str, bool); 10] = [
            (&[], &[], "a/b.txt", true),
            (&["*.txt"], &[], "a/b.txt", true),
            (&["*.txt"], &[], "a/b.doc", false),
            (&["a/*.txt"], &[], "a/b.txt", true),
            (&["a/*.txt"], &[], "a/b/c.txt", false),
            (&["a/**/*.txt"], &[], "a/b/c.txt", true),
            (&["/b.txt"], &[], "a/b.txt", false),
            (&["*.{txt,doc}"], &["b.*"], "a/b.txt", false),
            (&[], &["a"], "a", false),
            (&[], &["*.TXT"], "a/b.txt", true),
        ];
        for (included, excluded, path, expected) in rows {
            let chosen = Chosen::new(&strings(included), &strings(excluded)).unwrap();
            assert_eq!(
                chosen.holds(Path::new(path)),
                expected,
                "{included:?} {excluded:?} {path}"
            );
        }
        assert!(Chosen::new(&strings(&["a["]), &[]).is_err());
    }
}
