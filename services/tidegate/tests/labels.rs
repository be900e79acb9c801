//! `tidegate labels`, the real binary on real folders: what it writes, whom it believes, how it ends.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const SECRET: &str = "Employee, social security number: 536-22-8145\n";

fn labels(within: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.arg("labels").args(arguments).current_dir(within);
    command.env_remove("TIDEGATE_LABELS_FILE").output().unwrap()
}

/// What it said, and how it ended.
fn said(within: &Path, arguments: &[&str]) -> (String, i32) {
    let output = labels(within, arguments);
    let text = [output.stdout, output.stderr].concat();
    (
        String::from_utf8(text).unwrap(),
        output.status.code().unwrap(),
    )
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("hr/old")).unwrap();
    fs::create_dir(root.join("plain")).unwrap();
    fs::write(root.join("hr/payroll.txt"), SECRET).unwrap();
    fs::write(
        root.join("hr/old/payroll.csv"),
        format!("name,ssn\nAnn,536-22-8145\n{SECRET}"),
    )
    .unwrap();
    fs::write(root.join("plain/menu.txt"), "soup and bread\n").unwrap();
    folder
}

fn manifest(root: &Path, folder: &str) -> Option<serde_json::Value> {
    let text = fs::read_to_string(root.join(folder).join(".ip-labels")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn a_scan_writes_signed_manifests_that_verify_until_something_changes() {
    let folder = folder();
    let root = folder.path();
    let (told, code) = said(root, &["keygen", "classifier.pem", "--curve", "p256"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(
        said(root, &["keygen", "classifier.pem"]).1,
        1,
        "a key is never written over"
    );

    let scan = [
        "scan",
        ".",
        "--key",
        "classifier.pem",
        "--exclude",
        "*.pem*",
    ];
    let (told, code) = said(root, &[&scan[..], &["--dry-run"]].concat());
    assert_eq!(code, 0, "{told}");
    assert!(
        told.contains("2 of 3 files with labels, nothing was written"),
        "{told}"
    );
    assert!(manifest(root, "hr").is_none());

    let (told, code) = said(root, &scan);
    assert_eq!(code, 0, "{told}");
    assert!(
        told.contains("2 of 3 files with labels, 2 manifests written"),
        "{told}"
    );
    let hr = manifest(root, "hr").unwrap();
    assert_eq!(
        hr["files"]["payroll.txt"]["labels"],
        serde_json::json!(["US SSN"])
    );
    assert_eq!(hr["key_id"], "classifier");
    assert!(
        manifest(root, "plain").is_none(),
        "nothing is said of a folder without labels"
    );
    let (told, _) = said(root, &scan);
    assert!(
        told.contains("0 manifests written"),
        "nothing changed: {told}"
    );

    let verify = ["verify", ".", "--key", "classifier.pem.pub"];
    // what is done => how verifying ends, and what it says
    type Done = fn(&Path);
    let rows: [(&str, Done, i32, &str); 4] = [
        ("nothing", |_| {}, 0, "2 manifests, 2 files: all is well"),
        (
            "changed",
            |root| fs::write(root.join("hr/payroll.txt"), "else").unwrap(),
            3,
            "stale      payroll.txt: US SSN",
        ),
        (
            "gone",
            |root| fs::remove_file(root.join("hr/payroll.txt")).unwrap(),
            3,
            "gone       payroll.txt: US SSN",
        ),
        (
            "forged",
            |root| {
                let path = root.join("hr/.ip-labels");
                let forged = fs::read_to_string(&path)
                    .unwrap()
                    .replace("US SSN", "Public");
                fs::write(&path, forged).unwrap();
            },
            4,
            "not believed: its signature is of none of the known keys",
        ),
    ];
    for (case, done, ends, says) in rows {
        done(root);
        let (told, code) = said(root, &verify);
        assert_eq!(code, ends, "{case}: {told}");
        assert!(told.contains(says), "{case}: {told}");
    }

    let (told, code) = said(root, &scan);
    assert_eq!(code, 3, "{told}");
    assert!(
        told.contains("stays as it is"),
        "what is not believed is not written over: {told}"
    );
    let (told, code) = said(root, &[&scan[..], &["--replace"]].concat());
    assert_eq!(code, 0, "{told}");
    assert_eq!(said(root, &verify).1, 0);
}

#[test]
fn a_malformed_manifest_is_refused_with_its_place() {
    let folder = folder();
    let root = folder.path();
    fs::write(
        root.join("hr/.ip-labels"),
        "{\n  \"files\": {\n    \"a\": {\"labels\": [\"b\",]}\n  }\n}",
    )
    .unwrap();
    let (told, code) = said(root, &["verify", "hr"]);
    assert_eq!(code, 4, "{told}");
    assert!(
        told.contains("hr/.ip-labels:3:26: a value is missing"),
        "{told}"
    );
    assert_eq!(said(root, &["verify", "nowhere"]).1, 1);
}

#[test]
fn patterns_choose_and_what_they_leave_out_keeps_its_entry() {
    let folder = folder();
    let root = folder.path();
    fs::write(
        root.join("hr/.ip-labels"),
        r#"{"files": {"other.txt": {"labels": ["By hand"]}, "payroll.txt": {"labels": ["By hand"]}, "gone": {"labels": ["US SSN"]}}}"#,
    )
    .unwrap();
    let (told, code) = said(root, &["scan", ".", "--include", "hr/*.txt"]);
    assert_eq!(code, 0, "{told}");
    assert!(
        told.contains("1 of 1 file with labels, 1 manifest written"),
        "{told}"
    );
    let files = &manifest(root, "hr").unwrap()["files"];
    assert_eq!(files["other.txt"]["labels"], serde_json::json!(["By hand"]));
    assert_eq!(
        files["payroll.txt"]["labels"],
        serde_json::json!(["By hand", "US SSN"])
    );
    assert!(manifest(root, "hr/old").is_none());
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_everybody_may_read_a_manifest() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (inside, outside) = (folder(), folder());
    let root = inside.path();
    symlink(outside.path().join("hr"), root.join("linked")).unwrap();
    symlink(
        outside.path().join("hr/payroll.txt"),
        root.join("plain/linked.txt"),
    )
    .unwrap();
    symlink(
        outside.path().join("plain/menu.txt"),
        root.join("hr/old/.ip-labels"),
    )
    .unwrap();
    let (told, code) = said(root, &["scan", "."]);
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("hr/old/.ip-labels` stays as it is"), "{told}");
    assert!(manifest(outside.path(), "hr").is_none());
    assert!(manifest(root, "plain").is_none());
    let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("hr/.ip-labels"), 0o644);
    assert_eq!(said(root, &["keygen", "k.pem"]).1, 0);
    assert_eq!(mode("k.pem"), 0o600);
    let left: Vec<_> = fs::read_dir(root.join("hr"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().ends_with(".tmp")),
        "{left:?}"
    );
}

#[test]
fn a_manifest_is_signed_and_shown() {
    let folder = folder();
    let root = folder.path();
    let manifest =
        r#"{"files": {"menu.txt": {"labels": ["Kitchen"]}}, "vendor": {"b": 1.50, "a": "é"}}"#;
    fs::write(root.join("plain/.ip-labels"), manifest).unwrap();
    assert_eq!(said(root, &["keygen", "k.pem"]).1, 0);
    let sign = ["sign", "plain/.ip-labels", "--key", "k.pem"];
    let (told, _) = said(root, &[&sign[..], &["--print"]].concat());
    assert_eq!(
        told,
        "{\"files\":{\"menu.txt\":{\"labels\":[\"Kitchen\"]}},\"key_id\":\"k\",\"vendor\":{\"a\":\"é\",\"b\":1.50}}\n"
    );
    assert_eq!(said(root, &sign).1, 0);
    let settings = "[[keys]]\nid = \"k\"\npublic_key_file = \"k.pem.pub\"\n";
    fs::write(root.join("labels.toml"), settings).unwrap();
    let (told, code) = said(
        root,
        &[
            "show",
            "plain/menu.txt",
            "hr/payroll.txt",
            "--settings",
            "labels.toml",
        ],
    );
    assert_eq!(code, 0, "{told}");
    assert!(
        told.contains("plain/menu.txt:\n  Kitchen: in the manifest, signed with `k`"),
        "{told}"
    );
    assert!(
        told.contains("hr/payroll.txt:\n  US SSN: found in the content"),
        "{told}"
    );
}

/// What a person or a program said of a file beside its content counts as what is said in it.
#[cfg(target_os = "linux")]
#[test]
fn an_extended_attribute_of_a_file_labels_it() {
    let folder = folder();
    let root = folder.path();
    let said_of = |file: &str, name: &str, value: &[u8]| {
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(root.join(file), name, value, flags)
    };
    if let Err(error) = said_of("plain/menu.txt", "user.classification", b"level=Internal") {
        eprintln!("SKIPPED: extended attributes, for this file system has none: {error}");
        return;
    }
    said_of("hr/payroll.txt", "user.comment", b"level=Internal").unwrap();
    said_of("hr/old/payroll.csv", "user.classification", b"\xFF\xFE").unwrap();
    fs::write(
        root.join("labels.toml"),
        "[[fields]]\nfield = '^user\\.classification$'\nvalue = '^level=(\\w+)$'\nlabel = 'Level $1'\n",
    )
    .unwrap();
    let (told, code) = said(root, &["scan", ".", "--settings", "labels.toml"]);
    assert_eq!(code, 0, "{told}");
    let labels =
        |folder: &str, file: &str| manifest(root, folder).unwrap()["files"][file]["labels"].clone();
    assert_eq!(
        labels("plain", "menu.txt"),
        serde_json::json!(["Level Internal"])
    );
    assert_eq!(
        labels("hr", "payroll.txt"),
        serde_json::json!(["US SSN"]),
        "another attribute"
    );
    assert_eq!(
        labels("hr/old", "payroll.csv"),
        serde_json::json!(["US SSN"]),
        "no text"
    );
    let (shown, _) = said(
        root,
        &["show", "plain/menu.txt", "--settings", "labels.toml"],
    );
    assert!(
        shown.contains("Level Internal: in a field of the document"),
        "{shown}"
    );
}
