//! What a remedy would do in a connection's service: looked at under the gate, as a remedy is.

use connector::{Ask, CallError};
use event_model::{Activity, ConnectionId};
use ports::{AdminError, GateError, Rehearsal, RehearsedCall, RehearsedRemedy, StoreError};

use crate::Connections;

impl Connections {
    pub(crate) async fn rehearse_remedy(
        &self,
        id: ConnectionId,
        activity: &Activity,
        remedy: &RehearsedRemedy,
    ) -> Result<Rehearsal, AdminError> {
        let not_enabled = || AdminError::Conflict {
            detail: "the connection is not enabled".into(),
        };
        // The order matters: first through the gate, then look at the state. See `CallGate`.
        let _pass = match self.ports.gate.enter(id).await {
            Ok(pass) => pass,
            Err(GateError::Closed(_)) => return Err(not_enabled()),
            Err(GateError::Store(error)) => return Err(error.into()),
        };
        let connection = self.ports.connections.get(id).await?;
        let connection = connection.ok_or_else(|| StoreError::NotFound {
            what: "connection",
            id: id.to_string(),
        })?;
        if !connection.lifecycle.is_enabled() {
            return Err(not_enabled());
        }
        let connector = self.catalogue.get(&connection.service);
        let mut told = Rehearsal {
            kind: remedy.kind,
            refused: None,
            in_effect: None,
            can_be_undone: connector.is_some_and(|connector| connector.can_undo(remedy.kind)),
            snapshot: None,
            calls: Vec::new(),
            calls_more: 0,
        };
        let ask = Ask {
            kind: remedy.kind,
            activity,
            particulars: &remedy.particulars,
            asked_at: self.ports.clock.now(),
            vaulted: None,
        };
        match self.clients.client(&connection)?.rehearse(&ask).await {
            Ok(seen) => {
                told.in_effect = seen.in_effect;
                told.snapshot = Some(seen.snapshot);
                told.calls = seen.calls.into_iter().map(call).collect();
                told.calls_more = seen.calls_more as u64;
            }
            Err(CallError::NotSupported { what }) => told.refused = Some(what),
            Err(error) => {
                return Err(AdminError::Service {
                    detail: error.to_string(),
                    retry_after: match error.disposition() {
                        connector::Disposition::Retry(after) => Some(after),
                        _ => None,
                    },
                });
            }
        }
        Ok(told)
    }
}

fn call(call: connector::RehearsedCall) -> RehearsedCall {
    let connector::RehearsedCall {
        method,
        address,
        about,
        depends,
    } = call;
    RehearsedCall {
        method,
        address,
        about,
        depends,
    }
}
