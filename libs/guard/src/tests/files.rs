//! Protected files: any part of them, and files that become protected in their place.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::*;

fn keys(text: &str) -> FileKeys {
    let entropy = Arc::new(SeededEntropy::new(3));
    let kms = LocalKms::from_text(text, entropy.clone()).ok().unwrap();
    FileKeys::new(KeyRing::new(Arc::new(kms), Vec::new()), entropy)
}

fn in_place(breaks_links: bool) -> InPlace {
    InPlace::new(keys(KEYS), Arc::new(ports::SystemEntropy), breaks_links)
}

fn file(path: &Path) -> fs::File {
    let mut options = fs::OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .open(path)
        .unwrap()
}

fn all(protected: &Protected) -> Vec<u8> {
    let mut all = vec![0; protected.bytes() as usize + 10];
    let read = protected.read_at(0, &mut all).unwrap();
    all.truncate(read);
    all
}

fn bytes(count: usize, seed: u8) -> Vec<u8> {
    (0..count).map(|at| (at * 17 % 253) as u8 ^ seed).collect()
}

#[tokio::test]
async fn a_protected_file_is_written_anywhere_as_a_plain_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut protected = Protected::create(file(&path), &keys(KEYS)).await.unwrap();
    let mut plain: Vec<u8> = Vec::new();
    let chunk = FILE_CHUNK_BYTES;
    // where, how much; none: cut or filled up to there
    let rows = [
        (0, Some(10)),
        (5, Some(20)),
        (chunk - 3, Some(6)),
        (2 * chunk, Some(chunk)),
        (3 * chunk + 100, Some(1)),
        (10, Some(2 * chunk)),
        (2 * chunk + 7, None),
        (2 * chunk + 5, Some(1)),
        (chunk, None),
        (4 * chunk, None),
        (0, Some(5 * chunk)),
        (1, None),
        (0, None),
        (1, Some(1)),
    ];
    for (step, (at, count)) in rows.into_iter().enumerate() {
        match count {
            Some(count) => {
                let data = bytes(count, step as u8);
                protected.write_at(at as u64, &data).unwrap();
                plain.resize(plain.len().max(at + count), 0);
                plain[at..at + count].copy_from_slice(&data);
            }
            None => {
                protected.set_bytes(at as u64).unwrap();
                plain.resize(at, 0);
            }
        }
        assert!(all(&protected) == plain, "step {step}");
        let again = Protected::open(file(&path), &keys(KEYS)).await.unwrap();
        assert!(all(&again) == plain, "step {step}, opened again");
        let stored = fs::metadata(&path).unwrap().len();
        assert_eq!(stored, protected_bytes(plain.len() as u64), "step {step}");
        assert_eq!(content_bytes(stored), plain.len() as u64, "step {step}");
    }
    let error = protected.write_at(1 << 50, b"x").unwrap_err();
    assert!(matches!(error, ProtectedError::TooLong));
    let error = protected.write_at(2 << 30, b"x").unwrap_err();
    assert!(matches!(error, ProtectedError::TooLong));
}

#[tokio::test]
async fn what_was_changed_is_not_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut protected = Protected::create(file(&path), &keys(KEYS)).await.unwrap();
    let plain = bytes(2 * FILE_CHUNK_BYTES + 9, 0);
    protected.write_at(0, &plain).unwrap();
    let stored = fs::read(&path).unwrap();
    let sealed = FILE_CHUNK_BYTES + 28;
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut stored = stored.clone();
        change(&mut stored);
        stored
    };
    // what became of it => what is said
    let rows = [
        (with(&|file| file[0] ^= 1), "is not protected"),
        (with(&|file| file[9] ^= 1), "head of the protected file"),
        (with(&|file| file[13] ^= 1), "the key"),
        (with(&|file| file[4_090] ^= 1), "head of the protected file"),
        (
            with(&|file| file.truncate(100)),
            "head of the protected file",
        ),
        (with(&|file| file[5_000] ^= 1), "chunk 0"),
        (
            with(&|file| file.truncate(4_096 + 2 * sealed + 30)),
            "chunk 2",
        ),
        (with(&|file| file.truncate(4_096 + sealed)), "chunk 1"),
        (
            with(&|file| {
                let (one, two) = file[4_096..].split_at_mut(sealed);
                one.swap_with_slice(&mut two[..sealed]);
            }),
            "chunk 0",
        ),
    ];
    for (stored, expected) in rows {
        fs::write(&path, stored).unwrap();
        let said = match Protected::open(file(&path), &keys(KEYS)).await {
            Err(error) => error.to_string(),
            Ok(protected) => {
                let mut all = vec![0; plain.len()];
                protected.read_at(0, &mut all).unwrap_err().to_string()
            }
        };
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
    fs::write(&path, &stored).unwrap();
    let others = keys("a:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=");
    let wrong = Protected::open(file(&path), &others).await;
    assert!(matches!(wrong, Err(ProtectedError::Key(_))));
}

#[tokio::test]
async fn a_file_is_protected_and_comes_back_with_everything_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(std::ffi::OsStr::new("né\u{fffd}"));
    for count in [0, 1, FILE_CHUNK_BYTES, 3_000_000] {
        let plain = bytes(count, 1);
        fs::write(&path, &plain).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o4640)).unwrap();
        let attribute =
            rustix::fs::setxattr(&path, "user.kept", b"yes", rustix::fs::XattrFlags::empty());
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        let times = fs::FileTimes::new().set_modified(time).set_accessed(time);
        file(&path).set_times(times).unwrap();
        let before = fs::metadata(&path).unwrap();
        let marks = |meta: &fs::Metadata| (meta.mode(), meta.uid(), meta.gid(), meta.mtime());
        let value = || {
            let mut value = [0; 8];
            let read = rustix::fs::getxattr(&path, "user.kept", &mut value[..]);
            read.map(|bytes| value[..bytes].to_vec())
        };
        let files = in_place(false);
        assert_eq!(files.look(&path, true).unwrap(), Some(count as u64));
        assert_eq!(
            files.protect(&path, |_| ()).await.unwrap(),
            Done::Changed(count as u64)
        );
        assert_eq!(files.look(&path, true).unwrap(), None);
        assert_eq!(files.protect(&path, |_| ()).await.unwrap(), Done::Already);
        let stored = fs::read(&path).unwrap();
        assert!(is_protected(&stored) && stored.len() as u64 == protected_bytes(count as u64));
        assert_eq!(marks(&fs::metadata(&path).unwrap()).0, before.mode());
        assert_eq!(value().is_ok(), attribute.is_ok());
        assert_eq!(
            files.unprotect(&path, |_| ()).await.unwrap(),
            Done::Changed(count as u64)
        );
        assert_eq!(files.unprotect(&path, |_| ()).await.unwrap(), Done::Already);
        assert_eq!(marks(&fs::metadata(&path).unwrap()), marks(&before));
        assert_eq!(
            value().is_ok_and(|value| value == b"yes"),
            attribute.is_ok()
        );
        assert!(fs::read(&path).unwrap() == plain);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_protected_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), b"content").unwrap();
    fs::write(path("one"), b"content").unwrap();
    fs::hard_link(path("one"), path("other")).unwrap();
    symlink(path("file"), path("link")).unwrap();
    fs::create_dir(path("folder")).unwrap();
    let files = in_place(false);
    // which => why not
    let rows = [
        ("link", "symbolic link"),
        ("folder", "not a regular file"),
        ("one", "has 2 names"),
        ("missing", "cannot be read"),
    ];
    for (name, expected) in rows {
        let said = files
            .protect(&path(name), |_| ())
            .await
            .unwrap_err()
            .to_string();
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
    // Changed in the middle: by a write, and by another file of its name.
    type Change = fn(&Path);
    let changes: [Change; 2] = [
        |path| fs::write(path, b"CONTENT and more").unwrap(),
        |path| {
            fs::write(path.with_extension("new"), b"CONTENT and more").unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        },
    ];
    for change in changes {
        fs::write(path("file"), b"content").unwrap();
        let file = path("file");
        let error = files.protect(&file, |_| change(&file)).await.unwrap_err();
        assert!(matches!(error, InPlaceError::Changed), "{error}");
        assert_eq!(fs::read(&file).unwrap(), b"CONTENT and more");
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        5,
        "nothing is left beside"
    );
    let done = in_place(true).protect(&path("one"), |_| ()).await.unwrap();
    assert_eq!(done, Done::Changed(7));
    assert_eq!(fs::read(path("other")).unwrap(), b"content");
}
