//! No bearer token leaves for a host that the manifest does not list, redirects included.

use serde_json::{Value, json};

use super::attacker::{Attacker, Detour};
use super::{Setting, World, text};

/// A public link on a file, as the service tells it, whose content is said to be at that address.
fn link_created(event: &str, file: &str, download_url: &str) -> Value {
    json!({
        "id": event, "tenant_id": "acme", "type": "link.created", "category": "sharing",
        "occurred_at": "2026-01-02T03:04:05.678Z", "logged_at": "2026-01-02T03:04:06.001Z",
        "actor": {"id": "u_acme_alice", "name": "Alice Archer", "email": "alice@acme.example",
            "external": false, "role": "member", "ip": "203.0.113.7"},
        "object": {"id": file, "type": "file", "name": "a.txt", "path": "/alice/a.txt",
            "download_url": download_url, "version": 1},
        "share": {"from_email": "alice@acme.example", "target": null, "role": "viewer",
            "link": {"id": "l_1", "url": "http://x.example/s/abc", "visibility": "public"}},
        "client": {"user_agent": "Web browser", "app_id": null},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn content_elsewhere_is_not_fetched_and_is_a_blind_spot() {
    let world = World::new(16).await;
    let (attacker, address) = Attacker::opens().await;
    let acme = world.connects("Acme", "acme", "push").await;
    world.forbids_cards_behind_links().await;
    let service = world.cloud.address();
    let addresses = [
        format!("http://{address}/a.txt"),
        format!("http://{service}@{address}/a.txt"),
        format!("http://localhost:{}/a.txt", address.port()),
        format!("http://[::1]:{}/a.txt", address.port()),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "https://attacker.example/a.txt".to_owned(),
    ];
    for (number, elsewhere) in addresses.iter().enumerate() {
        let event = format!("evt_elsewhere_{number}");
        let activity = link_created(&event, "f_1", elsewhere);
        world.the_service_says(&acme, &activity).await;
        let recorded = world.activity_of(&event).await;
        let spots = recorded["blind_spots"].as_array().unwrap();
        assert_eq!(spots.len(), 1, "{elsewhere}: {recorded}");
        assert_eq!(
            text(&spots[0], "/reason"),
            "outside_allow_list",
            "{elsewhere}"
        );
    }
    assert_eq!(attacker.visitors(), Vec::<String>::new());
    let shown = world.all("blind-spots").await.unwrap();
    assert_eq!(shown.len(), addresses.len());
    assert_eq!(world.all("incidents").await.unwrap(), Vec::<Value>::new());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_elsewhere_is_not_followed() {
    let (attacker, address) = Attacker::opens().await;
    let (detour, front) = Detour::opens(format!("http://{address}/a.txt")).await;
    let setting = Setting {
        cloud_url: Some(format!("http://{front}")),
        ..Setting::default()
    };
    let world = World::with(17, setting).await;
    detour.stands_before(world.cloud.address());
    world.connects("Acme", "acme", "push").await;
    world.forbids_cards_behind_links().await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("a.txt", b"4539 5260 1815 9083");
    let link = alice.shares_publicly(&file);
    let recorded = world.activity_of(&link.event).await;
    assert_eq!(
        text(&recorded, "/blind_spots/0/reason"),
        "outside_allow_list"
    );
    assert_eq!(attacker.visitors(), Vec::<String>::new());
    world.ends_at_rest().await;
}
