//! Files that are generated and committed are fresh. To make them anew: `make generated`.

use std::fs;
use std::path::Path;

/// Compares a committed file with what it must be, or writes it when `TIDEGATE_GENERATE` is set.
fn fresh(path: &str, content: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join(path);
    if std::env::var_os("TIDEGATE_GENERATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == content,
        "`{}` is not fresh: run `make generated`",
        path.display()
    );
}

fn pretty(json: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(json).unwrap();
    text.push('\n');
    text
}

#[test]
fn the_schema_of_the_wire_format_is_fresh() {
    let schema = schemars::schema_for!(event_model::ActivityRecord);
    fresh("docs/wire/activity-record-v1.schema.json", &pretty(&schema));
}

#[test]
fn the_default_configuration_file_is_fresh() {
    fresh(
        "docs/tidegate.default.toml",
        &tidegate::config::default_file(),
    );
}

#[test]
fn the_description_of_the_api_is_fresh() {
    fresh("docs/openapi.json", &pretty(&console::openapi()));
}

#[test]
fn the_table_of_who_may_do_what_is_fresh() {
    fresh("docs/authorisation.md", &console::authorisation());
}
