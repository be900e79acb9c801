//! `tidegate access import|export|list`: the policies of the installation.

use std::path::PathBuf;

use access::{Catalogue, Class, exported, imported};
use anyhow::Context;
use clap::Args;
use event_model::{
    AccessGroupId, AccessGroupRecord, AccessPermission, AccessPolicyId, AccessPolicyRecord,
    AuditId, OsType,
};
use ports::{Entropy, NewAudit, SystemEntropy};
use serde_json::json;

use crate::cli::Stream;
use crate::cli::vault::{Given, Opened};
use crate::output::counted;
use crate::say;

/// `tidegate access import`
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// JSON file with the policies and groups.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Say what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    given: Given,
}

/// `tidegate access export`
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    given: Given,
}

/// `tidegate access list`
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    given: Given,
}

impl Import {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let document = super::document(&self.file)?;
        let opened = Opened::new(&self.given).await?;
        let before = opened.store.access_records().await?;
        let change = imported(&document, &before, &mut || fresh(&opened))?;
        Catalogue::of(&before.with(&change))
            .map_err(|error| {
                let mistakes: String = error.0.iter().map(|one| format!("\n  {one}")).collect();
                anyhow::anyhow!("{error}:{mistakes}")
            })
            .context("the document does not fit together")?;
        let counts = [
            (change.policies.len(), "policies made or changed"),
            (change.groups.len(), "groups made or changed"),
            (change.removed_policies.len(), "policies removed"),
            (change.removed_groups.len(), "groups removed"),
        ];
        let said: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).into();
        let said = said.join(", ");
        if !self.dry_run {
            let at = opened.clock.now();
            let entry = NewAudit {
                id: AuditId::new(at, SystemEntropy.draw()),
                at,
                actor: opened.by.clone(),
                action: "access_policy.imported".to_owned(),
                subject: "access policies".to_owned(),
                detail: said.clone(),
            };
            opened.store.audit(&entry).await?;
            let done = opened.store.change_access(before.revision, &change).await;
            done.context("somebody else changed them meanwhile: import again")?;
        }
        let line = match self.given.json {
            true => json!({
                "policies": counts[0].0, "groups": counts[1].0,
                "removed_policies": counts[2].0, "removed_groups": counts[3].0,
                "dry_run": self.dry_run,
            })
            .to_string(),
            false => said,
        };
        say(&line, Stream::Out);
        Ok(())
    }
}

/// What new records begin as.
fn fresh(opened: &Opened) -> (AccessPolicyRecord, AccessGroupRecord) {
    let at = opened.clock.now();
    let policy = AccessPolicyRecord {
        id: AccessPolicyId::new(at, SystemEntropy.draw()),
        name: String::new(),
        user: None,
        group: None,
        process: None,
        access: AccessPermission::NoAccess,
        version: 1,
        changed_by: opened.by.clone(),
        changed_at: at,
    };
    let group = AccessGroupRecord {
        id: AccessGroupId::new(at, SystemEntropy.draw()),
        name: String::new(),
        os_type: OsType::default(),
        encrypt_data: true,
        default_access: AccessPermission::NoAccess,
        policies: Vec::new(),
        version: 1,
        changed_by: opened.by.clone(),
        changed_at: at,
    };
    (policy, group)
}

impl Export {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let opened = Opened::new(&self.given).await?;
        let document = exported(&opened.store.access_records().await?);
        let text = match self.given.json {
            true => document.to_string(),
            false => serde_json::to_string_pretty(&document)?,
        };
        say(&text, Stream::Out);
        Ok(())
    }
}

impl List {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let opened = Opened::new(&self.given).await?;
        let catalogue = Catalogue::of(&opened.store.access_records().await?)?;
        for group in catalogue.groups() {
            let (name, os, default) = (group.name(), group.os(), group.default_access());
            let ranked = group.by_priority();
            if self.given.json {
                let policy = |one: &&access::AccessPolicy| {
                    let (entity, class) = (one.entity(), Class::of(one.entity()).word());
                    json!({
                        "name": one.name(), "class": class, "access": one.access(),
                        "entity": entity.to_string(),
                    })
                };
                let ranked: Vec<_> = ranked.iter().map(policy).collect();
                let line = json!({
                    "group": name, "os_type": os, "default_access": default, "policies": ranked,
                });
                say(&line.to_string(), Stream::Out);
                continue;
            }
            let count = counted(ranked.len(), "policy");
            say(&format!("{name} ({os:?}, {count})"), Stream::Out);
            for (place, one) in ranked.iter().enumerate() {
                let (policy, entity, access) = (one.name(), one.entity(), one.access());
                let class = Class::of(entity).word();
                let line = format!("  {}. `{policy}`, {entity}: {access} ({class})", place + 1);
                say(&line, Stream::Out);
            }
            say(&format!("  default: {default}"), Stream::Out);
        }
        Ok(())
    }
}
