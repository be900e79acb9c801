//! Incidents on their way to a SIEM, through the whole platform.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::cloud::CUSTOMERS;
use super::mail::Postbox;
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

/// Whether a line of the file says so.
async fn says(world: &World, what: &str, path: &Path, fits: impl Fn(&Value) -> bool) -> Value {
    let found = || async { Ok(told(path).into_iter().find(&fits)) };
    world.until(what, found).await
}

#[tokio::test(flavor = "multi_thread")]
async fn activities_and_what_remedies_came_to_are_told_too_and_a_sink_is_shown_and_tried() {
    let folder = tempfile::tempdir().unwrap();
    let (sheet, lake) = (folder.path().join("sinks.toml"), folder.path().join("lake"));
    let lines = format!(
        "[[sink]]\nname = 'lake'\nstreams = ['activities', 'remedies']\nfile = {{path = '{}'}}\n",
        lake.display()
    );
    std::fs::write(&sheet, lines).unwrap();
    let setting = Setting {
        sinks_file: Some(sheet),
        ..Setting::default()
    };
    let world = World::with(62, setting).await;
    world.connects("Acme", "acme", "push").await;
    let responses = json!([{"kind": "remove_link"}]);
    world.saves_policy("Told", "_share.public", responses).await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    let id = text(&incident, "/id").to_owned();
    let shared = says(&world, "the activity in the file", &lake, |event| {
        event["metadata"]["original_event_uid"] == link.event.as_str()
    });
    let shared = shared.await;
    assert_eq!(
        (&shared["class_uid"], &shared["activity_id"]),
        (&json!(6006), &json!(12))
    );
    assert_eq!(shared["file"]["name"], "customers.docx");
    assert!(
        !shared.to_string().contains(&link.url),
        "a shared link is told"
    );
    let removed = says(&world, "the remedy in the file", &lake, |event| {
        event["class_uid"] == 7002 && event["metadata"]["correlation_uid"] == id.as_str()
    });
    let removed = removed.await;
    assert_eq!(
        (&removed["activity_id"], &removed["status_id"]),
        (&json!(4), &json!(1))
    );
    let caught_up = || async {
        let shown = world.tidegate.get("/api/v1/sinks").await?;
        let standings = shown["items"][0]["standings"].clone();
        let all = standings.as_array().cloned().unwrap_or_default();
        let idle = all
            .iter()
            .filter(|one| one["state"] == "idle" && one["last_delivered"].is_string());
        Ok((idle.count() == 2).then_some(()))
    };
    world
        .until("both streams shown to have caught up", caught_up)
        .await;
    let trial = world
        .tidegate
        .post("/api/v1/sinks/lake/test", &Value::Null)
        .await;
    let trial = trial.unwrap();
    assert_eq!(trial["taken"], true, "{trial}");
    assert!(
        told(&lake)
            .iter()
            .any(|event| event["metadata"]["uid"] == trial["id"])
    );
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_comes_by_mail_in_both_forms_with_what_makes_it_a_thread() {
    let (postbox, address) = Postbox::opens().await;
    let folder = tempfile::tempdir().unwrap();
    let sheet = folder.path().join("sinks.toml");
    let lines = "[[sink]]\nname = 'soc-mail'\nonly_new = true\n\
                 mail = {to = ['soc@acme.example'], at_once = 'informational', console = 'https://casb.example'}\n";
    std::fs::write(&sheet, lines).unwrap();
    let setting = Setting {
        sinks_file: Some(sheet),
        smtp_url: Some(format!("smtp://{address}")),
        ..Setting::default()
    };
    let world = World::with(63, setting).await;
    world.connects("Acme", "acme", "push").await;
    let responses = json!([{"kind": "remove_link"}]);
    world.saves_policy("Told", "_share.public", responses).await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("<b>plan<b>.txt", b"plan");
    let incident = world.incident_of(&alice.shares_publicly(&file).event).await;
    let (id, number) = (text(&incident, "/id"), text(&incident, "/number"));
    let came = || async { Ok(postbox.mails().into_iter().next()) };
    let mail = world.until("the message", came).await;
    for part in [
        format!("In-Reply-To: <{id}@"),
        format!("Message-ID: <{id}.1@"),
        "List-Id: <soc-mail.tidegate.".to_owned(),
        "multipart/alternative".to_owned(),
        number.to_owned(),
    ] {
        assert!(mail.data.contains(&part), "{part}: {}", mail.data);
    }
    let whole = mail.data.replace("=\r\n", "");
    assert!(whole.contains("&lt;b&gt;plan&lt;b&gt;"), "{}", mail.data);
    assert_eq!(postbox.mails().len(), 1, "its changes are not told");
    world.ends_at_rest().await;
}
