//! A connector where it lies: `connector.yaml`, `samples/*.json`, `expected/*.json`, from any path.
//!
//! Everything read has a bound: the folder may be a stranger's.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use connector::{Connector, Mistake, Reviewed};
use thiserror::Error;

/// What the manifest is called in its folder.
pub const MANIFEST_NAME: &str = "connector.yaml";
/// Largest sample, expected event or manifest that is read, in bytes.
pub const SAMPLE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most samples of one connector.
pub const SAMPLES_MAX: usize = 10_000;

/// A connector's folder cannot be used.
#[derive(Debug, Error)]
pub enum FolderError {
    /// Something cannot be read or written.
    #[error("`{path}` cannot be {what}")]
    Unusable {
        /// What it was.
        path: String,
        /// `read` or `written`.
        what: &'static str,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The manifest has mistakes.
    #[error("the manifest has {} mistake(s)", .0.len())]
    Wrong(Vec<Mistake>),
    /// A sample or an expected event is not JSON.
    #[error("`{path}` is not JSON, at line {line}, column {column}")]
    NotJson {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// There are too many samples.
    #[error("`{path}` has more than {SAMPLES_MAX} samples")]
    TooMany {
        /// The folder.
        path: String,
    },
}

/// A connector where it lies.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    manifest: PathBuf,
}

impl Folder {
    /// The connector at a path: its folder, or its manifest itself.
    pub fn at(path: &Path) -> Self {
        if path.is_dir() {
            return Folder {
                root: path.to_owned(),
                manifest: path.join(MANIFEST_NAME),
            };
        }
        Folder {
            root: path.parent().unwrap_or(Path::new("")).to_owned(),
            manifest: path.to_owned(),
        }
    }

    /// The connectors at a path: the one there, or those of the folders in it, by name.
    ///
    /// # Errors
    /// When the path cannot be read.
    pub fn all_at(path: &Path) -> Result<Vec<Self>, FolderError> {
        let is_one = !path.is_dir() || path.join(MANIFEST_NAME).is_file();
        if is_one {
            return Ok(vec![Folder::at(path)]);
        }
        let mut below = Vec::new();
        for entry in fs::read_dir(path).map_err(|cause| unusable(path, "read", cause))? {
            let found = entry.map_err(|cause| unusable(path, "read", cause))?.path();
            if found.join(MANIFEST_NAME).is_file() {
                below.push(found);
            }
        }
        below.sort();
        match below.is_empty() {
            true => Ok(vec![Folder::at(path)]),
            false => Ok(below.iter().map(|path| Folder::at(path)).collect()),
        }
    }

    /// Where the manifest is.
    pub fn manifest(&self) -> &Path {
        &self.manifest
    }

    /// Where the connector is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The manifest's text.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn yaml(&self) -> Result<String, FolderError> {
        read(&self.manifest)
    }

    /// The connector.
    ///
    /// # Errors
    /// When the manifest cannot be read, or with every mistake in it.
    pub fn connector(&self) -> Result<Arc<Connector>, FolderError> {
        let origin = self.manifest.display().to_string();
        let parsed = Connector::parse(&self.yaml()?, &origin);
        parsed.map(Arc::new).map_err(FolderError::Wrong)
    }

    /// What is wrong with the manifest and what could be better, as `tidegate connector lint` says it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn lint(&self) -> Result<Reviewed, FolderError> {
        let origin = self.manifest.display().to_string();
        Ok(Connector::lint(&self.yaml()?, &origin))
    }

    /// The samples, by name: each with its text.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn samples(&self) -> Result<Vec<(String, String)>, FolderError> {
        let dir = self.root.join("samples");
        let entries = fs::read_dir(&dir).map_err(|cause| unusable(&dir, "read", cause))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|cause| unusable(&dir, "read", cause))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".json") {
                names.push(name);
            }
            if names.len() > SAMPLES_MAX {
                let path = dir.display().to_string();
                return Err(FolderError::TooMany { path });
            }
        }
        names.sort();
        let read = |name: String| Ok((name.clone(), read(&dir.join(name))?));
        names.into_iter().map(read).collect()
    }

    /// Where the expected event of a sample is.
    pub fn expected_path(&self, sample: &str) -> PathBuf {
        self.root.join("expected").join(sample)
    }

    /// What a sample is expected to become; none when nobody wrote that down.
    ///
    /// # Errors
    /// When it is there and cannot be read, or is not JSON.
    pub fn expected(&self, sample: &str) -> Result<Option<serde_json::Value>, FolderError> {
        let path = self.expected_path(sample);
        if !path.exists() {
            return Ok(None);
        }
        json(&path, &read(&path)?).map(Some)
    }

    /// Writes down what a sample became, as what is expected of it from now on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn bless(&self, sample: &str, became: &serde_json::Value) -> Result<(), FolderError> {
        let path = self.expected_path(sample);
        let written = fs::create_dir_all(self.root.join("expected"))
            .and_then(|()| fs::write(&path, format!("{became:#}\n")));
        written.map_err(|cause| unusable(&path, "written", cause))
    }
}

/// A text as JSON.
pub(crate) fn json(path: &Path, text: &str) -> Result<serde_json::Value, FolderError> {
    serde_json::from_str(text).map_err(|error| FolderError::NotJson {
        path: path.display().to_string(),
        line: error.line(),
        column: error.column(),
    })
}

pub(crate) fn read(path: &Path) -> Result<String, FolderError> {
    let context = |cause| unusable(path, "read", cause);
    let file = fs::File::open(path).map_err(context)?;
    let mut text = String::new();
    let mut bounded = file.take(SAMPLE_BYTES_MAX + 1);
    bounded.read_to_string(&mut text).map_err(context)?;
    if text.len() as u64 > SAMPLE_BYTES_MAX {
        let message = format!("it is larger than {SAMPLE_BYTES_MAX} bytes");
        return Err(context(std::io::Error::other(message)));
    }
    Ok(text)
}

pub(crate) fn unusable(path: &Path, what: &'static str, cause: std::io::Error) -> FolderError {
    FolderError::Unusable {
        path: path.display().to_string(),
        what,
        cause,
    }
}
