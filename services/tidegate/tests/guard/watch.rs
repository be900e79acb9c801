use std::fs;
use std::path::Path;

use crate::stage::Stage;

/// A manifest, named last: whoever watches sees it whole.
fn label(stage: &Stage, folder: &Path, text: &str) {
    fs::write(stage.path("manifest"), text).unwrap();
    fs::rename(stage.path("manifest"), folder.join(".ip-labels")).unwrap();
}

fn is_protected(path: &Path) -> bool {
    fs::read(path).unwrap().starts_with(b"TGFILE01")
}

/// The MD5 of `secret`.
const HASH: &str = "5EBE2294ECD0E0F08EAB7690D2A6EE69";

#[test]
fn what_a_manifest_labels_is_protected_at_once_and_nothing_else() {
    let stage = Stage::new();
    let folder = stage.path("watched");
    fs::create_dir_all(folder.join("below")).unwrap();
    let write = |name: &str, content: &str| fs::write(folder.join(name), content).unwrap();
    write("early.txt", "secret");
    label(
        &stage,
        &folder,
        &format!(
            r#"{{"files": {{"early.txt": {{"hash": "{HASH}", "labels": ["Confidential"]}}}}}}"#
        ),
    );
    let watched = stage.text("watched");
    let watch = [
        "protect",
        &watched,
        "--watch",
        "--selective",
        "--label",
        "confidential",
    ];
    let running = stage.start(&watch, "watching");
    assert!(
        is_protected(&folder.join("early.txt")),
        "what stood there before"
    );
    for name in ["stale.txt", "no-hash.txt", "public.txt", "unnamed.txt"] {
        write(name, "secret");
    }
    write("stale.txt", "changed since");
    write("late.txt", "secret");
    let entry = |name: &str, label: &str| {
        format!(r#""{name}": {{"hash": "{HASH}", "labels": ["{label}"]}}"#)
    };
    let manifest = format!(
        r#"{{"files": {{{}, {}, {}, "no-hash.txt": {{"labels": ["Confidential"]}}}}}}"#,
        entry("stale.txt", "Confidential"),
        entry("public.txt", "Public"),
        entry("late.txt", "CONFIDENTIAL"),
    );
    label(&stage, &folder, &manifest);
    let said = running.says("late.txt");
    assert!(said.contains("for it is labelled `CONFIDENTIAL`"), "{said}");
    assert!(is_protected(&folder.join("late.txt")));
    for name in ["stale.txt", "no-hash.txt", "public.txt", "unnamed.txt"] {
        assert!(!is_protected(&folder.join(name)), "{name}");
    }
    // What a manifest said before comes true later, and in a folder that came later.
    write("stale.txt", "secret");
    running.says("stale.txt");
    assert!(is_protected(&folder.join("stale.txt")));
    fs::create_dir(stage.path("other")).unwrap();
    fs::write(stage.path("other/moved.txt"), "secret").unwrap();
    let manifest = format!(r#"{{"files": {{{}}}}}"#, entry("moved.txt", "Confidential"));
    label(&stage, &stage.path("other"), &manifest);
    fs::rename(stage.path("other"), folder.join("other")).unwrap();
    running.says("moved.txt");
    assert!(is_protected(&folder.join("other/moved.txt")));
    running.stop();
}

#[test]
fn a_manifest_that_must_be_signed_counts_when_it_is() {
    let stage = Stage::new();
    let folder = stage.path("watched");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file.txt"), "secret").unwrap();
    stage.done(&["labels", "keygen", &stage.text("k.pem")]);
    let settings =
        b"unsigned = \"refuse\"\n\n[[keys]]\nid = \"k\"\npublic_key_file = \"k.pem.pub\"\n";
    let settings = stage.file("labels.toml", settings);
    let text = format!(r#"{{"files": {{"file.txt": {{"hash": "{HASH}", "labels": ["X"]}}}}}}"#);
    let watched = stage.text("watched");
    let watch = [
        "protect",
        &watched,
        "--watch",
        "--selective",
        "--label-settings",
        &settings,
        "--json",
    ];
    let running = stage.start(&watch, "watching");
    label(&stage, &folder, &text);
    let said = running.says(".ip-labels");
    assert!(said.contains("it is not signed"), "{said}");
    assert!(!is_protected(&folder.join("file.txt")));
    let manifest = folder.join(".ip-labels");
    stage.done(&[
        "labels",
        "sign",
        manifest.to_str().unwrap(),
        "--key",
        &stage.text("k.pem"),
    ]);
    running.says("file.txt");
    assert!(is_protected(&folder.join("file.txt")));
    running.stop();
}
