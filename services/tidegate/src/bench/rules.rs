//! The rule engine alone, in process: evaluations with more and more policies, and one inline decision from its JSON
//! to its answer. Beside it, in the same run, reading that JSON and nothing else.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use decisions::{Attempt, Undecided, Word};
use event_model::{
    Activity, ConnectionId, Effect, EventId, EventType, Mode, PartyType, PolicyDocument, PolicyId,
    PolicyVersion, Provenance, Severity, Trigger, TriggerAction, Visibility,
};
use policy::{Chain, ContentState, Input, PolicySet};
use ports::{Clock, SystemClock};
use serde_json::value::RawValue;

use super::report::{Bar, Report};
use crate::cli::bench::Rules;
use crate::config::{Config, Given};
use crate::wiring::{self, Adapters};

/// The numbers of policies.
const POLICIES: [usize; 4] = [1, 10, 100, 1_000];
/// Activities looked at before the clock is asked again.
const ROUND: usize = 256;
/// Decisions before the measured ones.
const WARM_UP: usize = 2_000;
/// Longest that an inline decision may take in process, in microseconds.
const AIM_US: f64 = 20.0;

/// Rules that depend on one field: most of them are ruled out by one look.
const KEYED: &[&str] = &[
    "_activity.object_path == '/projects/secret-{n}' and _activity.actor_email != 'owner-{n}@acme.example'",
    "_activity.actor_email in ['mallory-{n}@acme.example', 'trudy-{n}@acme.example'] and _share.public",
    "_share.public and _share.pathStartsWith('/finance-{n}/')",
    "_user.email == 'leaver-{n}@acme.example' and _activity.target_user_type == 'external'",
];
/// Rules that depend on the beginning of a field, a domain or a network.
const TESTED: &[&str] = &[
    "_share.pathStartsWith('/finance-{n}/') and _file.extIs('xlsx', 'csv')",
    "_user.isEmailInDomain('contractor-{n}.example') or _share.hasUsersFromDomain('rival-{n}.example')",
    "_request.inIpV4CidrRange('198.51.100.0/24') and _file.fileNameContains('plan-{n}')",
];
/// Rules that have to be evaluated each time.
const UNKEYED: &[&str] = &[
    "_file.path contains '/archive-{n}/' or _time.hour('Europe/Berlin') > 24",
    "_file.fileNameContains('plan-{n}') and _user.inGroup('Contractors')",
    "_share.pathMatches('/projects/*/secret-{n}/*')",
    "_user.isEmailInDomain('*.contractor-{n}.example')",
    "_activity.actor_email ends with '@rival-{n}.example' or _file.ext == 'exe'",
    "_file.pathContains('/board-{n}/') and not _user.isEmailInDomain('acme.example')",
    "_request.agent == 'Cloud Sync' and _file.pathContains('/plans-{n}/')",
];

pub(crate) async fn run(options: &Rules) -> anyhow::Result<()> {
    let mut report = Report::new("rules", &options.report.report);
    let clock = SystemClock::new();
    let time = Duration::from_secs(options.seconds);
    report.line(
        "One activity against all policies, on one core, nothing violated: the common path.\n",
    );
    report
        .line("policies   rules            activities/s   policies/s     us/activity   evaluated");
    let mut bars = Vec::new();
    let sorts = [
        ("depend on one field", KEYED),
        ("on a part of one", TESTED),
        ("evaluated each", UNKEYED),
    ];
    for (sort, rules) in sorts {
        for count in POLICIES {
            let versions = versions(count, rules, clock.now());
            let measured = evaluations(&versions, &clock, time)?;
            report.line(&format!(
                "{count:>8}   {sort:<19} {:>9.0} {:>12.0} {:>15.2} {:>11.1}",
                measured.per_second,
                measured.per_second * count as f64,
                1e6 / measured.per_second,
                measured.evaluated,
            ));
            bars.push((format!("{count}, {sort}"), measured.per_second));
        }
    }
    report.line("\nOne inline decision in process, from its JSON to its answer, allowed; half of the policies are evaluated each time:\n");
    report.line("policies        us (mean)     p50     p99   of which reading the JSON");
    for count in POLICIES {
        let decided = decisions(count, &clock, time).await?;
        report.line(&format!(
            "{count:>8} {:>16.1} {:>7.1} {:>7.1} {:>27.1}",
            decided.mean_us, decided.p50_us, decided.p99_us, decided.reading_us
        ));
    }
    report.line(&format!("\naim: a decision below {AIM_US} us"));
    let bars: Vec<Bar> = bars
        .iter()
        .map(|(name, value)| Bar {
            name,
            value: *value,
        })
        .collect();
    report.chart("activities per second, by policies", &bars);
    report.write()
}

struct Evaluations {
    per_second: f64,
    /// Policies that were evaluated of one activity, on average.
    evaluated: f64,
}

fn evaluations(
    versions: &[PolicyVersion],
    clock: &SystemClock,
    time: Duration,
) -> anyhow::Result<Evaluations> {
    let (set, refused) = PolicySet::compile(versions);
    ensure!(refused.is_empty(), "a policy of the bench does not compile");
    let activities: Vec<Activity> = (0..ROUND)
        .map(|n| activity(n, clock.now()))
        .collect::<anyhow::Result<_>>()?;
    let provenance = Provenance::absent("not sent");
    let (mut rounds, mut evaluated) = (0usize, 0usize);
    let began = clock.monotonic();
    let took = loop {
        for activity in &activities {
            let input = Input::of(activity, &provenance, ContentState::NotFetched);
            let evaluation = set.evaluate(connection(), &input, Chain::Whole);
            ensure!(
                evaluation.verdict.outcomes.is_empty(),
                "nothing is violated"
            );
            evaluated += evaluation.evaluated;
        }
        rounds += 1;
        let took = clock.monotonic().saturating_sub(began);
        if took >= time {
            break took;
        }
    };
    let looked_at = (rounds * ROUND) as f64;
    Ok(Evaluations {
        per_second: looked_at / took.as_secs_f64(),
        evaluated: evaluated as f64 / looked_at,
    })
}

struct Decisions {
    mean_us: f64,
    p50_us: f64,
    p99_us: f64,
    reading_us: f64,
}

async fn decisions(count: usize, clock: &SystemClock, time: Duration) -> anyhow::Result<Decisions> {
    let data = tempfile::tempdir()?;
    let adapters = Adapters::open(&config(data.path())?).await?;
    prepare(&adapters, count, clock.now()).await?;
    let decider = wiring::decider(&adapters);
    let sent = attempt();
    let (mut took, mut reading) = (Vec::new(), Duration::ZERO);
    let began = clock.monotonic();
    for number in 0usize.. {
        let from = clock.monotonic();
        let raw: &RawValue = serde_json::from_str(&sent)?;
        let attempt: Attempt = serde_json::from_str(raw.get())?;
        let read = clock.monotonic();
        let decided = decider.decide(attempt, raw, Undecided::Allow).await?;
        let answer = serde_json::to_vec(&decided)?;
        let done = clock.monotonic();
        ensure!(
            decided.decision == Word::Allow && !answer.is_empty(),
            "it is allowed"
        );
        if number >= WARM_UP {
            reading += read.saturating_sub(from);
            took.push(done.saturating_sub(from).as_secs_f64() * 1e6);
        }
        if number > WARM_UP && done.saturating_sub(began) > time {
            break;
        }
    }
    adapters.close().await;
    took.sort_by(f64::total_cmp);
    let of = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    Ok(Decisions {
        mean_us: took.iter().sum::<f64>() / took.len() as f64,
        p50_us: of(0.5),
        p99_us: of(0.99),
        reading_us: reading.as_secs_f64() * 1e6 / took.len() as f64,
    })
}

fn config(data: &Path) -> anyhow::Result<Config> {
    let mut given = Given::default();
    given.flags.insert("data", data.display().to_string());
    Ok(Config::load(&given)?)
}

/// A connection, and policies of both sorts that watch it.
pub(crate) async fn prepare(
    adapters: &Adapters,
    policies: usize,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    adapters
        .store
        .create(&super::server::connection(now))
        .await?;
    let rules: Vec<&str> = KEYED.iter().chain(TESTED).chain(UNKEYED).copied().collect();
    for version in versions(policies, &rules, now) {
        adapters.store.save_policy(&version).await?;
    }
    Ok(())
}

fn connection() -> ConnectionId {
    super::server::connection_id()
}

fn versions(count: usize, rules: &[&str], now: DateTime<Utc>) -> Vec<PolicyVersion> {
    let version = |n: usize| PolicyVersion {
        id: PolicyId::new(now, n as u128),
        version: 1,
        enabled: true,
        saved_at: now,
        document: PolicyDocument {
            name: format!("Policy {n}"),
            severity: Severity::Medium,
            trigger: Trigger {
                connections: Vec::new(),
                actions: vec![TriggerAction::Share],
            },
            rule: rules[n % rules.len()].replace("{n}", &n.to_string()),
            effect: Effect::Deny,
            mode: Mode::Enforce,
            notification: None,
            responses: Vec::new(),
            approval: None,
            approvers: None,
            undo_window_minutes: None,
            limit: None,
        },
    };
    (0..count).map(version).collect()
}

fn activity(n: usize, now: DateTime<Utc>) -> anyhow::Result<Activity> {
    let id = EventId::new(format!("evt_{n}")).context("the id is one")?;
    let mut activity = Activity::bare(id, EventType::Sharing);
    activity.event_timestamp = Some(now);
    activity.actor_id = Some(format!("u_{n}"));
    activity.actor_email = Some(format!("user-{n}@acme.example"));
    activity.actor_ip_address = Some("203.0.113.7".into());
    activity.object_name = Some(format!("report-{n}.docx"));
    activity.object_path = Some(format!("/projects/p-{n}/report-{n}.docx"));
    activity.target_user_email = Some("gus@partner.example".into());
    activity.target_user_type = Some(PartyType::Internal);
    activity.visibility = Some(Visibility::Restricted);
    Ok(activity)
}

/// An attempt as a gateway tells it, allowed by all policies of the bench.
pub(crate) fn attempt() -> String {
    serde_json::json!({
        "connection": connection(),
        "action": "share",
        "activity": {
            "actor_email": "alice@acme.example", "actor_name": "Alice Archer", "actor_type": "internal",
            "actor_ip_address": "203.0.113.7", "object_id": "f_17", "object_type": "file",
            "object_path": "/alice/reports/2026/third quarter results, final.docx",
            "target_user_email": "gus@partner.example", "target_user_type": "internal",
            "role": "viewer", "visibility": "restricted",
        },
        "request": {"user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"},
        "user": {"groups": ["Staff", "Sales"]},
    })
    .to_string()
}
