//! Acting as a user, as a test or the person's page does: the same checks apply as for the user, and the same activity is made.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::model::activity::{Activity, Kind};
use crate::model::links::Visibility;
use crate::model::listing::Wanted;
use crate::model::objects::Content;
use crate::model::permissions::Role;
use crate::model::tenants::UserRole;
use crate::model::{By, Done, Model, Refusal};

const DEFAULT_IP: &str = "203.0.113.7";
const DEFAULT_USER_AGENT: &str = "Web browser";

/// What a user is to do.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Act {
    /// Where.
    pub tenant: String,
    /// Who: `alice`, an id or an e-mail.
    pub user: String,
    /// What.
    #[serde(rename = "do")]
    pub verb: Verb,
    /// The name of the file: a new one's, or in place of `file_id` one's own (the latest by that name), or on `move` the new name.
    pub name: Option<String>,
    /// The path of a folder, on `upload`, `make_folder` and `move`; the user's home when absent, or for a guest nowhere.
    pub folder: Option<String>,
    /// The content as text.
    pub content: Option<String>,
    /// The content in base64.
    pub content_base64: Option<String>,
    /// `text/plain` when absent.
    pub mime_type: Option<String>,
    /// The file.
    pub file_id: Option<String>,
    /// With whom, on `share` and `unshare`: an e-mail or a user's name.
    pub with: Option<String>,
    /// `viewer` when absent.
    pub role: Option<Role>,
    /// What the user named by `with` becomes, on `change_user_role`.
    pub user_role: Option<UserRole>,
    /// `public` when absent.
    pub visibility: Option<Visibility>,
    /// The link, on `unlink`; all active ones when absent.
    pub link_id: Option<String>,
    /// Where from; 203.0.113.7 when absent.
    pub ip: Option<String>,
    /// With what; `Web browser` when absent.
    pub user_agent: Option<String>,
}

/// What there is to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "each is named by what it does, as in the API's document"
)]
pub enum Verb {
    #[default]
    Login,
    LoginFailed,
    Upload,
    Update,
    View,
    Download,
    Share,
    Unshare,
    Link,
    Unlink,
    Move,
    Trash,
    Restore,
    MakeFolder,
    ChangeUserRole,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Acted {
    /// The file concerned.
    pub file_id: Option<String>,
    /// The activity made; the last one where there were several, null when nothing had to change.
    pub event_id: Option<String>,
    /// The link.
    pub link_id: Option<String>,
    /// Its url.
    pub link_url: Option<String>,
    /// The permission.
    pub permission_id: Option<String>,
}

impl Model {
    pub(crate) fn act(&mut self, act: &Act) -> Result<Acted, Refusal> {
        let by = self.actor_of(act)?;
        match act.verb {
            Verb::Login => Ok(Acted::by(Some(self.tell_login(&by, false)?))),
            Verb::LoginFailed => Ok(Acted::by(Some(self.tell_login(&by, true)?))),
            Verb::Upload => self.act_upload(&by, act),
            Verb::MakeFolder => self.act_make_folder(&by, act),
            Verb::ChangeUserRole => {
                let with = self.named(&by, act.with.as_deref())?;
                let role = act
                    .user_role
                    .ok_or(Refusal::Invalid("user_role is missing"))?;
                Ok(Acted::by(self.change_user_role(&by, &with, role)?))
            }
            _ => {
                let file_id = self.file_of(&by, act)?;
                let acted = self.act_on(&by, &file_id, act)?;
                Ok(Acted {
                    file_id: Some(file_id),
                    ..acted
                })
            }
        }
    }

    fn act_on(&mut self, by: &By, file_id: &str, act: &Act) -> Result<Acted, Refusal> {
        let whole = |done: Done<_>| Acted::by(done.activity);
        match act.verb {
            Verb::Update => self.update(by, file_id, content_of(act)?, None).map(whole),
            Verb::View => self
                .read(by, file_id, None, Some(Kind::FileViewed))
                .map(|read| whole(read.0)),
            Verb::Download => self
                .read(by, file_id, None, Some(Kind::FileDownloaded))
                .map(|read| whole(read.0)),
            Verb::Share => {
                let with = self.named(by, act.with.as_deref())?;
                let role = act.role.unwrap_or(Role::Viewer);
                let (done, _) = self.share(by, file_id, &with, role)?;
                Ok(Acted {
                    permission_id: Some(done.view.id),
                    ..Acted::by(done.activity)
                })
            }
            Verb::Unshare => self.act_unshare(by, file_id, act),
            Verb::Link => {
                let visibility = act.visibility.unwrap_or(Visibility::Public);
                let role = act.role.unwrap_or(Role::Viewer);
                let done = self.create_link(by, file_id, visibility, role)?;
                let (link_id, link_url) = (Some(done.view.id), Some(done.view.url));
                Ok(Acted {
                    link_id,
                    link_url,
                    ..Acted::by(done.activity)
                })
            }
            Verb::Unlink => self.act_unlink(by, file_id, act),
            Verb::Move => {
                let folder = self.folder_of(by, act)?;
                let name = act.file_id.as_ref().and(act.name.as_deref());
                self.move_object(by, file_id, Some(folder.as_deref()), name, None)
                    .map(whole)
            }
            Verb::Trash => self.trash(by, file_id, None).map(whole),
            Verb::Restore => self.restore(by, file_id).map(whole),
            Verb::Login
            | Verb::LoginFailed
            | Verb::Upload
            | Verb::MakeFolder
            | Verb::ChangeUserRole => Err(Refusal::Invalid("this is not done to a file")),
        }
    }

    /// An upload of that content.
    pub(crate) fn act_with(&mut self, act: &Act, content: Content) -> Result<Acted, Refusal> {
        let by = self.actor_of(act)?;
        self.act_upload_of(&by, act, content)
    }

    fn act_upload(&mut self, by: &By, act: &Act) -> Result<Acted, Refusal> {
        self.act_upload_of(by, act, content_of(act)?)
    }

    fn act_upload_of(&mut self, by: &By, act: &Act, content: Content) -> Result<Acted, Refusal> {
        let name = act
            .name
            .as_deref()
            .ok_or(Refusal::Invalid("an upload needs a name"))?;
        let folder = self.folder_of(by, act)?;
        let done = self.upload(by, name, folder.as_deref(), content)?;
        Ok(Acted {
            file_id: Some(done.view.id),
            ..Acted::by(done.activity)
        })
    }

    fn act_make_folder(&mut self, by: &By, act: &Act) -> Result<Acted, Refusal> {
        let name = act
            .name
            .as_deref()
            .ok_or(Refusal::Invalid("a folder needs a name"))?;
        let parent = self.folder_of(by, act)?;
        let done = self.make_folder(by, name, parent.as_deref(), false)?;
        Ok(Acted {
            file_id: Some(done.view.id),
            ..Acted::by(done.activity)
        })
    }

    fn act_unshare(&mut self, by: &By, file_id: &str, act: &Act) -> Result<Acted, Refusal> {
        let with = self.named(by, act.with.as_deref())?;
        let permissions = self.permissions(by, file_id)?;
        let mut fitting = permissions
            .into_iter()
            .filter(|permission| permission.user.id == with);
        let permission_id = fitting.next().ok_or(Refusal::NotFound)?.id;
        let done = self.unshare(by, file_id, &permission_id)?;
        Ok(Acted {
            permission_id: Some(permission_id),
            ..Acted::by(done.activity)
        })
    }

    fn act_unlink(&mut self, by: &By, file_id: &str, act: &Act) -> Result<Acted, Refusal> {
        let wanted = act.link_id.as_deref();
        let links = self.links(by, file_id)?;
        let mut acted = None;
        for link in links
            .into_iter()
            .filter(|link| wanted.is_none_or(|id| id == link.id))
        {
            let done = self.remove_link(by, file_id, &link.id)?;
            let (link_id, link_url) = (Some(link.id), Some(link.url));
            acted = Some(Acted {
                link_id,
                link_url,
                ..Acted::by(done.activity)
            });
        }
        acted.ok_or(Refusal::NotFound)
    }

    fn actor_of(&self, act: &Act) -> Result<By, Refusal> {
        let tenant = self.tenant(&act.tenant)?;
        let user = tenant.find_user(&act.user).ok_or(Refusal::NotFound)?;
        if user.suspended {
            return Err(Refusal::Forbidden("this user is suspended"));
        }
        Ok(By {
            tenant_id: tenant.id.clone(),
            user_id: user.id.clone(),
            app_id: None,
            ip: act.ip.clone().unwrap_or_else(|| DEFAULT_IP.to_owned()),
            user_agent: act
                .user_agent
                .clone()
                .unwrap_or_else(|| DEFAULT_USER_AGENT.to_owned()),
        })
    }

    /// A user's id for his name; what is not known is left as it is, for it may be the address of a new guest.
    fn named(&self, by: &By, with: Option<&str>) -> Result<String, Refusal> {
        let with = with.ok_or(Refusal::Invalid("with is missing"))?;
        let known = self.tenant(&by.tenant_id)?.find_user(with);
        Ok(known.map_or_else(|| with.to_owned(), |user| user.id.clone()))
    }

    fn folder_of(&self, by: &By, act: &Act) -> Result<Option<String>, Refusal> {
        match act.folder.as_deref() {
            Some("/") => Ok(Some("root".to_owned())),
            Some(path) => self.folder_at(by, path).map(Some),
            None => Ok(self
                .user(by, &by.user_id)?
                .home
                .map(|number| format!("f_{number}"))),
        }
    }

    fn file_of(&self, by: &By, act: &Act) -> Result<String, Refusal> {
        if let Some(id) = &act.file_id {
            return Ok(id.clone());
        }
        let name = act
            .name
            .as_deref()
            .ok_or(Refusal::Invalid("file_id or name is missing"))?;
        let wanted = Wanted {
            owner: Some(&by.user_id),
            trashed: act.verb == Verb::Restore,
            ..Wanted::default()
        };
        self.latest_named(by, &wanted, name)
            .ok_or(Refusal::NotFound)
    }
}

impl Acted {
    fn by(activity: Option<Arc<Activity>>) -> Self {
        Self {
            event_id: activity.map(|activity| activity.id.clone()),
            ..Self::default()
        }
    }
}

fn content_of(act: &Act) -> Result<Content, Refusal> {
    let bytes = match (&act.content, &act.content_base64) {
        (Some(text), None) => Bytes::from(text.clone()),
        (None, Some(encoded)) => {
            let decoded = STANDARD.decode(encoded);
            Bytes::from(decoded.map_err(|_| Refusal::Invalid("content_base64 is not base64"))?)
        }
        _ => return Err(Refusal::Invalid("it needs content or content_base64")),
    };
    Ok(Content::new(
        bytes,
        act.mime_type.as_deref().unwrap_or("text/plain"),
    ))
}
