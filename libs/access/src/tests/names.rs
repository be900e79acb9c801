//! Names in every form.

use super::*;

fn directory(name: &str) -> Account {
    Account {
        name: name.into(),
        realm: Realm::Directory {
            domains: vec!["domain.com".into(), "DOMAIN".into()],
        },
    }
}

fn system(name: &str, authority: &str) -> Account {
    Account {
        name: name.into(),
        realm: Realm::Authority {
            name: authority.into(),
        },
    }
}

#[test]
fn a_name_means_whom_it_names_in_every_form() {
    let (windows, linux) = (OsType::Windows, OsType::Linux);
    // the name, who it is, where => whether that is meant
    let rows = [
        ("ada", local("ada"), linux, true),
        ("ada", local("Ada"), linux, false),
        ("ada", local("Ada"), windows, true),
        ("ada", directory("ada"), linux, false),
        ("TestUser@<localhost>", local("TestUser"), windows, true),
        (
            "TestUser@<localhost>",
            directory("TestUser"),
            windows,
            false,
        ),
        ("TestUser@QA-1", local("TestUser"), windows, true),
        ("TestUser@QA-2", local("TestUser"), windows, false),
        ("TestUser@QA-1", directory("TestUser"), windows, false),
        ("user@domain.com", directory("user"), linux, true),
        ("user@DOMAIN.COM", directory("user"), linux, true),
        ("user@domain.com", directory("User"), linux, false),
        ("user@other.com", directory("user"), linux, false),
        ("user@domain.com", local("user"), linux, false),
        (r"DOMAIN\User", directory("User"), windows, true),
        (r"domain\user", directory("User"), windows, true),
        (r"OTHER\User", directory("User"), windows, false),
        (r"DOMAIN\User", local("User"), windows, false),
        (
            "SYSTEM@NT AUTHORITY",
            system("SYSTEM", "NT AUTHORITY"),
            windows,
            true,
        ),
        (
            "system@nt authority",
            system("SYSTEM", "NT AUTHORITY"),
            windows,
            true,
        ),
        (
            "NetworkService@NT AUTHORITY",
            system("SYSTEM", "NT AUTHORITY"),
            windows,
            false,
        ),
        ("users@BUILTIN", system("users", "BUILTIN"), windows, true),
        ("users@BUILTIN", local("users"), windows, false),
        (
            "users@BUILTIN",
            system("users", "NT AUTHORITY"),
            windows,
            false,
        ),
    ];
    for (name, account, os, expected) in rows {
        let parsed: AccountName = name.parse().unwrap();
        assert_eq!(parsed.means(&account, os), expected, "{name} {account:?}");
        assert_eq!(parsed.to_string(), name);
    }
}

#[test]
fn what_is_no_name_is_refused() {
    for name in [
        "",
        " ada",
        "ada ",
        "@x",
        "ada@",
        r"\ada",
        r"DOMAIN\",
        r"A\B\c",
        r"A\b@c",
        "a\nb",
        "a/b",
        "ada@<somewhere>",
    ] {
        let told = name.parse::<AccountName>().unwrap_err().to_string();
        assert!(
            told.contains("is not the name of a user or group"),
            "{name:?}"
        );
    }
    assert!("a".repeat(2_000).parse::<AccountName>().is_err());
}

#[test]
fn a_process_is_named_by_its_whole_path() {
    for (path, os) in [
        ("/path/to/process", OsType::Linux),
        ("/etc/init.d/postgresql", OsType::Linux),
        (r"C:\Path\To\Process.exe", OsType::Windows),
        (r"\\server\share\x.exe", OsType::Windows),
    ] {
        let parsed: ProcessName = path.parse().unwrap();
        assert_eq!(parsed.os(), os, "{path}");
        assert!(parsed.means(path));
    }
    for path in [
        "",
        "/",
        "bin/cat",
        "opt/abc.h",
        "cat",
        "/bin/",
        r"C:\",
        "C:x",
        r"C:\x\",
        r"\\",
        "/a\nb",
    ] {
        let told = path.parse::<ProcessName>().unwrap_err().to_string();
        assert!(told.contains("is not the name of a process"), "{path:?}");
    }
}
