//! Listings of users, and of the files and folders that a user may see, in pages: ascending by number, so that what is made later is
//! on a later page and nothing is left out.

use super::objects::{Object, ObjectKind, Reach, object_number};
use super::tenants::User;
use super::views::FileView;
use super::{By, Model, Refusal};

/// A page of a listing holds at most this many.
pub const PAGE_MAX: usize = 500;

/// Which files; what is absent lets all through.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// A user's id or e-mail.
    pub(crate) owner: Option<&'a str>,
    /// A folder's id, or `root`.
    pub(crate) parent_id: Option<&'a str>,
    pub(crate) path: Option<&'a str>,
    pub(crate) trashed: bool,
}

#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page begins; none on the last.
    pub(crate) next: Option<String>,
}

impl Model {
    pub(crate) fn user(&self, by: &By, id: &str) -> Result<&User, Refusal> {
        self.tenant(&by.tenant_id)?.user(id)
    }

    pub(crate) fn users(
        &self,
        by: &By,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<User>, Refusal> {
        let users = &self.tenant(&by.tenant_id)?.users;
        let rest = users
            .values()
            .filter(|user| after.is_none_or(|after| user.id.as_str() > after));
        let limit = limit.clamp(1, PAGE_MAX);
        let mut items: Vec<User> = rest.take(limit + 1).cloned().collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|user| user.id.clone());
        Ok(Page { items, next })
    }

    pub(crate) fn file(&self, by: &By, id: &str) -> Result<FileView, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        Ok(tenant.file_view(tenant.reach(by, id, Reach::Read)?))
    }

    /// What the user may see, without the trash unless it is asked for.
    pub(crate) fn files(
        &self,
        by: &By,
        wanted: &Wanted<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<FileView>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let after = match after {
            Some(cursor) => {
                object_number(cursor).ok_or(Refusal::Invalid("the cursor is unknown"))?
            }
            None => 0,
        };
        let candidates: Box<dyn Iterator<Item = u64>> = match (wanted.path, wanted.parent_id) {
            (Some(path), _) => Box::new(self.at_path(by, path)?.into_iter()),
            (None, Some(parent)) => {
                let parent =
                    (parent != "root").then(|| object_number(parent).ok_or(Refusal::NotFound));
                let parent = parent.transpose()?;
                Box::new(
                    tenant
                        .children
                        .get(&parent)
                        .into_iter()
                        .flat_map(move |all| all.range(after..))
                        .copied(),
                )
            }
            (None, None) => Box::new(tenant.objects.range(after..).map(|(number, _)| *number)),
        };
        let fits = |object: &&Object| {
            object.number > after
                && tenant.is_trashed(object.number) == wanted.trashed
                && wanted
                    .owner
                    .is_none_or(|owner| self.is_owner(by, object, owner))
                && wanted.parent_id.is_none_or(|parent| is_in(object, parent))
                && tenant.role_on(&by.user_id, object.number).is_some()
        };
        let found = candidates
            .filter_map(|number| tenant.objects.get(&number))
            .filter(fits);
        let limit = limit.clamp(1, PAGE_MAX);
        let mut items: Vec<FileView> = found
            .take(limit + 1)
            .map(|object| tenant.file_view(object))
            .collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|file| file.id.clone());
        Ok(Page { items, next })
    }

    fn is_owner(&self, by: &By, object: &Object, owner: &str) -> bool {
        let email = || {
            let user = self.tenant(&by.tenant_id).ok()?.users.get(&object.owner)?;
            Some(user.email.eq_ignore_ascii_case(owner))
        };
        object.owner == owner || email().unwrap_or(false)
    }

    /// All objects with this path, in ascending order.
    fn at_path(&self, by: &By, path: &str) -> Result<Vec<u64>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let names = path
            .strip_prefix('/')
            .ok_or(Refusal::Invalid("a path begins with a slash"))?;
        let mut places = vec![None];
        for name in names.split('/') {
            let below = places
                .iter()
                .filter_map(|place| tenant.children.get(place))
                .flatten();
            let named = below.filter(|number| {
                tenant
                    .objects
                    .get(number)
                    .is_some_and(|object| object.name == name)
            });
            places = named.map(|number| Some(*number)).collect();
        }
        let mut found: Vec<u64> = places.into_iter().flatten().collect();
        found.sort_unstable();
        Ok(found)
    }

    /// The one made last of the user's own files by this name.
    pub(crate) fn latest_named(&self, by: &By, wanted: &Wanted<'_>, name: &str) -> Option<String> {
        let tenant = self.tenant(&by.tenant_id).ok()?;
        let own = tenant.objects.values().rev().filter(|object| {
            object.kind == ObjectKind::File
                && object.name == name
                && tenant.is_trashed(object.number) == wanted.trashed
        });
        let mut own = own.filter(|object| {
            wanted.owner.is_none_or(|owner| object.owner == owner)
                && tenant.role_on(&by.user_id, object.number).is_some()
        });
        own.next().map(Object::id)
    }

    /// The folder at this path that the user may put something into, if there is one.
    pub(crate) fn folder_at(&self, by: &By, path: &str) -> Result<String, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let found = self
            .at_path(by, path)?
            .into_iter()
            .filter_map(|n| tenant.objects.get(&n));
        let mut folders = found.filter(|object| {
            object.kind != ObjectKind::File && tenant.role_on(&by.user_id, object.number).is_some()
        });
        folders.next().map(Object::id).ok_or(Refusal::NotFound)
    }
}

fn is_in(object: &Object, parent_id: &str) -> bool {
    match object.parent {
        Some(parent) => object_number(parent_id) == Some(parent),
        None => parent_id == "root",
    }
}
