use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use ports::{Clock, SystemClock};
use serde_json::json;

use crate::stage::{PATIENCE, Running, Stage};

/// Content that is not found in its own ciphertext.
fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 7 % 253) as u8).collect()
}

fn is_protected(content: &[u8]) -> bool {
    content.starts_with(b"TGFILE01")
}

/// Whether something can be mounted; if not, that is said.
fn can_mount() -> bool {
    let can = Path::new("/dev/fuse").exists() && rustix::process::geteuid().is_root();
    if !can {
        eprintln!("SKIPPED: the mount, for there is no /dev/fuse or this is not root");
    }
    can
}

/// A copy of a program of the system, so that policies can tell it from the others.
fn copied(stage: &Stage, program: &str, name: &str) -> String {
    fs::copy(program, stage.path(name)).unwrap();
    stage.text(name)
}

struct Mounted {
    stage: Stage,
    running: Option<Running>,
    item: String,
    reader: String,
    writer: String,
    backup: String,
    allowed: String,
}

/// A vault with `salaries.csv`, a protected folder `docs` with `plan.txt`, and programs with policies.
fn mounted(plain: &[u8]) -> Mounted {
    let stage = Stage::new();
    let file = stage.file("salaries.csv", plain);
    let item = stage.json(&["vault", "put", &file])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    fs::create_dir(stage.path("docs")).unwrap();
    let file = stage.file("docs/plan.txt", plain);
    stage.done(&["protect", &file]);
    let cat = fs::canonicalize("/bin/cat").unwrap();
    let cat = cat.to_str().unwrap();
    let (reader, backup) = (
        copied(&stage, cat, "reader"),
        copied(&stage, "/bin/cp", "backup"),
    );
    let (writer, allowed) = (
        copied(&stage, "/bin/sh", "writer"),
        stage.script("allowed.sh"),
    );
    let policies = stage.policies(&[
        json!({"name": "script", "process": allowed, "access": "ReadWrite"}),
        json!({"name": "reader", "process": reader, "access": "Read"}),
        json!({"name": "writer", "process": writer, "access": "ReadWrite"}),
        json!({"name": "backup", "process": backup, "access": "ReadWriteCipher"}),
    ]);
    fs::create_dir(stage.path("mnt")).unwrap();
    let (over, docs) = (stage.text("mnt"), stage.text("docs"));
    let mount = [
        "vault",
        "mount",
        &over,
        "--folder",
        &docs,
        "--policies",
        &policies,
        "--scripts",
    ];
    let running = Some(stage.start(&mount, "mounted"));
    Mounted {
        stage,
        running,
        item,
        reader,
        writer,
        backup,
        allowed,
    }
}

impl Mounted {
    fn at(&self, name: &str) -> String {
        self.stage
            .path("mnt")
            .join(name)
            .to_str()
            .unwrap()
            .to_owned()
    }

    fn behind(&self, name: &str) -> PathBuf {
        self.stage.path("docs").join(name)
    }

    /// Runs a line in the shell that may read and write.
    fn sh(&self, line: &str) -> String {
        // The last command of a line would take the shell's place, and lose what it has as its child.
        let line = format!("{line}\nend=$?\nexit $end");
        let read = self.stage.read(&self.writer, &["-c", &line]);
        String::from_utf8(read).unwrap()
    }

    /// Waits until the reader reads that: what is closed is held soon, and not at once.
    fn until(&self, file: &str, expected: &[u8]) {
        let clock = SystemClock::new();
        let began = clock.monotonic();
        while self.stage.run(&self.reader, &[file]).stdout != expected {
            let waited = clock.monotonic().saturating_sub(began);
            assert!(waited < PATIENCE, "{file} is not as it was written");
        }
    }

    fn end(mut self) {
        self.running.take().unwrap().stop();
        let left = fs::read_dir(self.stage.path("mnt")).unwrap().count();
        assert_eq!(left, 0, "it is unmounted");
    }
}

#[test]
fn on_the_mount_each_program_gets_what_its_policy_gives() {
    if !can_mount() {
        return;
    }
    let plain = content(5 << 20);
    let there = mounted(&plain);
    let (item, plan) = (there.at("vault/salaries.csv"), there.at("docs/plan.txt"));
    for file in [&item, &plan] {
        assert!(there.stage.read(&there.reader, &[file]) == plain, "{file}");
        // Its parent's policy; and nobody's, also while somebody has it open and has read it.
        let mut held = Command::new(&there.writer)
            .args([
                "-c",
                "exec 3< \"$1\"; read line <&3; echo read; read wait",
                "-",
                file,
            ])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        assert!(
            there.stage.read(&there.allowed, &["cat", file]) == plain,
            "{file}"
        );
        for program in ["cat", "head"] {
            let said = there.stage.refused(program, &[file]);
            assert!(said.contains("Permission denied"), "{said}");
        }
        assert!(there.stage.read(&there.reader, &[file]) == plain, "{file}");
        drop(held.stdin.take());
        held.wait().unwrap();
        // A backup: ciphertext, whole, and after plaintext was read.
        let kept = there.stage.text("kept");
        there.stage.read(&there.backup, &[file, &kept]);
        let ciphertext = fs::read(&kept).unwrap();
        assert!(ciphertext.len() > plain.len(), "{file}");
        assert!(
            !ciphertext.windows(64).any(|window| window == &plain[..64]),
            "{file}"
        );
        assert!(there.stage.read(&there.reader, &[file]) == plain, "{file}");
        fs::remove_file(&kept).unwrap();
    }
    let said = there.stage.refused("ls", &[&there.at("vault")]);
    assert!(said.contains("Permission denied"), "{said}");
    let names = there.sh(&format!(
        "echo {}/* {}/*",
        there.at("vault"),
        there.at("docs")
    ));
    assert_eq!(names.trim(), format!("{item} {plan}"));
    assert!(
        there.stage.read(
            &there.reader,
            &[&there.at(&format!("vault/{}", there.item))]
        ) == plain
    );
    for line in [
        format!("echo x > {item}"),
        format!("echo x > {}", there.at("vault/new")),
    ] {
        let said = there.stage.refused("/bin/sh", &["-c", &line]);
        assert!(said.contains("Permission denied"), "{said}");
    }
    there.end();
}

#[test]
fn what_is_written_whole_into_the_vault_is_an_item_once_it_is_closed() {
    if !can_mount() {
        return;
    }
    let (plain, other) = (content(5 << 20), content((4 << 20) + 77));
    let mut there = mounted(&plain);
    let (item, new) = (there.at("vault/salaries.csv"), there.at("vault/new.txt"));
    // A shell writes a file by several programs, each of which closes it for itself.
    there.sh(&format!("(echo one; echo two | cat) > {new}"));
    there.until(&new, b"one\ntwo\n");
    let from = there.stage.file("other", &other);
    there.sh(&format!("cp {from} {item}"));
    there.until(&item, &other);
    let former = there.at(&format!("vault/{}", there.item));
    assert!(
        there.stage.read(&there.reader, &[&former]) == plain,
        "the former one is kept, by its id"
    );
    for line in [
        format!("echo more >> {item}"),
        format!("printf x | dd of={item} bs=1 seek=9 conv=notrunc"),
        format!("mv {item} {new}"),
        format!("rm -f {item}"),
    ] {
        let ended = there.stage.run(
            &there.writer,
            &["-c", &format!("{line}\nend=$?\nexit $end")],
        );
        assert!(!ended.status.success(), "{line}");
    }
    assert!(
        there.stage.read(&there.reader, &[&item]) == other,
        "it is as it was"
    );
    // Ciphertext of an item that comes back mends it.
    let kept = there.stage.text("kept");
    there.stage.read(&there.backup, &[&former, &kept]);
    let parts = there.stage.path("data/vault").join(&there.item).join("1");
    fs::remove_file(parts.join("0000001")).unwrap();
    let broken = there.stage.run(&there.reader, &[&former]);
    assert!(!broken.status.success(), "a part is missing");
    there.stage.read(&there.backup, &[&kept, &former]);
    there.until(&former, &plain);
    let wrong = there.stage.run(&there.backup, &[&kept, &item]);
    assert!(!wrong.status.success(), "it is another item's");
    assert!(there.stage.read(&there.reader, &[&item]) == other);
    // What a crash breaks off is no item.
    let line = "exec 3> \"$1\"; head -c 9000000 /dev/zero >&3; echo written; read wait";
    let mut held = Command::new(&there.writer)
        .args(["-c", line, "-", &there.at("vault/half")])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 8];
    std::io::Read::read_exact(held.stdout.as_mut().unwrap(), &mut said).unwrap();
    assert_eq!(&said, b"written\n");
    drop(there.running.take());
    drop(held.stdin.take());
    held.wait().unwrap();
    let listed = |state| {
        there
            .stage
            .done(&["vault", "list", "--json", "--state", state])
    };
    assert!(!listed("held").contains("half"), "{}", listed("held"));
    assert!(
        listed("receiving").contains("half"),
        "{}",
        listed("receiving")
    );
    there
        .stage
        .done(&["vault", "sweep", "--given-up-after", "0"]);
    assert!(listed("receiving").is_empty(), "{}", listed("receiving"));
}

#[test]
fn what_is_written_is_encrypted_as_it_comes_and_a_backup_comes_back() {
    if !can_mount() {
        return;
    }
    let plain = content(300_000);
    let there = mounted(&plain);
    let new = there.at("docs/new.txt");
    there.sh(&format!(
        "echo one > {new}; echo two >> {new}; mkdir {}; echo three > {}",
        there.at("docs/sub"),
        there.at("docs/sub/x")
    ));
    assert_eq!(there.stage.read(&there.reader, &[&new]), b"one\ntwo\n");
    for name in ["new.txt", "sub/x"] {
        let stored = fs::read(there.behind(name)).unwrap();
        assert!(
            is_protected(&stored) && !stored.windows(3).any(|at| at == b"one" || at == b"thr"),
            "{name}"
        );
    }
    let mode = fs::metadata(there.behind("new.txt"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644);
    // The child of the shell has what the shell has.
    there.sh(&format!(
        "mv {new} {}; rm {}; rmdir {}; cp {} {new}",
        there.at("docs/moved.txt"),
        there.at("docs/sub/x"),
        there.at("docs/sub"),
        there.at("docs/plan.txt")
    ));
    assert_eq!(
        there
            .stage
            .read(&there.reader, &[&there.at("docs/moved.txt")]),
        b"one\ntwo\n"
    );
    assert!(there.stage.read(&there.reader, &[&new]) == plain);
    let size = there.sh(&format!("stat -c %s {new}"));
    assert_eq!(size.trim(), plain.len().to_string());
    assert!(!there.behind("sub").exists());
    // Anywhere in it: as in a plain file.
    let offset = 70_000;
    there.sh(&format!(
        "printf changed | dd of={new} bs=1 seek={offset} conv=notrunc 2>/dev/null"
    ));
    let mut expected = plain.clone();
    expected[offset..offset + 7].copy_from_slice(b"changed");
    assert!(there.stage.read(&there.reader, &[&new]) == expected);
    there.sh(&format!("truncate -s 100001 {new}"));
    assert!(there.stage.read(&there.reader, &[&new]) == expected[..100_001]);
    // Who may only read writes nothing; who may nothing makes nothing.
    for line in [
        format!("cat {new} > {}", there.at("docs/other")),
        format!("rm -f {new}"),
    ] {
        assert!(
            !there.stage.run("/bin/sh", &["-c", &line]).status.success(),
            "{line}"
        );
    }
    assert!(!there.behind("other").exists());
    // A backup is taken, the file changes, and the backup comes back.
    let (plan, kept) = (there.at("docs/plan.txt"), there.stage.text("kept"));
    there.stage.read(&there.backup, &[&plan, &kept]);
    assert!(fs::read(&kept).unwrap() == fs::read(there.behind("plan.txt")).unwrap());
    there.sh(&format!("echo overwritten > {plan}"));
    there.stage.read(&there.backup, &[&kept, &plan]);
    assert!(there.stage.read(&there.reader, &[&plan]) == plain);
    // What lies there unprotected is no ciphertext for a backup, and cannot be made one.
    let mut lies = fs::File::create(there.behind("lies.txt")).unwrap();
    lies.write_all(b"plaintext that lay there").unwrap();
    let said = there
        .stage
        .refused(&there.backup, &[&there.at("docs/lies.txt"), &kept]);
    assert!(said.contains("Permission denied"), "{said}");
    assert_eq!(
        there
            .stage
            .read(&there.reader, &[&there.at("docs/lies.txt")]),
        b"plaintext that lay there"
    );
    // No link leads out.
    std::os::unix::fs::symlink("/etc", there.behind("etc")).unwrap();
    assert_eq!(
        there
            .sh(&format!("readlink {}", there.at("docs/etc")))
            .trim(),
        "/etc"
    );
    let mut damaged = fs::read(there.behind("moved.txt")).unwrap();
    damaged[4_100] ^= 1;
    fs::write(there.behind("moved.txt"), damaged).unwrap();
    let said = there
        .stage
        .refused(&there.reader, &[&there.at("docs/moved.txt")]);
    assert!(said.contains("Input/output error"), "{said}");
    there.end();
}

#[test]
fn a_mount_that_died_is_taken_away_and_a_signal_ends_one_that_lives() {
    if !can_mount() {
        return;
    }
    let there = mounted(b"content");
    let Mounted { stage, running, .. } = there;
    drop(running);
    let (over, policies) = (stage.text("mnt"), stage.text("policies.json"));
    let mount = ["vault", "mount", &over, "--policies", &policies];
    let running = stage.start(&mount, "mounted");
    let before = fs::metadata(stage.path("mnt")).unwrap().dev();
    running.stop();
    assert_ne!(fs::metadata(stage.path("mnt")).unwrap().dev(), before);
}
