//! `tidegate vault` and `tidegate access` as a person uses them: the real binary, killed in the middle of a
//! put, with keys that rotate and files that come back as they were.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as the tests do"
)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use ports::{Clock, SystemClock};
use serde_json::Value;

/// Longest that a state is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of content in a full part, as docs/vault.md has it.
const PART_BYTES: usize = 4 * 1024 * 1024;

/// An installation that was started once, and a folder for files.
struct Installation {
    folder: tempfile::TempDir,
}

impl Installation {
    fn new() -> Self {
        let installation = Installation {
            folder: tempfile::tempdir().unwrap(),
        };
        installation.done(&["prepare"]);
        installation
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("USER", "ada")
            .env("TIDEGATE_DATA", self.path("data"))
            .env("TIDEGATE_LISTEN", "127.0.0.1:0")
            .env("TIDEGATE_LOG_FILTER", "error");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What it wrote; it must have succeeded.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it said was wrong; it must have failed.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[arguments, &["--json"]].concat())).unwrap()
    }

    fn put(&self, file: &Path, more: &[&str]) -> String {
        let file = file.to_str().unwrap();
        let item = self.json(&[&["vault", "put", file], more].concat());
        item["id"].as_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let clock = SystemClock::new();
    while clock.monotonic() < PATIENCE {
        if let Some(found) = look() {
            return found;
        }
        std::thread::yield_now();
    }
    panic!("{what} did not come about within {PATIENCE:?}");
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|place| (place * 7 / 3) as u8).collect()
}

#[test]
fn a_put_that_is_killed_cannot_be_read_and_goes_on() {
    let there = Installation::new();
    let given = content(3 * PART_BYTES + 1_000);
    let file = there.file("big", &given);
    let name = file.to_str().unwrap();
    // Standard input that does not end: it is killed while it waits for more.
    let mut child = there.command(&["vault", "put", "-"]);
    let mut child = child
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&given[..2 * PART_BYTES + 500]).unwrap();
    let (id, part) = until("a durable part", || {
        let item = fs::read_dir(there.path("data/vault"))
            .ok()?
            .next()?
            .unwrap();
        let part = item.path().join("1/0000000");
        part.exists()
            .then(|| (item.file_name().into_string().unwrap(), part))
    });
    child.kill().unwrap();
    child.wait().unwrap();

    assert!(
        there
            .refused(&["vault", "get", &id, "--to", "got"])
            .contains("is receiving")
    );
    assert!(!there.path("got").exists());
    let listed = there.json(&["vault", "list", "--state", "receiving"]);
    assert_eq!(listed["id"], id.as_str());
    // A part that a power cut left short comes in again.
    fs::OpenOptions::new()
        .write(true)
        .open(&part)
        .unwrap()
        .set_len(100)
        .unwrap();
    let other = there.file("other", &content(10));
    there.refused(&["vault", "put", "--resume", "vlt_x", other.to_str().unwrap()]);
    let item = there.json(&["vault", "put", "--resume", &id, name]);
    assert_eq!(item["state"], "held");
    there.done(&["vault", "get", &id, "--to", "got"]);
    assert!(fs::read(there.path("got")).unwrap() == given);
    assert!(there.done(&["vault", "verify"]).contains("whole"));
    let left = fs::read_dir(there.path("data/vault")).unwrap().count();
    assert_eq!(left, 1);
}

#[test]
fn another_file_is_not_gone_on_with() {
    let there = Installation::new();
    let mut child = there.command(&["vault", "put", "-"]);
    let mut child = child
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&content(2 * PART_BYTES)).unwrap();
    let id = until("a durable part", || {
        let item = fs::read_dir(there.path("data/vault"))
            .ok()?
            .next()?
            .unwrap();
        let part = item.path().join("1/0000000");
        part.exists()
            .then(|| item.file_name().into_string().unwrap())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let mut changed = content(3 * PART_BYTES);
    changed[5] ^= 1;
    let file = there.file("changed", &changed);
    let told = there.refused(&["vault", "put", "--resume", &id, file.to_str().unwrap()]);
    assert!(told.contains("is not what this put began with"), "{told}");
    there.done(&["vault", "delete", &id]);
    assert_eq!(fs::read_dir(there.path("data/vault")).unwrap().count(), 0);
}

#[test]
fn a_file_is_moved_in_and_comes_back_as_it_was() {
    let there = Installation::new();
    let given = content(100_000);
    let file = there.file("salaries.xlsx", &given);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(&file).unwrap();
    let id = there.put(&file, &["--move"]);
    assert!(!file.exists());
    let stored = there.path("data/vault").join(&id).join("1/0000000");
    let stored = fs::read(stored).unwrap();
    assert!(
        !stored.windows(64).any(|some| some == &given[1_000..1_064]),
        "it is not encrypted"
    );

    let told = there.json(&["vault", "restore", &id]);
    let as_before = ["content", "owner", "permissions", "time of change", "path"];
    assert_eq!(told["as_before"], serde_json::json!(as_before));
    assert_eq!(told["not_restored"], serde_json::json!([]));
    let after = fs::metadata(&file).unwrap();
    assert!(fs::read(&file).unwrap() == given);
    let marks = |meta: &fs::Metadata| {
        (
            meta.mode(),
            meta.uid(),
            meta.gid(),
            meta.mtime(),
            meta.mtime_nsec(),
        )
    };
    assert_eq!(marks(&after), marks(&before));
    let again = there.refused(&["vault", "restore", &id]);
    assert!(
        again.contains("is there already and is left as it is"),
        "{again}"
    );
    let elsewhere = there.json(&["vault", "restore", &id, "--to", "elsewhere", "--remove"]);
    assert!(
        elsewhere["not_restored"][0]
            .as_str()
            .unwrap()
            .starts_with("path: it was")
    );
    assert!(
        there
            .refused(&["vault", "get", &id, "--to", "x"])
            .contains("is deleted")
    );
    assert_eq!(there.done(&["vault", "list"]), "");
    let mut output = there.run(&["vault", "list", "--state", "deleted"]).stdout;
    output.retain(|byte| *byte != b'\n');
    assert!(String::from_utf8(output).unwrap().contains("salaries.xlsx"));
}

#[test]
fn what_would_leave_content_behind_or_could_not_come_back_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let there = Installation::new();
    let file = there.file("file", b"content");
    symlink(&file, there.path("link")).unwrap();
    fs::hard_link(&file, there.path("second")).unwrap();
    let odd = there
        .path("x")
        .with_file_name(std::ffi::OsStr::from_bytes(b"odd\xff"));
    fs::write(&odd, b"content").unwrap();
    let rows: [(&[&str], &str); 7] = [
        (&["put", "link"], "is a symbolic link"),
        (&["put", "data"], "is not a regular file"),
        (&["put", "nothing"], "`nothing` cannot be read"),
        (&["put", "file", "--move"], "has 2 names (hard links)"),
        (&["put", "-", "--move"], "standard input cannot be moved"),
        (
            &["get", "vlt_01HF7YAT000000000000000000", "--to", "x"],
            "there is no item",
        ),
        (&["get", "nonsense", "--to", "x"], "is not a vault item id"),
    ];
    for (arguments, expected) in rows {
        let told = there.refused(&[&["vault"], arguments].concat());
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
    let mut command = there.command(&["vault", "put"]);
    let told = command.arg(&odd).output().unwrap();
    assert!(!told.status.success());
    assert!(String::from_utf8_lossy(&told.stderr).contains("is not UTF-8"));
    for path in [&file, &odd] {
        assert_eq!(fs::read(path).unwrap(), b"content");
    }
    let id = there.put(&file, &[]);
    let taken = there.refused(&["vault", "get", &id, "--to", "file"]);
    assert!(taken.contains("`file` cannot be made"), "{taken}");
    let left: Vec<_> = fs::read_dir(there.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.as_bytes().ends_with(b".part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn keys_rotate_holds_hold_and_damage_is_found() {
    let there = Installation::new();
    let file = there.file("file", b"content");
    let (id, kept) = (
        there.put(&file, &[]),
        there.put(&file, &["--keep-days", "3"]),
    );
    assert!(
        there
            .refused(&["vault", "delete", &kept])
            .contains("is kept until")
    );
    there.done(&["vault", "hold", &id, "--reason", "case 7"]);
    assert!(there.refused(&["vault", "delete", &id]).contains("case 7"));
    there.done(&["vault", "release", &id]);

    let keys = there.path("data/vault-keys");
    assert_eq!(fs::metadata(&keys).unwrap().mode() & 0o777, 0o600);
    let before = fs::read_to_string(&keys).unwrap();
    let rotated = there.json(&["vault", "rotate", "--new-key"]);
    assert_eq!(
        (&rotated["rewrapped"], &rotated["current"]),
        (&2.into(), &0.into())
    );
    let after = fs::read_to_string(&keys).unwrap();
    assert!(after.ends_with(&before) && after.lines().count() == 2);
    fs::write(&keys, after.lines().next().unwrap()).unwrap();
    let output = there.run(&["vault", "get", &id]);
    assert_eq!(output.stdout, b"content", "the new key alone opens it");
    fs::write(&keys, &before).unwrap();
    let told = there.refused(&["vault", "get", &id]);
    assert!(
        told.contains("the data key") && told.contains("is not known"),
        "{told}"
    );
    // Lost, they are not made anew: what was put since would be lost when they come back.
    fs::remove_file(&keys).unwrap();
    for command in [
        &["vault", "get", &id][..],
        &["vault", "put", file.to_str().unwrap()],
        &["protect", file.to_str().unwrap()],
    ] {
        let told = there.refused(command);
        assert!(told.contains("vault-keys` is missing"), "{told}");
    }
    let said = there.run(&["doctor"]).stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("vault-keys` is missing"), "{said}");
    assert!(!keys.exists());
    fs::write(&keys, after).unwrap();

    let part = there.path("data/vault").join(&id).join("1/0000000");
    let mut stored = fs::read(&part).unwrap();
    stored[70] ^= 1;
    fs::write(&part, stored).unwrap();
    let output = there.run(&["vault", "verify", "--json"]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let wrong: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("part 0 was changed"))
        .collect();
    assert_eq!((wrong.len(), said.lines().count()), (1, 2), "{said}");
    assert!(wrong[0].contains(&id));
    let swept = there.json(&["vault", "sweep"]);
    assert_eq!(
        swept,
        serde_json::json!({"finished": 0, "given_up": 0, "expired": 0})
    );
    let said = there.done(&["doctor"]);
    assert!(
        said.contains("ok    vault") && said.contains("is unbroken"),
        "{said}"
    );
}

#[test]
fn access_is_explained_and_mistakes_are_placed() {
    let there = Installation::new();
    let policies = r#"{"groups": [{"name": "g", "os_type": "Linux", "policies": [
        {"name": "own", "user": "ada", "access": "ReadWrite"},
        {"name": "backup", "process": "/usr/bin/rsync", "access": "ReadCipher"}]}]}"#;
    let file = there.file("policies.json", policies.as_bytes());
    let file = file.to_str().unwrap();
    assert_eq!(
        there.done(&["access", "check", file]),
        "no mistake in 1 file\n"
    );
    let rows: [(&[&str], Value, &str); 3] = [
        (&["ada", "/bin/cat"], "own".into(), "ReadWrite"),
        (
            &["ada", "/bin/cat", "--parent", "/usr/bin/rsync"],
            "backup".into(),
            "ReadCipher",
        ),
        (&["eve", "--host", "h"], Value::Null, "NoAccess"),
    ];
    for (arguments, policy, granted) in rows {
        let explain = ["access", "explain", "--file", file];
        let told = there.json(&[&explain, arguments].concat());
        assert_eq!(
            (&told["policy"], &told["granted"]),
            (&policy, &granted.into()),
            "{told}"
        );
    }
    let said = there.done(&["access", "explain", "ada", "--file", file, "--role", "read"]);
    assert!(
        said.contains("wins, the user is `ada`") && said.ends_with("write nothing\n"),
        "{said}"
    );
    let wrong = there.file(
        "wrong.json",
        br#"{"groups": [{"name": "g", "policies": ["x"]}]}"#,
    );
    let output = there.run(&["access", "check", wrong.to_str().unwrap()]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("groups[0].policies[0]: there is no policy `x`"),
        "{said}"
    );
}
