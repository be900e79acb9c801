//! The group of policies that holds, from the store or from a document in a file. Every decision goes by
//! what is there now; what has a mistake, or is gone, lets nobody in until it is mended.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use access::{AccessDocument, AccessGroup, DOCUMENT_BYTES_MAX, OsType};
use ports::{AccessStore, Clock, Entropy};
use thiserror::Error;

mod followed;

use followed::Followed;
pub use followed::Following;

/// Why no policies hold, so that nobody is let in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RulesError {
    /// The file cannot be read.
    #[error("the access policies `{file}` cannot be read: {why}")]
    Unreadable {
        /// Which.
        file: String,
        /// Why.
        why: String,
    },
    /// The document has mistakes.
    #[error("the access policies `{file}` are not right: {mistakes}")]
    Mistaken {
        /// Which.
        file: String,
        /// All of them.
        mistakes: String,
    },
    /// There is no such group, or no one group.
    #[error("the access policies `{file}` have {found}: name one with --group")]
    Group {
        /// Which.
        file: String,
        /// What there is instead.
        found: String,
    },
    /// The store has no such group.
    #[error(
        "there is no group `{0}` of access policies: make it, or import it with `tidegate access import`"
    )]
    NoGroup(String),
    /// The store could not be asked for too long.
    #[error("the access policies cannot be had from the store: {0}")]
    Store(String),
    /// The group is for another operating system.
    #[error("the group `{0}` is for Windows: processes of this machine are not what it names")]
    System(String),
}

/// What tells a file from what it was.
type Stamp = (u64, u64, u64, (i64, i64), (i64, i64));

/// The group, or why none holds.
type Held = Result<Arc<AccessGroup>, RulesError>;

/// The group of policies that holds.
pub struct Rules(Source);

enum Source {
    File(FromFile),
    Store(Arc<Followed>),
}

/// A document that is looked at with every decision.
struct FromFile {
    file: PathBuf,
    group: Option<String>,
    entropy: Arc<dyn Entropy>,
    read: Mutex<Option<(Stamp, Held)>>,
}

impl Rules {
    /// Of that file, the group of that name, or the only one.
    ///
    /// # Errors
    /// When it is not right as it is now.
    pub fn from_file(
        file: PathBuf,
        group: Option<String>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, RulesError> {
        let rules = FromFile {
            file,
            group,
            entropy,
            read: Mutex::default(),
        };
        rules.current()?;
        Ok(Rules(Source::File(rules)))
    }

    /// Of the store, the group of that name, as long as it is followed.
    ///
    /// # Errors
    /// When it is not there, or not right, as it is now.
    pub async fn from_store(
        store: Arc<dyn AccessStore>,
        group: String,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Following), RulesError> {
        let following = Following::begin(store, group, clock).await;
        let followed = following.followed();
        followed.current()?;
        Ok((Rules(Source::Store(followed)), following))
    }

    /// The group as it is now.
    ///
    /// # Errors
    /// When it cannot be had: nobody may do anything then.
    pub fn current(&self) -> Result<Arc<AccessGroup>, RulesError> {
        match &self.0 {
            Source::File(file) => file.current(),
            Source::Store(followed) => followed.current(),
        }
    }
}

/// A group of this machine's kind.
fn of_this_system(found: Arc<AccessGroup>) -> Held {
    match found.os() {
        OsType::Linux => Ok(found),
        OsType::Windows => Err(RulesError::System(found.name().to_owned())),
    }
}

impl FromFile {
    fn current(&self) -> Result<Arc<AccessGroup>, RulesError> {
        let unreadable = |error: std::io::Error| RulesError::Unreadable {
            file: self.shown(),
            why: error.to_string(),
        };
        let now = stamp(&std::fs::metadata(&self.file).map_err(unreadable)?);
        let mut read = self.read.lock().expect("no holder panics");
        if let Some((stamp, group)) = &*read
            && *stamp == now
        {
            return group.clone();
        }
        let (stamp, text) = text(&self.file).map_err(unreadable)?;
        let group = self.understood(&text);
        *read = Some((stamp, group.clone()));
        group
    }

    fn shown(&self) -> String {
        self.file.display().to_string()
    }

    fn understood(&self, text: &str) -> Result<Arc<AccessGroup>, RulesError> {
        let document = AccessDocument::read(text, |bytes| self.entropy.fill(bytes));
        let document = document.map_err(|error| RulesError::Mistaken {
            file: self.shown(),
            mistakes: error.0.iter().map(|one| format!("{one}; ")).collect(),
        })?;
        let names: Vec<&str> = document.groups().iter().map(AccessGroup::name).collect();
        let found = match (&self.group, document.groups()) {
            (Some(name), _) => document.group(name),
            (None, [group]) => Some(group),
            (None, _) => None,
        };
        let found = found.ok_or_else(|| RulesError::Group {
            file: self.shown(),
            found: match names.as_slice() {
                [] => "no group".to_owned(),
                names => format!("the groups {}", names.join(", ")),
            },
        })?;
        of_this_system(Arc::new(found.clone()))
    }
}

fn stamp(meta: &Metadata) -> Stamp {
    let (modified, changed) = (
        (meta.mtime(), meta.mtime_nsec()),
        (meta.ctime(), meta.ctime_nsec()),
    );
    (meta.dev(), meta.ino(), meta.len(), modified, changed)
}

fn text(file: &Path) -> std::io::Result<(Stamp, String)> {
    let (file, mut text) = (File::open(file)?, String::new());
    let stamp = stamp(&file.metadata()?);
    // One more than a document may have: reading it says so.
    let mut file = file.take(DOCUMENT_BYTES_MAX as u64 + 1);
    file.read_to_string(&mut text)?;
    Ok((stamp, text))
}

#[cfg(test)]
mod tests {
    use ports::SeededEntropy;

    use super::*;

    #[test]
    fn a_document_that_changes_holds_at_once_and_a_mistake_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policies.json");
        let write = |text: &str| {
            // As an editor does it: another file by the same name.
            let beside = folder.path().join("beside");
            std::fs::write(&beside, text).unwrap();
            std::fs::rename(beside, &file).unwrap();
        };
        let linux = r#"{"groups": [{"name": "g", "os_type": "Linux", "default_access": "Read"}]}"#;
        write(linux);
        let entropy = Arc::new(SeededEntropy::new(1));
        let rules = Rules::from_file(file.clone(), None, entropy.clone()).unwrap();
        assert_eq!(rules.current().unwrap().name(), "g");
        let two = linux.replace("]}", r#", {"name": "h", "os_type": "Linux"}]}"#);
        // what the document becomes => what is said
        let rows = [
            (linux.replace("Read", "Red"), "are not right: line 1"),
            (linux.replace("Linux", "Windows"), "is for Windows"),
            (r#"{"groups": []}"#.to_owned(), "have no group"),
            (two.clone(), "have the groups g, h"),
        ];
        for (text, expected) in rows {
            write(&text);
            let said = rules.current().unwrap_err().to_string();
            assert!(said.contains(expected), "{expected} is not in {said}");
            assert_eq!(rules.current().unwrap_err().to_string(), said);
        }
        std::fs::remove_file(&file).unwrap();
        let said = rules.current().unwrap_err().to_string();
        assert!(said.contains("cannot be read"), "{said}");
        write(&two);
        let named = Rules::from_file(file.clone(), Some("h".into()), entropy).unwrap();
        assert_eq!(named.current().unwrap().name(), "h");
        write(linux);
        assert_eq!(rules.current().unwrap().name(), "g");
    }
}
