//! Everything in a tenant that is shared now: its active links and its permissions, one by one, in pages. Objects ascend by
//! number; of one object the links come first. What is in the trash is shared with nobody. A page begins after the last one
//! listed, whatever is no longer shared meanwhile: nothing is left out.

use serde::Serialize;

use super::activity::{ActedOn, Share, SharedLink, Target};
use super::listing::{PAGE_MAX, Page};
use super::objects::Object;
use super::permissions::permission_id_of;
use super::tenants::Tenant;
use super::views::OwnerView;
use super::{By, Model, Refusal};
use crate::clock::Moment;

/// One link or permission.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SharedView {
    /// The link's or the permission's own id.
    pub(crate) id: String,
    /// `link` or `permission`.
    #[serde(rename = "type")]
    kind: &'static str,
    tenant_id: String,
    /// Of a permission it is not known.
    created_at: Option<Moment>,
    owner: OwnerView,
    object: ActedOn,
    share: Share,
}

impl Model {
    /// What is shared after that place, for an administrator.
    pub(crate) fn shared(
        &self,
        by: &By,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<SharedView>, Refusal> {
        self.administrators_only(by)?;
        let tenant = self.tenant(&by.tenant_id)?;
        let (number, passed) = match after {
            Some(cursor) => place(cursor).ok_or(Refusal::Invalid("the cursor is unknown"))?,
            None => (0, ""),
        };
        let limit = limit.clamp(1, PAGE_MAX);
        let mut items: Vec<SharedView> = Vec::new();
        let mut last = String::new();
        let objects = tenant.objects.range(number..).map(|(_, object)| object);
        for object in objects.filter(|object| !tenant.is_trashed(object.number)) {
            let is_passed = |key: &str| object.number == number && key <= passed;
            for (key, shared) in self.shared_of(tenant, object) {
                if is_passed(&key) {
                    continue;
                }
                if items.len() == limit {
                    return Ok(Page {
                        items,
                        next: Some(last),
                    });
                }
                last = format!("{}.{key}", object.number);
                items.push(shared);
            }
        }
        Ok(Page { items, next: None })
    }

    /// The shares of an object by ascending keys that stay theirs.
    fn shared_of(&self, tenant: &Tenant, object: &Object) -> Vec<(String, SharedView)> {
        let view = tenant.file_view(object);
        let shared = |id, kind, created_at, share| SharedView {
            id,
            kind,
            tenant_id: tenant.id.clone(),
            created_at,
            owner: view.owner.clone(),
            object: self.acted_on(tenant, object),
            share,
        };
        let from_email = |user_id: &str| {
            let user = tenant.users.get(user_id);
            user.map_or_else(String::new, |user| user.email.clone())
        };
        let links = object.links.iter().enumerate();
        let links = links.filter(|(_, link)| link.active).map(|(index, link)| {
            let seen = self.link_view(link);
            let share = Share {
                from_email: from_email(&link.created_by),
                target: None,
                role: link.role,
                link: Some(SharedLink {
                    id: seen.id.clone(),
                    url: seen.url,
                    visibility: seen.visibility,
                }),
            };
            let view = shared(seen.id, "link", Some(link.created_at), share);
            (format!("l{index:06}"), view)
        });
        let permissions = object.permissions.iter().filter_map(|(user_id, role)| {
            let user = tenant.users.get(user_id)?;
            let share = Share {
                from_email: from_email(&object.owner),
                target: Some(Target {
                    id: user.id.clone(),
                    email: user.email.clone(),
                    external: user.external,
                }),
                role: *role,
                link: None,
            };
            let id = permission_id_of(object.number, user_id);
            Some((format!("p{user_id}"), shared(id, "permission", None, share)))
        });
        links.chain(permissions).collect()
    }
}

/// An object's number, and the key of the last of its shares that was listed.
fn place(cursor: &str) -> Option<(u64, &str)> {
    let (number, key) = cursor.split_once('.')?;
    Some((number.parse().ok()?, key))
}
