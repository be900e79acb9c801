use serde_json::{Value, json};

use super::Api;
use crate::cli::Stream;
use crate::say;

/// The demo's policies, as an administrator would write them.
fn documents() -> [Value; 3] {
    [
        json!({
            "name": "Payment cards behind a public link",
            "severity": "critical",
            "trigger": {"connections": [], "actions": ["share"]},
            "rule": "_share.public and _content.count('credit-card') >= 3",
            "effect": "DENY",
            "mode": "enforce",
            "notification": "Documents with payment cards must not be shared by public link.",
            "responses": [{"kind": "remove_link"}, {"kind": "quarantine"}],
        }),
        json!({
            "name": "Social security numbers outside the organisation",
            "severity": "high",
            "trigger": {"connections": [], "actions": ["share"]},
            "rule": "_share.hasUsersFromDomain('partner.example') and _content.has('us-ssn')",
            "effect": "DENY",
            "mode": "enforce",
            "notification": "Social security numbers stay inside the organisation.",
            "responses": [{"kind": "remove_collaborator"}],
        }),
        json!({
            "name": "Public links, watched",
            "severity": "low",
            "trigger": {"connections": [], "actions": ["share"]},
            "rule": "_share.public",
            "effect": "DENY",
            "mode": "permissive",
            "notification": null,
            "responses": [],
        }),
    ]
}

/// Saves them over the API.
pub(super) async fn install(tidegate: &Api) -> anyhow::Result<()> {
    for document in documents() {
        tidegate.post("/api/v1/policies", &document).await?;
        let text = |field: &str| document[field].as_str().unwrap_or_default().to_owned();
        say(
            &format!(
                "  {:<11} {:<50} {}",
                text("mode"),
                text("name"),
                text("rule")
            ),
            Stream::Out,
        );
    }
    Ok(())
}
