//! Everything goes wrong at once, and yet: one violation, one incident, one effect of each remedy, and nothing else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::administration::remedies;
use super::{World, text};

/// Documents per second and seconds of the load; each tenant is used in its turn.
const LOAD: (u64, u64) = (30, 1);

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn sixty_documents_under_faults_give_one_incident_and_one_effect_for_each_violation()
 {
    let world = World::new(18).await;
    world.connects("Acme", "acme", "push").await;
    world.connects("Globex", "globex", "pull").await;
    world.forbids_cards_behind_links().await;
    world.the_service_misbehaves(faults()).await;
    let mut violations = BTreeMap::new();
    for tenant in ["acme", "globex"] {
        violations.extend(used(&world, tenant).await);
    }
    assert!(violations.len() > 10, "{} violations", violations.len());
    for event in violations.values() {
        let incident = world.incident_of(event).await;
        assert_eq!(
            remedies(&incident),
            ["remove_link: done", "quarantine: done"]
        );
    }
    let mut by_object: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (object, action, _) in world.our_effects().into_keys() {
        by_object.entry(object).or_default().push(action);
    }
    let expected: BTreeMap<String, Vec<String>> = violations
        .into_keys()
        .map(|object| (object, vec!["link_removed".to_owned(), "move".to_owned()]))
        .collect();
    assert_eq!(
        by_object, expected,
        "each document that violates is acted upon once, no other"
    );
    assert_eq!(world.all("incidents").await.unwrap().len(), expected.len());
    world.ends_at_rest().await;
}

fn faults() -> Value {
    let rule = |method: &str, prefix: &str, what: Value, probability: f64, times: u64| {
        json!({
            "match": {"method": method, "path_prefix": prefix},
            "what": what, "probability": probability, "times": times,
        })
    };
    json!({
        "rules": [
            rule("GET", "/api/v1/files", json!({"status": 503}), 0.1, 6),
            rule("GET", "/api/v1/files", json!({"status": 429, "retry_after_s": 1}), 0.1, 3),
            rule("GET", "/api/v1/files", json!({"delay_ms": 400}), 0.1, 10),
            rule("POST", "/api/v1/files", json!({"close": true}), 0.3, 2),
            rule("POST", "/api/v1/files", json!({"close": true, "after": true}), 0.3, 3),
            rule("DELETE", "/api/v1/files", json!({"status": 500, "after": true}), 0.3, 3),
            rule("GET", "/api/v1/events", json!({"status": 503}), 0.2, 3),
        ],
        "events": {"lag_ms": 200, "repeat": 0.3, "reorder": 0.3, "short_page": 0.3, "empty_page": 0.2},
        "deliveries": {"drop": 0.2, "duplicate": 0.3, "delay_ms": 30},
        "seed": 18,
    })
}

/// The tenant's users upload and share. Gives the objects that violate, each with its event.
async fn used(world: &World, tenant: &str) -> BTreeMap<String, String> {
    let (rate, seconds) = LOAD;
    let load = json!({"tenant": tenant, "rate_per_s": rate, "seconds": seconds, "violating": 0.4});
    world.toy.post("/control/load", &load).await.unwrap();
    let progress = world
        .until("the load to end", || async {
            let progress = world.toy.get("/control/load").await?;
            Ok((progress["running"] == false).then_some(progress))
        })
        .await;
    assert_eq!(progress["documents"], json!(rate * seconds), "{progress}");
    let violating = progress["violating"].as_array().unwrap();
    let pair = |one: &Value| {
        let of = |pointer| text(one, pointer).to_owned();
        (of("/object_id"), of("/event_id"))
    };
    violating.iter().map(pair).collect()
}
