//! The keys and the file they stand in. A key file is made once, readable by its owner only, and is
//! never written over; keys are wiped from memory when dropped.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::Sealer;

const KEY_BYTES: usize = 32;
const ID_BYTES_MAX: usize = 64;

/// A key with the name that sealed values carry. Has no `Debug`.
pub struct Key {
    pub(crate) id: String,
    pub(crate) key: Zeroizing<[u8; KEY_BYTES]>,
}

impl Key {
    /// A key of that id; [`Sealer::new`] checks the id.
    pub fn new(id: impl Into<String>, key: [u8; KEY_BYTES]) -> Self {
        Key {
            id: id.into(),
            key: Zeroizing::new(key),
        }
    }
}

/// Why there is no sealer.
#[derive(Debug, Error)]
pub enum KeysError {
    /// There is no key at all.
    #[error("there is no key to seal with")]
    None,
    /// A line is not `id:base64` of 32 bytes.
    #[error("line {line} of the keys is not an id, a colon and 32 bytes in base64")]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// An id is not 1 to 64 letters, digits, `-` or `_`.
    #[error("`{id}` is not an id for a key")]
    Id {
        /// The id, cut to 64 characters.
        id: String,
    },
    /// Two keys have the same id.
    #[error("two keys are called `{id}`")]
    Twice {
        /// The id.
        id: String,
    },
    /// The key file cannot be read or made.
    #[error("the key file cannot be used")]
    File(#[from] io::Error),
}

pub(crate) fn check(keys: &[Key]) -> Result<(), KeysError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    for (index, key) in keys.iter().enumerate() {
        if key.id.is_empty() || key.id.len() > ID_BYTES_MAX || !key.id.bytes().all(allowed) {
            let id = key.id.chars().take(ID_BYTES_MAX).collect();
            return Err(KeysError::Id { id });
        }
        if keys[..index].iter().any(|other| other.id == key.id) {
            let id = key.id.clone();
            return Err(KeysError::Twice { id });
        }
    }
    Ok(())
}

impl Sealer {
    /// Reads lines of `id:base64`, the current key first. Empty lines and those that begin with
    /// `#` are skipped.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn from_text(text: &str) -> Result<Self, KeysError> {
        let keys = text
            .lines()
            .map(str::trim)
            .enumerate()
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(index, line)| key(line).ok_or(KeysError::Line { line: index + 1 }))
            .collect::<Result<Vec<_>, _>>()?;
        Sealer::new(keys)
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn from_file(path: &Path) -> Result<Self, KeysError> {
        Self::from_text(&Zeroizing::new(fs::read_to_string(path)?))
    }

    /// Makes a key file with one key of that chance, readable by its owner only, and durable.
    ///
    /// # Errors
    /// When there is a file already, or it cannot be written.
    pub fn generate_file(path: &Path, fill: impl FnOnce(&mut [u8])) -> Result<Self, KeysError> {
        let text = fresh_line(fill);
        write_new(path, text.as_bytes())?;
        Self::from_text(&text)
    }

    /// Puts a key of that chance before the others of a key file: it seals from now on, and the others
    /// still open. The file is replaced as a whole, or left as it is.
    ///
    /// # Errors
    /// When there is no file, or it cannot be read or written.
    pub fn renew_file(path: &Path, fill: impl FnOnce(&mut [u8])) -> Result<Self, KeysError> {
        let former = Zeroizing::new(fs::read_to_string(path)?);
        let line = fresh_line(fill);
        let text = Zeroizing::new(format!("{}{}", line.as_str(), former.as_str()));
        let renewed = Self::from_text(&text)?;
        let beside = path.with_extension("new");
        write_new(&beside, text.as_bytes())?;
        fs::rename(&beside, path)?;
        sync_folder(path)?;
        Ok(renewed)
    }
}

fn fresh_line(fill: impl FnOnce(&mut [u8])) -> Zeroizing<String> {
    let mut chance = Zeroizing::new([0; KEY_BYTES + 4]);
    fill(&mut chance[..]);
    let (key, name) = chance.split_at(KEY_BYTES);
    let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    let encoded = Zeroizing::new(STANDARD.encode(key));
    Zeroizing::new(format!("key-{name}:{}\n", encoded.as_str()))
}

fn key(line: &str) -> Option<Key> {
    let (id, encoded) = line.split_once(':')?;
    let bytes = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    Some(Key::new(id.trim(), bytes.as_slice().try_into().ok()?))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_folder(path)
}

/// Makes a change of a file's name durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => fs::File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_lines_and_mistakes_are_named() {
        let good = STANDARD.encode([7; 32]);
        let short = STANDARD.encode([7; 31]);
        for (text, expected) in [
            (format!("# ours\n\n a : {good} \nb:{good}"), "fine"),
            (String::new(), "there is no key to seal with"),
            (
                format!("a:{good}\nb:{short}"),
                "line 2 of the keys is not an id, a colon and 32 bytes in base64",
            ),
            (
                good.clone(),
                "line 1 of the keys is not an id, a colon and 32 bytes in base64",
            ),
            (format!(":{good}"), "`` is not an id for a key"),
            (format!("a b:{good}"), "`a b` is not an id for a key"),
            (format!("a:{good}\na:{good}"), "two keys are called `a`"),
        ] {
            let outcome = match Sealer::from_text(&text) {
                Ok(_) => "fine".into(),
                Err(error) => error.to_string(),
            };
            assert_eq!(outcome, expected);
        }
    }

    #[test]
    fn a_generated_file_is_its_owners_only_opens_again_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let made = Sealer::generate_file(&path, |bytes| bytes.fill(5))
            .ok()
            .unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let sealed = made.seal("c", b"x", [1; 12]);
        let read = Sealer::from_file(&path).ok().unwrap();
        assert_eq!(read.open("c", &sealed).unwrap().as_slice(), b"x");
        assert!(Sealer::generate_file(&path, |bytes| bytes.fill(6)).is_err());
    }

    #[test]
    fn a_renewed_file_seals_with_a_new_key_opens_with_the_old_and_stays_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        assert!(Sealer::renew_file(&path, |bytes| bytes.fill(5)).is_err());
        let old = Sealer::generate_file(&path, |bytes| bytes.fill(5));
        let sealed = old.ok().unwrap().seal("c", b"x", [1; 12]);
        let renewed = Sealer::renew_file(&path, |bytes| bytes.fill(6));
        for sealer in [renewed, Sealer::from_file(&path)] {
            let sealer = sealer.ok().unwrap();
            assert!(sealer.needs_resealing(&sealed));
            assert_eq!(sealer.open("c", &sealed).unwrap().as_slice(), b"x");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        // A name that is taken is refused, and nothing is changed.
        assert!(Sealer::renew_file(&path, |bytes| bytes.fill(6)).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    }
}
