//! What only the whole manifest can tell: that its parts fit together.

use std::collections::HashSet;

use url::Url;

use crate::connector::Connector;
use crate::manifest::action::{Action, Content, Keeping};
use crate::manifest::auth::Auth;
use crate::manifest::feed::{AskEnd, Paging};
use crate::manifest::http::{HostPattern, Http};
use crate::manifest::push::Reconcile;
use crate::manifest::step::{Body, Capture, Request, Step};
use crate::mistake::did_you_mean;
use crate::node::{Fields, Node};
use crate::scope::{Keep, Ref};
use crate::template::Template;

mod cannot;
mod labels;
mod review;

pub use review::{OPEN_PLACE, Reviewed};

/// Complains of whatever does not fit.
pub(crate) fn whole(connector: &Connector, fields: &Fields<'_>) {
    let lint = Lint { connector, fields };
    lint.streams();
    lint.hosting();
    lint.requests();
    lint.params();
    lint.content();
    lint.label_changes();
    lint.crawls();
    lint.cannot();
    for action in &connector.actions {
        lint.action(action);
    }
}

struct Lint<'a> {
    connector: &'a Connector,
    fields: &'a Fields<'a>,
}

impl Lint<'_> {
    fn at(&self, key: &'static str) -> Node<'_> {
        self.fields
            .get(key)
            .unwrap_or_else(|| self.fields.node().clone())
    }

    fn streams(&self) {
        let names = self.connector.streams();
        for (key, name) in self.connector.streams.repeated() {
            self.at(key)
                .wrong::<()>(format!("there are two streams `{name}`"));
        }
        let Some(push) = &self.connector.push else {
            if names.is_empty() {
                self.fields
                    .node()
                    .wrong::<()>("there is neither `pull` nor `push`: nothing would arrive");
            }
            return;
        };
        if let Reconcile::Pull { stream, .. } = &push.reconcile
            && !names.contains(stream)
        {
            let hint = did_you_mean(stream, names.iter().map(String::as_str));
            self.at("push")
                .wrong_with::<()>(format!("`reconcile` names no stream: `{stream}`"), hint);
        }
    }

    fn hosting(&self) {
        let connector = self.connector;
        let Some(http) = &connector.http else {
            let push = connector.push.iter();
            let registers = push.clone().any(|push| push.registration.is_some());
            let calls = registers
                || push.clone().any(|push| push.scheme.key_address().is_some())
                || connector.streams.all().next().is_some()
                || !connector.actions.is_empty()
                || !connector.checks.is_empty()
                || !connector
                    .auths
                    .iter()
                    .any(|one| matches!(one.auth, Auth::None));
            if calls {
                self.fields
                    .node()
                    .wrong::<()>("`http` is missing: the manifest calls the service");
            }
            return;
        };
        if connector
            .auths
            .iter()
            .any(|one| matches!(one.auth, Auth::None))
        {
            self.at("auth")
                .wrong::<()>("the manifest calls the service: `auth` must say how");
        }
        let based = http.hosts.contains(&HostPattern::Base);
        if based != connector.self_hosted {
            let message = "`{base_url}` among `hosts` and `self_hosted: true` go together";
            self.at("http").wrong::<()>(message);
        }
        if !connector.self_hosted && self.all_names().contains(&Ref::BaseUrl) {
            self.fields
                .node()
                .wrong::<()>("`{base_url}` is only there with `self_hosted: true`");
        }
    }

    /// Addresses that the manifest writes out must be inside its own allow-list.
    fn requests(&self) {
        let Some(http) = &self.connector.http else {
            return;
        };
        let requests = self.all_requests();
        let mut urls: Vec<(&'static str, &Template)> = requests
            .iter()
            .map(|request| ("http", &request.url))
            .collect();
        urls.push(("http", &http.base));
        let endpoints = self.connector.auths.iter();
        for endpoint in endpoints.filter_map(|one| one.auth.endpoint()) {
            urls.push(("auth", &endpoint.token));
            urls.extend(endpoint.revoke.iter().map(|url| ("auth", url)));
        }
        let keys = self.connector.push.iter();
        let keys = keys.filter_map(|push| push.scheme.key_address());
        urls.extend(keys.map(|url| ("push", url)));
        for (key, template) in urls {
            let prefix = template.prefix();
            if !prefix.starts_with("https://") {
                continue;
            }
            if prefix == "https://" {
                self.chosen_host(key, template, http);
                continue;
            }
            let host = Url::parse(prefix).ok().and_then(|url| {
                let port = url.port_or_known_default()?;
                Some((url.host_str()?.to_lowercase(), port))
            });
            let inside = host.is_some_and(|(host, port)| {
                http.hosts
                    .iter()
                    .any(|pattern| pattern.covers(&host, port, None))
            });
            if !inside {
                let message = format!("the host of `{prefix}` is not among `http.hosts`");
                self.at(key).wrong::<()>(message);
            }
        }
    }

    /// A host that an administrator chooses, such as a national cloud's: one of a closed set, of which
    /// the default is inside the allow-list. What is called is checked against that list in any case.
    fn chosen_host(&self, key: &'static str, template: &Template, http: &Http) {
        let chosen = match template.names().next() {
            Some(Ref::Param(name)) => self.connector.params.iter().find(|p| p.name == *name),
            _ => None,
        };
        let inside = chosen.is_some_and(|param| {
            let default = param.default.as_deref().unwrap_or_default().to_lowercase();
            let covers = |pattern: &HostPattern| pattern.covers(&default, 443, None);
            param.pattern.is_some() && http.hosts.iter().any(covers)
        });
        if !inside {
            self.at(key).wrong::<()>(
                "a host that is a value must be a parameter with a `pattern`, and with a `default` among `http.hosts`",
            );
        }
    }

    fn params(&self) {
        let known: Vec<&str> = self
            .connector
            .params
            .iter()
            .map(|param| param.name.as_str())
            .collect();
        let mut seen = HashSet::new();
        for name in self.all_names() {
            if let Ref::Param(param) = &name
                && !known.contains(&param.as_str())
                && seen.insert(param.clone())
            {
                let hint = did_you_mean(param, known.iter().copied());
                let message = format!("`params.{param}` is used but there is no such parameter");
                self.at("params").wrong_with::<()>(message, hint);
            }
        }
    }

    /// What an action names must have been captured before.
    fn action(&self, action: &Action) {
        let snapshot = captured(&action.snapshot);
        let mut steps = captured(&action.setup);
        steps.extend(captured(&action.close));
        steps.extend(captured(&action.steps));
        steps.extend(captured(&action.verify));
        let parts = action
            .undo
            .iter()
            .flat_map(|part| part.steps.iter().chain(&part.verify));
        let parts: Vec<&Step> = parts.collect();
        for step in &parts {
            steps.extend(step.capture.iter().map(|(name, _)| name.as_str()));
        }
        steps.extend(snapshot.iter());
        let own = action
            .setup
            .iter()
            .chain(&action.close)
            .chain(&action.steps)
            .chain(&action.verify);
        let mut names = Vec::new();
        for step in own.chain(parts).chain(&action.snapshot) {
            step.reads(&mut names);
        }
        for (condition, _) in &action.spare {
            condition.reads(&mut names);
        }
        names.extend(action.vault.iter().flat_map(Keeping::names));
        for name in names {
            let (keep, known) = match &name {
                Ref::Kept(Keep::Snapshot, path) => (path.first(), &snapshot),
                Ref::Kept(Keep::Step, path) => (path.first(), &steps),
                _ => continue,
            };
            if let Some(keep) = keep.filter(|keep| !known.contains(keep.as_str())) {
                let hint = did_you_mean(keep, known.iter().copied());
                let message = format!("`{}`: no step captures `{keep}`", action.kind);
                self.at("actions").wrong_with::<()>(message, hint);
            }
        }
    }

    /// What a list names must have been taken of the lists above it.
    fn crawls(&self) {
        for crawl in &self.connector.crawls {
            let mut known: Vec<&str> = Vec::new();
            for level in &crawl.levels {
                let mut names = Vec::new();
                level
                    .requests()
                    .for_each(|request| request.reads(&mut names));
                for name in names {
                    let Ref::Kept(Keep::Item, path) = &name else {
                        continue;
                    };
                    let taken = path.first().map(String::as_str).unwrap_or_default();
                    if !known.contains(&taken) {
                        let hint = did_you_mean(taken, known.iter().copied());
                        let message = format!("`{}`: no list above takes `{name}`", crawl.kind);
                        self.at("crawl").wrong_with::<()>(message, hint);
                    }
                }
                known.extend(level.take.iter().map(|(name, _)| name.as_str()));
            }
        }
    }

    fn all_steps(&self) -> Vec<&Step> {
        let connector = self.connector;
        let registration = connector
            .push
            .iter()
            .filter_map(|push| push.registration.as_ref());
        let mut steps: Vec<&Step> = registration.flat_map(|steps| steps.steps()).collect();
        steps.extend(&connector.tenant);
        for enrichment in &connector.enrichments {
            steps.extend(enrichment.before.iter().chain([&enrichment.step]));
        }
        steps.extend(self.all_content().flat_map(|content| &content.before));
        steps.extend(connector.streams.all().flat_map(|stream| &stream.setup));
        steps.extend(connector.trial.make.iter().chain(&connector.trial.unmake));
        steps.extend(connector.checks.iter().flat_map(|check| &check.steps));
        for action in &connector.actions {
            let own = [
                &action.snapshot,
                &action.setup,
                &action.close,
                &action.steps,
                &action.verify,
            ];
            steps.extend(own.into_iter().flatten());
            steps.extend(
                action
                    .undo
                    .iter()
                    .flat_map(|part| part.steps.iter().chain(&part.verify)),
            );
        }
        steps
    }

    /// What the address of content names must have been captured by its own steps.
    fn content(&self) {
        for content in self.all_content() {
            let known = captured(&content.before);
            let mut names = Vec::new();
            content.request.reads(&mut names);
            content
                .before
                .iter()
                .for_each(|step| step.reads(&mut names));
            for name in names {
                let Ref::Kept(Keep::Step, path) = &name else {
                    continue;
                };
                if let Some(keep) = path.first().filter(|keep| !known.contains(keep.as_str())) {
                    let hint = did_you_mean(keep, known.iter().copied());
                    let message = format!("`content`: no step captures `{keep}`");
                    self.at("content").wrong_with::<()>(message, hint);
                }
            }
        }
    }

    fn all_requests(&self) -> Vec<&Request> {
        let connector = self.connector;
        let mut requests: Vec<&Request> = self
            .all_steps()
            .into_iter()
            .map(|step| &step.request)
            .collect();
        for stream in connector.streams.all() {
            requests.push(&stream.request);
            if let Paging::Cursor(cursor) = &stream.paging {
                requests.extend(&cursor.onward);
            }
        }
        requests.extend(self.all_content().map(|content| &content.request));
        requests.extend(connector.crawls.iter().flat_map(|crawl| crawl.requests()));
        requests
    }

    fn all_content(&self) -> impl Iterator<Item = &Content> {
        let of_actions = self.connector.actions.iter();
        let of_actions = of_actions.flat_map(|action| {
            let kept = action.vault.iter().flat_map(|vault| &vault.content);
            action.content.iter().chain(kept)
        });
        let of_labels = self.connector.labels.iter().map(|labels| &labels.content);
        let content = self.connector.content.iter();
        content.chain(of_labels).chain(of_actions)
    }

    fn all_names(&self) -> Vec<Ref> {
        let connector = self.connector;
        let mut names = Vec::new();
        let crawled = connector.crawls.iter();
        let crawled = crawled.filter_map(|crawl| Some(&crawl.mapped_by.as_ref()?.mapping));
        for mapping in crawled.chain([&connector.mapping]) {
            mapping
                .fields
                .iter()
                .for_each(|(_, verb)| verb.reads(&mut names));
        }
        let push = connector.push.iter();
        for notice in push.flat_map(|push| &push.lifecycle) {
            notice.when().reads(&mut names);
        }
        for (condition, _) in connector.actions.iter().flat_map(Action::conditions) {
            condition.reads(&mut names);
        }
        for condition in connector.mapping.own.iter().chain(&connector.mapping.skip) {
            condition.reads(&mut names);
        }
        self.all_requests()
            .iter()
            .for_each(|request| request.reads(&mut names));
        self.all_steps()
            .iter()
            .for_each(|step| step.reads(&mut names));
        self.all_content()
            .filter_map(|content| content.when.as_ref())
            .for_each(|when| when.reads(&mut names));
        if let Some(http) = &connector.http {
            names.extend(http.base.names().cloned());
            http.dead
                .iter()
                .for_each(|condition| condition.reads(&mut names));
            http.headers
                .iter()
                .for_each(|(_, value)| names.extend(value.names().cloned()));
        }
        for stream in connector.streams.all() {
            if let Paging::Cursor(cursor) = &stream.paging
                && let Some(AskEnd::Query(query)) = &cursor.now
            {
                query
                    .iter()
                    .for_each(|(_, value)| names.extend(value.names().cloned()));
            }
        }
        let proved = connector
            .push
            .iter()
            .flat_map(|push| push.scheme.templates());
        proved.for_each(|template| names.extend(template.names().cloned()));
        let of_auth = connector.auths.iter().flat_map(|one| one.auth.templates());
        of_auth.for_each(|template| names.extend(template.names().cloned()));
        names
    }
}

fn captured(steps: &[Step]) -> HashSet<&str> {
    let all = steps.iter().flat_map(|step| &step.capture);
    all.map(|(name, _)| name.as_str()).collect()
}

impl Keeping {
    /// The names that it reads, those of its addresses aside.
    fn names(&self) -> Vec<Ref> {
        let mut names: Vec<Ref> = self.each.iter().map(|each| each.list.clone()).collect();
        let filter = self.each.iter().filter_map(|each| each.filter.as_ref());
        filter.for_each(|filter| filter.reads(&mut names));
        let hash = self.hash.iter().map(|(_, told)| told);
        let texts = self.bytes.iter().chain(hash);
        names.extend(texts.flat_map(|text| text.names().cloned()));
        names
    }
}

impl Request {
    /// The names that it reads.
    fn reads(&self, out: &mut Vec<Ref>) {
        let texts = self.query.iter().map(|(_, value)| value);
        let texts = texts.chain(self.headers.iter().map(|(_, value)| value));
        let texts = texts
            .chain(&self.if_match)
            .chain(&self.acting_as)
            .chain([&self.url]);
        texts.for_each(|template| out.extend(template.names().cloned()));
        match &self.body {
            Body::None | Body::Vault => {}
            Body::Json(json) => json.reads(out),
            Body::Xml(text) | Body::Text(text) => out.extend(text.names().cloned()),
            Body::Form(form) => {
                form.iter()
                    .for_each(|(_, value)| out.extend(value.names().cloned()));
            }
        }
    }
}

impl Step {
    /// The names that it reads.
    pub(crate) fn names(&self) -> Vec<Ref> {
        let mut names = Vec::new();
        self.reads(&mut names);
        names
    }

    /// Whether it keeps something under that name.
    pub(crate) fn captures(&self, name: &str) -> bool {
        self.capture.iter().any(|(kept, _)| kept == name)
    }

    pub(crate) fn reads(&self, out: &mut Vec<Ref>) {
        self.request.reads(out);
        self.when
            .iter()
            .chain(&self.expect)
            .chain(&self.newer)
            .for_each(|condition| condition.reads(out));
        if let Some(each) = &self.for_each {
            out.push(each.list.clone());
            each.filter
                .iter()
                .for_each(|condition| condition.reads(out));
            each.label
                .iter()
                .for_each(|label| out.extend(label.names().cloned()));
        }
        for (_, capture) in &self.capture {
            match capture {
                Capture::Text(template, _) => out.extend(template.names().cloned()),
                Capture::First { filter, .. } | Capture::Each { filter, .. } => {
                    filter.iter().for_each(|filter| filter.reads(out));
                }
                Capture::Body(_) | Capture::Header(_) => {}
            }
        }
    }
}
