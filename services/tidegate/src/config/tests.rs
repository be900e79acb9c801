use super::*;

fn environment(pairs: &[(&str, &str)]) -> Given {
    let environment = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Given {
        environment,
        ..Given::default()
    }
}

fn file(text: &str) -> (tempfile::TempDir, Given) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tidegate.toml");
    std::fs::write(&path, text).unwrap();
    (
        dir,
        Given {
            file: Some(path),
            ..Given::default()
        },
    )
}

#[test]
fn with_nothing_given_the_defaults_are_those_of_the_default_file() {
    let config = Config::load(&Given::default()).unwrap();
    let uncommented: String = default_file()
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.contains(" = \"") && !line.contains("# none"))
        .map(|line| format!("{line}\n"))
        .collect();
    let (_dir, given) = file(&uncommented);
    // Where each was said is another matter.
    let said = |mut config: Config| {
        config.shown.clear();
        format!("{config:?}")
    };
    let written = Config::load(&given).unwrap();
    assert_eq!(said(config.clone()), said(written));
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
}

#[test]
fn every_key_stands_in_the_default_file() {
    for key in KEYS {
        assert!(
            default_file().contains(&format!("# {} = ", key.name)),
            "{}",
            key.name
        );
    }
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let (_dir, mut given) =
        file("listen = \"127.0.0.1:1\"\nmail_from = \"a@b\"\nlog_filter = \"warn\"");
    given
        .environment
        .insert("TIDEGATE_LISTEN".into(), "127.0.0.1:2".into());
    given
        .environment
        .insert("TIDEGATE_LOG_FILTER".into(), "debug".into());
    given.flags.insert("listen", "127.0.0.1:3".into());
    let config = Config::load(&given).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.log_filter, "debug");
    assert_eq!(config.mail_from, "a@b");
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    let (_dir, mut given) = file("listn = \"x\"\nlog_format = \"xml\"\ndata = [3]\n");
    given
        .environment
        .insert("TIDEGATE_STORE".into(), "oracle:db".into());
    given.flags.insert("listen", "nowhere".into());
    let said = Config::load(&given).unwrap_err().to_string();
    for part in [
        "5 mistakes",
        "tidegate.toml, line 1: there is no key `listn`, did you mean `listen`?",
        "line 2: `xml` is not a log format: write `text` or `json`",
        "line 3: `data` must be a string or a number, not [3]",
        "TIDEGATE_STORE: a URL must start with `sqlite:…` or `postgres://…`",
        "--listen: `nowhere` is not an address",
    ] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_line() {
    let (_dir, given) = file("listen = \"127.0.0.1:1\"\nstore = \n");
    let said = Config::load(&given).unwrap_err().to_string();
    assert!(said.contains("tidegate.toml, line 2"), "{said}");
}

#[test]
fn a_secret_can_come_from_a_file_and_never_shows_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("smtp");
    std::fs::write(&path, "smtp://user:hunter2@mail.example\n").unwrap();
    let given = environment(&[("TIDEGATE_SMTP_URL_FILE", path.to_str().unwrap())]);
    let config = Config::load(&given).unwrap();
    assert_eq!(
        config.smtp_url.as_ref().unwrap().expose(),
        "smtp://user:hunter2@mail.example"
    );
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_number_may_be_written_as_one() {
    for (written, days) in [("activity_days = 30", 30), ("activity_days = \"90\"", 90)] {
        let (_dir, given) = file(written);
        assert_eq!(Config::load(&given).unwrap().activity_days, days);
    }
    let (_dir, given) = file("activity_days = 0");
    let said = Config::load(&given).unwrap_err().to_string();
    assert!(said.contains("from 1 to 36500"), "{said}");
}
