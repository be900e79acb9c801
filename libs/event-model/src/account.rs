//! Accounts, the sessions that browsers have of them, and the tokens that programs have.
//!
//! Nothing here is secret: passwords, second factors and the texts of tokens are elsewhere, as hashes or
//! sealed. A name is never changed and never given to another, for approvals are counted by it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::word_enum;
use crate::identity::{CameBy, ConnectionScope, Identity, Permission, Role};
use crate::ids::{AccountId, SessionId, TokenId};
use crate::instant;

word_enum! {
    /// Where an account stands.
    AccountState {
        /// Was made; its person has not been here yet.
        Invited "invited",
        /// May sign in.
        Active "active",
        /// May not.
        Disabled "disabled",
    }
}

/// Who somebody is at a provider of identities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// The provider: its issuer's address.
    pub issuer: String,
    /// What the provider calls the person; never given to another.
    pub subject: String,
}

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Its identifier.
    pub id: AccountId,
    /// What they sign in with and what the trail calls them. See [`Account::is_name`].
    pub name: String,
    /// What they are for.
    pub roles: BTreeSet<Role>,
    /// The groups that they are in.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// Within which connections.
    #[serde(default)]
    pub scope: ConnectionScope,
    /// Where it stands.
    pub state: AccountState,
    /// Who they are at a provider, where they sign in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Whether they have a second factor.
    #[serde(default)]
    pub second_factor: bool,
    /// When it was made.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// When they last signed in.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub signed_in_at: Option<DateTime<Utc>>,
    /// Grows with every change.
    pub revision: u64,
}

impl Account {
    /// Longest name, in bytes.
    pub const NAME_BYTES_MAX: usize = 100;
    /// Most groups of one account.
    pub const GROUPS_MAX: usize = 200;
    /// Longest name of a group, in bytes.
    pub const GROUP_BYTES_MAX: usize = 200;
    /// Names that the trail uses for what is no person.
    const TAKEN: [&'static str; 2] = [Identity::MACHINE, "system"];

    /// Whether it can be a name: ASCII letters, digits and `. _ - + @`, so that no two names look alike.
    pub fn is_name(name: &str) -> bool {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+@".contains(&byte);
        (1..=Self::NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(letter)
            && name.as_bytes()[0].is_ascii_alphanumeric()
            && !Self::TAKEN.contains(&Self::key(name).as_str())
    }

    /// What a name is found by: names that differ in their case only are the same.
    pub fn key(name: &str) -> String {
        name.to_ascii_lowercase()
    }

    /// Who acts when they do.
    pub fn identity(&self, came_by: CameBy) -> Identity {
        Identity {
            account: Some(self.id),
            name: self.name.clone(),
            roles: self.roles.clone(),
            groups: self.groups.clone(),
            scope: self.scope.clone(),
            came_by,
        }
    }

    /// Whether they run the installation, and may sign in.
    pub fn is_administrator(&self) -> bool {
        self.state == AccountState::Active && self.roles.contains(&Role::Administrator)
    }
}

word_enum! {
    /// How far a browser came.
    SessionStage {
        /// The password was right; the second factor is asked for.
        SecondFactor "second_factor",
        /// A second factor is required and there is none yet: it is made first.
        Enrolling "enrolling",
        /// Signed in.
        Full "full",
    }
}

/// A browser that is signed in, or on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Its identifier; not what the cookie carries.
    pub id: SessionId,
    /// Whose; absent for the administrator's token.
    pub account: Option<AccountId>,
    /// How far it came.
    pub stage: SessionStage,
    /// When it was begun.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub seen_at: DateTime<Utc>,
    /// When it ends, used or not.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub ends_at: DateTime<Utc>,
    /// From where it was begun; absent where that is not known.
    pub address: Option<String>,
    /// What the browser called itself.
    pub agent: String,
}

/// What a program shows in place of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiToken {
    /// Its identifier; not its text.
    pub id: TokenId,
    /// Whose.
    pub account: AccountId,
    /// What the owner calls it.
    pub name: String,
    /// What it is for.
    pub permissions: BTreeSet<Permission>,
    /// Within which connections.
    #[serde(default)]
    pub scope: ConnectionScope,
    /// When it was made.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// When it ends.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub expires_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiToken {
    /// What every token's text starts with: scanners for secrets know it by that.
    pub const PREFIX: &'static str = "tgd_";

    /// Whether it is taken.
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_look_alike() {
        for (name, good) in [
            ("ada", true),
            ("Ada.Lovelace+soc@example.com", true),
            ("0day", true),
            ("", false),
            (".ada", false),
            ("ada lovelace", false),
            ("аda", false),
            ("<script>", false),
            ("a\r\nb", false),
            ("administrator", false),
            ("Administrator", false),
            ("system", false),
        ] {
            assert_eq!(Account::is_name(name), good, "{name:?}");
        }
        assert!(!Account::is_name(&"a".repeat(101)));
        assert_eq!(Account::key("Ada"), Account::key("aDA"));
    }
}
