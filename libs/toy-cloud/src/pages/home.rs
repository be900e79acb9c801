use askama::Template;

use crate::model::overview::Overview;
use crate::model::permissions::Role;
use crate::model::tenants::User;

/// Where a person picks who to be.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) tenants: Vec<TenantUsers>,
}

/// A tenant with the users one can be.
#[derive(Debug)]
pub(crate) struct TenantUsers {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) users: Vec<User>,
}

/// A person's files and the latest activity.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    pub(crate) tenant_name: String,
    pub(crate) user: User,
    pub(crate) may_upload: bool,
    pub(crate) done: Option<&'static str>,
    pub(crate) overview: Overview,
}

impl HomePage {
    fn may_change(role: &Option<Role>) -> bool {
        role.is_some_and(|role| role >= Role::Editor)
    }
}
