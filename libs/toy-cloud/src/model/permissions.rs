//! Who else may read or change an object. A user has at most one permission on an object, under an id that is always the same for
//! the two, so that giving it back brings back the same permission.

use serde::{Deserialize, Serialize};

use super::activity::{Kind, Share, Target};
use super::objects::Reach;
use super::views::PermissionView;
use super::{By, Done, Model, Refusal};
use crate::ledger::Action;

/// An object has at most this many permissions.
pub const PERMISSIONS_MAX: usize = 500;

/// What a user or a link's visitor may do. A later role includes the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May read.
    Viewer,
    /// May change, move, share and remove.
    Editor,
    /// May what an editor may, also while it is in the trash.
    Owner,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }
}

impl Model {
    pub(crate) fn permissions(&self, by: &By, id: &str) -> Result<Vec<PermissionView>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let object = tenant.reach(by, id, Reach::Read)?;
        let views = object.permissions.iter().map(|(user_id, role)| {
            let user = tenant.user(user_id)?;
            Ok(PermissionView::new(object.number, user, *role))
        });
        views.collect()
    }

    /// Gives a user a permission; when he has one already, it gets this role.
    pub(crate) fn share(
        &mut self,
        by: &By,
        id: &str,
        who: &str,
        role: Role,
    ) -> Result<(Done<PermissionView>, bool), Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let object = tenant.reach(by, id, Reach::Write)?;
        if tenant.is_trashed(object.number) {
            return Err(Refusal::conflict("it is in the trash"));
        }
        let full = object.permissions.len() >= PERMISSIONS_MAX;
        let (number, owner) = (object.number, object.owner.clone());
        let user_id = self.share_target(by, who)?;
        if user_id == owner {
            return Err(Refusal::conflict("the owner needs no permission"));
        }
        let fresh = self.role_given(by, number, &user_id).is_none();
        if fresh && full {
            return Err(Refusal::Full("an object has at most 500 permissions"));
        }
        let done = self.set_permission(by, number, &user_id, Some(role))?;
        Ok((done, fresh))
    }

    pub(crate) fn change_permission(
        &mut self,
        by: &By,
        id: &str,
        permission_id: &str,
        role: Role,
    ) -> Result<Done<PermissionView>, Refusal> {
        let (number, user_id) = self.find_permission(by, id, permission_id)?;
        self.set_permission(by, number, &user_id, Some(role))
    }

    pub(crate) fn unshare(
        &mut self,
        by: &By,
        id: &str,
        permission_id: &str,
    ) -> Result<Done<PermissionView>, Refusal> {
        let (number, user_id) = self.find_permission(by, id, permission_id)?;
        self.set_permission(by, number, &user_id, None)
    }

    fn role_given(&self, by: &By, number: u64, user_id: &str) -> Option<Role> {
        let object = self.tenant(&by.tenant_id).ok()?.objects.get(&number)?;
        object.permissions.get(user_id).copied()
    }

    fn find_permission(
        &self,
        by: &By,
        id: &str,
        permission_id: &str,
    ) -> Result<(u64, String), Refusal> {
        let object = self.tenant(&by.tenant_id)?.reach(by, id, Reach::Write)?;
        let mut users = object.permissions.keys();
        let user_id = users.find(|user| permission_id_of(object.number, user) == permission_id);
        Ok((object.number, user_id.ok_or(Refusal::NotFound)?.clone()))
    }

    fn set_permission(
        &mut self,
        by: &By,
        number: u64,
        user_id: &str,
        role: Option<Role>,
    ) -> Result<Done<PermissionView>, Refusal> {
        let before = self.role_given(by, number, user_id);
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let object = tenant.objects.get_mut(&number).ok_or(Refusal::NotFound)?;
        match role {
            Some(role) => object.permissions.insert(user_id.to_owned(), role),
            None => object.permissions.remove(user_id),
        };
        let (kind, action) = match (before, role) {
            (None, _) => (Kind::FileShared, Action::PermissionAdded),
            (Some(_), Some(_)) => (Kind::ShareUpdated, Action::PermissionUpdated),
            (Some(_), None) => (Kind::ShareRemoved, Action::PermissionRemoved),
        };
        let told = role.or(before).unwrap_or(Role::Viewer);
        let tenant = self.tenant(&by.tenant_id)?;
        let object = tenant.objects.get(&number).ok_or(Refusal::NotFound)?;
        let user = tenant.user(user_id)?;
        let view = PermissionView::new(number, user, told);
        let acted_on = self.acted_on(tenant, object);
        let share = Share {
            from_email: tenant.user(&by.user_id)?.email.clone(),
            target: Some(Target {
                id: user.id.clone(),
                email: user.email.clone(),
                external: user.external,
            }),
            role: told,
            link: None,
        };
        let activity = match before == role {
            true => None,
            false => Some(self.record(by, kind, Some(acted_on), Some(share))?),
        };
        self.note(
            by,
            action,
            &view.file_id,
            Some(view.id.clone()),
            activity.as_ref(),
        );
        Ok(Done { view, activity })
    }
}

pub(super) fn permission_id_of(number: u64, user_id: &str) -> String {
    format!("p_{number}_{user_id}")
}
