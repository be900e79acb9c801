//! The webhook's own life: renewed, registered again when the service dropped it, announcing only, not
//! sure, and given another secret.

use reqwest::Method;
use serde_json::{Value, json};

use super::cloud::CUSTOMERS;
use super::webhook::Signer;
use super::{Setting, World, text};

const DEREGISTER: &str = "    ok: [404]\n  verify: {kind: standard_webhooks";
const RARELY: (&str, &str) = (
    "reconcile: {pull: activity, every: 500ms}",
    "reconcile: {pull: activity, every: 1h}",
);

async fn world(seed: u64, changes: &'static [(&'static str, &'static str)]) -> World {
    let setting = Setting {
        changes,
        ..Setting::default()
    };
    World::with(seed, setting).await
}

impl World {
    async fn registration(&self, id: &str) -> Value {
        self.connection(id).await["lifecycle"]["feed"]["registration"].clone()
    }

    /// Waits until the webhook was registered once more, and the service holds no other beside it. The
    /// service keeps the id of an address that it holds already.
    async fn until_it_is_registered_anew(&self, id: &str, before: &Value) -> Value {
        self.until("another registration", || async {
            let now = self.registration(id).await;
            let is_new =
                now["registered_at"] != before["registered_at"] && now["external_id"] != "not held";
            let alone = self.cloud.model().summary().active_registrations == 1;
            Ok((is_new && now["parts"].is_null() && alone).then_some(now))
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_ends_is_made_anew_before_and_nothing_is_missed() {
    let changes = &[
        RARELY,
        (
            DEREGISTER,
            "    ok: [404]\n  lasts: 4s\n  verify: {kind: standard_webhooks",
        ),
    ];
    let world = world(60, changes).await;
    let id = world.connects("Acme", "acme", "push").await;
    let mut before = world.registration(&id).await;
    for _ in 0..2 {
        assert!(before["expires_at"].is_string(), "{before}");
        world.user("acme", "alice").logs_in();
        before = world.until_it_is_registered_anew(&id, &before).await;
    }
    world.user("acme", "alice").logs_in();
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_the_service_dropped_is_noticed_and_what_was_missed_is_read() {
    let changes = &[
        RARELY,
        (
            DEREGISTER,
            "    ok: [404]\n  check: {every: 300ms, steps: [{get: \"/api/v1/webhooks/{registration.id}\"}]}\n  verify: {kind: standard_webhooks",
        ),
    ];
    let world = world(61, changes).await;
    let id = world.connects("Acme", "acme", "push").await;
    let before = world.registration(&id).await;
    world
        .the_service_drops(&id, text(&before, "/external_id"))
        .await;
    world.user("acme", "alice").logs_in();
    world.until_it_is_registered_anew(&id, &before).await;
    assert_eq!(world.audited("webhook.dropped").await.len(), 1);
    world.user("acme", "bob").logs_in();
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_only_announces_makes_the_streams_be_read_at_once() {
    let changes = &[
        RARELY,
        (
            DEREGISTER,
            "    ok: [404]\n  mode: [tenant, thin]\n  verify: {kind: standard_webhooks",
        ),
    ];
    let world = world(62, changes).await;
    let id = world.connects("Acme", "acme", "push").await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("a.docx", CUSTOMERS);
    let event = alice.shares_publicly(&file).event;
    let activity = world.activity_of(&event).await;
    assert_eq!(activity["arrival"], "pull", "{activity}");
    // Not JSON at all, but signed.
    let signed = world.signer_of(&id).await.signed("msg_1", b"news!", 0);
    assert_eq!(world.delivers(&id, &signed).await.status, 202);
    let forged = Signer::stranger().signed("msg_2", b"news!", 0);
    assert_eq!(world.delivers(&id, &forged).await.status, 401);
    let written = || async {
        let registration = world.registration(&id).await;
        Ok(registration["delivered_at"].is_string().then_some(()))
    };
    world
        .until("the first delivery to be written down", written)
        .await;
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sure_is_not_acted_upon_for_good_until_the_service_confirms_it() {
    let world = world(63, UNSURE).await;
    let id = world.connects("Acme", "acme", "push").await;
    let remove = json!([{"kind": "remove_link"}]);
    world
        .saves_policy("No public links", "_share.public", remove)
        .await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("a.docx", CUSTOMERS);
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    assert_eq!(
        super::administration::remedies(&incident),
        ["remove_link: done"]
    );
    assert!(world.links("acme", &file).is_empty());

    // Somebody who learned the secret tells of a share that never was.
    let other = alice.uploads("b.docx", CUSTOMERS);
    let kept = alice.makes_a_link(&other, toy_cloud::Visibility::Organization);
    let mut forged = json!(
        world
            .cloud
            .model()
            .activities("acme")
            .unwrap()
            .iter()
            .find(|one| one.id == link.event)
    );
    forged["id"] = json!("evt_forged");
    forged["object"]["id"] = json!(other);
    forged["share"]["link"]["url"] = json!(kept.url);
    world.the_service_says(&id, &forged).await;
    let found = world
        .until("the forged incident", || async {
            Ok(world.all("incidents?event_id=evt_forged").await?.pop())
        })
        .await;
    assert_eq!(
        super::administration::remedies(&found),
        ["remove_link: needs_approval"]
    );
    assert!(
        found["timeline"]
            .to_string()
            .contains("proved by a secret alone"),
        "{found}"
    );
    assert_eq!(world.links("acme", &other).len(), 1);
    world.shuts_down().await;
}

/// Low assurance, and a link that is removed is gone for good.
const UNSURE: &[(&str, &str)] = &[
    (
        DEREGISTER,
        "    ok: [404]\n  assurance: low\n  verify: {kind: standard_webhooks",
    ),
    (
        "expect: {path: \"\", none: *offending}\n    undo:\n      - name: links\n        steps:\n          - post: /api/v1/files/{activity.object_id}/links/{item.id}/restore\n            for_each: snapshot.links\n            where: *offending\n            label: \"{item.url}\"\n        verify: *links_are_back\n",
        "expect: {path: \"\", none: *offending}\n    irreversible: true\n",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn another_secret_is_taken_at_once_and_the_one_before_until_its_moment() {
    let world = World::new(64).await;
    let id = world.connects("Acme", "acme", "push").await;
    let old = world.signer_of(&id).await;
    let path = format!("/api/v1/connections/{id}/webhook-secret");
    let replace = async |body: Value| world.call(Method::POST, &path, &body).await.status;
    let new = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    assert_eq!(replace(json!({"secret": ""})).await, 422);
    assert_eq!(
        replace(json!({"secret": new, "keep_old_s": 99_999_999})).await,
        422
    );
    assert_eq!(replace(json!({"secret": new, "keep_old_s": 60})).await, 200);
    let body = br#"{"type":"ping","data":[]}"#;
    let answered = async |signer: &Signer, id_: &str| {
        let signed = signer.signed(id_, body, 0);
        world.delivers(&id, &signed).await.status
    };
    assert_eq!(answered(&Signer::of(new), "msg_1").await, 202);
    assert_eq!(answered(&old, "msg_2").await, 202);
    assert_eq!(replace(json!({"secret": new, "keep_old_s": 0})).await, 200);
    assert_eq!(answered(&Signer::of(new), "msg_3").await, 202);
    assert_eq!(answered(&old, "msg_4").await, 401);
    assert_eq!(world.audited("webhook.secret_replaced").await.len(), 2);
    world.shuts_down().await;
}
