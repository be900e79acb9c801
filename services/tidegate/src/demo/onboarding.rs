//! What an administrator does in a browser: create, consent, enable.

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::Api;
use crate::cli::Stream;
use crate::say;

/// Connects a tenant of toy-cloud and enables its feed. Gives the connection's id.
///
/// # Errors
/// When a step is refused: with what the platform or toy-cloud says.
pub async fn connect(
    tidegate: &Api,
    cloud: &str,
    name: &str,
    tenant: &str,
    feed: &str,
) -> anyhow::Result<String> {
    let new = json!({
        "service": "toy-cloud",
        "name": name,
        "params": {},
        "client": {"id": "tidegate", "secret": "toy-secret"},
        "base_url": cloud,
    });
    let created = tidegate.post("/api/v1/connections", &new).await?;
    let id = created["id"]
        .as_str()
        .context("the connection has no id")?
        .to_owned();
    consent(tidegate, &id, tenant).await?;
    let enabled = tidegate
        .post(
            &format!("/api/v1/connections/{id}/enable"),
            &json!({"feed": feed}),
        )
        .await?;
    let state = enabled["lifecycle"]["state"]
        .as_str()
        .or(enabled["state"].as_str());
    let checks = health(&enabled);
    say(
        &format!(
            "  {name:<7} tenant {tenant:<7} {feed}: {} ({checks})",
            state.unwrap_or("?")
        ),
        Stream::Out,
    );
    Ok(id)
}

/// Goes through the service's consent page as the tenant's administrator.
///
/// # Errors
/// When the consent is not taken.
pub async fn consent(tidegate: &Api, id: &str, tenant: &str) -> anyhow::Result<()> {
    let begun = tidegate
        .post(&format!("/api/v1/connections/{id}/authorize"), &json!({}))
        .await?;
    let url = begun["authorize_url"]
        .as_str()
        .context("there is no consent page")?;
    let page = reqwest::Url::parse(url).context("the consent page's address is no URL")?;
    let mut form: Vec<(String, String)> = page.query_pairs().into_owned().collect();
    let administrator = format!("u_{tenant}_admin");
    for (field, value) in [
        ("tenant", tenant),
        ("user", &administrator),
        ("password", "toy"),
        ("decision", "allow"),
    ] {
        form.retain(|(name, _)| name != field);
        form.push((field.to_owned(), value.to_owned()));
    }
    let mut action = page.clone();
    action.set_path("/oauth/consent");
    action.set_query(None);
    let back = Api::post_form(action.as_str(), &form).await?;
    let status = Api::visit(&back).await?;
    if !status.is_redirection() && !status.is_success() {
        bail!("the consent was not taken: {status}");
    }
    Ok(())
}

fn health(connection: &Value) -> String {
    let checks = connection["health"]["checks"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let held = checks.iter().filter(|check| check["ok"] == true).count();
    format!("{held} of {} health checks hold", checks.len())
}
