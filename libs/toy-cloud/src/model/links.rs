//! Links to objects. A link that is removed keeps its id and url and can be made active again; as long as it is not, from when it has
//! ended, and as long as the object is in the trash or restricted, its url leads nowhere.

use serde::{Deserialize, Serialize};

use super::activity::{Kind, Share, SharedLink};
use super::objects::{Object, ObjectKind, Reach, Version};
use super::permissions::Role;
use super::views::{FileView, LinkView};
use super::{By, Done, Model, Refusal};
use crate::clock::Moment;
use crate::ledger::Action;
use crate::secrets::random_token;

/// An object has at most this many links, removed ones included.
pub const LINKS_MAX: usize = 100;

/// Who may follow a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Anyone.
    Public,
    /// The tenant's own users, guests not included.
    Organization,
    /// Those who have a permission anyway.
    Restricted,
}

impl Visibility {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Organization => "organization",
            Self::Restricted => "restricted",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) visibility: Visibility,
    pub(crate) role: Role,
    pub(crate) created_by: String,
    pub(crate) created_at: Moment,
    pub(crate) active: bool,
    /// From then on it leads nowhere.
    pub(crate) expires_at: Option<Moment>,
}

/// What is to be changed about a link: what is absent stays.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LinkChange {
    pub(crate) visibility: Option<Visibility>,
    pub(crate) role: Option<Role>,
    /// `Some(None)`: it no longer ends.
    pub(crate) expires_at: Option<Option<Moment>>,
}

/// Where a link's token leads.
#[derive(Debug, Clone)]
pub(crate) struct LinkPlace {
    tenant_id: String,
    number: u64,
}

/// A signed-in person, who may follow more links than a passer-by.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) tenant_id: String,
    pub(crate) user_id: String,
}

impl Model {
    /// The active ones.
    pub(crate) fn links(&self, by: &By, id: &str) -> Result<Vec<LinkView>, Refusal> {
        let object = self.tenant(&by.tenant_id)?.reach(by, id, Reach::Read)?;
        let active = object.links.iter().filter(|link| link.active);
        Ok(active.map(|link| self.link_view(link)).collect())
    }

    pub(crate) fn link_view(&self, link: &Link) -> LinkView {
        LinkView::new(link, &self.ground.base_url)
    }

    pub(crate) fn create_link(
        &mut self,
        by: &By,
        id: &str,
        visibility: Visibility,
        role: Role,
    ) -> Result<Done<LinkView>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let object = tenant.reach(by, id, Reach::Write)?;
        let number = object.number;
        if tenant.is_trashed(number) {
            return Err(Refusal::conflict("it is in the trash"));
        }
        if object.links.len() >= LINKS_MAX {
            return Err(Refusal::Full("an object has at most 100 links"));
        }
        self.links_made += 1;
        let link = Link {
            id: format!("l_{}", self.links_made),
            token: random_token(),
            visibility,
            role,
            created_by: by.user_id.clone(),
            created_at: self.ground.clock.now(),
            active: true,
            expires_at: None,
        };
        let place = LinkPlace {
            tenant_id: by.tenant_id.clone(),
            number,
        };
        self.link_tokens.insert(link.token.clone(), place);
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let object = tenant.objects.get_mut(&number).ok_or(Refusal::NotFound)?;
        object.links.push(link.clone());
        self.tell_link(by, number, &link, Kind::LinkCreated, Action::LinkCreated)
    }

    pub(crate) fn change_link(
        &mut self,
        by: &By,
        id: &str,
        link_id: &str,
        change: LinkChange,
    ) -> Result<Done<LinkView>, Refusal> {
        let (number, before) = self.find_link(by, id, link_id)?;
        if !before.active {
            return Err(Refusal::NotFound);
        }
        let mut link = before.clone();
        link.visibility = change.visibility.unwrap_or(link.visibility);
        link.role = change.role.unwrap_or(link.role);
        link.expires_at = change.expires_at.unwrap_or(link.expires_at);
        let shown = |link: &Link| (link.visibility, link.role, link.expires_at);
        if shown(&link) == shown(&before) {
            return Ok(self.told_nothing(by, id, &link, Action::LinkUpdated));
        }
        self.put_link(by, number, &link)?;
        self.tell_link(by, number, &link, Kind::LinkUpdated, Action::LinkUpdated)
    }

    pub(crate) fn remove_link(
        &mut self,
        by: &By,
        id: &str,
        link_id: &str,
    ) -> Result<Done<LinkView>, Refusal> {
        let (number, mut link) = self.find_link(by, id, link_id)?;
        if !link.active {
            return Err(Refusal::NotFound);
        }
        link.active = false;
        self.put_link(by, number, &link)?;
        self.tell_link(by, number, &link, Kind::LinkRemoved, Action::LinkRemoved)
    }

    pub(crate) fn restore_link(
        &mut self,
        by: &By,
        id: &str,
        link_id: &str,
    ) -> Result<Done<LinkView>, Refusal> {
        let (number, mut link) = self.find_link(by, id, link_id)?;
        if link.active {
            return Ok(self.told_nothing(by, id, &link, Action::LinkRestored));
        }
        link.active = true;
        self.put_link(by, number, &link)?;
        self.tell_link(by, number, &link, Kind::LinkRestored, Action::LinkRestored)
    }

    /// What the visitor of a link gets.
    pub(crate) fn visit(
        &self,
        token: &str,
        visitor: Option<&Visitor>,
    ) -> Result<(FileView, Version), Refusal> {
        let place = self.link_tokens.get(token).ok_or(Refusal::NotFound)?;
        let tenant = self.tenant(&place.tenant_id)?;
        let object = tenant.objects.get(&place.number).ok_or(Refusal::NotFound)?;
        let mut links = object.links.iter();
        let link = links.find(|link| link.token == token && link.active);
        let link = link.ok_or(Refusal::NotFound)?;
        let now = self.ground.clock.now();
        let over = link.expires_at.is_some_and(|end| end <= now);
        if over || tenant.is_trashed(object.number) || tenant.is_restricted(object.number) {
            return Err(Refusal::NotFound);
        }
        let visitor = visitor.filter(|visitor| visitor.tenant_id == tenant.id);
        let user = visitor.and_then(|visitor| tenant.users.get(&visitor.user_id));
        let welcome = match link.visibility {
            Visibility::Public => true,
            Visibility::Organization => user.is_some_and(|user| !user.external),
            Visibility::Restricted => {
                user.is_some_and(|user| tenant.role_on(&user.id, object.number).is_some())
            }
        };
        if !welcome {
            return Err(Refusal::Forbidden("this link is not for everyone: sign in"));
        }
        if object.kind != ObjectKind::File {
            return Err(Refusal::Invalid("a folder has no content"));
        }
        let version = object.versions.back().cloned().ok_or(Refusal::NotFound)?;
        Ok((tenant.file_view(object), version))
    }

    fn find_link(&self, by: &By, id: &str, link_id: &str) -> Result<(u64, Link), Refusal> {
        let object = self.tenant(&by.tenant_id)?.reach(by, id, Reach::Write)?;
        let link = object.links.iter().find(|link| link.id == link_id);
        Ok((object.number, link.ok_or(Refusal::NotFound)?.clone()))
    }

    fn put_link(&mut self, by: &By, number: u64, changed: &Link) -> Result<(), Refusal> {
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let object: &mut Object = tenant.objects.get_mut(&number).ok_or(Refusal::NotFound)?;
        let mut links = object.links.iter_mut();
        let link = links
            .find(|link| link.id == changed.id)
            .ok_or(Refusal::NotFound)?;
        link.clone_from(changed);
        Ok(())
    }

    fn tell_link(
        &mut self,
        by: &By,
        number: u64,
        link: &Link,
        kind: Kind,
        action: Action,
    ) -> Result<Done<LinkView>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let object = tenant.objects.get(&number).ok_or(Refusal::NotFound)?;
        let acted_on = self.acted_on(tenant, object);
        let view = self.link_view(link);
        let share = Share {
            from_email: tenant.user(&by.user_id)?.email.clone(),
            target: None,
            role: link.role,
            link: Some(SharedLink {
                id: view.id.clone(),
                url: view.url.clone(),
                visibility: view.visibility,
            }),
        };
        let object_id = acted_on.id.clone();
        let activity = self.record(by, kind, Some(acted_on), Some(share))?;
        self.note(
            by,
            action,
            &object_id,
            Some(link.id.clone()),
            Some(&activity),
        );
        Ok(Done {
            view,
            activity: Some(activity),
        })
    }

    fn told_nothing(&self, by: &By, id: &str, link: &Link, action: Action) -> Done<LinkView> {
        self.note(by, action, id, Some(link.id.clone()), None);
        Done {
            view: self.link_view(link),
            activity: None,
        }
    }
}
