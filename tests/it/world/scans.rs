//! Scans of what exists already: what was shared before a policy was there is found, and removed once, reversibly.

use event_model::{CrawlList, JobState, JobWork, ScanReport};
use serde_json::{Value, json};
use toy_cloud::Role;

use super::{World, text};

/// A world where things were shared before Tidegate was connected, so that no activity tells of them.
async fn with_old_links(seed: u64, links: usize) -> (World, String, Vec<String>) {
    let world = World::new(seed).await;
    let alice = world.user("acme", "alice");
    let mut files = Vec::new();
    for n in 0..links {
        let file = alice.uploads(&format!("old-{n}.txt"), b"plan");
        alice.shares_publicly(&file);
        files.push(file);
    }
    let bob = world.user("acme", "bob");
    bob.shares_with(&bob.uploads("inside.txt", b"x"), "carol", Role::Viewer);
    let acme = world.connects("Acme", "acme", "pull").await;
    (world, acme, files)
}

impl World {
    /// Starts a scan, and gives its path.
    async fn scans(&self, ask: Value) -> String {
        let begun = self.tidegate.post("/api/v1/scans", &ask).await.unwrap();
        format!("/api/v1/scans/{}", text(&begun, "/id"))
    }

    /// The scan, once it is in that state.
    async fn scan_is(&self, path: &str, state: &str) -> Value {
        self.until(&format!("the scan is {state}"), || async {
            let scan = self.tidegate.get(path).await?;
            let is_there = scan["state"] == state;
            anyhow::ensure!(is_there || scan["state"] != "failed", "{scan}");
            Ok(is_there.then_some(scan))
        })
        .await
    }

    /// How many public links these files have.
    fn links_of(&self, files: &[String]) -> usize {
        files
            .iter()
            .map(|file| self.links("acme", file).len())
            .sum()
    }

    /// Until so many links are left.
    async fn links_are(&self, files: &[String], left: usize) {
        self.until(&format!("{left} links are left"), || async {
            Ok((self.links_of(files) == left).then_some(()))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_makes_nothing_and_an_acting_scan_removes_each_link_once_and_undo_gives_it_back()
{
    let (world, acme, files) = with_old_links(71, 5).await;
    let removing = json!([{"kind": "remove_link"}]);
    world
        .saves_policy("No links", "_share.public", removing)
        .await;
    let before = world.our_effects();
    let preview = world
        .scans(json!({"connection": acme, "kind": "shares", "every_hours": 24}))
        .await;
    let seen = world.scan_is(&preview, "done").await;
    let number = |scan: &Value, name: &str| scan["report"][name].as_u64().unwrap();
    assert_eq!(number(&seen, "listed"), 6, "{seen}");
    assert_eq!(
        (number(&seen, "violating"), number(&seen, "actions")),
        (5, 5)
    );
    assert_eq!(seen["report"]["users"], json!({"alice@acme.example": 5}));
    assert_eq!(seen["report"]["paths"], json!({"/alice": 5}));
    assert_eq!(world.our_effects(), before, "nothing is done");
    assert!(
        world.all("incidents").await.unwrap().is_empty(),
        "nothing is recorded"
    );

    let listed = world.all("scans").await.unwrap();
    let next = listed
        .iter()
        .find(|scan| scan["state"] == "waiting")
        .unwrap();
    assert_eq!(next["expected"], 6, "it comes again in a day: {next}");

    let act = json!({"connection": acme, "kind": "shares", "mode": "act"});
    let acted = world.scan_is(&world.scans(act.clone()).await, "done").await;
    assert_eq!(
        (number(&acted, "incidents"), number(&acted, "actions")),
        (5, 5)
    );
    world.links_are(&files, 0).await;
    let incidents = world.all("incidents").await.unwrap();
    assert_eq!(incidents.len(), 5);
    let restored = &incidents[0];
    assert!(text(restored, "/activity/event_id").starts_with("crawl:shares:"));
    world.undoes(restored, "remove_link").await;
    world.links_are(&files, 1).await;

    // What a person gave back stays: the same share is no news.
    let again = world.scan_is(&world.scans(act).await, "done").await;
    assert_eq!(
        (number(&again, "incidents"), number(&again, "violating")),
        (0, 0)
    );
    assert_eq!(again["percent"], 100);
    assert_eq!(world.links_of(&files), 1);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_stands_still_after_so_many_actions_until_a_person_continues_it() {
    let (world, acme, files) = with_old_links(72, 7).await;
    let removing = json!([{"kind": "remove_link"}]);
    world
        .saves_policy("No links", "_share.public", removing)
        .await;
    let act = json!({"connection": acme, "kind": "shares", "mode": "act", "actions_max": 3});
    let path = world.scans(act).await;
    for (planned, left) in [(3, 4), (6, 1)] {
        let held = world.scan_is(&path, "held").await;
        assert_eq!(held["report"]["actions"], planned, "{held}");
        assert!(text(&held, "/note").contains("actions are planned"));
        world.links_are(&files, left).await;
        world
            .tidegate
            .post(&format!("{path}/resume"), &Value::Null)
            .await
            .unwrap();
        world
            .until("it went on", || async {
                let scan = world.tidegate.get(&path).await?;
                Ok((scan["report"]["actions"] != planned).then_some(()))
            })
            .await;
    }
    let done = world.scan_is(&path, "done").await;
    assert_eq!(done["report"]["incidents"], 7, "{done}");
    world.links_are(&files, 0).await;
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_stops_a_scan_and_live_activity_goes_on_beside_one() {
    let (world, acme, files) = with_old_links(73, 4).await;
    world
        .saves_policy(
            "No links",
            "_share.public",
            json!([{"kind": "remove_link"}]),
        )
        .await;
    // Each page of the listing takes a while: the scan is in the middle while other things happen.
    let slow = json!({"rules": [{"match": {"method": "GET", "path_prefix": "/api/v1/shares"},
        "what": {"delay_ms": 8_000}, "probability": 1.0}]});
    world.the_service_misbehaves(slow).await;
    let act = json!({"connection": acme, "kind": "shares", "mode": "act"});
    let path = world.scans(act).await;
    world.scan_is(&path, "running").await;
    let alice = world.user("acme", "alice");
    let fresh = alice.uploads("fresh.txt", b"plan");
    world
        .incident_of(&alice.shares_publicly(&fresh).event)
        .await;
    let beside = world.tidegate.get(&path).await.unwrap();
    assert_eq!(
        (&beside["state"], &beside["report"]["listed"]),
        (&json!("running"), &json!(0)),
        "live activity did not wait for the scan"
    );
    world.disables(&acme).await;
    let held = world.scan_is(&path, "held").await;
    assert!(
        text(&held, "/note").contains("not enabled") || text(&held, "/note").contains("disabled")
    );
    assert_eq!(held["report"]["incidents"], 0, "{held}");
    assert_eq!(world.links_of(&files), 4, "nothing was removed");
    world.shuts_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_at_rest_are_inspected_and_a_scan_is_refused_where_it_cannot_be() {
    let world = World::new(74).await;
    let alice = world.user("acme", "alice");
    alice.uploads("cards.txt", b"card number 4539 1488 0343 6467 of Ada");
    alice.uploads("plan.txt", b"nothing");
    let acme = world.connects("Acme", "acme", "pull").await;
    let mut policy = super::administration::policy(
        "Cards at rest",
        "_content.has('credit-card')",
        json!([{"kind": "quarantine"}]),
    );
    policy["trigger"]["actions"] = json!(["upload"]);
    policy["enabled"] = json!(false);
    let draft = world
        .tidegate
        .post("/api/v1/policies", &policy)
        .await
        .unwrap();
    let preview =
        json!({"connection": acme, "kind": "content", "policies": [draft["id"]], "path": "/alice"});
    let seen = world.scan_is(&world.scans(preview).await, "done").await;
    assert_eq!(seen["report"]["violating"], 1, "{seen}");
    assert_eq!(seen["report"]["examples"][0]["object"], "/alice/cards.txt");
    // ask => the place of the mistake
    let rows = [
        (
            json!({"connection": acme, "kind": "content", "mode": "act", "policies": [draft["id"]]}),
            "/policies/0",
        ),
        (
            json!({"connection": acme, "kind": "shares", "actions_max": 0}),
            "/actions_max",
        ),
        (
            json!({"connection": acme, "kind": "shares", "budget_percent": 51}),
            "/budget_percent",
        ),
        (
            json!({"connection": format!("conn_{}", "0".repeat(26)), "kind": "shares"}),
            "/connection",
        ),
        (
            json!({"connection": acme, "kind": "shares", "every_hours": 0}),
            "/every_hours",
        ),
    ];
    for (ask, field) in rows {
        let refused = world
            .call(reqwest::Method::POST, "/api/v1/scans", &ask)
            .await;
        assert_eq!(refused.status, 422, "{ask}: {}", refused.text());
        assert_eq!(text(&refused.json(), "/errors/0/field"), field);
    }
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_interrupted_is_done_again_and_no_link_is_removed_twice() {
    let (world, acme, files) = with_old_links(75, 6).await;
    world
        .saves_policy(
            "No links",
            "_share.public",
            json!([{"kind": "remove_link"}]),
        )
        .await;
    let act = json!({"connection": acme, "kind": "shares", "mode": "act", "actions_max": 4});
    let path = world.scans(act).await;
    world.scan_is(&path, "held").await;
    world.links_are(&files, 2).await;
    // As if the process had died after the incidents were recorded and before its place was saved.
    let store = world.store().await;
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let mut job = store.job(id).await.unwrap().unwrap();
    let JobWork::Scan(scan) = &mut job.work else {
        panic!("a scan");
    };
    let of_place = (scan.lists.len(), scan.done_of_page.len());
    scan.lists = vec![CrawlList::first()];
    scan.done_of_page.clear();
    scan.report = ScanReport {
        actions: scan.report.actions,
        ..ScanReport::default()
    };
    scan.allowed = 100;
    job.step(JobState::Waiting, job.updated_at).unwrap();
    store.save_job(&job).await.unwrap();
    assert_eq!(of_place, (1, 4), "it had stood in the middle of the page");
    let done = world.scan_is(&path, "done").await;
    world.links_are(&files, 0).await;
    assert_eq!(done["report"]["incidents"], 2, "four were there: {done}");
    assert_eq!(done["report"]["actions"], 6);
    assert_eq!(world.all("incidents").await.unwrap().len(), 6);
    store.close().await;
    world.ends_at_rest().await;
}
