use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::stage::Stage;

const TIDEGATE: &str = env!("CARGO_BIN_EXE_tidegate");

/// How a protected file begins, as docs/protected-files.md has it.
fn is_protected(content: &[u8]) -> bool {
    content.starts_with(b"TGFILE01")
}

/// Every file below a folder, by its name there.
fn files(folder: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => waiting.push(entry.path()),
                false => {
                    let path = entry.path();
                    let name = path.strip_prefix(folder).unwrap().as_os_str().as_bytes();
                    found.insert(name.to_owned(), fs::read(&path).unwrap());
                }
            }
        }
    }
    found
}

#[test]
fn folders_are_protected_and_come_back_as_they_were() {
    let stage = Stage::new();
    let folder = stage.path("tree");
    fs::create_dir_all(folder.join("deep/er")).unwrap();
    fs::create_dir(folder.join("cache")).unwrap();
    let no_text = OsStr::from_bytes(b"not \xff text.txt");
    fs::write(folder.join("a.txt"), "one").unwrap();
    fs::write(folder.join("deep/er/b.txt"), vec![7; 200_000]).unwrap();
    fs::write(folder.join("deep/c.doc"), "three").unwrap();
    fs::write(folder.join("cache/d.txt"), "four").unwrap();
    fs::write(folder.join(no_text), "five").unwrap();
    fs::set_permissions(folder.join("a.txt"), fs::Permissions::from_mode(0o640)).unwrap();
    let before = files(&folder);
    let tree = stage.text("tree");
    let chosen = ["--recursive", "--include", "*.txt", "--exclude", "cache"];
    let dry = [&["protect", &tree, "--dry-run"][..], &chosen].concat();
    let said = stage.done(&dry);
    assert_eq!(said.lines().count(), 3, "{said}");
    assert_eq!(files(&folder), before);
    let protect = [&["protect", &tree, "--json"][..], &chosen].concat();
    let said = stage.done(&protect);
    assert!(
        said.contains("\"path_hex\":\"") && said.contains("not \u{fffd} text.txt"),
        "{said}"
    );
    for (name, content) in files(&folder) {
        let is_chosen = name.ends_with(b".txt") && !name.starts_with(b"cache");
        assert_eq!(
            is_protected(&content),
            is_chosen,
            "{}",
            String::from_utf8_lossy(&name)
        );
    }
    let said = stage.done(&protect);
    assert_eq!(said.matches("is so already").count(), 3, "{said}");
    let mode = fs::metadata(folder.join("a.txt"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o640);
    stage.done(&["unprotect", &tree, "--recursive"]);
    assert_eq!(files(&folder), before);
    assert!(stage.done(&["doctor"]).contains("is unbroken"));
}

#[test]
fn files_are_moved_into_the_vault_and_come_back() {
    let stage = Stage::new();
    let (one, two) = (stage.file("one", b"first"), stage.file("two", b"second"));
    fs::hard_link(&two, stage.path("three")).unwrap();
    let output = stage.run(TIDEGATE, &["protect", "--to-vault", &one, &two]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("has 2 names"),
        "{said}"
    );
    assert!(said.contains("1 of 2 left as they were"), "{said}");
    assert!(!stage.path("one").exists() && stage.path("two").exists());
    let item = stage.json(&["vault", "list"]);
    stage.done(&["vault", "restore", item["id"].as_str().unwrap()]);
    assert_eq!(fs::read(&one).unwrap(), b"first");
}

#[test]
fn what_is_refused_is_told_and_left() {
    let stage = Stage::new();
    let file = stage.file("file", b"content");
    symlink(&file, stage.path("link")).unwrap();
    fs::hard_link(&file, stage.path("again")).unwrap();
    fs::create_dir(stage.path("folder")).unwrap();
    let left = stage.file(".tidegate-part-0", b"left");
    let keys = stage.text("data/vault-keys");
    stage.done(&["protect", &stage.file("first", b"makes the keys")]);
    // what is given => what is said
    let (link, folder) = (stage.text("link"), stage.text("folder"));
    let rows: [(&[&str], &str); 7] = [
        (&[&link], "symbolic link"),
        (&[&file], "2 names"),
        (&[&folder], "give --recursive"),
        (&[&left], "was killed left it"),
        (&[&keys], "installation's own data"),
        (&["/dev/null"], "not a regular file"),
        (&[&file, "--watch"], "--selective"),
    ];
    for (given, expected) in rows {
        let said = stage.refused(TIDEGATE, &[&["protect"], given].concat());
        assert!(said.contains(expected), "{expected} is not in {said}");
        assert_eq!(fs::read(&file).unwrap(), b"content");
    }
    stage.done(&["protect", "--break-hard-links", &file]);
    assert!(is_protected(&fs::read(&file).unwrap()));
    assert_eq!(fs::read(stage.path("again")).unwrap(), b"content");
    // With a damaged file, and with another key.
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[4_100] ^= 1;
    fs::write(&file, &damaged).unwrap();
    let said = stage.refused(TIDEGATE, &["unprotect", &file]);
    assert!(said.contains("chunk 0 does not open"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), damaged);
    fs::write(&file, &whole).unwrap();
    fs::remove_file(&keys).unwrap();
    let said = stage.refused(TIDEGATE, &["unprotect", &file]);
    assert!(said.contains("key of the protected file"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), whole);
}

#[test]
fn a_full_disk_in_the_middle_leaves_the_file_as_it_was() {
    let stage = Stage::new();
    let content = vec![3; 3 << 20];
    let folder = stage.path("small");
    fs::create_dir(&folder).unwrap();
    // A limit of the process is met everywhere; a disk that is full needs a small one.
    let file = stage.file("small/file", &content);
    stage.done(&["protect", &stage.file("first", b"makes the keys")]);
    let limited = format!("ulimit -f 5000; exec {TIDEGATE} protect {file}");
    let said = stage.refused("/bin/sh", &["-c", &limited]);
    assert!(said.contains("left as it is"), "{said}");
    let only = |folder: &Path| {
        let found = files(folder);
        assert!(
            found.len() == 1 && found.contains_key(&b"file"[..]) && found[&b"file"[..]] == content
        );
    };
    only(&folder);
    fs::remove_file(&file).unwrap();
    let mount = Command::new("mount")
        .args([
            "-t",
            "tmpfs",
            "-o",
            "size=5m",
            "none",
            folder.to_str().unwrap(),
        ])
        .status();
    if !mount.is_ok_and(|end| end.success()) {
        eprintln!("SKIPPED: a full disk, for nothing can be mounted here");
        return;
    }
    let _mounted = Mounted(folder.to_str().unwrap().to_owned());
    fs::write(&file, &content).unwrap();
    for arguments in [&["protect", &file][..], &["protect", &file, "--json"]] {
        let output = stage.run(TIDEGATE, arguments);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(
            !output.status.success() && said.contains("No space left"),
            "{said}"
        );
        only(&folder);
    }
}

struct Mounted(String);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
