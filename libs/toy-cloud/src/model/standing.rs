//! Whether a user may come in: suspended or not, and since when sessions are valid. And whose an object is.
//!
//! Each verb leaves things as they are when they are so already: then there is no activity.

use super::activity::{Kind, Share, Target};
use super::objects::Reach;
use super::permissions::Role;
use super::tenants::{User, UserRole, user_acted_on};
use super::views::FileView;
use super::{By, Done, Model, Refusal};
use crate::clock::Moment;
use crate::ledger::Action;

impl Model {
    /// Keeps a user from signing in, or lets him in again. An administrator does not shut himself out.
    pub(crate) fn set_suspended(
        &mut self,
        by: &By,
        who: &str,
        suspended: bool,
    ) -> Result<User, Refusal> {
        self.administrators_only(by)?;
        if suspended && who == by.user_id {
            return Err(Refusal::conflict("nobody suspends himself"));
        }
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let user = tenant.users.get_mut(who).ok_or(Refusal::NotFound)?;
        let before = std::mem::replace(&mut user.suspended, suspended);
        let (kind, action) = match suspended {
            true => (Kind::UserSuspended, Action::UserSuspended),
            false => (Kind::UserUnsuspended, Action::UserUnsuspended),
        };
        self.tell_user(by, who, kind, action, before != suspended)
    }

    /// Ends every session that the user has now.
    pub(crate) fn end_sessions(&mut self, by: &By, who: &str) -> Result<User, Refusal> {
        self.administrators_only(by)?;
        let now = self.ground.clock.now();
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let user = tenant.users.get_mut(who).ok_or(Refusal::NotFound)?;
        user.sessions_valid_from = Some(now);
        self.tell_user(by, who, Kind::UserSignedOut, Action::SessionsEnded, true)
    }

    fn tell_user(
        &mut self,
        by: &By,
        who: &str,
        kind: Kind,
        action: Action,
        changed: bool,
    ) -> Result<User, Refusal> {
        let user = self.tenant(&by.tenant_id)?.user(who)?.clone();
        let activity = match changed {
            true => {
                let object = user_acted_on(&user.id, &user.name);
                Some(self.record(by, kind, Some(object), None)?)
            }
            false => None,
        };
        self.note(by, action, who, None, activity.as_ref());
        Ok(user)
    }

    /// Whether a session of the user that began then is still good.
    pub(crate) fn is_welcome(&self, tenant_id: &str, user_id: &str, began: Moment) -> bool {
        let user = self
            .tenant(tenant_id)
            .and_then(|tenant| tenant.user(user_id));
        user.is_ok_and(|user| {
            !user.suspended && user.sessions_valid_from.is_none_or(|from| began > from)
        })
    }

    /// Gives an object to another member. A permission that he had stays, for when it is given back.
    pub(crate) fn change_owner(
        &mut self,
        by: &By,
        id: &str,
        who: &str,
    ) -> Result<Done<FileView>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let object = tenant.reach(by, id, Reach::Write)?;
        let number = object.number;
        if tenant.role_on(&by.user_id, number) != Some(Role::Owner) {
            return Err(Refusal::Forbidden("only its owner gives it away"));
        }
        let heir = tenant.find_user(who).ok_or(Refusal::NotFound)?;
        if heir.role == UserRole::Guest {
            return Err(Refusal::conflict("a guest owns nothing"));
        }
        let target = Target {
            id: heir.id.clone(),
            email: heir.email.clone(),
            external: heir.external,
        };
        let changed = object.owner != target.id;
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let object = tenant.objects.get_mut(&number).ok_or(Refusal::NotFound)?;
        object.owner.clone_from(&target.id);
        let tenant = self.tenant(&by.tenant_id)?;
        let object = tenant.objects.get(&number).ok_or(Refusal::NotFound)?;
        let view = tenant.file_view(object);
        let acted_on = self.acted_on(tenant, object);
        let share = Share {
            from_email: tenant.user(&by.user_id)?.email.clone(),
            target: Some(target),
            role: Role::Owner,
            link: None,
        };
        let activity = match changed {
            true => Some(self.record(by, Kind::OwnerChanged, Some(acted_on), Some(share))?),
            false => None,
        };
        let action = Action::OwnerChanged;
        self.note(by, action, &view.id, None, activity.as_ref());
        Ok(Done { view, activity })
    }
}
