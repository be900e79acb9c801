//! `tests`: the connection that samples are mapped for, and what actions may be tried on.
//!
//! Nothing of this has any effect on a real connection.

use std::collections::BTreeMap;

use chrono::DateTime;
use event_model::{Connection, ConnectionId, Field, Lifecycle};

use crate::connector::Connector;
use crate::manifest::step::{Step, read_steps};
use crate::mistake::did_you_mean;
use crate::node::Node;
use crate::scope::Names;

/// What `tests` says.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    params: BTreeMap<String, String>,
    base_url: Option<String>,
    tenant_id: Option<String>,
    client_id: Option<String>,
    /// Of how many samples in a hundred a field must be there.
    coverage: Vec<(Field, u8)>,
    /// Makes an object to try actions on; captures fields of the activity about it.
    pub(crate) make: Vec<Step>,
    /// Takes it away again.
    pub(crate) unmake: Vec<Step>,
}

pub(crate) fn read(node: &Node<'_>) -> Option<Trial> {
    let fields = node.fields()?;
    let params = fields.read("params", BTreeMap::new(), |node| {
        let entries = node.entries()?.into_iter();
        entries
            .map(|(name, node)| Some((name, node.text()?)))
            .collect()
    });
    let base_url = fields.maybe("base_url", Node::text);
    let tenant_id = fields.maybe("tenant_id", Node::text);
    let client_id = fields.maybe("client_id", Node::text);
    let coverage = fields.read("coverage", Vec::new(), read_coverage);
    let make = fields.read("make", Vec::new(), |node| {
        let steps = read_steps(node, &Names::STEP)?;
        let named = |step: &Step| step.capture.iter().any(|(name, _)| name == "object_id");
        match steps.iter().any(named) {
            true => Some(steps),
            false => node.wrong("`make` must capture `object_id`: what actions are tried on"),
        }
    });
    let unmake = fields.read("unmake", Vec::new(), |node| {
        read_steps(node, &Names::OBJECT)
    });
    Some(Trial {
        params: params?,
        base_url: base_url?,
        tenant_id: tenant_id?,
        client_id: client_id?,
        coverage: coverage?,
        make: make?,
        unmake: unmake?,
    })
}

fn read_coverage(node: &Node<'_>) -> Option<Vec<(Field, u8)>> {
    let entries = node.entries()?.into_iter();
    let read = entries.map(|(name, node)| match Field::from_name(&name) {
        Some(field) => Some((field, u8::try_from(node.integer(0, 100)?).ok()?)),
        None => {
            let hint = did_you_mean(&name, Field::ALL.iter().map(|field| field.name()));
            node.wrong_with(format!("`{name}` is not one of the 24 fields"), hint)
        }
    });
    read.collect()
}

impl Connector {
    /// The connection that samples are mapped for: no real one. Its parameters are those of `tests`,
    /// and the defaults.
    pub fn sample_connection(&self) -> Connection {
        let since = DateTime::UNIX_EPOCH;
        let trial = &self.trial;
        let or = |given: &Option<String>, otherwise: &str| {
            Some(given.clone().unwrap_or_else(|| otherwise.to_owned()))
        };
        Connection {
            id: ConnectionId::new(since, 1),
            service: self.id.clone(),
            name: "samples".into(),
            params: trial.params.clone(),
            base_url: or(&trial.base_url, "http://127.0.0.1:9000").filter(|_| self.self_hosted),
            client_id: or(&trial.client_id, "tidegate"),
            tenant_id: or(&trial.tenant_id, "acme"),
            lifecycle: Lifecycle::Authorized { since },
            health: None,
            created_at: since,
            revision: 1,
        }
    }

    /// Fields with the least share of samples, in percent, that must have them.
    pub fn least_coverage(&self) -> &[(Field, u8)] {
        &self.trial.coverage
    }
}
