//! The generic service's 24 fields as a programmer would write them for that service alone: what the
//! manifest's mapping is measured against.

use std::net::{IpAddr, SocketAddr};

use chrono::{DateTime, Utc};
use event_model::{Activity, EventId, EventType, PartyType, RawEvent, Visibility};
use serde::Deserialize;

#[derive(Deserialize)]
struct Sent {
    tenant_id: Option<String>,
    event_id: Option<String>,
    event_name: Option<String>,
    event_timestamp: Option<String>,
    log_timestamp: Option<String>,
    event_type: Option<String>,
    actor_id: Option<String>,
    actor_name: Option<String>,
    actor_email: Option<String>,
    actor_type: Option<String>,
    actor_role: Option<String>,
    actor_ip_address: Option<String>,
    object_id: Option<String>,
    file_download_url: Option<String>,
    object_type: Option<String>,
    object_name: Option<String>,
    object_path: Option<String>,
    from_email: Option<String>,
    target_user_email: Option<String>,
    target_user_id: Option<String>,
    target_user_type: Option<String>,
    role: Option<String>,
    shared_link: Option<String>,
    visibility: Option<String>,
}

/// The activity; none when the event is not as the documentation says.
pub(super) fn map(event: &RawEvent) -> Option<Activity> {
    let sent: Sent = serde_json::from_str(event.json.get()).ok()?;
    let party = |text: Option<String>| PartyType::from_word(&text?.to_lowercase());
    let id = sent.event_id.unwrap_or_else(|| "none".to_owned());
    Some(Activity {
        tenant_id: there(sent.tenant_id),
        event_id: EventId::new(id)?,
        event_name: there(sent.event_name),
        event_timestamp: time(sent.event_timestamp),
        log_timestamp: time(sent.log_timestamp),
        event_type: kind(sent.event_type),
        actor_id: there(sent.actor_id),
        actor_name: there(sent.actor_name),
        actor_email: there(sent.actor_email),
        actor_type: party(sent.actor_type),
        actor_role: there(sent.actor_role),
        actor_ip_address: there(sent.actor_ip_address).and_then(|text| {
            let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
            let ip = text.parse::<IpAddr>().ok().or_else(with_port)?;
            Some(ip.to_string())
        }),
        object_id: there(sent.object_id),
        file_download_url: there(sent.file_download_url),
        object_type: there(sent.object_type),
        object_name: there(sent.object_name).or_else(|| {
            let name = sent.object_path.as_deref()?.rsplit('/').next()?;
            there(Some(name.to_owned()))
        }),
        object_path: there(sent.object_path),
        from_email: there(sent.from_email),
        target_user_email: there(sent.target_user_email),
        target_user_id: there(sent.target_user_id),
        target_user_type: party(sent.target_user_type),
        role: there(sent.role),
        shared_link: there(sent.shared_link),
        visibility: sent
            .visibility
            .and_then(|text| Visibility::from_word(&text.to_lowercase())),
    })
}

fn there(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn time(text: Option<String>) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(&text?).ok()?;
    Some(at.to_utc())
}

fn kind(text: Option<String>) -> EventType {
    let word = text.unwrap_or_default().to_lowercase().replace(' ', "_");
    EventType::from_word(&word).unwrap_or(EventType::Other)
}
