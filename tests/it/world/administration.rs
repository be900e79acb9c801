//! What administrators do: connect, consent, enable, disable, save policies; and analysts: look, restore, undo.

use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::{Answer, Watched, World, answer, text};

impl World {
    /// Creates, consents and enables. Gives the connection's id.
    pub(crate) async fn connects(&self, name: &str, tenant: &str, feed: &str) -> String {
        let id = self.creates(name).await;
        let back = self.consents(&id, tenant, "admin", "allow").await;
        let taken = self.visit(&back).await;
        assert_eq!(taken.status, 303, "{}", taken.text());
        self.enables(&id, tenant, feed).await;
        id
    }

    /// A connection that awaits consent.
    pub(crate) async fn creates(&self, name: &str) -> String {
        let new = json!({
            "service": "toy-cloud",
            "name": name,
            "params": {},
            "client": {"id": "tidegate", "secret": "toy-secret"},
            "base_url": self.cloud.url(),
        });
        let created = self.tidegate.post("/api/v1/connections", &new).await;
        text(&created.unwrap(), "/id").to_owned()
    }

    /// Goes through the consent page. Gives the address that the browser is sent back to.
    pub(crate) async fn consents(
        &self,
        id: &str,
        tenant: &str,
        user: &str,
        decision: &str,
    ) -> String {
        let path = format!("/api/v1/connections/{id}/authorize");
        let begun = self.tidegate.post(&path, &json!({})).await.unwrap();
        let page = Url::parse(text(&begun, "/authorize_url")).unwrap();
        let user = format!("u_{tenant}_{user}");
        let mut form: Vec<(String, String)> = page.query_pairs().into_owned().collect();
        form.retain(|(name, _)| name != "tenant");
        for (name, value) in [
            ("tenant", tenant),
            ("user", &user),
            ("password", "toy"),
            ("decision", decision),
        ] {
            form.push((name.to_owned(), value.to_owned()));
        }
        let mut action = page;
        action.set_path("/oauth/consent");
        action.set_query(None);
        let sent = answer(self.browser.post(action).form(&form)).await;
        assert_eq!(sent.status, 303, "{}", sent.text());
        sent.headers["location"].to_str().unwrap().to_owned()
    }

    /// Switches the feed on, which must succeed.
    pub(crate) async fn enables(&self, id: &str, tenant: &str, feed: &str) {
        let enabled = self.asks_to_enable(id, feed).await;
        assert_eq!(enabled.status, 200, "{}", enabled.text());
        assert_eq!(enabled.json()["state"], "enabled");
        let watched = Watched {
            tenant: tenant.to_owned(),
            before: self.events_of(tenant),
        };
        self.watched.lock().unwrap().insert(id.to_owned(), watched);
    }

    pub(crate) async fn asks_to_enable(&self, id: &str, feed: &str) -> Answer {
        let path = format!("/api/v1/connections/{id}/enable");
        self.call(Method::POST, &path, &json!({ "feed": feed }))
            .await
    }

    /// Switches the feed off. Gives the connection as it is when the call returns.
    pub(crate) async fn disables(&self, id: &str) -> Value {
        self.watched.lock().unwrap().remove(id);
        let path = format!("/api/v1/connections/{id}/disable");
        let disabled = self.tidegate.post(&path, &json!({})).await.unwrap();
        assert_eq!(disabled["state"], "disabled");
        disabled
    }

    pub(crate) async fn connection(&self, id: &str) -> Value {
        let path = format!("/api/v1/connections/{id}");
        self.tidegate.get(&path).await.unwrap()
    }

    pub(crate) async fn until_it_is(&self, id: &str, state: &str) -> Value {
        self.until(&format!("the connection to be {state}"), || async {
            let connection = self.connection(id).await;
            Ok((connection["state"] == state).then_some(connection))
        })
        .await
    }

    /// Saves a policy on shares. Gives it.
    pub(crate) async fn saves_policy(&self, name: &str, rule: &str, responses: Value) -> Value {
        let policy = policy(name, rule, responses);
        let saved = self.tidegate.post("/api/v1/policies", &policy).await;
        saved.unwrap()
    }

    /// Payment cards behind a public link: the link is removed and the document quarantined.
    pub(crate) async fn forbids_cards_behind_links(&self) -> Value {
        self.saves_policy(
            "Payment cards behind a public link",
            "_share.public and _content.has('credit-card')",
            json!([{"kind": "remove_link"}, {"kind": "quarantine"}]),
        )
        .await
    }

    /// The incident of an event, once nothing is left to do on it.
    pub(crate) async fn incident_of(&self, event: &str) -> Value {
        self.until(&format!("the settled incident of {event}"), || async {
            let found = self.all(&format!("incidents?event_id={event}")).await?;
            let settled = found.into_iter().find(is_settled);
            Ok(settled)
        })
        .await
    }

    /// The activity of an event, once it is recorded.
    pub(crate) async fn activity_of(&self, event: &str) -> Value {
        self.until(&format!("the activity {event}"), || async {
            let found = self.all(&format!("activities?event_id={event}")).await?;
            Ok(found.into_iter().next())
        })
        .await
    }

    /// The quarantine item of an incident.
    pub(crate) async fn quarantined_for(&self, incident: &Value) -> Value {
        let list = format!("quarantine?incident={}", text(incident, "/id"));
        let mut items = self.all(&list).await.unwrap();
        assert_eq!(items.len(), 1, "{items:?} for {}", incident["remedies"]);
        items.remove(0)
    }

    /// Asks for a remedy at that path of the API, and waits for its end.
    pub(crate) async fn has_done(&self, path: &str) -> Value {
        self.has_done_with(path, &Value::Null).await
    }

    /// The same, with a body.
    pub(crate) async fn has_done_with(&self, path: &str, body: &Value) -> Value {
        let asked = self.call(Method::POST, path, body).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        let path = format!("/api/v1/remedies/{}", text(&asked.json(), "/id"));
        self.until("the remedy to end", || async {
            let remedy = self.tidegate.get(&path).await?;
            Ok(is_final(&remedy).then_some(remedy))
        })
        .await
    }

    /// Undoes the incident's remedy of that kind.
    pub(crate) async fn undoes(&self, incident: &Value, kind: &str) -> Value {
        let remedies = incident["remedies"].as_array().unwrap();
        let remedy = remedies.iter().find(|remedy| remedy["kind"] == kind);
        let path = format!("/api/v1/remedies/{}", text(remedy.unwrap(), "/id"));
        // The service shows what was done before the remedy is written as done.
        self.until("the remedy to be done", || async {
            let remedy = self.tidegate.get(&path).await?;
            Ok(is_final(&remedy).then_some(()))
        })
        .await;
        self.has_done(&format!("{path}/undo")).await
    }

    /// What was audited with that action.
    pub(crate) async fn audited(&self, action: &str) -> Vec<Value> {
        let mut entries = self.all("audit").await.unwrap();
        entries.retain(|entry| entry["action"] == action);
        entries
    }
}

/// A policy on shares that forbids what the rule describes.
pub(crate) fn policy(name: &str, rule: &str, responses: Value) -> Value {
    json!({
        "name": name,
        "severity": "critical",
        "trigger": {"connections": [], "actions": ["share"]},
        "rule": rule,
        "effect": "DENY",
        "mode": "enforce",
        "notification": "This must not be shared.",
        "responses": responses,
    })
}

pub(crate) fn is_final(remedy: &Value) -> bool {
    let ends = ["done", "given_up", "superseded", "cancelled"];
    ends.iter().any(|end| remedy["state"] == *end)
}

fn is_settled(incident: &Value) -> bool {
    incident["remedies"]
        .as_array()
        .unwrap()
        .iter()
        .all(is_final)
}

/// The incident's remedies as `kind: state`.
pub(crate) fn remedies(incident: &Value) -> Vec<String> {
    let told = |remedy: &Value| format!("{}: {}", text(remedy, "/kind"), text(remedy, "/state"));
    let remedies = incident["remedies"].as_array().unwrap();
    remedies.iter().map(told).collect()
}
