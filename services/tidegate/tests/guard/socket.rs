use std::fs;

use serde_json::json;

use crate::stage::{Stage, user};

/// Content that is not found in its own ciphertext.
fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 7 % 253) as u8).collect()
}

#[test]
fn on_the_socket_each_program_gets_what_its_policy_gives() {
    let stage = Stage::new();
    let plain = content(5 << 20);
    let file = stage.file("salaries.csv", &plain);
    let item = stage.json(&["vault", "put", &file])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (tidegate, backup) = (env!("CARGO_BIN_EXE_tidegate"), stage.program("backup"));
    let (reader, allowed) = (stage.program("reader"), stage.script("allowed.sh"));
    let other = stage.script("other.sh");
    let policies = stage.policies(&[
        json!({"name": "script", "process": allowed, "access": "ReadWrite"}),
        json!({"name": "backup", "process": backup, "access": "ReadWriteCipher"}),
        json!({"name": "reader", "user": user(), "process": reader, "access": "Read"}),
    ]);
    let socket = stage.text("socket");
    let serve = [
        "vault",
        "serve",
        "--socket",
        &socket,
        "--policies",
        &policies,
        "--scripts",
    ];
    let running = stage.start(&serve, "serving");
    let cat = ["vault", "cat", &item, "--socket", &socket];
    // Its own policy, and its parent's.
    assert!(stage.read(&reader, &cat) == plain);
    let by_name = ["vault", "cat", "salaries.csv", "--socket", &socket];
    assert!(stage.read(&reader, &by_name) == plain);
    let by = |program| [&[program][..], &cat].concat();
    assert!(stage.read(&allowed, &by(tidegate)) == plain);
    // Nobody's: neither the program alone, nor by a script that no policy names.
    for said in [
        stage.refused(tidegate, &cat),
        stage.refused(&other, &by(tidegate)),
    ] {
        assert!(said.contains("Permission denied"), "{said}");
    }
    let send = ["vault", "send", "new", "--socket", &socket];
    let output = stage.given(&reader, &send, b"x");
    assert!(
        !output.status.success(),
        "whoever may read only writes nothing"
    );
    let output = stage.given(&allowed, &[&[tidegate][..], &send].concat(), b"written");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let new = ["vault", "cat", "new", "--socket", &socket];
    assert_eq!(stage.read(&reader, &new), b"written");
    // A backup, and its return after the content was lost.
    let ciphertext = stage.read(&backup, &cat);
    assert!(ciphertext.len() > plain.len());
    assert!(!ciphertext.windows(64).any(|window| window == &plain[..64]));
    fs::remove_dir_all(stage.path("data/vault").join(&item)).unwrap();
    assert!(!stage.run(&reader, &cat).status.success());
    let back = ["vault", "send", &item, "--socket", &socket];
    let wrong = stage.given(&backup, &back, &ciphertext[1..]);
    assert!(!wrong.status.success());
    let output = stage.given(&backup, &back, &ciphertext);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(stage.read(&reader, &cat) == plain);
    assert!(stage.read(&backup, &cat) == ciphertext);
    running.stop();
    assert!(!stage.path("socket").exists());
    let said = stage.done(&["doctor"]);
    assert!(said.contains("is unbroken"), "{said}");
}

#[test]
fn a_socket_is_not_made_over_what_is_there() {
    let stage = Stage::new();
    let policies = stage.policies(&[]);
    let socket = stage.file("socket", b"a file");
    let serve = [
        "vault",
        "serve",
        "--socket",
        &socket,
        "--policies",
        &policies,
    ];
    let tidegate = env!("CARGO_BIN_EXE_tidegate");
    assert!(stage.refused(tidegate, &serve).contains("is no socket"));
    fs::remove_file(&socket).unwrap();
    let running = stage.start(&serve, "serving");
    assert!(stage.refused(tidegate, &serve).contains("serves at"));
    // It is killed, and its socket stays: another takes its place.
    drop(running);
    assert!(stage.path("socket").exists());
    stage.start(&serve, "serving").stop();
    let missing = stage.text("missing.json");
    let serve = [
        "vault",
        "serve",
        "--socket",
        &socket,
        "--policies",
        &missing,
    ];
    assert!(stage.refused(tidegate, &serve).contains("cannot be read"));
}
