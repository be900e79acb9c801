//! The audit trail: filtered, entry by entry, as a file, and proved to hold together.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Uri;
use chrono::{DateTime, Utc};
use event_model::PageRequest;
use ports::{AuditEntry, BrokenChain};

use super::asked::{Asked, Chip, Choice, choices};
use super::links::link;
use super::wording::{self, When};
use super::{Frame, Page, render};
use crate::api::audit::{FILTERS, filter};
use crate::auth::Session;
use crate::problem::Problem;
use crate::query::Query;
use crate::{Console, Shared};

/// Entries of one page.
const PAGE_ITEMS: u32 = 100;
/// What acts begin with: what they are about.
const ABOUT: [&str; 18] = [
    "access",
    "account",
    "breaker",
    "connection",
    "delivery",
    "exception",
    "feed",
    "incident",
    "policy",
    "quarantine",
    "remedy",
    "scan",
    "second_factor",
    "session",
    "sessions",
    "sink",
    "token",
    "vault",
];

struct Row {
    sequence: u64,
    actor: String,
    actor_href: String,
    action: String,
    action_href: String,
    subject: String,
    subject_href: Option<String>,
    detail: String,
    at: When,
}

/// What came of walking the chain.
struct Proof {
    holds: bool,
    said: String,
    /// The entry at which it breaks.
    at: Option<u64>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    q: String,
    by: String,
    from: String,
    to: String,
    about: Vec<Choice>,
    kept: Vec<(&'static str, String)>,
    chips: Vec<Chip>,
    proof: Option<Proof>,
    rows: Vec<Row>,
    next: Option<String>,
    export: [(&'static str, String); 2],
}

#[derive(Template)]
#[template(path = "audit_entry.html")]
struct EntryPage {
    frame: Frame,
    row: Row,
    id: String,
    precise: String,
    hash: String,
    before: String,
    holds: bool,
    earlier: Option<u64>,
    later: Option<u64>,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    show(&console, &session, &uri, None).await
}

async fn show(console: &Console, session: &Session, uri: &Uri, proof: Option<Proof>) -> Page {
    let mut query = Query::read(uri, &[&FILTERS[..], &["cursor"]].concat());
    let filter = filter(&mut query);
    let asked = Asked::of("/audit", &FILTERS, &query);
    let request = PageRequest {
        cursor: query.text("cursor"),
        limit: PAGE_ITEMS,
    };
    query.finish(())?;
    let page = console
        .ports
        .audit
        .audit_matching(&filter, &request)
        .await?;
    let now = console.ports.clock.now();
    let about = ABOUT.map(|word| (word.to_owned(), word.replace('_', " ")));
    let rows = page.items.iter();
    Ok(render(&AuditPage {
        frame: Frame::new("Audit", "audit", session),
        q: asked.value("q").to_owned(),
        by: asked.value("by").to_owned(),
        from: asked.value("from").to_owned(),
        to: asked.value("to").to_owned(),
        about: choices(about, asked.value("action")),
        kept: asked.besides(&["q", "by", "action", "from", "to"]),
        chips: asked.chips(|_, value| value.to_owned()),
        proof,
        rows: rows.map(|entry| row(entry, now)).collect(),
        next: page.next.map(|cursor| asked.with("cursor", &cursor)),
        export: ["csv", "jsonl"].map(|format| {
            let whole = asked.at("/api/v1/audit/export", &[("format", format)]);
            (format, whole)
        }),
    }))
}

/// Walks the whole chain and says what came of it, above the newest entries.
pub(super) async fn verify(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
) -> Page {
    let walked = console.ports.audit.verify_audit().await;
    let proof = Some(proof(walked)?);
    show(&console, &session, &Uri::from_static("/audit"), proof).await
}

/// What walking the chain came to, in words.
fn proof(walked: Result<u64, BrokenChain>) -> Result<Proof, Problem> {
    match walked {
        Ok(walked) => Ok(Proof {
            holds: true,
            said: format!(
                "All {} entries hold together: none was changed, removed from within or put in.",
                wording::count(walked)
            ),
            at: None,
        }),
        Err(BrokenChain::At { sequence }) => Ok(Proof {
            holds: false,
            said: format!(
                "The chain breaks at entry {sequence}: it, or the one before it, is not what was written."
            ),
            at: Some(sequence),
        }),
        Err(BrokenChain::Unreadable(error)) => Err(error.into()),
    }
}

fn row(entry: &AuditEntry, now: DateTime<Utc>) -> Row {
    let narrow = |name, value: &str| link("/audit", [(name, value)]);
    Row {
        sequence: entry.sequence,
        actor_href: narrow("by", &entry.actor),
        actor: entry.actor.clone(),
        action_href: narrow("action", &entry.action),
        action: entry.action.clone(),
        subject_href: place_of(&entry.subject),
        subject: entry.subject.clone(),
        detail: entry.detail.clone(),
        at: wording::when(entry.at, now),
    }
}

/// The page of what an entry is about, where it has one.
fn place_of(subject: &str) -> Option<String> {
    let (kind, rest) = subject.split_once('_')?;
    let is_id = !rest.is_empty() && rest.chars().all(|letter| letter.is_ascii_alphanumeric());
    let list = match kind {
        "conn" => "/connections",
        "inc" => "/incidents",
        "pol" => "/policies",
        "acc" => "/users",
        _ => return None,
    };
    is_id.then(|| format!("{list}/{subject}"))
}

pub(super) async fn entry(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
) -> Page {
    let shown: String = given.chars().take(64).collect();
    let none = || Problem::not_found("entry of the audit trail", &shown);
    let sequence: u64 = given.parse().map_err(|_| none())?;
    let first = sequence.saturating_sub(2);
    let near = console.ports.audit.audit_after(first, 3).await?;
    let of = |wanted: u64| near.iter().find(|one| one.sequence == wanted);
    let entry = of(sequence).ok_or_else(none)?;
    let before = sequence.checked_sub(1).and_then(of);
    let hash_before = before.map_or("", |one| one.hash.as_str());
    Ok(render(&EntryPage {
        frame: Frame::new(format!("Entry {sequence}"), "audit", &session),
        row: row(entry, console.ports.clock.now()),
        id: entry.id.to_string(),
        precise: wording::precise(entry.at),
        holds: entry.chained(hash_before) == entry.hash,
        hash: entry.hash.clone(),
        before: hash_before.to_owned(),
        earlier: before.map(|one| one.sequence),
        later: sequence.checked_add(1).and_then(of).map(|one| one.sequence),
    }))
}

#[cfg(test)]
mod tests {
    use super::{BrokenChain, place_of, proof};

    #[test]
    fn a_chain_that_breaks_is_told_with_where() {
        let holds = proof(Ok(1_234)).unwrap();
        assert!(holds.holds && holds.said.contains("All 1,234 entries"));
        let broken = proof(Err(BrokenChain::At { sequence: 7 })).unwrap();
        assert_eq!((broken.holds, broken.at), (false, Some(7)));
        let full = ports::StoreError::Unavailable("the disk is full".into());
        assert!(proof(Err(BrokenChain::Unreadable(full))).is_err());
    }

    #[test]
    fn only_an_id_of_ours_leads_to_a_page() {
        for (subject, place) in [
            ("conn_01ABC", Some("/connections/conn_01ABC")),
            ("inc_01ABC", Some("/incidents/inc_01ABC")),
            ("rem_01ABC", None),
            ("conn_../../x", None),
            ("conn_", None),
            ("session", None),
        ] {
            assert_eq!(place_of(subject).as_deref(), place, "{subject}");
        }
    }
}
