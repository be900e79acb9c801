use std::fs;

use ports::{Clock, SystemClock};
use serde_json::json;

use crate::stage::{PATIENCE, Stage, user};

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

/// The installation's own policies: nobody is let in without a group, and a change holds while it is served.
#[test]
fn the_installations_policies_hold_on_the_socket_and_a_change_of_them_soon() {
    let stage = Stage::new();
    let file = stage.file("salaries.csv", b"salaries");
    let item = stage.json(&["vault", "put", &file])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (reader, socket) = (stage.program("reader"), stage.text("socket"));
    let serve = ["vault", "serve", "--socket", &socket];
    let said = stage.refused(env!("CARGO_BIN_EXE_tidegate"), &serve);
    assert!(said.contains("there is no group `vault`"), "{said}");
    let lets = |access: &str| {
        let policies = json!([{"name": "reader", "process": reader, "access": access}]);
        let group = json!({"name": "vault", "os_type": "Linux", "policies": policies});
        let document = json!({"groups": [group]}).to_string();
        let file = stage.file("policies.json", document.as_bytes());
        stage.json(&["access", "import", &file])
    };
    assert_eq!(lets("Read")["policies"], 1);
    assert_eq!(lets("Read")["policies"], 0, "it is so already");
    let exported = stage.json(&["access", "export"]);
    assert_eq!(exported["groups"][0]["policies"][0], "reader", "{exported}");
    assert!(stage.done(&["access", "list"]).contains("1. `reader`"));

    let running = stage.start(&serve, "serving");
    let cat = ["vault", "cat", "salaries.csv", "--socket", &socket];
    assert_eq!(stage.read(&reader, &cat), b"salaries");
    lets("NoAccess");
    let clock = SystemClock::new();
    let began = clock.monotonic();
    while stage.run(&reader, &cat).status.success() {
        let waited = clock.monotonic().saturating_sub(began);
        assert!(waited < PATIENCE, "the change does not hold");
    }
    let said = stage.refused(&reader, &cat);
    assert!(said.contains("Permission denied"), "{said}");
    running.stop();

    let explain = ["access", "explain", "ada", &reader, "salaries.csv"];
    let told = stage.json(&explain);
    assert_eq!(
        (&told["policy"], &told["item"]),
        (&json!("reader"), &json!(item))
    );
    let said = stage.done(&explain);
    assert!(
        said.contains("is of the vault: the group `vault` holds"),
        "{said}"
    );
    let wrong = [&explain[..4], &["none"]].concat();
    let said = stage.refused(env!("CARGO_BIN_EXE_tidegate"), &wrong);
    assert!(said.contains("the vault has no item `none`"), "{said}");
}
