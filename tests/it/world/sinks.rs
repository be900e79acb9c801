//! Incidents on their way to a SIEM, through the whole platform.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::cloud::CUSTOMERS;
use super::{Setting, World, text};

fn told(path: &Path) -> Vec<Value> {
    let lines = std::fs::read_to_string(path).unwrap_or_default();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn incident_revision(world: &World, id: &str) -> Value {
    let path = format!("/api/v1/incidents/{id}");
    world.tidegate.get(&path).await.unwrap()["revision"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_has_every_version_of_an_incident_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (sheet, siem) = (folder.path().join("sinks.toml"), folder.path().join("siem"));
    let lines = format!(
        "[[sink]]\nname = 'siem'\nfile = {{path = '{}'}}\n",
        siem.display()
    );
    std::fs::write(&sheet, lines).unwrap();
    let setting = Setting {
        sinks_file: Some(sheet),
        ..Setting::default()
    };
    let world = World::with(61, setting).await;
    world.connects("Acme", "acme", "push").await;
    let responses = json!([{"kind": "remove_link"}]);
    world
        .saves_policy(
            "Told",
            "_share.public and _content.has('credit-card')",
            responses,
        )
        .await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    let id = text(&incident, "/id").to_owned();
    // The last change is told a moment after it is seen.
    let last = incident_revision(&world, &id).await;
    let all_there = || async {
        let there = told(&siem).into_iter().any(|event| {
            event["finding_info"]["uid"] == id.as_str() && event["metadata"]["sequence"] == last
        });
        Ok(there.then_some(()))
    };
    world.until("the last version in the file", all_there).await;
    let uid = |event: &Value| {
        event
            .pointer("/metadata/uid")
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    };
    let versions: Vec<Value> = told(&siem)
        .into_iter()
        .filter(|event| event["finding_info"]["uid"] == id.as_str())
        .collect();
    assert!(!versions.is_empty(), "nothing was told of {id}");
    let sequences: Vec<i64> = versions
        .iter()
        .map(|event| {
            event
                .pointer("/metadata/sequence")
                .unwrap()
                .as_i64()
                .unwrap()
        })
        .collect();
    assert_eq!(sequences[0], 1);
    assert!(sequences.is_sorted(), "{sequences:?}");
    let distinct: BTreeSet<String> = versions.iter().map(uid).collect();
    assert_eq!(distinct.len(), versions.len(), "none twice");
    world.ends_at_rest().await;
}
