//! The overview: what is open, how fast it goes, what arrives, and how the connections are. Every number
//! leads to the list that it counts.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use chrono::{DateTime, Days, TimeDelta, Utc};
use event_model::{
    Connection, ConnectionId, EventType, IncidentStatus, PolicyId, Severity, rfc3339,
};
use ports::{Board, CaseTimes, Overview, Spread};

use super::chart::{Chart, Layer, stacked};
use super::links::link;
use super::{Frame, Page, render, wording};
use crate::auth::Session;
use crate::problem::Problem;
use crate::{Console, Shared};

/// Days of the drawing.
const DAYS: u64 = 30;
/// Minutes that count as now.
const ACTIVE_MINUTES: i64 = 60;
/// Policies that the table names.
const POLICIES_SHOWN: usize = 10;
/// Connections that the table names.
const CONNECTIONS_SHOWN: usize = 50;

/// A number and the list that it counts.
struct Figure {
    label: String,
    number: String,
    href: String,
    class: &'static str,
}

struct Time {
    name: &'static str,
    about: &'static str,
    half: String,
    most: String,
}

struct PolicyRow {
    name: String,
    href: String,
    incidents_href: String,
    open: u64,
    /// Width of its bar, in hundredths.
    share: u64,
    precision: Option<u64>,
}

struct ConnectionRow {
    name: String,
    href: String,
    state: &'static str,
    class: &'static str,
    healthy: Option<bool>,
    last: Option<String>,
    silent: Option<String>,
    lag: Option<String>,
    activity_href: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    after: u64,
    statuses: Vec<Figure>,
    severities: Vec<Figure>,
    now: Vec<Figure>,
    work: Vec<Figure>,
    times: Vec<Time>,
    effect: Option<(String, String)>,
    chart: Chart,
    policies: Vec<PolicyRow>,
    connections: Vec<ConnectionRow>,
    activities: u64,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
) -> Page {
    let now = console.ports.clock.now();
    let stats = &console.ports.stats;
    let after = console.ports.incidents.last_incident_change().await?;
    let (overview, board, times) = tokio::try_join!(
        stats.overview(),
        stats.board(now - TimeDelta::minutes(ACTIVE_MINUTES), first_day(now)),
        stats.case_times(),
    )?;
    let connections = console.every_connection().await?;
    let page = OverviewPage {
        frame: Frame::new("Overview", "overview", &session),
        after,
        statuses: statuses(&overview),
        severities: severities(&board),
        now: active(&board, now),
        work: work(&overview),
        times: case_times(&times),
        effect: overview
            .received_to_effect_ms
            .map(|(half, most)| (wording::duration(half), wording::duration(most))),
        chart: days(&board, now),
        policies: console.policy_rows(&board).await?,
        connections: console.connection_rows(&connections, &board, now).await,
        activities: overview.activities,
    };
    Ok(render(&page))
}

fn first_day(now: DateTime<Utc>) -> DateTime<Utc> {
    let today = now.date_naive();
    let first = today.checked_sub_days(Days::new(DAYS - 1)).unwrap_or(today);
    first.and_time(chrono::NaiveTime::MIN).and_utc()
}

fn figure(label: impl Into<String>, number: u64, href: String, class: &'static str) -> Figure {
    Figure {
        label: label.into(),
        number: wording::count(number),
        href,
        class,
    }
}

fn statuses(overview: &Overview) -> Vec<Figure> {
    let all = IncidentStatus::ALL.iter().copied();
    all.map(|status| {
        let number = overview.incidents_by_status.get(status.word()).copied();
        let href = link("/", [("status", status.word()), ("repeats", "true")]);
        let class = match status {
            IncidentStatus::New | IncidentStatus::Reopened => "warn",
            _ => "",
        };
        figure(
            wording::status(status),
            number.unwrap_or_default(),
            href,
            class,
        )
    })
    .collect()
}

/// Of what is open.
fn severities(board: &Board) -> Vec<Figure> {
    let all = Severity::ALL.iter().rev().copied();
    all.map(|severity| {
        let number = board.open_by_severity.get(&severity).copied();
        let href = link("/", [("severity", severity.word()), ("repeats", "true")]);
        figure(
            severity.word(),
            number.unwrap_or_default(),
            href,
            severity.word(),
        )
    })
    .collect()
}

/// Active downloads, uploads, shares and users, and violations.
fn active(board: &Board, now: DateTime<Utc>) -> Vec<Figure> {
    let since = rfc3339(now - TimeDelta::minutes(ACTIVE_MINUTES));
    let of = |label: &str, kind: EventType| {
        let number = board.activity.get(&kind).copied().unwrap_or_default();
        let href = link(
            "/activity",
            [("event_type", kind.word()), ("from", since.as_str())],
        );
        figure(label, number, href, "")
    };
    let everything = link("/activity", [("from", since.as_str())]);
    let every = "new,in_progress,reopened,resolved,false_positive,suppressed";
    let violations = [
        ("status", every),
        ("repeats", "true"),
        ("from", since.as_str()),
    ];
    vec![
        of("downloads and views", EventType::DataAccess),
        of("uploads", EventType::DataCreation),
        of("shares", EventType::Sharing),
        figure("active users", board.actors, everything, ""),
        figure("violations", board.violations, link("/", violations), "bad"),
    ]
}

/// What waits for people besides incidents.
fn work(overview: &Overview) -> Vec<Figure> {
    let remedies = |state: &str| {
        overview
            .remedies_by_state
            .get(state)
            .copied()
            .unwrap_or_default()
    };
    let held = overview
        .quarantine_by_state
        .get("held")
        .copied()
        .unwrap_or_default();
    let waiting = |state: &str| link("/remedies", [("state", state)]);
    vec![
        figure(
            "to approve",
            remedies("needs_approval"),
            waiting("needs_approval"),
            "warn",
        ),
        figure("standing still", remedies("held"), waiting("held"), "warn"),
        figure("given up", remedies("given_up"), waiting("given_up"), "bad"),
        figure("in quarantine", held, "/quarantine".to_owned(), ""),
    ]
}

fn case_times(times: &CaseTimes) -> Vec<Time> {
    let CaseTimes {
        to_detect_ms,
        to_triage_ms,
        to_acknowledge_ms,
        to_qualify_ms,
        to_resolve_ms,
    } = times;
    let row = |name, about, spread: &Option<Spread>| {
        let said = |of: fn(&Spread) -> i64| {
            let said = spread.as_ref().map(|spread| wording::duration(of(spread)));
            said.unwrap_or_else(|| "—".to_owned())
        };
        Time {
            name,
            about,
            half: said(|spread| spread.p50),
            most: said(|spread| spread.p90),
        }
    };
    vec![
        row(
            "TTD",
            "detect: from the event to the incident",
            to_detect_ms,
        ),
        row(
            "TTT",
            "triage: from the incident to someone's beginning",
            to_triage_ms,
        ),
        row(
            "TTA",
            "acknowledge: from the event to someone's beginning",
            to_acknowledge_ms,
        ),
        row(
            "TTQ",
            "qualify: from the incident to the verdict",
            to_qualify_ms,
        ),
        row(
            "TTR",
            "resolve: from the incident to its end",
            to_resolve_ms,
        ),
    ]
}

fn days(board: &Board, now: DateTime<Utc>) -> Chart {
    let last = now.date_naive();
    let first = first_day(now).date_naive();
    let layers = Severity::ALL.iter().map(|severity| Layer {
        class: severity.word(),
        said: severity.word(),
    });
    let layers: Vec<Layer> = layers.collect();
    let mut counts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for ((day, severity), count) in &board.by_day {
        let of_day = counts
            .entry(day.to_string())
            .or_insert_with(|| vec![0; layers.len()]);
        if let Some(place) = Severity::ALL.iter().position(|one| one == severity) {
            of_day[place] += count;
        }
    }
    stacked(&counts, &layers, first, last)
}

impl Console {
    async fn policy_rows(&self, board: &Board) -> Result<Vec<PolicyRow>, Problem> {
        let verdicts = self.ports.stats.policy_verdicts().await?;
        let mut open: Vec<(PolicyId, u64)> = board.open_by_policy.clone().into_iter().collect();
        open.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        open.truncate(POLICIES_SHOWN);
        let most = open.first().map_or(1, |(_, count)| *count).max(1);
        let mut rows = Vec::with_capacity(open.len());
        for (id, count) in open {
            let policy = self.ports.policies.latest_policy(id).await?;
            let text = id.to_string();
            rows.push(PolicyRow {
                name: policy.map_or_else(|| text.clone(), |policy| policy.document.name),
                href: format!("/policies/{text}"),
                incidents_href: link("/", [("policy", text.as_str()), ("repeats", "true")]),
                open: count,
                share: (count * 100 / most).max(1),
                precision: verdicts.get(&id).and_then(|one| one.precision_percent()),
            });
        }
        Ok(rows)
    }

    async fn connection_rows(
        &self,
        connections: &[Connection],
        board: &Board,
        now: DateTime<Utc>,
    ) -> Vec<ConnectionRow> {
        let mut rows = Vec::new();
        for connection in connections.iter().take(CONNECTIONS_SHOWN) {
            let last = board.last_received.get(&connection.id).copied();
            let lag = self.lag(connection.id, now).await;
            rows.push(connection_row(connection, last, lag, now));
        }
        rows
    }

    /// How far behind the reading of the feed is; none when nothing tells.
    async fn lag(&self, id: ConnectionId, now: DateTime<Utc>) -> Option<TimeDelta> {
        let coverage = self.ports.connections.coverage(id).await.ok()?;
        let read = coverage
            .streams
            .iter()
            .filter_map(|stream| stream.read_until);
        read.min().map(|until| (now - until).max(TimeDelta::zero()))
    }
}

fn connection_row(
    connection: &Connection,
    last: Option<DateTime<Utc>>,
    lag: Option<TimeDelta>,
    now: DateTime<Utc>,
) -> ConnectionRow {
    let id = connection.id.to_string();
    let enabled = connection.lifecycle.is_enabled();
    ConnectionRow {
        name: connection.name.clone(),
        href: format!("/connections/{id}"),
        state: wording::state(&connection.lifecycle),
        class: super::connections::class(connection.lifecycle.word()),
        healthy: connection.health.as_ref().map(|health| health.ok),
        last: last.map(wording::time),
        silent: super::feed::silent_for(connection, last, now),
        lag: lag
            .filter(|_| enabled)
            .map(|lag| wording::duration(lag.num_milliseconds())),
        activity_href: link("/activity", [("connection", id.as_str())]),
    }
}
