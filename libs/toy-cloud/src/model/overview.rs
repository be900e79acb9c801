use std::sync::Arc;

use super::activity::Activity;
use super::links::Visitor;
use super::objects::{Object, ObjectKind};
use super::permissions::Role;
use super::views::{FileView, LinkView, PermissionView};
use super::{Model, Refusal};

/// The page shows at most this many files.
const FILES_SHOWN_MAX: usize = 50;
const ACTIVITIES_SHOWN_MAX: usize = 25;

/// What the person's page shows: the latest of the tenant, whoever looks, for this is a toy.
#[derive(Debug)]
pub(crate) struct Overview {
    pub(crate) files: Vec<Shown>,
    pub(crate) more_files: bool,
    pub(crate) activities: Vec<Arc<Activity>>,
}

/// A file with all who may read it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) file: FileView,
    pub(crate) permissions: Vec<PermissionView>,
    pub(crate) links: Vec<LinkView>,
    /// What the person who looks may do.
    pub(crate) role: Option<Role>,
}

impl Model {
    pub(crate) fn overview(&mut self, visitor: &Visitor) -> Result<Overview, Refusal> {
        let now = self.ground.clock.now();
        self.tenant_mut(&visitor.tenant_id)?.log.settle(now);
        let tenant = self.tenant(&visitor.tenant_id)?;
        let is_file = |object: &&Object| object.kind == ObjectKind::File;
        let latest = tenant.objects.values().rev().filter(is_file);
        let mut files: Vec<Shown> = latest
            .take(FILES_SHOWN_MAX + 1)
            .map(|object| self.shown(visitor, object))
            .collect();
        let more_files = files.len() > FILES_SHOWN_MAX;
        files.truncate(FILES_SHOWN_MAX);
        Ok(Overview {
            files,
            more_files,
            activities: tenant.log.latest(ACTIVITIES_SHOWN_MAX),
        })
    }

    fn shown(&self, visitor: &Visitor, object: &Object) -> Shown {
        let tenant = &self.tenants[&visitor.tenant_id];
        let permissions = object.permissions.iter().filter_map(|(user_id, role)| {
            let user = tenant.users.get(user_id)?;
            Some(PermissionView::new(object.number, user, *role))
        });
        let active = object.links.iter().filter(|link| link.active);
        Shown {
            file: tenant.file_view(object),
            permissions: permissions.collect(),
            links: active.map(|link| self.link_view(link)).collect(),
            role: tenant.role_on(&visitor.user_id, object.number),
        }
    }
}
