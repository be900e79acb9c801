//! One connection: where it stands, what that means, and what can be done about it.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use chrono::{DateTime, Utc};
use event_model::{
    Connection, ConnectionHealth, ConnectionId, FeedChoice, Lifecycle, PageRequest, Permission,
    Registration,
};

use super::capabilities::{self, Ability, Step};
use super::feed::{self, FeedView};
use super::incident::unknown_act;
use super::{Frame, Page, failure, render, see, wording};
use crate::api::id;
use crate::auth::{Actor, CheckedForm, Session};
use crate::problem::{Mistake, Problem};
use crate::{Console, Shared};
use ports::{ActivityFilter, AdminError, NewWebhookSecret};

#[derive(Template)]
#[template(path = "connection.html")]
struct ConnectionPage {
    frame: Frame,
    connection: Connection,
    service: String,
    state: &'static str,
    class: &'static str,
    explained: String,
    since: String,
    checked_at: Option<String>,
    steps: Vec<Step>,
    feed: FeedView,
    matrix: Vec<Ability>,
    silent: Vec<(String, String)>,
    may_manage: bool,
    can_authorize: bool,
    /// Whether consent is what comes next.
    consent_first: bool,
    feeds: Vec<(&'static str, &'static str)>,
    can_disable: bool,
    /// When the first delivery was proved.
    delivered_at: Option<String>,
    /// Whether a person registers the webhook.
    by_hand: bool,
}

#[derive(Template)]
#[template(path = "leave.html")]
struct Leave {
    frame: Frame,
    host: String,
    url: String,
    back: String,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
) -> Page {
    let connection = console.connection(id(&given)?).await?;
    let services = console.ports.connections.services();
    let service = services
        .iter()
        .find(|service| service.id == connection.service);
    let offered = match (service, may_enable(&connection.lifecycle)) {
        (Some(service), true) => feeds(&service.feeds),
        _ => Vec::new(),
    };
    let coverage = console.ports.connections.coverage(connection.id).await?;
    let newest = console.last_activity(connection.id).await?;
    let now = console.ports.clock.now();
    let registration = connection.lifecycle.registration();
    let delivered_at = registration.and_then(|registration| registration.delivered_at);
    let by_hand = registration.is_some_and(|it| it.external_id == Registration::BY_HAND);
    Ok(render(&ConnectionPage {
        delivered_at: delivered_at.map(wording::time),
        by_hand,
        frame: Frame::new(connection.name.clone(), "connections", &session),
        service: service.map_or_else(|| connection.service.clone(), |known| known.name.clone()),
        state: wording::state(&connection.lifecycle),
        class: super::connections::class(connection.lifecycle.word()),
        explained: wording::explained(&connection.lifecycle),
        since: wording::precise(connection.lifecycle.since()),
        checked_at: connection
            .health
            .as_ref()
            .map(|health| wording::time(health.checked_at)),
        steps: capabilities::steps(&connection, newest),
        feed: feed::view(&connection, service, &coverage, newest, now),
        matrix: service.map(capabilities::matrix).unwrap_or_default(),
        silent: service.map(capabilities::silent).unwrap_or_default(),
        may_manage: session.actor.may(Permission::ConnectionsManage),
        can_authorize: !matches!(connection.lifecycle, Lifecycle::Enabling { .. }),
        consent_first: matches!(
            connection.lifecycle,
            Lifecycle::AwaitingConsent { .. } | Lifecycle::NeedsConsent { .. }
        ),
        feeds: offered,
        can_disable: !matches!(connection.lifecycle, Lifecycle::Disabled { .. }),
        connection,
    }))
}

impl Console {
    /// When the connection's last activity was received.
    async fn last_activity(&self, id: ConnectionId) -> Result<Option<DateTime<Utc>>, Problem> {
        let filter = ActivityFilter {
            connection: Some(id),
            ..ActivityFilter::default()
        };
        let one = PageRequest::first(1);
        let page = self.ports.activities.activity_page(&filter, &one).await?;
        Ok(page.items.first().map(|newest| newest.received_at))
    }
}

fn may_enable(lifecycle: &Lifecycle) -> bool {
    matches!(
        lifecycle,
        Lifecycle::Authorized { .. } | Lifecycle::Disabled { leftover: None, .. }
    )
}

/// The feeds that can be chosen, the advised one first.
fn feeds(offered: &[String]) -> Vec<(&'static str, &'static str)> {
    let has = |feed: &str| offered.iter().any(|offered| offered == feed);
    let mut choices = vec![("auto", "Enable")];
    if has("push") && has("pull") {
        choices.push(("push", "Enable push"));
        choices.push(("pull", "Enable pull only"));
    }
    choices
}

pub(super) async fn act(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path((given, act)): Path<(String, String)>,
    form: CheckedForm,
) -> Page {
    let connection: ConnectionId = id(&given)?;
    let administration = &console.ports.connections;
    let back = format!("/connections/{connection}");
    let done: Result<(), Problem> = match act.as_str() {
        "authorize" => match administration.authorize(connection, by.name()).await {
            Ok(url) => return Ok(leave(url, back, &session)),
            Err(error) => Err(error.into()),
        },
        "enable" => match FeedChoice::from_word(form.text("feed")) {
            Some(choice) => administration
                .enable(connection, choice, by.name())
                .await
                .map(drop)
                .map_err(Problem::from),
            None => Err(Problem::bad_request(vec![Mistake::new(
                "feed",
                "is not a feed",
            )])),
        },
        "disable" => administration
            .disable(connection, by.name())
            .await
            .map(drop)
            .map_err(Problem::from),
        "webhook-secret" => {
            let new = NewWebhookSecret {
                secret: form.text("secret").to_owned(),
                keep_old_s: None,
            };
            let put = administration.put_webhook_secret(connection, new, by.name());
            put.await.map(drop).map_err(Problem::from)
        }
        "health" => looked(administration.health(connection).await),
        _ => Err(unknown_act(&act)),
    };
    match done {
        Ok(()) => Ok(see(back)),
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}

/// A check that fails is shown on the connection's page.
fn looked(health: Result<ConnectionHealth, AdminError>) -> Result<(), Problem> {
    match health {
        Ok(_) | Err(AdminError::Unhealthy(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Says where the browser is about to go. A link and not a redirect: a form may not lead to another
/// origin, by our own content security policy.
fn leave(url: String, back: String, session: &Session) -> Response {
    let host = url
        .parse::<Uri>()
        .ok()
        .filter(|uri| matches!(uri.scheme_str(), Some("https" | "http")));
    let Some(host) = host.and_then(|uri| uri.host().map(str::to_owned)) else {
        let detail = "the service's consent page has no web address";
        let problem = Problem::new(StatusCode::BAD_GATEWAY, detail);
        return failure(&problem, Some(session));
    };
    let frame = Frame::new("Give consent", "connections", session);
    render(&Leave {
        frame,
        host,
        url,
        back,
    })
}
