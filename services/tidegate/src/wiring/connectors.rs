//! The connectors of this installation, and what calls their services.

use std::sync::Arc;

use anyhow::Context;
use connections::{Clients, KeeperPorts, TokenKeeper};
use connector::{Catalogue, Egress};

use super::adapters::Adapters;
use crate::config::Config;

/// The connectors, with those of `connectors_dir`.
pub(crate) fn catalogue(config: &Config) -> anyhow::Result<Catalogue> {
    let built_in = Catalogue::built_in();
    let Some(dir) = &config.connectors_dir else {
        return Ok(built_in);
    };
    built_in
        .with_dir(dir)
        .map_err(|mistakes| {
            let listed: String = mistakes
                .iter()
                .map(|mistake| format!("\n  {mistake}"))
                .collect();
            anyhow::anyhow!("{} mistakes in the connectors:{listed}", mistakes.len())
        })
        .with_context(|| {
            format!(
                "the connectors in `{}` are not right (setting `connectors_dir`)",
                dir.display()
            )
        })
}

/// What calls their services, with the tokens that it keeps fresh.
pub(super) fn clients(
    adapters: &Adapters,
    catalogue: &Arc<Catalogue>,
    egress: &Egress,
    holder: &str,
) -> Arc<Clients> {
    let keeper = TokenKeeper::new(
        KeeperPorts {
            grants: adapters.store.clone(),
            client_secrets: adapters.store.clone(),
            connections: adapters.store.clone(),
            leases: adapters.store.clone(),
            audit: adapters.store.clone(),
            clock: Arc::clone(&adapters.clock),
            entropy: Arc::clone(&adapters.entropy),
            metrics: Arc::clone(&adapters.metrics),
        },
        Arc::clone(catalogue),
        egress.clone(),
        holder.to_owned(),
    );
    let clock = Arc::clone(&adapters.clock);
    let catalogue = Arc::clone(catalogue);
    Arc::new(Clients::new(
        catalogue,
        egress.clone(),
        Arc::new(keeper),
        clock,
    ))
}
