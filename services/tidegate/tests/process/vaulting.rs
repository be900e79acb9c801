//! The process dies after every single step of taking content into the vault, and of putting it back, and
//! goes on: never two copies, never none, never a share left open.
//!
//! A step is a request that the service has answered; each is slowed down, so that the process is found
//! between two of them. What the vault does by itself lies between two requests, too, and is hit at moments
//! that chance picks.

use std::time::Duration;

use ports::{Clock, SystemClock};
use serde_json::{Value, json};
use toy_cloud::{Config, ModelHandle, ToyCloud};

use crate::deeds::each_entry;
use crate::subject::Subject;
use tidegate::demo::{onboarding, wait_for};

/// How long the service takes before it does anything.
const SLOW_MS: u64 = 60;
/// Longest that one object may take, kill and restart included.
const REST_MAX: Duration = Duration::from_secs(60);
/// More steps than this no saga has.
const STEPS_MAX: usize = 80;
const TENANT: &str = "acme";
const TOMBSTONE: &str = "taken away";

/// A file with two versions, a share and a public link, which violates.
struct Object {
    id: String,
    before: Value,
}

/// A stage on which one object after the other goes there and back.
struct Stage {
    cloud: ToyCloud,
    subject: Subject,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_after_any_step_of_the_vaults_saga_leaves_one_copy() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cloud = ToyCloud::start(Config::default()).await.unwrap();
    let subject = Subject::start(&cloud, 5).await;
    let mut stage = Stage { cloud, subject };
    stage.set_up().await;
    let (there, back) = (
        stage.taken_at_every_step().await,
        stage.restored_at_every_step().await,
    );
    println!("killed after each of {there} steps into the vault, and of {back} steps back");
    assert!(
        there > 8 && back > 8,
        "the saga has more steps than {there} and {back}"
    );
    stage.subject.stop().await;
    stage.cloud.shutdown().await;
}

impl Stage {
    async fn set_up(&self) {
        let (api, url) = (&self.subject.tidegate, self.cloud.url());
        onboarding::connect(api, &url, "Acme", TENANT, "push")
            .await
            .unwrap();
        let policy = json!({
            "name": "Public", "trigger": {"connections": [], "actions": ["share"]}, "rule": "_share.public",
            "responses": [{"kind": "quarantine_to_vault", "tombstone": TOMBSTONE}],
        });
        api.post("/api/v1/policies", &policy).await.unwrap();
        let slow = json!({"rules": [{"match": {"path_prefix": "/api/v1/files/"}, "what": {"delay_ms": SLOW_MS}, "times": null}]});
        self.subject
            .toy
            .put("/control/faults", &slow)
            .await
            .unwrap();
    }

    /// Gives how many steps there are: the process was killed after each.
    async fn taken_at_every_step(&mut self) -> usize {
        for step in 1..=STEPS_MAX {
            let object = self.makes_an_object(step).await;
            let killed = self.kill_after(&object, 0, step).await;
            self.is_in_the_vault(&object).await;
            self.restore(&object).await;
            self.is_back(&object).await;
            if !killed {
                return step - 1;
            }
        }
        panic!("it has more than {STEPS_MAX} steps");
    }

    async fn restored_at_every_step(&mut self) -> usize {
        for step in 1..=STEPS_MAX {
            let object = self.makes_an_object(1_000 + step).await;
            self.is_in_the_vault(&object).await;
            let had = steps(&self.cloud.model(), &object);
            self.restore(&object).await;
            let killed = self.kill_after(&object, had, step).await;
            self.is_back(&object).await;
            if !killed {
                return step - 1;
            }
        }
        panic!("it has more than {STEPS_MAX} steps");
    }

    async fn makes_an_object(&self, number: usize) -> Object {
        let act = |more: Value| {
            let mut act = json!({"tenant": TENANT, "user": "alice"});
            let more = more.as_object().unwrap().clone();
            act.as_object_mut().unwrap().extend(more);
            async move { self.subject.toy.post("/control/act", &act).await.unwrap() }
        };
        let name = format!("salaries {number}.csv");
        let content = format!("first of {number}");
        let made = act(json!({"do": "upload", "name": name, "content": content})).await;
        let id = made["file_id"].as_str().unwrap().to_owned();
        let content = "all salaries\n".repeat(9_000 + number);
        act(json!({"do": "update", "file_id": id, "content": content})).await;
        act(json!({"do": "share", "file_id": id, "with": "bob", "role": "editor"})).await;
        act(json!({"do": "link", "file_id": id, "visibility": "organization"})).await;
        let mut object = Object {
            id,
            before: Value::Null,
        };
        // The public link is what violates: it is made last, and is part of what must come back.
        act(json!({"do": "link", "file_id": object.id, "visibility": "public"})).await;
        object.before = self.as_first_made(&object).await;
        object
    }

    /// As the service has it before the platform could touch it, put together from what the makers did.
    async fn as_first_made(&self, object: &Object) -> Value {
        let shown = look(&self.cloud.model(), object);
        assert_eq!(
            shown["links"].as_array().map(Vec::len),
            Some(2),
            "the platform is not faster than {SLOW_MS} ms: {shown}"
        );
        shown
    }

    /// Kills the process when the service has answered so many requests about the object since; false when
    /// there are not so many.
    async fn kill_after(&mut self, object: &Object, had: usize, step: usize) -> bool {
        let clock = SystemClock::new();
        let began = clock.monotonic();
        loop {
            let answered = steps(&self.cloud.model(), object) - had;
            if answered >= step {
                break;
            }
            if self.rests(object).await && steps(&self.cloud.model(), object) - had < step {
                return false;
            }
            let waited = clock.monotonic().saturating_sub(began);
            assert!(waited < REST_MAX, "it hangs at step {answered} of {step}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let pause = self.subject.random_pause().as_micros() as u64 % (SLOW_MS * 1_000);
        tokio::time::sleep(Duration::from_micros(pause)).await;
        self.subject.kill_and_restart().await;
        let shown = look(&self.cloud.model(), object);
        let whole = shown["contents"] == object.before["contents"];
        let held = self.parts_of_vault();
        assert!(
            whole || held >= 2,
            "neither here nor there after step {step}: {shown}"
        );
        self.subject.ready().await;
        true
    }

    /// Whether the object's last remedy has ended.
    async fn rests(&self, object: &Object) -> bool {
        let path = format!("/api/v1/incidents?object_id={}", object.id);
        let Ok(found) = self.subject.tidegate.get(&path).await else {
            return false;
        };
        let remedies = found["items"][0]["remedies"].as_array();
        remedies.is_some_and(|all| !all.is_empty() && all.iter().all(|one| one["state"] == "done"))
    }

    async fn rest(&self, object: &Object) {
        let rested = wait_for("the remedy to end", || async {
            Ok(self.rests(object).await.then_some(()))
        });
        let rested = tokio::time::timeout(REST_MAX, rested).await;
        rested.unwrap().unwrap();
    }

    async fn is_in_the_vault(&self, object: &Object) {
        self.rest(object).await;
        let shown = look(&self.cloud.model(), object);
        let open = (&shown["shares"], &shown["links"]);
        assert_eq!(open, (&json!([]), &json!([])), "a share is left open");
        let sha256 = ring::digest::digest(&ring::digest::SHA256, TOMBSTONE.as_bytes());
        assert_eq!(
            shown["contents"],
            json!([hex::encode(sha256)]),
            "two copies"
        );
        assert_eq!(self.parts_of_vault(), 2, "each version is there once");
    }

    async fn restore(&self, object: &Object) {
        let items = self
            .subject
            .tidegate
            .get("/api/v1/quarantine?state=held")
            .await;
        let items = items.unwrap();
        let item = items["items"].as_array().unwrap().iter();
        let item = item
            .clone()
            .find(|item| item["object_id"] == object.id.as_str());
        let id = item.unwrap()["id"].as_str().unwrap();
        let path = format!("/api/v1/quarantine/{id}/restore");
        self.subject
            .tidegate
            .post(&path, &Value::Null)
            .await
            .unwrap();
    }

    async fn is_back(&self, object: &Object) {
        self.rest(object).await;
        assert_eq!(look(&self.cloud.model(), object), object.before);
        assert_eq!(self.parts_of_vault(), 0, "the vault has no copy any more");
    }

    /// Items of the vault that have content.
    fn parts_of_vault(&self) -> usize {
        let folder = std::fs::read_dir(self.subject.data().join("vault"));
        folder.map_or(0, Iterator::count)
    }
}

/// How many requests about the object the service has answered to us.
fn steps(cloud: &ModelHandle, object: &Object) -> usize {
    let below = format!("/api/v1/files/{}", object.id);
    let about = |entry: &Value| {
        let path = entry["path"].as_str().unwrap_or_default();
        let rest = path.strip_prefix(below.as_str());
        entry["kind"] == "request"
            && entry["client_id"] == "tidegate"
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut steps = 0;
    each_entry(cloud, 0, |entry| steps += usize::from(about(entry)));
    steps
}

/// What the service lets be set, and the contents of the versions.
fn look(cloud: &ModelHandle, object: &Object) -> Value {
    let shown = json!(cloud.file(TENANT, &object.id).unwrap());
    let of = |name: &str| shown[name].clone();
    let versions = shown["versions"].as_array().unwrap().iter();
    let contents: Vec<&Value> = versions.map(|version| &version["sha256"]).collect();
    json!({
        "path": of("path"), "owner": of("owner"), "mime_type": of("mime_type"), "trashed": of("trashed"),
        "contents": contents,
        "shares": cloud.permissions(TENANT, &object.id).unwrap(),
        "links": cloud.links(TENANT, &object.id).unwrap(),
    })
}
