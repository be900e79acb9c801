//! Detectors of one's own, and the form in which one is written and tried on a text while it is written.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::IntoResponse;
use inspect::CustomDetector;
use ports::DetectorEntry;
use serde_json::{Value, json};

use super::incident::unknown_act;
use super::{Frame, Page, failure, render, see, wording};
use crate::acts::detectors::Tried;
use crate::auth::{Actor, CheckedForm, Session};
use crate::body::{shape, wrong_shape};
use crate::problem::{Mistake, Problem};
use crate::query::Query;
use crate::{Console, Shared};

/// How sure a match is with nothing around it, as the form offers it.
const CONFIDENCES: [(&str, &str); 4] = [
    ("medium", "medium"),
    ("high", "high"),
    ("low", "low"),
    ("none", "nothing without a phrase near"),
];
/// What a form can look for.
const KINDS: [(&str, &str); 2] = [
    ("pattern", "what a regular expression matches"),
    ("dictionary", "words and phrases, one a line"),
];
/// What the digits of a match must satisfy.
const VALIDATORS: [(&str, &str); 3] = [
    ("", "nothing more"),
    ("luhn", "Luhn check"),
    ("mod97", "MOD 97 check, as IBANs have it"),
];

/// A detector as the form holds it.
#[derive(Default)]
struct Draft {
    name: String,
    title: String,
    group: String,
    kind: String,
    looked_for: String,
    validator: String,
    case_matters: bool,
    confidence: String,
    positive: String,
    negative: String,
    text: String,
}

struct Row {
    entry: DetectorEntry,
    at: String,
    /// Whether the form can show it.
    is_written: bool,
}

#[derive(Template)]
#[template(path = "detectors.html")]
struct Detectors {
    frame: Frame,
    rows: Vec<Row>,
    draft: Draft,
    kinds: [(&'static str, &'static str); 2],
    validators: [(&'static str, &'static str); 3],
    confidences: [(&'static str, &'static str); 4],
    mistakes: Vec<Mistake>,
    /// What was found in the text, once it was tried.
    found: Option<Vec<Tried>>,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    let query = Query::read(&uri, &["name"]);
    let name = query.text("name");
    query.finish(())?;
    let draft = match name {
        Some(name) => {
            let kept = console.kept_detector(&name).await?;
            Draft::of(&serde_json::from_str(&kept.definition).unwrap_or_default())
        }
        None => Draft::default(),
    };
    Ok(render(
        &shown(&console, &session, draft, Vec::new(), None).await?,
    ))
}

async fn shown(
    console: &Console,
    session: &Session,
    draft: Draft,
    mistakes: Vec<Mistake>,
    found: Option<Vec<Tried>>,
) -> Result<Detectors, Problem> {
    let entries = console.ports.detectors.detector_entries().await?;
    let row = |entry: DetectorEntry| Row {
        at: wording::time(entry.saved_at),
        is_written: KINDS.iter().any(|(kind, _)| *kind == entry.looks_for),
        entry,
    };
    Ok(Detectors {
        frame: Frame::new("Detectors", "detectors", session),
        rows: entries.into_iter().map(row).collect(),
        draft,
        kinds: KINDS,
        validators: VALIDATORS,
        confidences: CONFIDENCES,
        mistakes,
        found,
    })
}

/// Saves what was written, or tries it; with mistakes, shows it again as it was written.
pub(super) async fn save(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
) -> Page {
    let draft = Draft::read(&form);
    if form.text("act") == "try" {
        return tried(&console, &session, draft).await;
    }
    let detector = match draft.name.is_empty() {
        true => Err(wrong_shape(Mistake::new("/name", "the name is missing"))),
        false => draft.detector(),
    };
    let done = match detector {
        Ok(detector) => console.save_detector(&by, detector, None).await.map(drop),
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => Ok(see("/detectors")),
        Err(problem) if !problem.errors.is_empty() => {
            let status = problem.status();
            let page = shown(&console, &session, draft, problem.errors, None).await?;
            Ok((status, render(&page)).into_response())
        }
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}

/// What is written, tried on the text; every detector in use, while nothing is written.
async fn tried(console: &Console, session: &Session, draft: Draft) -> Page {
    let written = match draft.looked_for.trim().is_empty() {
        true => Ok(None),
        false => draft.detector().map(Some),
    };
    let found = match written {
        Ok(detector) => console.try_detectors(draft.text.clone(), detector).await,
        Err(problem) => Err(problem),
    };
    let page = match found {
        Ok(found) => shown(console, session, draft, Vec::new(), Some(found)).await?,
        Err(problem) if !problem.errors.is_empty() => {
            shown(console, session, draft, problem.errors, None).await?
        }
        Err(problem) => return Ok(failure(&problem, Some(session))),
    };
    Ok(render(&page))
}

pub(super) async fn act(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path((name, act)): Path<(String, String)>,
) -> Page {
    let done = match act.as_str() {
        "remove" => console.remove_detector(&by, &name, None).await,
        _ => Err(unknown_act(&act)),
    };
    match done {
        Ok(()) => Ok(see("/detectors")),
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}

impl Draft {
    fn read(form: &CheckedForm) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Draft {
            name: form.given("name").unwrap_or_default(),
            title: form.given("title").unwrap_or_default(),
            group: form.given("group").unwrap_or_default(),
            kind: text("kind"),
            looked_for: text("looked_for"),
            validator: text("validator"),
            case_matters: form.text("case_matters") == "yes",
            confidence: text("confidence"),
            positive: text("positive"),
            negative: text("negative"),
            text: text("text"),
        }
    }

    /// The form of a detector that is kept.
    fn of(kept: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let lines = |value: &Value| {
            let all = value.as_array().into_iter().flatten();
            all.filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        };
        let looks_for = &kept["looks_for"];
        Draft {
            name: text(&kept["name"]),
            title: text(&kept["title"]),
            group: text(&kept["group"]),
            kind: text(&looks_for["kind"]),
            looked_for: match looks_for["pattern"].as_str() {
                Some(pattern) => pattern.to_owned(),
                None => lines(&looks_for["entries"]),
            },
            validator: text(&looks_for["validator"]),
            case_matters: looks_for["case_matters"] == true,
            confidence: kept["confidence"].as_str().unwrap_or("none").to_owned(),
            positive: lines(&kept["positive"]),
            negative: lines(&kept["negative"]),
            text: String::new(),
        }
    }

    /// What is written, as a detector.
    fn detector(&self) -> Result<CustomDetector, Problem> {
        let lines = |text: &str| -> Vec<String> {
            let lines = text.lines().map(str::trim);
            lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let looks_for = match self.kind.as_str() {
            "dictionary" => json!({
                "kind": "dictionary", "entries": lines(&self.looked_for),
                "case_matters": self.case_matters,
            }),
            _ => json!({
                "kind": "pattern", "pattern": self.looked_for.trim(),
                "validator": some(&self.validator),
            }),
        };
        // While it is only tried it needs no name yet.
        let name = some(&self.name).unwrap_or_else(|| "unnamed".to_owned());
        shape(json!({
            "title": some(&self.title).unwrap_or_else(|| name.clone()),
            "name": name,
            "group": some(&self.group),
            "looks_for": looks_for,
            "confidence": some(&self.confidence).filter(|word| word != "none"),
            "positive": lines(&self.positive),
            "negative": lines(&self.negative),
        }))
    }
}
