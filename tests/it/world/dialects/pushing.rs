//! Services that push in their own way, where nothing is read unasked while the test runs: what they deliver leads to the incident,
//! and what they did not sign is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{SecondsFormat, TimeDelta};
use ports::{Clock, SystemClock};
use ring::hmac;
use serde_json::{Value, json};

use super::Dialect;
use crate::world::administration::remedies;
use crate::world::cloud::CUSTOMERS;
use crate::world::webhook::Delivery;
use crate::world::{World, text};

const BOX: Dialect = Dialect {
    service: "box",
    shorter: &[(
        "reconcile: {pull: enterprise_events, every: 10s}",
        "reconcile: {pull: enterprise_events, every: 1h}",
    )],
};
const DROPBOX: Dialect = Dialect {
    service: "dropbox",
    shorter: &[(
        "reconcile: {pull: events, every: 5m}",
        "reconcile: {pull: events, every: 1h}",
    )],
};
const SLACK: Dialect = Dialect {
    service: "slack",
    shorter: &[("requests: 40, per: 60s", "requests: 4000, per: 60s")],
};

const MICROSOFT_365: Dialect = Dialect {
    service: "microsoft-365",
    shorter: &[
        (
            "reconcile: {pull: sharepoint, every: 1m}",
            "reconcile: {pull: sharepoint, every: 1h}",
        ),
        ("every: 1m\n    retention", "every: 1h\n    retention"),
        ("requests: 1200", "requests: 100000"),
    ],
};

const SIGNING_SECRET: &str = "what Slack shows as its app's signing secret";

/// What is changed about a delivery that was signed as it must be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Tampering {
    None,
    OtherKey,
    OtherBody,
    AnHourOld,
}

impl Tampering {
    const ALL: [Tampering; 4] = [
        Tampering::None,
        Tampering::OtherKey,
        Tampering::OtherBody,
        Tampering::AnHourOld,
    ];

    fn sent(self) -> chrono::DateTime<chrono::Utc> {
        let age = TimeDelta::hours(i64::from(self == Tampering::AnHourOld));
        SystemClock::new().now() - age
    }

    fn mac(self, key: &str, content: &[u8]) -> Vec<u8> {
        let key = match self {
            Tampering::OtherKey => "a stranger's key",
            _ => key,
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        hmac::sign(&key, content).as_ref().to_vec()
    }

    fn body(self, signed: &[u8]) -> Vec<u8> {
        match self {
            Tampering::OtherBody => [signed, b" "].concat(),
            _ => signed.to_vec(),
        }
    }
}

impl World {
    /// Delivers what is signed as it must be, which is taken with that status, and what is not, which is refused.
    async fn takes_only_what_is_signed(
        &self,
        id: &str,
        taken: u16,
        tampering: &[Tampering],
        delivery: impl Fn(Tampering) -> Delivery,
    ) {
        for how in tampering {
            let expected = match how {
                Tampering::None => taken,
                _ => 401,
            };
            let answer = self.delivers(id, &delivery(*how)).await;
            assert_eq!(answer.status, expected, "{how:?}: {}", answer.text());
        }
    }

    fn webhook_of(&self, id: &str) -> String {
        format!("{}/webhooks/{id}", self.url)
    }

    /// Enables push, and enters the address in the service's console; another address is not taken there.
    async fn pushes_by_hand(&self, service: &str, id: &str, secret: &str) {
        let enabled = self.asks_to_enable(id, "push").await;
        assert_eq!(enabled.status, 200, "{}", enabled.text());
        let model = self.cloud.model();
        let other = format!("{}/readyz", self.url);
        let refused = model.enters_webhook(service, "acme", &other, secret);
        refused.await.unwrap_err();
        let address = self.webhook_of(id);
        let entered = model.enters_webhook(service, "acme", &address, secret);
        entered.await.unwrap();
    }

    /// Disables; the service is told to send no more.
    async fn ends_pushing_by_hand(&self, id: &str) {
        self.disables(id).await;
        self.user("acme", "alice").uploads("later.txt", b"later");
        self.until("the service to give up", || async {
            let left = self.cloud.model().summary().active_registrations;
            Ok((left == 0).then_some(()))
        })
        .await;
    }

    /// Events of a Slack workspace, as of one that has no audit log. Gives the connection's id.
    async fn is_told_by_slack(&self) -> String {
        let params = json!({
            "internal_domains": "acme.example",
            "app_id": "A0TIDE",
            "webhook_secret": SIGNING_SECRET,
            "user_scopes": "users:read,users:read.email,files:read,files:write",
        });
        let id = self.creates_of("slack", params).await;
        self.consents_to(&id, "acme").await;
        self.pushes_by_hand("slack", &id, SIGNING_SECRET).await;
        id
    }

    /// Alice opens a file of cards to everyone, and the link is taken away.
    async fn takes_away_a_link(&self, name: &str) {
        let alice = self.user("acme", "alice");
        let file = alice.uploads(name, CUSTOMERS);
        let link = alice.shares_publicly(&file);
        let incident = self.incident_of(&link.event).await;
        assert_eq!(remedies(&incident), ["remove_link: done"], "{incident}");
        assert!(self.links("acme", &file).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_box_announces_of_its_folders_is_read_at_once_and_a_forged_delivery_is_refused() {
    let world = World::speaking(64, BOX).await;
    let home = |name| {
        let file = world.user("acme", name).uploads("first.txt", b"first");
        text(&world.file("acme", &file).unwrap(), "/parent_id").to_owned()
    };
    let params = json!({
        "internal_domains": "acme.example",
        "own_service_name": "Tidegate",
        "webhook_folders": format!("{}, {}", home("alice"), home("bob")),
        // The primary key is being changed: the secondary one proves.
        "webhook_secret": "another key\ntoy-secondary-key",
    });
    let id = world.creates_of("box", params).await;
    world.consents_to(&id, "acme").await;
    world.enables(&id, "acme", "push").await;
    assert_eq!(world.cloud.model().summary().active_registrations, 2);
    let responses = json!([{"kind": "remove_link"}]);
    let rule = "_share.public and _content.has('credit-card')";
    world.saves_policy("Cards", rule, responses).await;
    // Twice: what the first reading after enabling brings, a delivery need not have announced.
    world.takes_away_a_link("customers.docx").await;
    world.takes_away_a_link("more customers.docx").await;

    let delivery = |how: Tampering| {
        let body = br#"{"type":"webhook_event","id":"1","trigger":"FILE.UPLOADED","webhook":{"id":"wh_1"}}"#;
        let sent = how.sent().to_rfc3339_opts(SecondsFormat::Secs, true);
        let signature = how.mac("toy-secondary-key", &[body, sent.as_bytes()].concat());
        Delivery {
            headers: vec![
                ("box-delivery-id", format!("{how:?}")),
                ("box-delivery-timestamp", sent),
                ("box-signature-primary", STANDARD.encode("not ours")),
                ("box-signature-secondary", STANDARD.encode(signature)),
            ],
            body: how.body(body),
        }
    };
    world
        .takes_only_what_is_signed(&id, 200, &Tampering::ALL, delivery)
        .await;

    world.disables(&id).await;
    assert_eq!(world.cloud.model().summary().active_registrations, 0);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dropbox_announces_is_read_at_once_and_a_forged_delivery_is_refused() {
    let world = World::speaking(84, DROPBOX).await;
    let params = json!({"internal_domains": "acme.example", "own_app_id": "dbaid:tidegate"});
    let id = world.creates_of("dropbox", params).await;
    world.consents_to(&id, "acme").await;
    world.pushes_by_hand("dropbox", &id, "toy-secret").await;
    let responses = json!([{"kind": "remove_link"}]);
    let rule = "_share.public and _content.has('credit-card')";
    world.saves_policy("Cards", rule, responses).await;
    let alice = world.user("acme", "alice");
    for name in ["one.docx", "two.docx"] {
        let file = alice.uploads(name, CUSTOMERS);
        alice.shares_publicly(&file);
        // Only what happens to files is announced; the link is read along with the next of that.
        alice.uploads("note.txt", b"note");
        let incident = world.incident_about(&file).await;
        assert_eq!(remedies(&incident), ["remove_link: done"], "{incident}");
        assert!(world.links("acme", &file).is_empty());
    }

    let delivery = |how: Tampering| {
        let body = br#"{"list_folder":{"teams":{"acme":["dbmid:u_acme_alice"]}}}"#;
        let signature = hex::encode(how.mac("toy-secret", body));
        Delivery {
            headers: vec![("x-dropbox-signature", signature)],
            body: how.body(body),
        }
    };
    // Dropbox does not say when it signed.
    let tampering = &Tampering::ALL[..3];
    world
        .takes_only_what_is_signed(&id, 200, tampering, delivery)
        .await;
    world.ends_pushing_by_hand(&id).await;
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_microsoft_365_announces_is_read_at_once_and_nothing_comes_after_disabling() {
    let world = World::speaking(86, MICROSOFT_365).await;
    let params = json!({"directory": "61636d65-0000-0000-0000-000000000000", "internal_domains": "acme.example"});
    let id = world.creates_of("microsoft-365", params).await;
    world.enables(&id, "acme", "push").await;
    assert_eq!(world.cloud.model().summary().active_registrations, 5);
    let responses = json!([{"kind": "remove_link"}]);
    let rule = "_share.public and _content.has('credit-card')";
    world.saves_policy("Cards", rule, responses).await;
    // Twice: what the first reading after enabling brings, a notification need not have announced.
    world.takes_away_a_link("customers.docx").await;
    world.takes_away_a_link("more customers.docx").await;

    let body = br#"[{"contentType":"Audit.SharePoint","contentId":"x","contentUri":"https://attacker.example/x"}]"#;
    let forged = Delivery {
        headers: vec![("webhook-authid", "a stranger's".to_owned())],
        body: body.to_vec(),
    };
    let answer = world.delivers(&id, &forged).await;
    assert_eq!(answer.status, 401, "{}", answer.text());

    world.disables(&id).await;
    assert_eq!(world.cloud.model().summary().active_registrations, 0);
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_delivers_late_and_repeated_events_once_and_a_forged_delivery_is_refused() {
    let world = World::speaking(74, SLACK).await;
    let id = world.is_told_by_slack().await;
    world
        .the_service_misbehaves(json!({"deliveries": {"duplicate": 1.0, "delay_ms": 300}}))
        .await;
    let responses = json!([{"kind": "remove_link"}]);
    let rule = "_share.public and _content.has('credit-card')";
    world.saves_policy("Cards", rule, responses).await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let link = alice.shares_publicly(&file);
    let activity = world.activity_of(&link.event).await;
    assert_eq!(activity["arrival"], "push", "{activity}");
    assert_eq!(text(&activity, "/event_name"), "file_public");
    let incident = world.incident_of(&link.event).await;
    assert_eq!(remedies(&incident), ["remove_link: done"], "{incident}");
    assert!(world.links("acme", &file).is_empty());

    let body = told(&link.event, &file).to_string().into_bytes();
    let delivery = |how: Tampering| {
        let sent = how.sent().timestamp().to_string();
        let content = [b"v0:", sent.as_bytes(), b":", &body].concat();
        let signature = format!("v0={}", hex::encode(how.mac(SIGNING_SECRET, &content)));
        Delivery {
            headers: vec![
                ("x-slack-request-timestamp", sent),
                ("x-slack-signature", signature),
            ],
            body: how.body(&body),
        }
    };
    world
        .takes_only_what_is_signed(&id, 200, &Tampering::ALL, delivery)
        .await;
    let series = "tidegate_activities_recorded_total{novelty=\"repeated\"}";
    world
        .until("what was told again to be read", || async {
            Ok((world.metric(series).await >= 3.0).then_some(()))
        })
        .await;
    assert_eq!(world.all("incidents").await.unwrap().len(), 1);
    let asked = json!(world.our_requests(0, "acme")).to_string();
    assert!(asked.contains("/api/files.info"), "{asked}");
    assert!(!asked.contains("/audit/v1/logs"), "{asked}");
    world.ends_pushing_by_hand(&id).await;
    world.ends_at_rest().await;
}

/// The event of Slack's that tells of that link, once more.
fn told(event: &str, file: &str) -> Value {
    json!({
        "type": "event_callback",
        "team_id": "acme",
        "enterprise_id": "acme",
        "event_id": event,
        "event_time": SystemClock::new().now().timestamp(),
        "event": {"type": "file_public", "file_id": file, "file": {"id": file}, "user_id": "u_acme_alice"},
    })
}
