//! `tidegate access explain`: which policy wins for somebody, which lose, and why.

use std::path::PathBuf;
use std::sync::Arc;

use access::{
    AccessGroup, Account, Allowed, Caller, Catalogue, Class, Decision, Operation, OsType,
    Permission, Process, Winner,
};
use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use event_model::{PAGE_ITEMS_MAX, PageRequest, VAULT_GROUP, VaultItem, VaultState};
use ports::VaultFilter;
use serde_json::{Value, json};

use crate::cli::Stream;
use crate::cli::vault::{Given, Opened};
use crate::say;

/// `tidegate access explain`
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Who asks: `ada` of this machine, `ada@domain.com` and `DOMAIN\ada` of a directory,
    /// `SYSTEM@NT AUTHORITY` of the system.
    #[arg(value_name = "USER")]
    user: String,
    /// The whole path of the process.
    #[arg(value_name = "PROCESS")]
    process: Option<String>,
    /// An item of the vault, by its id or its name.
    #[arg(value_name = "ITEM", conflicts_with = "file")]
    item: Option<String>,
    /// JSON file with the policies and groups, instead of those of the installation.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Which group [default: `vault`; of a file, the only one].
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// A group that the user is in, written likewise; several by repeating it.
    #[arg(long, value_name = "GROUP")]
    member_of: Vec<String>,
    /// The link by which the process was started.
    #[arg(long, value_name = "PATH", requires = "process")]
    link: Option<String>,
    /// What started the process, the nearest first; several by repeating it.
    #[arg(long, value_name = "PATH", requires = "process")]
    parent: Vec<String>,
    /// What the caller may do without any policy.
    #[arg(long, value_enum, default_value_t = Role::ReadWrite)]
    role: Role,
    /// The name of the machine, for `user@HOST`.
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    host: String,
    #[command(flatten)]
    given: Given,
}

/// What a caller may do without any policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    None,
    Read,
    Write,
    ReadWrite,
    ReadCipher,
    ReadWriteCipher,
}

impl Role {
    const fn permission(self) -> Permission {
        match self {
            Role::None => Permission::NoAccess,
            Role::Read => Permission::Read,
            Role::Write => Permission::Write,
            Role::ReadWrite => Permission::ReadWrite,
            Role::ReadCipher => Permission::ReadCipher,
            Role::ReadWriteCipher => Permission::ReadWriteCipher,
        }
    }
}

impl Explain {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let (group, item) = match &self.file {
            Some(file) => (self.of_document(&super::document(file)?)?, None),
            None => self.of_installation().await?,
        };
        let caller = self.caller(group.os());
        let decision = group.decide(&caller);
        if self.given.json {
            let line = shown(&group, &decision, item.as_ref());
            say(&line.to_string(), Stream::Out);
            return Ok(());
        }
        if let Some(item) = item {
            let line = format!(
                "`{}` is of the vault: the group `{}` holds",
                item.id,
                group.name()
            );
            say(&line, Stream::Out);
        }
        let lines = decision.explain();
        lines.iter().for_each(|line| say(line, Stream::Out));
        Ok(())
    }

    fn of_document(&self, document: &access::AccessDocument) -> anyhow::Result<Arc<AccessGroup>> {
        let found = match (&self.group, document.groups()) {
            (Some(name), _) => document
                .group(name)
                .with_context(|| format!("the document has no group `{name}`"))?,
            (None, [group]) => group,
            (None, groups) => {
                let names: Vec<&str> = groups.iter().map(|group| group.name()).collect();
                bail!("name one of the groups with --group: {}", names.join(", "))
            }
        };
        Ok(Arc::new(found.clone()))
    }

    async fn of_installation(&self) -> anyhow::Result<(Arc<AccessGroup>, Option<VaultItem>)> {
        let opened = Opened::new(&self.given).await?;
        let catalogue = Catalogue::of(&opened.store.access_records().await?)?;
        let name = self.group.as_deref().unwrap_or(VAULT_GROUP);
        ensure!(
            self.item.is_none() || name == VAULT_GROUP,
            "for what the vault holds the group `{VAULT_GROUP}` holds, and not `{name}`"
        );
        let item = match &self.item {
            Some(text) => Some(item(&opened, text).await?),
            None => None,
        };
        let group = catalogue.named(name).with_context(|| {
            format!(
                "there is no group `{name}` of access policies: in the console the roles hold alone, by \
                 socket and mount nobody is let in"
            )
        })?;
        Ok((Arc::clone(group), item))
    }

    fn caller(&self, os: OsType) -> Caller {
        let account = |text: &String| Account::written(text, os, &self.host);
        let first = self.process.iter().map(|path| Process {
            path: path.clone(),
            link: self.link.clone(),
        });
        let parents = self.parent.iter().map(|path| Process {
            path: path.clone(),
            link: None,
        });
        Caller {
            user: account(&self.user),
            groups: self.member_of.iter().map(account).collect(),
            processes: first.chain(parents).collect(),
            role: Allowed::of(self.role.permission()),
        }
    }
}

/// The item of that id, or the newest that is held by that name.
async fn item(opened: &Opened, text: &str) -> anyhow::Result<VaultItem> {
    let none = || format!("the vault has no item `{text}`");
    if let Ok(id) = text.parse() {
        return opened.store.vault_item(id).await?.with_context(none);
    }
    let filter = VaultFilter {
        state: vec![VaultState::Held],
    };
    let mut page = PageRequest::first(PAGE_ITEMS_MAX);
    loop {
        let found = opened.store.vault_page(&filter, &page).await?;
        if let Some(item) = found.items.into_iter().find(|item| item.name == text) {
            return Ok(item);
        }
        let next = found.next.with_context(none)?;
        page = PageRequest::after(next, PAGE_ITEMS_MAX);
    }
}

fn shown(group: &AccessGroup, decision: &Decision<'_>, item: Option<&VaultItem>) -> Value {
    let winner = match decision.winner {
        Winner::Policy(policy) => Some(policy.name()),
        Winner::Default => None,
    };
    let permitted = Operation::ALL.iter().filter(|one| decision.permits(**one));
    let permitted: Vec<String> = permitted.map(|one| format!("{one:?}")).collect();
    let considered = decision.considered().into_iter().map(|one| {
        json!({
            "policy": one.policy.name(),
            "class": Class::of(one.policy.entity()).word(),
            "entity": one.policy.entity().to_string(),
            "access": one.policy.access(),
            "standing": one.standing,
            "why": one.why,
        })
    });
    json!({
        "group": group.name(),
        "item": item.map(|item| item.id),
        "policy": winner,
        "granted": decision.granted,
        "permitted": permitted,
        "considered": considered.collect::<Vec<Value>>(),
        "explanation": decision.explain(),
    })
}
