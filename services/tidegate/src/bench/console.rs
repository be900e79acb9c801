//! The console over a store as it is after a year: every list, filter, search, count and page, asked over HTTP on
//! this machine, and how large what it answers is. The floor is a handler that does nothing.

mod asked;
mod filling;
mod plan;
mod population;
mod rows;

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::Router;
use axum::routing::get;
use chrono::{DateTime, Utc};
use event_model::Secret;
use flate2::Compression;
use flate2::write::GzEncoder;
use ports::{Clock, Entropy, SystemClock, SystemEntropy};
use sealing::Sealer;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::child::resident_mib;
use super::report::{Bar, Report};
use crate::cli::bench::ConsoleBench;
use crate::config::{Config, Given};
use crate::serve::serve;
use crate::wiring::{self, Adapters, shown_store};
use asked::{Draw, KINDS, Kind};
use filling::Filled;
use plan::Plan;
use population::{Dice, Population, beginning};

const TOKEN: &str = "tga_a-token-for-measurements-only-12345";
/// Each kind is asked so often before it counts: the server is warm.
const WARMING: usize = 4;
/// An answer at the 95th percentile may take so many milliseconds.
const AIM_MS: f64 = 100.0;
/// A page may be so large, compressed.
const PAGE_BYTES_MAX: usize = 100 * 1024;
/// Largest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bars of the chart: the slowest kinds.
const BARS: usize = 12;

/// What came of a kind.
struct Side {
    name: &'static str,
    p50: f64,
    p95: f64,
    max: f64,
    /// The largest answer, compressed.
    bytes: usize,
}

pub(crate) async fn run(options: &ConsoleBench) -> anyhow::Result<()> {
    let data = tempfile::tempdir_in(&options.on)?;
    let keys = data.path().join("keys");
    Sealer::generate_file(&keys, |bytes| SystemEntropy.fill(bytes))?;
    let store = match &options.store {
        Some(url) => url.clone(),
        None => format!("sqlite:{}/store.db", data.path().display()),
    };
    let clock = SystemClock::new();
    let (plan, population) = fill(options, &store, &keys, clock.now()).await?;
    let mut report = Report::new("console", &options.report.report);
    report.line(&format!(
        "{} incidents and {} activities of a year in {}",
        plan.incidents,
        plan.activities,
        shown_store(&store)
    ));
    let (stop, stopped) = watch::channel(false);
    let address = start(data.path(), &store, &keys, stopped).await?;
    let client = sign_in(address).await?;
    let (deep_incidents, deep_activities) = deep(&client, address, &population).await?;
    let draw = Draw {
        dice: &Dice::new(11),
        population: &population,
        incidents: plan.incidents,
        deep_incidents: &deep_incidents,
        deep_activities: &deep_activities,
    };
    let floor = floor().await?;
    let empty = kind_of("an empty handler");
    let nothing = measure(&client, floor, &empty, &draw, &clock, options.rounds).await?;
    report.line("\nmilliseconds                            p50     p95     max   KiB compressed");
    line(&mut report, &nothing);
    let mut sides = Vec::new();
    for kind in KINDS
        .iter()
        .filter(|kind| kind.name.contains(&options.only))
    {
        let side = measure(&client, address, kind, &draw, &clock, options.rounds).await?;
        line(&mut report, &side);
        sides.push(side);
    }
    conclude(&mut report, sides);
    report.line(&format!(
        "\nmemory of console and sender together: {:.0} MiB",
        resident_mib("self")?
    ));
    stop.send_replace(true);
    report.write()
}

/// What is in the store, which is filled unless it was before.
async fn fill(
    options: &ConsoleBench,
    store: &str,
    keys: &Path,
    now: DateTime<Utc>,
) -> anyhow::Result<(Plan, Population)> {
    let filled = Filled::open(store, Sealer::from_file(keys)?).await?;
    let plan = match filled.plan().await? {
        Some(plan) => {
            plan.must_have(options.incidents, options.activities)?;
            plan
        }
        None => planned(options, store.starts_with("sqlite:"), now)?,
    };
    let population = Population::new(&plan);
    filled.fill(&plan, &population).await?;
    filled.close().await;
    Ok((plan, population))
}

/// What an empty store is filled with.
fn planned(options: &ConsoleBench, is_sqlite: bool, now: DateTime<Utc>) -> anyhow::Result<Plan> {
    let usual = match is_sqlite {
        true => (200_000, 2_000_000),
        false => (1_000_000, 10_000_000),
    };
    let plan = Plan {
        since: beginning(now),
        incidents: options.incidents.unwrap_or(usual.0),
        activities: options.activities.unwrap_or(usual.1),
    };
    ensure!(
        plan.incidents <= plan.activities,
        "an incident needs an activity: more `--activities` than `--incidents`"
    );
    Ok(plan)
}

/// The console over that store, at an address of this machine.
async fn start(
    data: &Path,
    store: &str,
    keys: &Path,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<SocketAddr> {
    let mut given = Given::default();
    given.flags.insert("data", data.display().to_string());
    given.flags.insert("keys_file", keys.display().to_string());
    given.flags.insert("store", store.to_owned());
    let config = Config::load(&given)?;
    let adapters = Adapters::open(&config).await?;
    let token = Secret::new(TOKEN.to_owned());
    let router = wiring::console_alone(&adapters, &config, token, stop.clone())?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener, router, stop));
    Ok(address)
}

/// A browser, signed in.
async fn sign_in(address: SocketAddr) -> anyhow::Result<reqwest::Client> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the client is a browser on this machine and no service"
    )]
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60));
    let entering = client.build()?;
    let form = [("token", TOKEN), ("next", "/")];
    let login = format!("http://{address}/login");
    let answer = entering.post(login).form(&form).send().await?;
    let cookie = answer.headers().get("set-cookie");
    let cookie = cookie.and_then(|cookie| cookie.to_str().ok()?.split(';').next());
    let cookie = cookie.context("signing in gave no session")?;
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert(reqwest::header::COOKIE, cookie.parse()?);
    #[expect(
        clippy::disallowed_methods,
        reason = "the client is a browser on this machine and no service"
    )]
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .default_headers(headers);
    Ok(client.build()?)
}

/// Cursors in the middle of the lists: of what was there half a year ago.
async fn deep(
    client: &reqwest::Client,
    address: SocketAddr,
    population: &Population,
) -> anyhow::Result<(String, String)> {
    let middle = population.since + (population.until - population.since) / 2;
    let middle = event_model::rfc3339(middle);
    let next = async |list: &str| {
        let url = format!("http://{address}/api/v1/{list}?limit=1&to={middle}");
        let page: Value = serde_json::from_slice(&body(client.get(url).send().await?).await?)?;
        let next = page["next"].as_str().map(str::to_owned);
        next.with_context(|| format!("the list of {list} has one page only: fill it more"))
    };
    Ok((next("incidents").await?, next("activities").await?))
}

async fn body(answer: reqwest::Response) -> anyhow::Result<Vec<u8>> {
    let (status, url) = (answer.status(), answer.url().clone());
    ensure!(status.is_success(), "`{url}` answered {status}");
    let mut answer = answer;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        ensure!(body.len() <= ANSWER_BYTES_MAX, "`{url}` answers too much");
    }
    Ok(body)
}

/// The first part only: an export goes on for as long as it is read.
async fn first_part(mut answer: reqwest::Response) -> anyhow::Result<Vec<u8>> {
    ensure!(answer.status().is_success(), "an export failed");
    let mut body = Vec::new();
    for _ in 0..2 {
        body.extend_from_slice(&answer.chunk().await?.unwrap_or_default());
    }
    Ok(body)
}

async fn floor() -> anyhow::Result<SocketAddr> {
    let router = Router::new().fallback(get(async || "nothing"));
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

fn kind_of(name: &'static str) -> Kind {
    Kind {
        name,
        path: |_| "/".into(),
    }
}

async fn measure(
    client: &reqwest::Client,
    address: SocketAddr,
    kind: &Kind,
    draw: &Draw<'_>,
    clock: &SystemClock,
    rounds: usize,
) -> anyhow::Result<Side> {
    let (mut took, mut largest) = (Vec::with_capacity(rounds), Vec::new());
    for round in 0..WARMING + rounds {
        let path = (kind.path)(draw);
        let began = clock.monotonic();
        let answer = client.get(format!("http://{address}{path}")).send().await?;
        let body = match path.contains("/export") {
            true => first_part(answer).await?,
            false => body(answer).await?,
        };
        let lasted = clock.monotonic().saturating_sub(began);
        if round >= WARMING {
            took.push(lasted.as_secs_f64() * 1_000.0);
        }
        if body.len() > largest.len() {
            largest = body;
        }
    }
    took.sort_by(f64::total_cmp);
    let rank = |share: f64| took[((took.len() as f64 * share).ceil() as usize).max(1) - 1];
    Ok(Side {
        name: kind.name,
        p50: rank(0.5),
        p95: rank(0.95),
        max: rank(1.0),
        bytes: compressed(&largest)?,
    })
}

fn compressed(body: &[u8]) -> anyhow::Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body)?;
    Ok(encoder.finish()?.len())
}

fn line(report: &mut Report, side: &Side) {
    let mark = if side.p95 > AIM_MS { "  SLOW" } else { "" };
    report.line(&format!(
        "{:<34} {:>8.1}{:>8.1}{:>8.1}{:>10.1}{mark}",
        side.name,
        side.p50,
        side.p95,
        side.max,
        side.bytes as f64 / 1024.0
    ));
}

fn conclude(report: &mut Report, mut sides: Vec<Side>) {
    let slow = sides.iter().filter(|side| side.p95 > AIM_MS).count();
    let pages = sides.iter().filter(|side| side.name.starts_with("page"));
    let large = pages.filter(|side| side.bytes > PAGE_BYTES_MAX).count();
    report.line(&format!(
        "\naim: {AIM_MS:.0} ms at the 95th percentile, pages of at most {} KiB compressed: {slow} of {} kinds are slower, {large} pages larger",
        PAGE_BYTES_MAX / 1024,
        sides.len()
    ));
    sides.sort_by(|one, other| other.p95.total_cmp(&one.p95));
    let bars = sides.iter().take(BARS).map(|side| Bar {
        name: side.name,
        value: side.p95,
    });
    let bars: Vec<Bar> = bars.collect();
    report.chart("milliseconds, 95th percentile, the slowest", &bars);
}
