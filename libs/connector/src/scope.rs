//! What a manifest can name: `{activity.object_id}`, `{params.domain}`, `{snapshot.links}`, `/a/path`.
//!
//! Which names exist depends on the place in the manifest; a name that its place does not have is a
//! mistake found when the manifest is read, never at run time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use event_model::{Activity, Connection, Field, RemedyKind};
use serde_json::{Map, Value};

use crate::client::KeptContent;
use crate::condition::memo::Memo;
use crate::mistake::did_you_mean;
use crate::pointer::Pointer;
use crate::view::View;

/// A name, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ref {
    /// `/a/path` in the document at hand.
    Document(Pointer),
    /// `envelope/a/path` in the event before it was exploded.
    Envelope(Pointer),
    /// `activity.object_id`.
    Activity(Field),
    /// `params.domain`.
    Param(String),
    /// `connection.client_id`.
    Connection(ConnectionPart),
    /// `base_url`.
    BaseUrl,
    /// `snapshot.links`, `step.folder_id`, `item.user.id`.
    Kept(Keep, Vec<String>),
    /// `webhook.url`, `role` and so on.
    Word(Word),
}

/// Parts of a connection that a manifest can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionPart {
    Id,
    Name,
    ClientId,
    TenantId,
}

/// Where values are kept under names that the manifest chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// What the object was like before the remedy.
    Snapshot,
    /// What the steps before this one captured.
    Step,
    /// The element at hand of a `for_each`.
    Item,
    /// What the service said of the webhook when it was registered.
    Registration,
}

/// Single values of one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    WebhookUrl,
    NoticesUrl,
    WebhookSecret,
    WebhookId,
    WebhookExpiresAt,
    WebhookExpiresMs,
    Role,
    LabelsManifest,
    /// When a link is to end.
    ExpiresAt,
    /// Whom a link is still for, in the service's word.
    LinkScope,
    NewOwner,
    UserId,
    UserEmail,
    Status,
    Part,
    /// What is left where an object was.
    Tombstone,
    TombstoneSha256,
    TombstoneSha1,
    TombstoneBytes,
    TombstoneStays,
    /// How long the content is that is sent back.
    ContentBytes,
    PieceFirst,
    PieceLast,
    PieceBytes,
}

const CONNECTION_PARTS: [(&str, ConnectionPart); 4] = [
    ("id", ConnectionPart::Id),
    ("name", ConnectionPart::Name),
    ("client_id", ConnectionPart::ClientId),
    ("tenant_id", ConnectionPart::TenantId),
];
const WORDS: [(&str, Word); 24] = [
    ("webhook.url", Word::WebhookUrl),
    ("webhook.notices_url", Word::NoticesUrl),
    ("webhook.secret", Word::WebhookSecret),
    ("webhook.id", Word::WebhookId),
    ("webhook.expires_at", Word::WebhookExpiresAt),
    ("webhook.expires_ms", Word::WebhookExpiresMs),
    ("role", Word::Role),
    ("labels.manifest", Word::LabelsManifest),
    ("expires_at", Word::ExpiresAt),
    ("scope", Word::LinkScope),
    ("new_owner", Word::NewOwner),
    ("user.id", Word::UserId),
    ("user.email", Word::UserEmail),
    ("status", Word::Status),
    ("part", Word::Part),
    ("tombstone", Word::Tombstone),
    ("tombstone.sha256", Word::TombstoneSha256),
    ("tombstone.sha1", Word::TombstoneSha1),
    ("tombstone.bytes", Word::TombstoneBytes),
    ("tombstone.stays", Word::TombstoneStays),
    ("content.bytes", Word::ContentBytes),
    ("piece.first", Word::PieceFirst),
    ("piece.last", Word::PieceLast),
    ("piece.bytes", Word::PieceBytes),
];

/// Which names a place has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Names {
    pub(crate) document: bool,
    pub(crate) envelope: bool,
    pub(crate) activity: bool,
    pub(crate) snapshot: bool,
    pub(crate) step: bool,
    pub(crate) item: bool,
    pub(crate) registration: bool,
    pub(crate) words: &'static [Word],
}

impl Names {
    /// Parameters and connection only.
    pub(crate) const CONNECTION: Names = Names {
        document: false,
        envelope: false,
        activity: false,
        snapshot: false,
        step: false,
        item: false,
        registration: false,
        words: &[],
    };
    /// A normalised field.
    pub(crate) const MAPPING: Names = Names {
        document: true,
        envelope: true,
        activity: true,
        words: &[Word::Part],
        ..Names::CONNECTION
    };
    /// A step on behalf of the connection: health, tenant.
    pub(crate) const STEP: Names = Names {
        document: true,
        step: true,
        item: true,
        words: &[Word::Status],
        ..Names::CONNECTION
    };
    /// A list of what exists, below what was listed above it.
    pub(crate) const LISTED: Names = Names {
        document: true,
        item: true,
        ..Names::CONNECTION
    };
    /// A step of webhook registration.
    pub(crate) const REGISTRATION: Names = Names {
        registration: true,
        words: &[
            Word::WebhookUrl,
            Word::NoticesUrl,
            Word::WebhookSecret,
            Word::WebhookId,
            Word::WebhookExpiresAt,
            Word::WebhookExpiresMs,
            Word::Status,
        ],
        ..Names::STEP
    };
    /// A request about one object: content, enrichment, what a snapshot is taken with.
    pub(crate) const OBJECT: Names = Names {
        activity: true,
        ..Names::STEP
    };
    /// A step of a remedy of that kind, and with `snapshot` whatever comes after the snapshot.
    pub(crate) fn of_remedy(kind: RemedyKind, snapshot: bool) -> Names {
        let words: &'static [Word] = match kind {
            RemedyKind::DowngradeRole => &[Word::Status, Word::Role],
            RemedyKind::ApplyLabel => &[Word::Status, Word::LabelsManifest],
            RemedyKind::ExpireLink => &[Word::Status, Word::ExpiresAt],
            RemedyKind::SetLinkScope => &[Word::Status, Word::LinkScope],
            RemedyKind::TransferOwner => &[Word::Status, Word::NewOwner],
            RemedyKind::SuspendUser | RemedyKind::EndSessions => {
                &[Word::Status, Word::UserId, Word::UserEmail]
            }
            RemedyKind::QuarantineToVault => &[
                Word::Status,
                Word::Tombstone,
                Word::TombstoneSha256,
                Word::TombstoneSha1,
                Word::TombstoneBytes,
                Word::TombstoneStays,
                Word::ContentBytes,
                Word::PieceFirst,
                Word::PieceLast,
                Word::PieceBytes,
            ],
            _ => &[Word::Status],
        };
        Names {
            snapshot,
            words,
            ..Names::OBJECT
        }
    }
}

impl Ref {
    /// Reads a name.
    ///
    /// # Errors
    /// A complaint, when the place does not have it.
    pub(crate) fn parse(text: &str, names: &Names) -> Result<Ref, String> {
        if let Some(path) = text.strip_prefix("envelope/").filter(|_| names.envelope) {
            return Pointer::parse(&format!("/{path}")).map(Ref::Envelope);
        }
        if text.starts_with('/') {
            if !names.document {
                return Err(format!("`{text}`: there is no document at this place"));
            }
            return Pointer::parse(text).map(Ref::Document);
        }
        if text == "base_url" {
            return Ok(Ref::BaseUrl);
        }
        if let Some((_, word)) = WORDS.iter().find(|(name, _)| *name == text)
            && names.words.contains(word)
        {
            return Ok(Ref::Word(*word));
        }
        let (root, rest) = text.split_once('.').unwrap_or((text, ""));
        let path = || -> Vec<String> {
            rest.split('.')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        match root {
            "params" if !rest.is_empty() => Ok(Ref::Param(rest.to_owned())),
            "connection" => lookup(&CONNECTION_PARTS, text, rest).map(Ref::Connection),
            "activity" if names.activity => Field::from_name(rest)
                .map(Ref::Activity)
                .ok_or_else(|| unknown(text, rest, Field::ALL.iter().map(|field| field.name()))),
            "snapshot" if names.snapshot && !rest.is_empty() => {
                Ok(Ref::Kept(Keep::Snapshot, path()))
            }
            "step" if names.step && !rest.is_empty() => Ok(Ref::Kept(Keep::Step, path())),
            "registration" if names.registration && !rest.is_empty() => {
                Ok(Ref::Kept(Keep::Registration, path()))
            }
            "item" if names.item => Ok(Ref::Kept(Keep::Item, path())),
            _ => Err(format!(
                "`{text}` has no value at this place: there are {}",
                names.list()
            )),
        }
    }
}

impl Ref {
    /// Whether it stands for a place in a document, which may hold more than a text.
    pub(crate) fn is_place(&self) -> bool {
        matches!(self, Ref::Document(_) | Ref::Envelope(_) | Ref::Kept(..))
    }
}

impl Names {
    fn list(&self) -> String {
        let mut list = vec!["base_url", "params.*", "connection.*"];
        let optional = [
            (self.document, "/paths"),
            (self.envelope, "envelope/paths"),
            (self.activity, "activity.*"),
            (self.snapshot, "snapshot.*"),
            (self.step, "step.*"),
            (self.item, "item.*"),
            (self.registration, "registration.*"),
        ];
        list.extend(
            optional
                .iter()
                .filter(|(has, _)| *has)
                .map(|(_, name)| name),
        );
        let words = WORDS.iter().filter(|(_, word)| self.words.contains(word));
        list.extend(words.map(|(name, _)| name));
        list.join(", ")
    }
}

fn lookup<T: Copy>(table: &[(&'static str, T)], text: &str, rest: &str) -> Result<T, String> {
    table
        .iter()
        .find(|(name, _)| *name == rest)
        .map(|(_, value)| *value)
        .ok_or_else(|| unknown(text, rest, table.iter().map(|(name, _)| *name)))
}

fn unknown<'a>(text: &str, word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let hint = did_you_mean(word, known).map(|hint| format!(" ({hint})"));
    format!("`{text}` is not known{}", hint.unwrap_or_default())
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ref::Document(pointer) => write!(f, "{pointer}"),
            Ref::Envelope(pointer) => write!(f, "envelope{pointer}"),
            Ref::Activity(field) => write!(f, "activity.{field}"),
            Ref::Param(name) => write!(f, "params.{name}"),
            Ref::Connection(part) => {
                let name = CONNECTION_PARTS.iter().find(|(_, known)| known == part);
                write!(f, "connection.{}", name.map_or("?", |(name, _)| name))
            }
            Ref::BaseUrl => f.write_str("base_url"),
            Ref::Kept(keep, path) => {
                let root = match keep {
                    Keep::Snapshot => "snapshot",
                    Keep::Step => "step",
                    Keep::Item => "item",
                    Keep::Registration => "registration",
                };
                f.write_str(root)?;
                path.iter().try_for_each(|part| write!(f, ".{part}"))
            }
            Ref::Word(word) => {
                let name = WORDS.iter().find(|(_, known)| known == word);
                f.write_str(name.map_or("?", |(name, _)| name))
            }
        }
    }
}

/// The values at hand. Cheap to make: only references.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) params: &'a BTreeMap<String, String>,
    pub(crate) document: Option<View<'a>>,
    pub(crate) envelope: Option<View<'a>>,
    pub(crate) activity: Option<&'a Activity>,
    pub(crate) snapshot: Option<&'a Map<String, Value>>,
    pub(crate) step: Option<&'a Map<String, Value>>,
    pub(crate) item: Option<&'a Value>,
    pub(crate) registration: Option<&'a Map<String, Value>>,
    pub(crate) words: &'a [(Word, String)],
    /// What was judged of this document already.
    pub(crate) memo: Option<&'a Memo>,
    /// What the vault has of the object.
    pub(crate) kept: Option<&'a Arc<dyn KeptContent>>,
    /// Which bytes of it are sent: all of them where that is not said.
    pub(crate) piece: Option<&'a Range<u64>>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(connection: &'a Connection, params: &'a BTreeMap<String, String>) -> Self {
        Scope {
            connection,
            params,
            document: None,
            envelope: None,
            activity: None,
            snapshot: None,
            step: None,
            item: None,
            registration: None,
            words: &[],
            memo: None,
            kept: None,
            piece: None,
        }
    }

    /// The same values over another document.
    pub(crate) fn over(self, document: impl Into<View<'a>>) -> Self {
        Scope {
            document: Some(document.into()),
            memo: None,
            ..self
        }
    }

    /// The place that a name stands for; `None` when there is none or it is null, and for a name whose
    /// value is always a text.
    pub(crate) fn view(&self, name: &Ref) -> Option<View<'a>> {
        match name {
            Ref::Document(pointer) => pointer.view(self.document?),
            Ref::Envelope(pointer) => pointer.view(self.envelope?),
            Ref::Kept(keep, path) => self.kept(*keep, path).map(View::Answer),
            _ => None,
        }
        .filter(|view| !view.is_null())
    }

    /// The JSON value of a name; `None` when there is none or it is null.
    pub(crate) fn value(&self, name: &Ref) -> Option<Cow<'a, Value>> {
        if name.is_place() {
            return self.view(name).map(View::value);
        }
        let text = self.text(name)?;
        Some(Cow::Owned(Value::String(text.into_owned())))
    }

    /// The text of a name: numbers and truth values are written out; `None` when there is none, or
    /// it is empty, a list or an object.
    pub(crate) fn text(&self, name: &Ref) -> Option<Cow<'a, str>> {
        match name {
            Ref::Document(pointer) => pointer.view(self.document?)?.scalar(),
            Ref::Envelope(pointer) => pointer.view(self.envelope?)?.scalar(),
            Ref::Activity(field) => self.activity?.text(*field),
            Ref::Param(param) => self.params.get(param).map(|text| text.as_str().into()),
            Ref::Connection(part) => {
                let connection = self.connection;
                match part {
                    ConnectionPart::Id => Some(connection.id.to_string().into()),
                    ConnectionPart::Name => Some(connection.name.as_str().into()),
                    ConnectionPart::ClientId => connection.client_id.as_deref().map(Cow::from),
                    ConnectionPart::TenantId => connection.tenant_id.as_deref().map(Cow::from),
                }
            }
            Ref::BaseUrl => {
                let base = self.connection.base_url.as_deref()?;
                Some(base.trim_end_matches('/').into())
            }
            Ref::Kept(keep, path) => scalar(self.kept(*keep, path)?),
            Ref::Word(word) => {
                let found = self.words.iter().find(|(known, _)| known == word);
                found.map(|(_, text)| text.as_str().into())
            }
        }
        .filter(|text| !text.is_empty())
    }

    fn kept(&self, keep: Keep, path: &[String]) -> Option<&'a Value> {
        let (start, rest) = match keep {
            Keep::Snapshot => (self.snapshot?.get(path.first()?)?, &path[1..]),
            Keep::Step => (self.step?.get(path.first()?)?, &path[1..]),
            Keep::Item => (self.item?, path),
            Keep::Registration => (self.registration?.get(path.first()?)?, &path[1..]),
        };
        rest.iter().try_fold(start, |value, part| match value {
            Value::Object(map) => map.get(part),
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

/// A single value as text. Numbers are taken where texts are expected.
pub(crate) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(truth) => Some(Cow::Borrowed(truth_word(*truth))),
        _ => None,
    }
}

/// A truth value as text.
pub(crate) fn truth_word(truth: bool) -> &'static str {
    if truth { "true" } else { "false" }
}
