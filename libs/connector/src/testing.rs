//! Values for this crate's tests.

use std::collections::BTreeMap;

use chrono::DateTime;
use event_model::{Connection, ConnectionId, Lifecycle};

/// A connection with an OAuth client and no parameters.
pub(crate) fn connection(base_url: Option<&str>) -> Connection {
    let since = DateTime::UNIX_EPOCH;
    Connection {
        id: ConnectionId::new(since, 1),
        service: "test".into(),
        name: "Test".into(),
        params: BTreeMap::new(),
        base_url: base_url.map(str::to_owned),
        client_id: Some("tidegate".into()),
        tenant_id: Some("acme".into()),
        lifecycle: Lifecycle::Authorized { since },
        health: None,
        created_at: since,
        revision: 1,
    }
}
