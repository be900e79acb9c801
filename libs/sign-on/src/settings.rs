//! How a provider is reached, and what its groups make of people.

use std::collections::BTreeSet;

use event_model::{ConnectionId, ConnectionScope, Role};
use serde::Deserialize;
use url::Url;

/// Most rules from groups to roles.
const RULES_MAX: usize = 500;

/// What is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {message}")]
pub struct SettingMistake {
    /// Which key.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// The settings of one provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOnSettings {
    /// What people call it.
    pub name: String,
    /// Its issuer's address, to the letter as its statements have it.
    pub issuer: String,
    /// What the provider calls Tidegate.
    pub client_id: String,
    /// File with the client's secret; without it the client is public and PKCE alone protects it.
    #[serde(default)]
    pub client_secret_file: Option<String>,
    /// What is asked for beside `openid`.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// The claim that a person's name here is made of.
    #[serde(default = "usual_name")]
    pub name_claim: String,
    /// The claim with the groups.
    #[serde(default = "usual_groups")]
    pub groups_claim: String,
    /// Words of the claim `amr` (RFC 8176) by which the provider says that a second factor was proved there.
    #[serde(default = "usual_methods")]
    pub second_factor_methods: BTreeSet<String>,
    /// Values of the claim `acr` by which it says so.
    #[serde(default)]
    pub second_factor_classes: BTreeSet<String>,
    /// What groups make of people: every rule that matches counts.
    #[serde(default)]
    pub rule: Vec<Rule>,
}

/// What one group makes of people.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The group; `*` is everybody.
    pub group: String,
    /// The roles.
    pub roles: BTreeSet<Role>,
    /// Within which connections; all when absent.
    #[serde(default)]
    pub connections: Option<BTreeSet<ConnectionId>>,
}

fn usual_scopes() -> Vec<String> {
    ["profile", "email", "groups"].map(str::to_owned).to_vec()
}

fn usual_name() -> String {
    "preferred_username".to_owned()
}

fn usual_groups() -> String {
    "groups".to_owned()
}

fn usual_methods() -> BTreeSet<String> {
    BTreeSet::from(["mfa".to_owned()])
}

impl SignOnSettings {
    /// Every mistake.
    pub fn mistakes(&self) -> Vec<SettingMistake> {
        let mut mistakes = Vec::new();
        let mut add = |field, message: &str| {
            let message = message.to_owned();
            mistakes.push(SettingMistake { field, message });
        };
        let issuer = Url::parse(&self.issuer).ok();
        let usable = |url: &Url| {
            let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
            let encrypted = url.scheme() == "https" || (url.scheme() == "http" && local);
            encrypted
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
        };
        if !issuer.as_ref().is_some_and(usable) {
            add("issuer", "is not an `https` address without a query");
        }
        if self.client_id.trim().is_empty() {
            add("client_id", "must be given");
        }
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            add("name", "must be given");
        }
        if self.rule.is_empty() {
            add("rule", "must be at least one: nobody would come in");
        }
        if self.rule.len() > RULES_MAX {
            add("rule", "are more than 500");
        }
        for rule in &self.rule {
            if rule.roles.is_empty() {
                add("rule.roles", "must be at least one");
            }
            if rule.connections.is_some() && rule.roles.contains(&Role::Administrator) {
                add("rule.connections", "cannot bind administrators");
            }
        }
        mistakes
    }

    /// What somebody with these groups is.
    pub(crate) fn made_of(&self, groups: &BTreeSet<String>) -> (BTreeSet<Role>, ConnectionScope) {
        let matching = |rule: &&Rule| rule.group == "*" || groups.contains(&rule.group);
        let (mut roles, mut within, mut every) = (BTreeSet::new(), BTreeSet::new(), false);
        for rule in self.rule.iter().filter(matching) {
            roles.extend(rule.roles.iter().copied());
            match &rule.connections {
                None => every = true,
                Some(some) => within.extend(some.iter().copied()),
            }
        }
        // Roles and connections are of the person and not of the rule. So that no rule gives more than it
        // says, the narrowest that binds anybody binds all; an administrator is never bound.
        let bound = !within.is_empty() && !roles.contains(&Role::Administrator);
        match (every, bound) {
            (_, true) => (roles, ConnectionScope::Only(within)),
            _ => (roles, ConnectionScope::Every),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn settings() -> SignOnSettings {
        let connection = |n| ConnectionId::new(DateTime::UNIX_EPOCH, n);
        let rule = |group: &str, roles: &[Role], connections: Option<&[u128]>| Rule {
            group: group.into(),
            roles: roles.iter().copied().collect(),
            connections: connections.map(|some| some.iter().map(|n| connection(*n)).collect()),
        };
        SignOnSettings {
            name: "Example".into(),
            issuer: "https://id.example".into(),
            client_id: "tidegate".into(),
            client_secret_file: None,
            scopes: usual_scopes(),
            name_claim: usual_name(),
            groups_claim: usual_groups(),
            second_factor_methods: usual_methods(),
            second_factor_classes: BTreeSet::new(),
            rule: vec![
                rule("admins", &[Role::Administrator], None),
                rule("soc", &[Role::Analyst], None),
                rule("soc-emea", &[Role::Analyst], Some(&[1])),
                rule("review", &[Role::Reviewer], Some(&[2])),
            ],
        }
    }

    #[test]
    fn groups_make_roles_and_the_narrowest_binds() {
        let within = |some: &[u128]| {
            let id = |n: &u128| ConnectionId::new(DateTime::UNIX_EPOCH, *n);
            ConnectionScope::Only(some.iter().map(id).collect())
        };
        use Role::*;
        for (groups, roles, scope) in [
            (&[][..], &[][..], ConnectionScope::Every),
            (&["others"], &[], ConnectionScope::Every),
            (&["soc"], &[Analyst], ConnectionScope::Every),
            (&["soc-emea"], &[Analyst], within(&[1])),
            (
                &["soc-emea", "review"],
                &[Analyst, Reviewer],
                within(&[1, 2]),
            ),
            (&["soc", "review"], &[Analyst, Reviewer], within(&[2])),
            (
                &["admins", "review"],
                &[Administrator, Reviewer],
                ConnectionScope::Every,
            ),
        ] {
            let groups: BTreeSet<String> = groups.iter().map(|one| (*one).to_owned()).collect();
            let made = settings().made_of(&groups);
            assert_eq!(made, (roles.iter().copied().collect(), scope), "{groups:?}");
        }
    }

    #[test]
    fn every_mistake_is_told() {
        assert_eq!(settings().mistakes(), []);
        for issuer in [
            "http://id.example",
            "id.example",
            "https://id.example?x=1",
            "https://u@id.example",
        ] {
            let wrong = SignOnSettings {
                issuer: issuer.into(),
                ..settings()
            };
            assert_eq!(wrong.mistakes().len(), 1, "{issuer}");
        }
        let wrong = SignOnSettings {
            client_id: " ".into(),
            name: String::new(),
            rule: Vec::new(),
            ..settings()
        };
        assert_eq!(wrong.mistakes().len(), 3);
    }
}
