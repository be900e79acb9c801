//! Every connector that comes with Tidegate, as its reviewer looks at it.

use std::path::{Path, PathBuf};

use connector_kit::{Coverage, Folder, MANIFEST_NAME};

fn all() -> Vec<Folder> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors");
    Folder::all_at(&root).unwrap()
}

fn list<T: ToString>(found: &[T]) -> String {
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn lint_finds_no_mistake_in_any_connector() {
    for folder in all() {
        let found = folder.lint().unwrap().mistakes;
        assert!(found.is_empty(), "{}", list(&found));
    }
}

#[test]
fn every_sample_of_every_connector_becomes_what_is_expected() {
    for folder in all() {
        let samples = folder.test().unwrap();
        assert!(!samples.is_empty(), "{}", folder.root().display());
        for sampled in samples {
            let name = folder.expected_path(&sampled.name);
            assert!(
                sampled.differences.is_empty(),
                "{}\n{}",
                name.display(),
                list(&sampled.differences)
            );
        }
    }
}

#[test]
fn every_expected_event_has_its_sample() {
    for folder in all() {
        let names: Vec<String> = folder
            .samples()
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        for entry in std::fs::read_dir(folder.root().join("expected")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(
                names.contains(&name),
                "{}/expected/{name}",
                folder.root().display()
            );
        }
    }
}

#[test]
fn every_connector_covers_what_its_manifest_promises() {
    for folder in all() {
        let connector = folder.connector().unwrap();
        let coverage = Coverage::of(connector.id(), &folder.test().unwrap());
        let short = coverage.shortfalls(connector.least_coverage());
        assert!(short.is_empty(), "{short:?}\n{}", coverage.text());
        assert!(coverage.activities > 0);
    }
}

/// A stranger's connector, at a path of its own.
fn strangers(dir: &Path) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors/toy-cloud");
    std::fs::create_dir_all(dir.join("samples")).unwrap();
    std::fs::copy(from.join(MANIFEST_NAME), dir.join(MANIFEST_NAME)).unwrap();
    let sample = "file-shared.json";
    std::fs::copy(
        from.join("samples").join(sample),
        dir.join("samples").join(sample),
    )
    .unwrap();
    dir.to_owned()
}

#[test]
fn a_strangers_connector_is_blessed_once_and_then_holds_until_its_mapping_changes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(&strangers(dir.path()));
    assert!(folder.test().unwrap()[0].differences[0].contains("--bless"));
    assert_eq!(folder.bless_all().unwrap().len(), 1);
    assert_eq!(folder.bless_all().unwrap().len(), 0);
    assert_eq!(folder.test().unwrap()[0].differences, [""; 0]);
    let manifest = dir.path().join(MANIFEST_NAME);
    let yaml = std::fs::read_to_string(&manifest).unwrap();
    let changed = yaml.replacen("actor_name: /actor/name", "actor_name: /actor/id", 1);
    std::fs::write(&manifest, changed).unwrap();
    let differences = Folder::at(&manifest).test().unwrap().remove(0).differences;
    assert!(
        differences[0].starts_with("/0/activity/actor_name\n  - "),
        "{differences:?}"
    );
}

#[test]
fn what_cannot_be_used_is_said_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let root = strangers(dir.path());
    std::fs::write(root.join("samples/bad.json"), "{\"a\": \n}").unwrap();
    let error = Folder::at(&root).test().unwrap_err().to_string();
    assert!(
        error.contains("bad.json` is not JSON, at line 2"),
        "{error}"
    );
    let nowhere = Folder::at(&root.join("nowhere")).connector().unwrap_err();
    assert!(nowhere.to_string().contains("cannot be read"), "{nowhere}");
    std::fs::write(root.join(MANIFEST_NAME), "id: [").unwrap();
    let wrong = Folder::at(&root).connector().unwrap_err().to_string();
    assert!(wrong.contains("mistake"), "{wrong}");
    assert!(Folder::at(&root).lint().unwrap().mistakes[0].line >= 1);
}

#[test]
fn coverage_counts_fields_types_and_reasons_and_shows_them_in_three_forms() {
    let folder = all()
        .into_iter()
        .find(|folder| folder.root().ends_with("toy-cloud"));
    let coverage = Coverage::of("toy-cloud", &folder.unwrap().test().unwrap());
    assert_eq!(coverage.percent(event_model::Field::EventId), 100);
    assert!(coverage.percent(event_model::Field::SharedLink) < 50);
    assert_eq!(coverage.types_without_sample(), []);
    let text = coverage.text();
    let line = text
        .lines()
        .find(|line| line.starts_with("shared_link"))
        .unwrap();
    assert!(line.contains("it was removed"), "{text}");
    let json = coverage.json();
    assert_eq!(json["fields"].as_object().unwrap().len(), 24);
    assert_eq!(json["activities"], coverage.activities);
    let html = coverage.html();
    assert!(html.contains("<code>shared_link</code>") && !html.contains("<script"));
    let all = [(event_model::Field::SharedLink, 90)];
    assert_eq!(coverage.shortfalls(&all).len(), 1);
}
