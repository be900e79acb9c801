//! The five roles, by their names.

use clap::ValueEnum;

use crate::config::Config;

/// A part of the platform that can run in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Role {
    /// Takes webhook deliveries into the activity log.
    Ingest,
    /// Reads the pull feeds into the activity log.
    Poller,
    /// Evaluates policies on the log's activity.
    Evaluator,
    /// Carries out remedies in the services.
    Actions,
    /// Pages, API and the OAuth callback.
    Console,
}

impl Role {
    /// Every role, in the order in which an event travels.
    pub const ALL: [Role; 5] = [
        Role::Ingest,
        Role::Poller,
        Role::Evaluator,
        Role::Actions,
        Role::Console,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Ingest => "ingest",
            Role::Poller => "poller",
            Role::Evaluator => "evaluator",
            Role::Actions => "actions",
            Role::Console => "console",
        }
    }
}

/// Whether these roles can run here while the others run elsewhere: only on a store and a log that
/// several processes share.
pub(super) fn can_be_apart(config: &Config, chosen: &[Role]) -> anyhow::Result<()> {
    anyhow::ensure!(!chosen.is_empty(), "no role was named");
    let missing: Vec<&str> = Role::ALL
        .iter()
        .filter(|role| !chosen.contains(role))
        .map(|role| role.name())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let embedded: Vec<&str> = [
        ("store", "postgres://…", config.store.starts_with("sqlite:")),
        ("log", "kafka://…", config.log.starts_with("embedded:")),
    ]
    .iter()
    .filter(|(_, _, is_embedded)| *is_embedded)
    .map(|(setting, _, _)| *setting)
    .collect();
    anyhow::ensure!(
        embedded.is_empty(),
        "{} would have to run in another process, but an embedded store or log is of one process: \
         set {} (`store = \"postgres://…\"`, `log = \"kafka://…\"`), or run every role here with \
         `tidegate up`",
        missing.join(", "),
        embedded
            .iter()
            .map(|setting| format!("`{setting}`"))
            .collect::<Vec<_>>()
            .join(" and "),
    );
    let registers = chosen.contains(&Role::Console) || chosen.contains(&Role::Poller);
    anyhow::ensure!(
        config.public_url.is_some() || !registers,
        "webhooks and the OAuth redirect cannot be told to services without the address at which they \
         reach this installation: set `public_url`"
    );
    Ok(())
}
