//! toy-cloud speaking as others do: each dialect is a real service's API, as seen from outside, over the same model.
//!
//! A dialect's hosts are mounted at `/dialects/<service>/<host>/`; whoever calls it is told to send calls to `https://<host>` there.
//! Addresses in its answers are those of the real hosts.

mod box_com;
pub(crate) mod console;
mod dropbox;
mod github;
mod google_workspace;
pub(crate) mod granting;
pub(crate) mod listing;
mod microsoft_365;
mod nextcloud;
mod okta;
mod slack;

use std::sync::Arc;

use axum::Router;

use crate::service::Service;
use console::Console;

/// One service whose API is spoken.
pub(crate) struct Dialect {
    /// The service, as its connector is called.
    pub(crate) name: &'static str,
    /// Its hosts.
    pub(crate) hosts: &'static [&'static str],
    /// What each host answers; paths are those of the real service.
    pub(crate) router: fn(host: &'static str) -> Router<Arc<Service>>,
}

/// Every dialect.
const DIALECTS: &[Dialect] = &[
    box_com::BOX,
    dropbox::DROPBOX,
    github::DIALECT,
    google_workspace::GOOGLE_WORKSPACE,
    microsoft_365::MICROSOFT_365,
    nextcloud::DIALECT,
    okta::DIALECT,
    slack::SLACK,
];

/// Services in whose console a person enters webhooks.
const CONSOLES: &[(&str, Console)] = &[("dropbox", dropbox::CONSOLE), ("slack", slack::CONSOLE)];

pub(crate) fn router() -> Router<Arc<Service>> {
    let hosts = DIALECTS
        .iter()
        .flat_map(|dialect| dialect.hosts.iter().map(move |host| (dialect, *host)));
    hosts.fold(Router::new(), |router, (dialect, host)| {
        let place = format!("/dialects/{}/{host}", dialect.name);
        router.nest(&place, (dialect.router)(host))
    })
}

/// Where each origin of the dialect is found, as `origin=address` pairs separated by commas; none when there is no such dialect.
pub(crate) fn endpoints(name: &str, base_url: &str) -> Option<String> {
    let dialect = DIALECTS.iter().find(|dialect| dialect.name == name)?;
    let pairs: Vec<String> = dialect
        .hosts
        .iter()
        .map(|host| format!("https://{host}={base_url}/dialects/{name}/{host}"))
        .collect();
    Some(pairs.join(","))
}

/// Where a person enters webhooks of the dialect's service; none when that is not how it has them.
pub(crate) fn console_of(name: &str) -> Option<&'static Console> {
    let mut consoles = CONSOLES.iter();
    consoles
        .find(|(dialect, _)| *dialect == name)
        .map(|(_, console)| console)
}
