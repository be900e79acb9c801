//! Tenants and their users: who there is, who is external, who logs in, and who was invited from outside by being shared with.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::activity::{ActedOn, Activity, Kind};
use super::labels::LabelChange;
use super::log::EventLog;
use super::objects::Object;
use super::{By, Model, Refusal};
use crate::clock::Moment;
use crate::secrets::same_secret;
use crate::webhooks::Registry;

/// A tenant has at most this many users, guests included.
pub const USERS_MAX: usize = 10_000;
const EMAIL_LENGTH_MAX: usize = 254;

/// What a user is in the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// Reaches everything, and grants clients access to it.
    Administrator,
    /// Has a home folder.
    Member,
    /// Reaches what is shared with him.
    Guest,
}

impl UserRole {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Member => "member",
            Self::Guest => "guest",
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: UserRole,
    pub(crate) external: bool,
    /// Whether he is kept from signing in.
    pub(crate) suspended: bool,
    /// Sessions that began before are over.
    pub(crate) sessions_valid_from: Option<Moment>,
    #[serde(skip)]
    password: Option<String>,
    /// The folder that uploads without a place go to; guests have none.
    #[serde(skip)]
    pub(crate) home: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) domains: Vec<String>,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) objects: BTreeMap<u64, Object>,
    pub(crate) children: HashMap<Option<u64>, BTreeSet<u64>>,
    pub(crate) stored_bytes: u64,
    pub(crate) log: EventLog<Activity>,
    pub(crate) label_log: EventLog<LabelChange>,
    pub(crate) webhooks: Registry,
}

impl Tenant {
    pub(crate) fn user(&self, id: &str) -> Result<&User, Refusal> {
        self.users.get(id).ok_or(Refusal::NotFound)
    }

    /// Finds a user by id, e-mail, or the name before the `@` of a start user.
    pub(crate) fn find_user(&self, who: &str) -> Option<&User> {
        let known = self
            .users
            .get(who)
            .or_else(|| self.users.get(&self.user_id(who)));
        known.or_else(|| {
            self.users
                .values()
                .find(|user| user.email.eq_ignore_ascii_case(who))
        })
    }

    fn user_id(&self, name: &str) -> String {
        format!("u_{}_{name}", self.id)
    }

    fn is_outside(&self, email: &str) -> bool {
        let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
        !self
            .domains
            .iter()
            .any(|ours| ours.eq_ignore_ascii_case(domain))
    }
}

impl Model {
    pub(super) fn found_tenant(&mut self, id: &str, name: &str) {
        let tenant = Tenant {
            id: id.to_owned(),
            name: name.to_owned(),
            domains: vec![format!("{id}.example")],
            users: BTreeMap::new(),
            objects: BTreeMap::new(),
            children: HashMap::new(),
            stored_bytes: 0,
            log: EventLog::default(),
            label_log: EventLog::default(),
            webhooks: Registry::new(self.ground.clone()),
        };
        self.tenants.insert(id.to_owned(), tenant);
        let users = [
            ("admin", "Ada Admin", UserRole::Administrator),
            ("alice", "Alice Archer", UserRole::Member),
            ("bob", "Bob Baker", UserRole::Member),
            ("carol", "Carol Cooper", UserRole::Member),
        ];
        for (short, full, role) in users {
            self.settle_user(id, short, full, &format!("{short}@{id}.example"), role);
        }
        self.settle_user(
            id,
            "gus",
            "Gus Guest",
            "gus@partner.example",
            UserRole::Guest,
        );
    }

    /// Adds a user without an activity; a member gets a home folder.
    fn settle_user(
        &mut self,
        tenant_id: &str,
        short: &str,
        full: &str,
        email: &str,
        role: UserRole,
    ) {
        let id = format!("u_{tenant_id}_{short}");
        let home = (role != UserRole::Guest).then(|| self.make_home(tenant_id, short, &id));
        let Some(tenant) = self.tenants.get_mut(tenant_id) else {
            return;
        };
        let external = tenant.is_outside(email);
        let user = User {
            id: id.clone(),
            name: full.to_owned(),
            email: email.to_owned(),
            role,
            external,
            suspended: false,
            sessions_valid_from: None,
            password: Some("toy".to_owned()),
            home,
        };
        tenant.users.insert(id, user);
    }

    /// Adds a member, as an administrator's action; nothing happens when there is one by that name.
    pub(crate) fn hire(&mut self, by: &By, short: &str) -> Result<Option<Arc<Activity>>, Refusal> {
        self.administrators_only(by)?;
        let tenant = self.tenant(&by.tenant_id)?;
        let id = tenant.user_id(short);
        if tenant.users.contains_key(&id) {
            return Ok(None);
        }
        if tenant.users.len() >= USERS_MAX {
            return Err(Refusal::Full("the tenant has as many users as it can"));
        }
        let email = format!("{short}@{}", tenant.domains[0]);
        self.settle_user(&by.tenant_id, short, short, &email, UserRole::Member);
        self.record(by, Kind::UserCreated, Some(user_acted_on(&id, short)), None)
            .map(Some)
    }

    /// Makes a user an administrator, a member or a guest; a tenant keeps one administrator at least.
    pub(crate) fn change_user_role(
        &mut self,
        by: &By,
        who: &str,
        role: UserRole,
    ) -> Result<Option<Arc<Activity>>, Refusal> {
        self.administrators_only(by)?;
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let id = tenant.find_user(who).ok_or(Refusal::NotFound)?.id.clone();
        let is_administrator = |user: &&User| user.role == UserRole::Administrator;
        let mut others = tenant
            .users
            .values()
            .filter(is_administrator)
            .filter(|user| user.id != id);
        if role != UserRole::Administrator && others.next().is_none() {
            return Err(Refusal::conflict(
                "a tenant keeps one administrator at least",
            ));
        }
        let user = tenant.users.get_mut(&id).ok_or(Refusal::NotFound)?;
        if std::mem::replace(&mut user.role, role) == role {
            return Ok(None);
        }
        let object = user_acted_on(&id, &user.name);
        self.record(by, Kind::UserRoleChanged, Some(object), None)
            .map(Some)
    }

    /// The user that something is shared with. An unknown address outside the tenant is invited as a guest who has no password.
    pub(super) fn share_target(&mut self, by: &By, who: &str) -> Result<String, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        if let Some(user) = tenant.find_user(who) {
            return Ok(user.id.clone());
        }
        let email = who.to_ascii_lowercase();
        let looks_right = email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !domain.contains('@')
        }) && email
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "@.+-_".contains(c));
        if !looks_right || email.len() > EMAIL_LENGTH_MAX || !tenant.is_outside(&email) {
            return Err(Refusal::NotFound);
        }
        if tenant.users.len() >= USERS_MAX {
            return Err(Refusal::Full("the tenant has as many users as it can"));
        }
        self.invite(by, &email)
    }

    fn invite(&mut self, by: &By, email: &str) -> Result<String, Refusal> {
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let id = tenant.user_id(&email.replace('@', "_at_"));
        let guest = User {
            id: id.clone(),
            name: email.to_owned(),
            email: email.to_owned(),
            role: UserRole::Guest,
            external: true,
            suspended: false,
            sessions_valid_from: None,
            password: None,
            home: None,
        };
        tenant.users.insert(id.clone(), guest);
        self.record(by, Kind::UserCreated, Some(user_acted_on(&id, email)), None)?;
        Ok(id)
    }

    /// Signs a user in with a password. A wrong one makes `user.login_failed` when the user exists.
    pub(crate) fn log_in(&mut self, by: &By, password: &str) -> Result<Arc<Activity>, Refusal> {
        let user = self.tenant(&by.tenant_id)?.user(&by.user_id)?;
        let welcome = !user.suspended;
        if welcome
            && user
                .password
                .as_deref()
                .is_some_and(|own| same_secret(own, password))
        {
            return self.record(by, Kind::UserLogin, None, None);
        }
        self.record(by, Kind::UserLoginFailed, None, None)?;
        Err(Refusal::Forbidden("the user or the password is wrong"))
    }

    /// A login or a failed one, as told.
    pub(crate) fn tell_login(&mut self, by: &By, failed: bool) -> Result<Arc<Activity>, Refusal> {
        let suspended = self.tenant(&by.tenant_id)?.user(&by.user_id)?.suspended;
        if suspended {
            self.record(by, Kind::UserLoginFailed, None, None)?;
            return Err(Refusal::Forbidden("this user is suspended"));
        }
        let kind = if failed {
            Kind::UserLoginFailed
        } else {
            Kind::UserLogin
        };
        self.record(by, kind, None, None)
    }

    /// A user granted a client access.
    pub(crate) fn authorize_app(&mut self, by: &By, app: &str) -> Result<Arc<Activity>, Refusal> {
        let object = ActedOn {
            id: app.to_owned(),
            kind: "app",
            name: app.to_owned(),
            path: None,
            download_url: None,
            version: None,
        };
        self.record(by, Kind::AppAuthorized, Some(object), None)
    }
}

pub(super) fn user_acted_on(id: &str, name: &str) -> ActedOn {
    ActedOn {
        id: id.to_owned(),
        kind: "user",
        name: name.to_owned(),
        path: None,
        download_url: None,
        version: None,
    }
}
