//! A service as its manifest describes it: read once, checked as a whole, shared by every connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event_model::{Activity, Connection, RemedyKind, ScanKind};
use serde::Serialize;
use url::Url;

use crate::manifest::action::{self, Action, Check, Content, Enrichment};
use crate::manifest::auth::{self, Auth, NamedAuth};
use crate::manifest::cannot;
use crate::manifest::crawl::{self, Crawl};
use crate::manifest::feed::{self, Stream};
use crate::manifest::http::{self, Http};
use crate::manifest::labels::{self, LabelPlace};
use crate::manifest::params::{self, Param};
use crate::manifest::push::{self, Push, Reconcile};
use crate::manifest::step::{Step, read_step};
use crate::manifest::trial::{self, Trial};
use crate::mapping::crawled::CrawlMapper;
use crate::mapping::read::read_mapping;
use crate::mapping::{Mapper, Mapping};
use crate::mistake::{Mistake, Mistakes};
use crate::node::{self, Node};
use crate::scope::Names;

mod abilities;
mod prerequisites;
mod streams;

pub use abilities::Abilities;
use streams::Streams;

/// The parameter by which a connection chooses among several ways of authorising.
const CHOSEN_AUTH: &str = "auth";

/// The manifest format that this code reads.
pub const MANIFEST_VERSION: u64 = 1;

/// A service, described by its manifest.
#[derive(Debug)]
pub struct Connector {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) docs_url: Option<String>,
    pub(crate) self_hosted: bool,
    pub(crate) params: Vec<Param>,
    pub(crate) auths: Vec<NamedAuth>,
    pub(crate) http: Option<Http>,
    pub(crate) streams: Streams,
    pub(crate) push: Option<Push>,
    pub(crate) mapping: Mapping,
    pub(crate) tenant: Option<Step>,
    pub(crate) content: Vec<Content>,
    pub(crate) labels: Vec<LabelPlace>,
    pub(crate) enrichments: Vec<Enrichment>,
    pub(crate) crawls: Vec<Crawl>,
    pub(crate) actions: Vec<Action>,
    /// What the service lets nobody do, and why.
    pub(crate) cannot: Vec<(RemedyKind, String)>,
    pub(crate) checks: Vec<Check>,
    pub(crate) trial: Trial,
}

/// What a catalogue shows of a service.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceDescription {
    /// The service's id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Where its vendor documents the API.
    pub docs_url: Option<String>,
    /// Whether a connection needs a base URL.
    pub self_hosted: bool,
    /// What an administrator fills in.
    pub params: Vec<Param>,
    /// `push`, `pull`.
    pub feeds: Vec<&'static str>,
    /// What Tidegate can do in it: words of [`RemedyKind`].
    pub actions: Vec<&'static str>,
    /// Those of them that cannot be undone.
    pub irreversible: Vec<&'static str>,
    /// What of that which exists already can be scanned: words of [`ScanKind`].
    pub scans: Vec<&'static str>,
    /// Kinds of authorisation.
    pub auth: Vec<&'static str>,
    /// How long the service keeps its activity, in seconds; absent when it does not say.
    pub retention_s: Option<u64>,
    /// How late an activity may appear, in seconds; absent when it does not say.
    pub lag_s: Option<u64>,
}

impl Connector {
    /// Reads a manifest. `origin` names it in complaints: a path.
    ///
    /// # Errors
    /// Every mistake in it, each with its line and column.
    pub fn parse(yaml: &str, origin: &str) -> Result<Connector, Vec<Mistake>> {
        let mistakes = Mistakes::of(origin);
        let connector = node::load(yaml, &mistakes)
            .and_then(|document| read(&Node::root(&document, &mistakes)));
        let mistakes = mistakes.all();
        match connector {
            Some(connector) if mistakes.is_empty() => Ok(connector),
            _ => Err(mistakes),
        }
    }

    /// The service's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What a catalogue shows.
    pub fn describe(&self) -> ServiceDescription {
        let push = self.push.is_some().then_some("push");
        let pull = (!self.streams().is_empty()).then_some("pull");
        let most = |of: fn(&Stream) -> Option<Duration>| {
            let seconds = self
                .streams
                .of_activity()
                .filter_map(of)
                .map(|duration| duration.as_secs());
            seconds.max()
        };
        let kinds = RemedyKind::ALL.iter().filter(|kind| self.can(**kind));
        let for_good = |action: &&Action| !self.can_undo(action.kind);
        ServiceDescription {
            id: self.id.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            docs_url: self.docs_url.clone(),
            self_hosted: self.self_hosted,
            params: self.params.clone(),
            feeds: push.into_iter().chain(pull).collect(),
            actions: kinds.map(|kind| kind.word()).collect(),
            irreversible: self
                .actions
                .iter()
                .filter(for_good)
                .map(|action| action.kind.word())
                .collect(),
            scans: self.crawls.iter().map(|crawl| crawl.kind.word()).collect(),
            auth: self.auths.iter().map(|one| one.auth.word()).collect(),
            retention_s: most(|stream| stream.retention),
            lag_s: most(|stream| stream.lag),
        }
    }

    /// Whether this remedy can be carried out.
    pub fn can(&self, kind: RemedyKind) -> bool {
        self.missing_for(kind).is_none()
    }

    /// Why this remedy cannot be carried out; none when it can.
    pub fn missing_for(&self, kind: RemedyKind) -> Option<String> {
        let name = &self.name;
        match kind {
            RemedyKind::Notify => None,
            RemedyKind::Restore if self.actions.iter().any(|one| self.can_undo(one.kind)) => None,
            RemedyKind::ApplyLabel if self.labels.is_empty() => Some(format!(
                "the manifest of {name} does not say where `labels` are"
            )),
            RemedyKind::Restore => Some(format!("nothing that is done in {name} can be undone")),
            kind if self.action(kind).is_some() => None,
            kind => Some(self.why_not(kind)),
        }
    }

    fn why_not(&self, kind: RemedyKind) -> String {
        let name = &self.name;
        match self.cannot.iter().find(|(one, _)| *one == kind) {
            Some((_, why)) => format!("{name} cannot do it: {why}"),
            None => format!("the manifest of {name} has no action `{kind}`"),
        }
    }

    /// Whether this remedy, once carried out, can be undone.
    pub fn can_undo(&self, kind: RemedyKind) -> bool {
        let is_rewritten = kind == RemedyKind::ApplyLabel;
        self.action(kind)
            .is_some_and(|action| is_rewritten || !action.undo.is_empty())
    }

    pub(crate) fn action(&self, kind: RemedyKind) -> Option<&Action> {
        self.actions.iter().find(|action| action.kind == kind)
    }

    /// What is wrong with a connection's parameters and base URL. Secret parameters are checked with
    /// the others: give them all here, and only then keep the secret ones elsewhere.
    pub fn check_params(
        &self,
        given: &BTreeMap<String, String>,
        base_url: Option<&str>,
    ) -> Vec<Mistake> {
        let mut mistakes = params::check(&self.params, given);
        let wrong = match base_url {
            None if self.self_hosted => Some("`base_url` is required: where the service is"),
            Some(_) if !self.self_hosted => Some("`base_url` is only for self-hosted services"),
            Some(text) => check_base_url(text).err(),
            None => None,
        };
        mistakes.extend(wrong.map(|message| Mistake {
            origin: "connection".into(),
            line: 0,
            column: 0,
            path: "/base_url".into(),
            message: message.into(),
            hint: None,
        }));
        mistakes
    }

    /// Whether this activity says that the labels of its object changed, as the service tells them.
    pub fn tells_changed_labels(&self, activity: &Activity) -> bool {
        let Some(event) = &activity.event_name else {
            return false;
        };
        let changes = self
            .labels
            .iter()
            .filter_map(|place| place.changes.as_ref());
        changes
            .flat_map(|changes| &changes.events)
            .any(|name| name == event)
    }

    /// Whether the service delivers to a webhook.
    pub fn supports_push(&self) -> bool {
        self.push.is_some()
    }

    /// Whether an administrator of the service must agree before anything can be read. Where not, and
    /// the service is called, [`OAuthClient::obtain`](crate::OAuthClient::obtain) gets the tokens.
    pub fn needs_consent(&self, connection: &Connection) -> bool {
        matches!(self.auth_of(connection), Auth::OauthCode(_))
    }

    /// The way that the connection chose; the first where it chose none.
    pub(crate) fn auth_of(&self, connection: &Connection) -> &Auth {
        let chosen = connection.params.get(CHOSEN_AUTH);
        let chosen = chosen.and_then(|id| self.auths.iter().find(|one| one.id == *id));
        &chosen.unwrap_or(&self.auths[0]).auth
    }

    /// Whether the service's API can be called at all; a `false` one only delivers.
    pub fn calls_service(&self) -> bool {
        self.http.is_some()
    }

    /// How often a connection that is pushed to is reconciled by pull. Of no use where
    /// [`Self::streams`] is empty.
    pub fn reconcile_every(&self) -> Duration {
        match self.push.as_ref().map(|push| &push.reconcile) {
            Some(Reconcile::Pull { every, .. }) => *every,
            Some(Reconcile::Nothing) | None => push::DEFAULT_RECONCILE,
        }
    }

    /// Whether this stream closes what deliveries lose.
    pub fn reconciles(&self, stream: &str) -> bool {
        let reconcile = self.push.as_ref().map(|push| &push.reconcile);
        matches!(reconcile, Some(Reconcile::Pull { stream: named, .. }) if named == stream)
    }

    pub(crate) fn crawl(&self, kind: ScanKind) -> Option<&Crawl> {
        self.crawls.iter().find(|crawl| crawl.kind == kind)
    }

    /// Whether what exists of that kind can be listed.
    pub fn can_scan(&self, kind: ScanKind) -> bool {
        self.crawl(kind).is_some()
    }

    /// What maps the events of a connection.
    pub fn mapper(self: &Arc<Self>, connection: &Connection) -> Mapper {
        Mapper::new(Arc::clone(self), connection)
    }

    /// What maps that which exists of a connection, when it is listed.
    pub fn crawl_mapper(self: &Arc<Self>, kind: ScanKind, connection: &Connection) -> CrawlMapper {
        let own = self.crawl(kind).and_then(|crawl| crawl.mapped_by.clone());
        let by = own.unwrap_or_else(|| Arc::clone(self));
        CrawlMapper {
            mapper: by.mapper(connection),
            kind,
        }
    }

    pub(crate) fn params_of(&self, connection: &Connection) -> BTreeMap<String, String> {
        params::in_force(&self.params, connection)
    }
}

/// A base URL is an address without user, query or fragment.
fn check_base_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text)
        .map_err(|_| "`base_url` must be an address such as `https://cloud.example.com`")?;
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err("`base_url` must start with `https://` or `http://`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("`base_url` must not hold a user or a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("`base_url` must not have `?` or `#`");
    }
    Ok(url)
}

fn read(node: &Node<'_>) -> Option<Connector> {
    let fields = node.fields()?;
    let version = fields
        .require("manifest")
        .and_then(|node| node.integer(MANIFEST_VERSION, MANIFEST_VERSION));
    let id = fields.require("id").and_then(|node| read_id(&node));
    let name = fields.require("name").and_then(|node| node.text());
    let description = fields.read("description", String::new(), Node::text);
    let docs_url = fields.maybe("docs_url", Node::text);
    let self_hosted = fields.read("self_hosted", false, Node::boolean);
    let params = fields.read("params", Vec::new(), params::read);
    let auths = fields.require("auth");
    let auths = auths.and_then(|node| auth::read_all(&node));
    let http = fields.maybe("http", http::read);
    let streams = fields.read("pull", Vec::new(), feed::read);
    let push = fields.maybe("push", push::read);
    let mapping = fields
        .require("normalize")
        .and_then(|node| read_mapping(&node));
    let tenant = fields.maybe("tenant", |node| {
        let fields = node.fields()?;
        read_step(&fields, &Names::STEP)
    });
    let content = fields.read("content", Vec::new(), |node| {
        action::read_content(node, &Names::OBJECT)
    });
    let labels = fields.read("labels", Default::default(), labels::read);
    let crawls = fields.read("crawl", Vec::new(), crawl::read);
    let enrichments = fields.read("enrich", Vec::new(), action::read_enrichments);
    let actions = fields.read("actions", Vec::new(), action::read);
    let cannot = fields.read("cannot", Vec::new(), cannot::read);
    let checks = fields.read("health", Vec::new(), action::read_checks);
    let trial = fields.read("tests", Trial::default(), trial::read);
    version?;
    let (labels, of_labels) = labels?;
    let (id, self_hosted) = (id?, self_hosted?);
    let auths = auths?;
    let mut params = params?;
    params.extend(choice_of_auth(&auths));
    let crawls = crawls?.into_iter().map(|(crawl, mapping)| Crawl {
        mapped_by: mapping.map(|mapping| Arc::new(maps_only(&id, &params, mapping))),
        ..crawl
    });
    let crawls = crawls.collect();
    let connector = Connector {
        id,
        name: name?,
        description: description?,
        docs_url: docs_url?,
        self_hosted,
        params,
        auths,
        http: http?,
        streams: Streams::of(streams?, of_labels),
        push: push?,
        mapping: mapping?,
        tenant: tenant?,
        content: content?,
        labels,
        enrichments: enrichments?,
        crawls,
        actions: actions?,
        cannot: cannot?,
        checks: checks?,
        trial: trial?,
    };
    crate::lint::whole(&connector, &fields);
    Some(connector)
}

/// A service of which only the mapping is used: that of a crawl.
fn maps_only(id: &str, params: &[Param], mapping: Mapping) -> Connector {
    Connector {
        id: id.to_owned(),
        name: String::new(),
        description: String::new(),
        docs_url: None,
        self_hosted: false,
        params: params.to_vec(),
        auths: Vec::new(),
        http: None,
        streams: Streams::default(),
        push: None,
        mapping,
        tenant: None,
        content: Vec::new(),
        labels: Vec::new(),
        enrichments: Vec::new(),
        crawls: Vec::new(),
        actions: Vec::new(),
        cannot: Vec::new(),
        checks: Vec::new(),
        trial: Trial::default(),
    }
}

/// Where there are several ways, the parameter by which a connection chooses one.
fn choice_of_auth(auths: &[NamedAuth]) -> Option<Param> {
    let (first, rest) = auths.split_first()?;
    let kinds = auths
        .iter()
        .map(|one| format!("{} ({})", one.id, one.auth.word()));
    let kinds: Vec<String> = kinds.collect();
    let ids: Vec<&str> = auths.iter().map(|one| one.id.as_str()).collect();
    (!rest.is_empty()).then(|| Param::one_of(CHOSEN_AUTH, &ids, &first.id, &kinds.join(", ")))
}

fn read_id(node: &Node<'_>) -> Option<String> {
    let id = node.text()?;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(allowed) {
        return node.wrong("an id has 1 to 64 lower-case letters, digits and `-`");
    }
    Some(id)
}
