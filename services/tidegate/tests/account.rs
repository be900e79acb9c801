//! `tidegate account`, on a data folder of its own, with the real program and no platform running.

use std::path::Path;
use std::process::Command;

/// Whether it went well, and what it said on both outputs.
fn tidegate(data: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .env_clear()
        .output()
        .expect("the program is built");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8(text).expect("it writes text"),
    )
}

/// A folder with keys, as the first start leaves it.
fn installation() -> tempfile::TempDir {
    let data = tempfile::tempdir().expect("a folder");
    let keys = data.path().join("keys");
    let made = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["keys", "new"])
        .arg(keys)
        .output()
        .expect("the program is built");
    assert!(made.status.success(), "{made:?}");
    data
}

/// The link in what was said.
fn link(text: &str) -> &str {
    let (_, link) = text.split_once("/welcome/").expect("a link");
    link.trim()
}

#[test]
fn an_account_is_made_listed_reset_and_disabled() {
    let data = installation();
    let run = |arguments: &[&str]| tidegate(data.path(), arguments);
    let (done, made) = run(&[
        "account", "create", "ada", "--role", "analyst", "--role", "reviewer", "--group", "soc",
    ]);
    assert!(done, "{made}");
    let first = link(&made).to_owned();
    assert!(first.len() >= 43, "{made}");
    let (done, list) = run(&["account", "list"]);
    assert!(
        done && list.contains("invited   analyst,reviewer"),
        "{list}"
    );
    assert!(list.trim_end().ends_with(" ada"), "{list}");
    let (done, reset) = run(&["account", "reset", "ada"]);
    assert!(done, "{reset}");
    assert_ne!(link(&reset), first, "each link is another");
    let (done, disabled) = run(&["account", "disable", "ada"]);
    assert!(done, "{disabled}");
    let (_, list) = run(&["account", "list"]);
    assert!(list.contains("disabled  analyst,reviewer"), "{list}");
    let (done, reset) = run(&["account", "reset", "ada"]);
    assert!(done, "{reset}");
    let (_, list) = run(&["account", "list"]);
    assert!(list.contains("active    analyst,reviewer"), "{list}");
}

#[test]
fn what_cannot_be_done_is_said_and_nothing_is_made() {
    let data = installation();
    let connection = "conn_01HF7YAM6800000000000000G1";
    let bound = [
        "account",
        "create",
        "eve",
        "--role",
        "administrator",
        "--connection",
        connection,
    ];
    for (arguments, said) in [
        (
            &["account", "create", "a b", "--role", "analyst"][..],
            "is not 1 to 100",
        ),
        (
            &["account", "create", "eve", "--role", "king"],
            "the roles are",
        ),
        (&["account", "create", "eve"], "--role"),
        (&bound, "cannot be bound"),
        (
            &["account", "reset", "nobody"],
            "there is no account `nobody`",
        ),
        (
            &["account", "disable", "nobody"],
            "there is no account `nobody`",
        ),
    ] {
        let (done, text) = tidegate(data.path(), arguments);
        assert!(!done && text.contains(said), "{arguments:?}: {text}");
    }
    let (done, list) = tidegate(data.path(), &["account", "list"]);
    assert_eq!((done, list.as_str()), (true, ""));
    let create = ["account", "create", "eve", "--role", "auditor"];
    assert!(tidegate(data.path(), &create).0);
    let (done, again) = tidegate(data.path(), &create);
    assert!(!done && again.contains("is the name taken?"), "{again}");
    let elsewhere = tempfile::tempdir().unwrap();
    let (done, text) = tidegate(elsewhere.path(), &["account", "list"]);
    assert!(!done && text.contains("there are no keys at"), "{text}");
}
