//! `tidegate account`: for the administrator who is locked out, and for scripts that set an installation up.
//!
//! It opens the store itself, beside a running platform.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use clap::Subcommand;
use event_model::{
    Account, AccountId, AccountState, AuditId, ConnectionId, ConnectionScope, PAGE_ITEMS_MAX,
    PageRequest, Role,
};
use ports::{AccountLink, Clock, Entropy, NewAudit, SystemClock, SystemEntropy};
use ring::digest::{SHA256, digest};

use super::{Settings, Stream};
use crate::config::Config;
use crate::say;
use crate::wiring::{Store, open_store};

/// How long a link is valid.
const LINK_VALID: TimeDelta = TimeDelta::hours(72);

/// `tidegate account …`
#[derive(Debug, Subcommand)]
pub(crate) enum Accounts {
    /// List the accounts.
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Make an account; prints the link by which its person sets a password.
    Create {
        /// What they sign in with: letters, digits and . _ - + @.
        name: String,
        /// What they are for: administrator, analyst, reviewer, auditor. May be given several times.
        #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
        roles: Vec<Role>,
        /// A group that they are in. May be given several times.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        /// Within these connections only. May be given several times.
        #[arg(long = "connection", value_name = "CONNECTION")]
        connections: Vec<ConnectionId>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Print a new link by which the person sets a password; enables the account, and takes its second
    /// factor away.
    Reset {
        /// Whose.
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Let somebody in no more; every session ends.
    Disable {
        /// Whom.
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
}

fn role(word: &str) -> Result<Role, String> {
    let all: Vec<&str> = Role::ALL.iter().map(|role| role.word()).collect();
    Role::from_word(word).ok_or_else(|| format!("the roles are {}", all.join(", ")))
}

impl Accounts {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::runtime()?.block_on(self.go())
    }

    async fn go(self) -> anyhow::Result<()> {
        let settings = match &self {
            Accounts::List { settings }
            | Accounts::Create { settings, .. }
            | Accounts::Reset { settings, .. }
            | Accounts::Disable { settings, .. } => settings,
        };
        let config = settings.load()?;
        let (clock, entropy) = (SystemClock::new(), SystemEntropy);
        let store = open_store(&config, &clock).await?;
        let desk = Desk {
            store: store.as_ref(),
            clock: &clock,
            entropy: &entropy,
            config: &config,
        };
        let done = match self {
            Accounts::List { .. } => desk.list().await,
            Accounts::Create {
                name,
                roles,
                groups,
                connections,
                ..
            } => desk.create(name, roles, groups, connections).await,
            Accounts::Reset { name, .. } => desk.reset(&name).await,
            Accounts::Disable { name, .. } => desk.disable(&name).await,
        };
        store.close().await;
        done
    }
}

/// The store, and what is needed beside it.
struct Desk<'d> {
    store: &'d dyn Store,
    clock: &'d SystemClock,
    entropy: &'d SystemEntropy,
    config: &'d Config,
}

impl Desk<'_> {
    async fn list(&self) -> anyhow::Result<()> {
        let mut request = PageRequest::first(PAGE_ITEMS_MAX);
        loop {
            let page = self.store.account_page(&request).await?;
            for account in page.items {
                let roles: Vec<&str> = account.roles.iter().map(|role| role.word()).collect();
                let (name, state, roles) = (account.name, account.state.word(), roles.join(","));
                say(&format!("{state:<9} {roles:<32} {name}"), Stream::Out);
            }
            match page.next {
                Some(cursor) => request = PageRequest::after(cursor, PAGE_ITEMS_MAX),
                None => return Ok(()),
            }
        }
    }

    async fn create(
        &self,
        name: String,
        roles: Vec<Role>,
        groups: Vec<String>,
        connections: Vec<ConnectionId>,
    ) -> anyhow::Result<()> {
        if !Account::is_name(&name) {
            bail!(
                "`{name}` is not 1 to 100 letters, digits and . _ - + @, or is a name of the program"
            );
        }
        let roles: BTreeSet<Role> = roles.into_iter().collect();
        let scope = match connections.is_empty() {
            true => ConnectionScope::Every,
            false => ConnectionScope::Only(connections.into_iter().collect()),
        };
        if roles.contains(&Role::Administrator) && !scope.is_every() {
            bail!("an administrator cannot be bound to some connections: leave --connection out");
        }
        let now = self.clock.now();
        let account = Account {
            id: AccountId::new(now, self.entropy.draw()),
            name,
            roles,
            groups: groups.into_iter().collect(),
            scope,
            state: AccountState::Invited,
            subject: None,
            second_factor: false,
            created_at: now,
            signed_in_at: None,
            revision: 1,
        };
        let added = self.store.add_account(&account).await;
        added.with_context(|| format!("`{}` cannot be added: is the name taken?", account.name))?;
        self.link(&account, "account.created").await
    }

    async fn reset(&self, name: &str) -> anyhow::Result<()> {
        let account = self.named(name).await?;
        let (mut credentials, version) = self.store.credentials(account.id).await?;
        if credentials.second_factor.take().is_some() {
            credentials.enrolling = None;
            self.store
                .replace_credentials(account.id, version, &credentials)
                .await?;
        }
        let state = match account.state {
            AccountState::Disabled => AccountState::Active,
            state => state,
        };
        let account = Account {
            state,
            second_factor: false,
            ..account
        };
        let account = self.store.save_account(&account).await?;
        self.store.end_sessions(Some(account.id), None).await?;
        self.link(&account, "account.reset").await
    }

    async fn disable(&self, name: &str) -> anyhow::Result<()> {
        let account = Account {
            state: AccountState::Disabled,
            ..self.named(name).await?
        };
        let account = self.store.save_account(&account).await?;
        self.store.end_sessions(Some(account.id), None).await?;
        self.record(&account, "account.disabled").await?;
        say(&format!("`{}` is disabled", account.name), Stream::Out);
        Ok(())
    }

    async fn named(&self, name: &str) -> anyhow::Result<Account> {
        let found = self.store.account_named(name).await?;
        found.with_context(|| format!("there is no account `{name}`"))
    }

    async fn link(&self, account: &Account, action: &str) -> anyhow::Result<()> {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        let opaque = URL_SAFE_NO_PAD.encode(bytes);
        let link = AccountLink {
            account: account.id,
            expires_at: self.clock.now() + LINK_VALID,
        };
        let hash = hex::encode(digest(&SHA256, opaque.as_bytes()));
        self.store.add_link(&hash, &link).await?;
        self.record(account, action).await?;
        let local = || format!("http://{}", self.config.listen);
        let base = self.config.public_url.clone().unwrap_or_else(local);
        let base = base.trim_end_matches('/');
        let name = &account.name;
        say(
            &format!("`{name}` sets a password within 72 hours, once, at\n{base}/welcome/{opaque}"),
            Stream::Out,
        );
        Ok(())
    }

    async fn record(&self, account: &Account, action: &str) -> anyhow::Result<()> {
        let at = self.clock.now();
        let entry = NewAudit {
            id: AuditId::new(at, self.entropy.draw()),
            at,
            actor: "system".to_owned(),
            action: action.to_owned(),
            subject: account.id.to_string(),
            detail: format!("{} by the command line", account.name),
        };
        Ok(self.store.audit(&entry).await?)
    }
}
