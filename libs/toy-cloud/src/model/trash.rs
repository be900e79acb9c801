//! The trash: what is put there can be taken out again to the place it had; what is deleted is gone with all below it.

use std::sync::Arc;

use super::activity::{Activity, Kind};
use super::objects::{ObjectKind, Reach};
use super::views::FileView;
use super::{By, Done, Model, Refusal};
use crate::ledger::Action;

impl Model {
    pub(crate) fn trash(
        &mut self,
        by: &By,
        id: &str,
        if_match: Option<u64>,
    ) -> Result<Done<FileView>, Refusal> {
        let number = self.removable(by, id, if_match)?;
        if self.tenant(&by.tenant_id)?.is_trashed(number) {
            return self.did_nothing(by, number, Action::Trash);
        }
        self.set_trashed(by, number, true)?;
        self.did(by, number, Kind::FileTrashed, Action::Trash, None)
    }

    /// Out of the trash, to the place it had.
    pub(crate) fn restore(&mut self, by: &By, id: &str) -> Result<Done<FileView>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let object = tenant.reach(by, id, Reach::Write)?;
        let number = object.number;
        if !tenant.is_trashed(number) {
            return self.did_nothing(by, number, Action::Restore);
        }
        if object
            .parent
            .is_some_and(|parent| tenant.is_trashed(parent))
        {
            return Err(Refusal::conflict(
                "its folder is in the trash: restore that first",
            ));
        }
        if object.kind != ObjectKind::File
            && tenant.folder_named(object.parent, &object.name).is_some()
        {
            return Err(Refusal::conflict("another folder has this name now"));
        }
        self.set_trashed(by, number, false)?;
        self.did(by, number, Kind::FileRestored, Action::Restore, None)
    }

    /// Gone for good, with all that is below it.
    pub(crate) fn delete(
        &mut self,
        by: &By,
        id: &str,
        if_match: Option<u64>,
    ) -> Result<Arc<Activity>, Refusal> {
        let number = self.removable(by, id, if_match)?;
        let tenant = self.tenant(&by.tenant_id)?;
        let acted_on = self.acted_on(
            tenant,
            tenant.objects.get(&number).ok_or(Refusal::NotFound)?,
        );
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let mut tokens = Vec::new();
        for gone in tenant.below(number) {
            let Some(object) = tenant.objects.remove(&gone) else {
                continue;
            };
            tenant.children.remove(&Some(gone));
            if let Some(siblings) = tenant.children.get_mut(&object.parent) {
                siblings.remove(&gone);
            }
            tenant.stored_bytes -= object.size_of_versions();
            tokens.extend(object.links.into_iter().map(|link| link.token));
        }
        for token in tokens {
            self.link_tokens.remove(&token);
        }
        let activity = self.record(by, Kind::FileDeleted, Some(acted_on), None)?;
        self.note(by, Action::Delete, id, None, Some(&activity));
        Ok(activity)
    }

    fn removable(&self, by: &By, id: &str, if_match: Option<u64>) -> Result<u64, Refusal> {
        let object = self.tenant(&by.tenant_id)?.reach(by, id, Reach::Write)?;
        object.check_version(if_match)?;
        if matches!(object.kind, ObjectKind::Folder { home: true, .. }) {
            return Err(Refusal::conflict("a home folder cannot be removed"));
        }
        Ok(object.number)
    }

    fn set_trashed(&mut self, by: &By, number: u64, trashed: bool) -> Result<(), Refusal> {
        let tenant = self.tenant_mut(&by.tenant_id)?;
        tenant
            .objects
            .get_mut(&number)
            .ok_or(Refusal::NotFound)?
            .trashed = trashed;
        Ok(())
    }
}
