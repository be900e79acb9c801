//! Making, changing, reading and moving files and folders. An object keeps its id, versions, permissions and links wherever it is
//! moved; files may share a name in one folder, folders may not.

use std::collections::{BTreeMap, VecDeque};

use super::activity::{ActedOn, Kind};
use super::objects::{
    Content, DEPTH_MAX, OBJECTS_MAX, Object, ObjectKind, Reach, STORED_BYTES_MAX, VERSIONS_MAX,
    Version,
};
use super::tenants::Tenant;
use super::views::FileView;
use super::{By, Done, Model, Refusal};
use crate::clock::Moment;
use crate::ledger::Action;

const NAME_LENGTH_MAX: usize = 255;

impl Model {
    pub(super) fn make_home(&mut self, tenant_id: &str, name: &str, owner: &str) -> u64 {
        let kind = ObjectKind::Folder {
            restricted: false,
            home: true,
        };
        let object = self.new_object(kind, name, None, owner, "");
        self.insert(tenant_id, object)
    }

    fn new_object(
        &mut self,
        kind: ObjectKind,
        name: &str,
        parent: Option<u64>,
        owner: &str,
        mime_type: &str,
    ) -> Object {
        self.objects_made += 1;
        let now = self.ground.clock.now();
        Object {
            number: self.objects_made,
            kind,
            name: name.to_owned(),
            parent,
            owner: owner.to_owned(),
            mime_type: mime_type.to_owned(),
            versions: VecDeque::new(),
            trashed: false,
            created_at: now,
            updated_at: now,
            permissions: BTreeMap::new(),
            links: Vec::new(),
            labels: Vec::new(),
        }
    }

    fn insert(&mut self, tenant_id: &str, object: Object) -> u64 {
        let number = object.number;
        if let Some(tenant) = self.tenants.get_mut(tenant_id) {
            tenant
                .children
                .entry(object.parent)
                .or_default()
                .insert(number);
            tenant.objects.insert(number, object);
        }
        number
    }

    /// The folder that something is put into: the one that is named; without a name the root for administrators, and the home
    /// folder for others.
    fn place(&self, by: &By, parent_id: Option<&str>) -> Result<Option<u64>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let Some(parent_id) = parent_id.filter(|id| *id != "root") else {
            if self.is_administrator(by)? {
                return Ok(None);
            }
            let home = tenant.user(&by.user_id)?.home;
            return home
                .map(Some)
                .ok_or(Refusal::Forbidden("a guest has no folder of his own"));
        };
        let parent = tenant.reach(by, parent_id, Reach::Write)?;
        if parent.kind == ObjectKind::File {
            return Err(Refusal::Invalid("the parent is not a folder"));
        }
        if tenant.is_trashed(parent.number) {
            return Err(Refusal::conflict("the parent is in the trash"));
        }
        if tenant.lineage(parent.number).count() >= DEPTH_MAX {
            return Err(Refusal::Full("folders are at most 64 deep"));
        }
        Ok(Some(parent.number))
    }

    fn room_for(&self, by: &By, objects: usize, bytes: usize) -> Result<(), Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        if tenant.objects.len() + objects > OBJECTS_MAX {
            return Err(Refusal::Full("the tenant has as many objects as it can"));
        }
        if tenant.stored_bytes + bytes as u64 > STORED_BYTES_MAX {
            return Err(Refusal::Full("the tenant stores as many bytes as it can"));
        }
        Ok(())
    }

    /// A new file. Files may share a name.
    pub(crate) fn upload(
        &mut self,
        by: &By,
        name: &str,
        parent_id: Option<&str>,
        content: Content,
    ) -> Result<Done<FileView>, Refusal> {
        check_name(name)?;
        let parent = self.place(by, parent_id)?;
        self.room_for(by, 1, content.bytes.len())?;
        let mut file = self.new_object(
            ObjectKind::File,
            name,
            parent,
            &by.user_id,
            &content.mime_type,
        );
        let size = content.bytes.len() as u64;
        file.versions
            .push_back(version(1, content, file.created_at));
        let number = self.insert(&by.tenant_id, file);
        self.tenant_mut(&by.tenant_id)?.stored_bytes += size;
        self.did(by, number, Kind::FileCreated, Action::FileCreated, None)
    }

    /// A new folder; its name must be free among the folders beside it.
    pub(crate) fn make_folder(
        &mut self,
        by: &By,
        name: &str,
        parent_id: Option<&str>,
        restricted: bool,
    ) -> Result<Done<FileView>, Refusal> {
        check_name(name)?;
        if restricted && !self.is_administrator(by)? {
            return Err(Refusal::Forbidden(
                "only an administrator makes restricted folders",
            ));
        }
        let parent = self.place(by, parent_id)?;
        let tenant = self.tenant(&by.tenant_id)?;
        if let Some(existing) = tenant.folder_named(parent, name) {
            let existing = Some(Box::new(tenant.file_view(existing)));
            return Err(Refusal::Conflict {
                message: "a folder has this name",
                existing,
            });
        }
        self.room_for(by, 1, 0)?;
        let kind = ObjectKind::Folder {
            restricted,
            home: false,
        };
        let folder = self.new_object(kind, name, parent, &by.user_id, "");
        let number = self.insert(&by.tenant_id, folder);
        self.did(by, number, Kind::FolderCreated, Action::FolderCreated, None)
    }

    /// A new version of a file.
    pub(crate) fn update(
        &mut self,
        by: &By,
        id: &str,
        content: Content,
        if_match: Option<u64>,
    ) -> Result<Done<FileView>, Refusal> {
        let number = self.live_file(by, id, Reach::Write, if_match)?;
        self.room_for(by, 0, content.bytes.len())?;
        let now = self.ground.clock.now();
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let file = tenant.objects.get_mut(&number).ok_or(Refusal::NotFound)?;
        tenant.stored_bytes += content.bytes.len() as u64;
        file.mime_type.clone_from(&content.mime_type);
        file.updated_at = now;
        let next = file.version() + 1;
        file.versions.push_back(version(next, content, now));
        if file.versions.len() > VERSIONS_MAX
            && let Some(oldest) = file.versions.pop_front()
        {
            tenant.stored_bytes -= oldest.bytes.len() as u64;
        }
        self.did(
            by,
            number,
            Kind::FileUpdated,
            Action::Content,
            Some(format!("v{next}")),
        )
    }

    /// Removes a version that is not the newest.
    pub(crate) fn remove_version(
        &mut self,
        by: &By,
        id: &str,
        version: u64,
    ) -> Result<Done<FileView>, Refusal> {
        let number = self.live_file(by, id, Reach::Write, None)?;
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let file = tenant.objects.get_mut(&number).ok_or(Refusal::NotFound)?;
        if file.version() == version {
            return Err(Refusal::conflict("the newest version stays"));
        }
        let place = file.versions.iter().position(|one| one.number == version);
        let removed = place.and_then(|place| file.versions.remove(place));
        tenant.stored_bytes -= removed.ok_or(Refusal::NotFound)?.bytes.len() as u64;
        let detail = Some(format!("v{version}"));
        self.did(
            by,
            number,
            Kind::FileUpdated,
            Action::VersionRemoved,
            detail,
        )
    }

    fn live_file(
        &self,
        by: &By,
        id: &str,
        reach: Reach,
        if_match: Option<u64>,
    ) -> Result<u64, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let file = tenant.reach(by, id, reach)?;
        file.check_version(if_match)?;
        if file.kind != ObjectKind::File {
            return Err(Refusal::Invalid("a folder has no content"));
        }
        if tenant.is_trashed(file.number) {
            return Err(Refusal::conflict("the file is in the trash"));
        }
        Ok(file.number)
    }

    /// The file and one of its versions, for whoever may read it; `told` makes the activity of that kind.
    pub(crate) fn read(
        &mut self,
        by: &By,
        id: &str,
        version: Option<u64>,
        told: Option<Kind>,
    ) -> Result<(Done<FileView>, Version), Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let file = tenant.reach(by, id, Reach::Read)?;
        if file.kind != ObjectKind::File {
            return Err(Refusal::Invalid("a folder has no content"));
        }
        let wanted = version.unwrap_or(file.version());
        let found = file
            .versions
            .iter()
            .find(|version| version.number == wanted);
        let found = found.cloned().ok_or(Refusal::NotFound)?;
        let (view, acted_on) = (tenant.file_view(file), self.acted_on(tenant, file));
        let activity = match told {
            Some(kind) => Some(self.record(by, kind, Some(acted_on), None)?),
            None => None,
        };
        Ok((Done { view, activity }, found))
    }

    /// To another folder, under another name, or both; without a folder it stays where it is.
    pub(crate) fn move_object(
        &mut self,
        by: &By,
        id: &str,
        parent: Option<Option<&str>>,
        name: Option<&str>,
        if_match: Option<u64>,
    ) -> Result<Done<FileView>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let object = tenant.reach(by, id, Reach::Write)?;
        object.check_version(if_match)?;
        let (number, kind, old_parent) = (object.number, object.kind, object.parent);
        let name = name.unwrap_or(&object.name).to_owned();
        check_name(&name)?;
        if matches!(kind, ObjectKind::Folder { home: true, .. }) {
            return Err(Refusal::conflict("a home folder stays where it is"));
        }
        if tenant.is_trashed(number) {
            return Err(Refusal::conflict("it is in the trash"));
        }
        let parent = match parent {
            Some(place) => self.place(by, place)?,
            None => old_parent,
        };
        if parent == old_parent && name == object.name {
            return self.did_nothing(by, number, Action::Move);
        }
        if parent.is_some_and(|place| tenant.lineage(place).any(|above| above.number == number)) {
            return Err(Refusal::conflict("a folder cannot be moved into itself"));
        }
        let taken = tenant
            .folder_named(parent, &name)
            .filter(|other| other.number != number);
        if kind != ObjectKind::File && taken.is_some() {
            return Err(Refusal::conflict("a folder has this name there"));
        }
        self.relocate(by, number, parent, name)?;
        let detail = parent.map_or_else(|| "root".to_owned(), |place| format!("f_{place}"));
        self.did(by, number, Kind::FileMoved, Action::Move, Some(detail))
    }

    fn relocate(
        &mut self,
        by: &By,
        number: u64,
        parent: Option<u64>,
        name: String,
    ) -> Result<(), Refusal> {
        let now = self.ground.clock.now();
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let object = tenant.objects.get_mut(&number).ok_or(Refusal::NotFound)?;
        let old_parent = std::mem::replace(&mut object.parent, parent);
        object.name = name;
        object.updated_at = now;
        tenant
            .children
            .entry(old_parent)
            .or_default()
            .remove(&number);
        tenant.children.entry(parent).or_default().insert(number);
        Ok(())
    }

    pub(super) fn did(
        &mut self,
        by: &By,
        number: u64,
        kind: Kind,
        action: Action,
        detail: Option<String>,
    ) -> Result<Done<FileView>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let object = tenant.objects.get(&number).ok_or(Refusal::NotFound)?;
        let (view, acted_on) = (tenant.file_view(object), self.acted_on(tenant, object));
        let activity = self.record(by, kind, Some(acted_on), None)?;
        self.note(by, action, &view.id, detail, Some(&activity));
        Ok(Done {
            view,
            activity: Some(activity),
        })
    }

    pub(super) fn did_nothing(
        &self,
        by: &By,
        number: u64,
        action: Action,
    ) -> Result<Done<FileView>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        let view = tenant.file_view(tenant.objects.get(&number).ok_or(Refusal::NotFound)?);
        self.note(by, action, &view.id, None, None);
        Ok(Done {
            view,
            activity: None,
        })
    }

    pub(super) fn acted_on(&self, tenant: &Tenant, object: &Object) -> ActedOn {
        let id = object.id();
        let is_file = object.kind == ObjectKind::File;
        ActedOn {
            kind: object.type_name(),
            name: object.name.clone(),
            path: Some(tenant.path(object.number)),
            download_url: is_file
                .then(|| format!("{}/api/v1/files/{id}/content", self.ground.base_url)),
            version: is_file.then(|| object.version()),
            id,
        }
    }
}

fn version(number: u64, content: Content, created_at: Moment) -> Version {
    let Content {
        bytes,
        large,
        sha256,
        mime_type: _,
    } = content;
    Version {
        number,
        bytes,
        large,
        sha256,
        created_at,
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let sound = (1..=NAME_LENGTH_MAX).contains(&name.len())
        && name != "."
        && name != ".."
        && !name.contains('/')
        && !name.chars().any(char::is_control);
    if sound {
        Ok(())
    } else {
        Err(Refusal::Invalid(
            "a name has 1 to 255 bytes, no slash and no control characters",
        ))
    }
}
