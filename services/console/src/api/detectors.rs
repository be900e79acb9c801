//! Detectors of an administrator's own: listed, saved, removed, and tried on a text.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use inspect::CustomDetector;
use ports::{DetectorEntry, KeptDetector};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::etag;
use crate::Shared;
use crate::acts::detectors::Tried;
use crate::auth::Actor;
use crate::body::{self, Strict, if_match, wrong_shape};
use crate::problem::{Mistake, Problem};
use crate::query::Query;

/// Largest definition, in bytes: a table of 100,000 rows and 8 columns, as hashes.
const DEFINITION_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A detector as it is written; see the page on detectors for what `looks_for` holds.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DetectorBody {
    /// The name that rules use: 2 to 64 lower-case letters, digits and dashes, unlike any other.
    name: String,
    /// The name that people read.
    title: String,
    /// The group that counts its values, too.
    group: Option<String>,
    /// `{"kind": "dictionary" | "pattern" | "rows" | "documents", ...}`.
    looks_for: Map<String, Value>,
    /// `low`, `medium` or `high`: how sure a match is with nothing around it; null when it is nothing then.
    confidence: Option<String>,
    /// Phrases that confirm a match nearby.
    positive: Vec<String>,
    /// Phrases that speak against one.
    negative: Vec<String>,
}

/// A detector that is kept, and what it looks for; of a table without its hashes.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DetectorItem {
    #[serde(flatten)]
    entry: DetectorEntry,
    /// As it was written. What could give values away is left out.
    #[schemars(with = "Map<String, Value>")]
    definition: Value,
}

/// What detectors are to be tried on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TryBody {
    /// At most 256 KiB. It is not kept.
    pub(crate) text: String,
    /// A detector that need not be saved: it alone is tried. Without it, all are.
    #[serde(default)]
    pub(crate) detector: Option<Map<String, Value>>,
}

/// Every detector of one's own, in the form of a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DetectorList {
    items: Vec<DetectorEntry>,
    next: Option<String>,
}

/// What was found, masked.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TryAnswer {
    findings: Vec<Tried>,
}

pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<DetectorList>, Problem> {
    Query::read(&uri, &[]).finish(())?;
    Ok(Json(DetectorList {
        items: console.ports.detectors.detector_entries().await?,
        next: None,
    }))
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let KeptDetector { entry, definition } = console.kept_detector(&name).await?;
    let tag = etag(entry.revision);
    let definition = without_values(&definition);
    Ok((tag, Json(DetectorItem { entry, definition })).into_response())
}

/// A definition without salt and hashes.
pub(crate) fn without_values(definition: &str) -> Value {
    let mut definition: Value = serde_json::from_str(definition).unwrap_or_default();
    if let Some(looks_for) = definition["looks_for"].as_object_mut() {
        for hidden in ["salt", "rows", "first_lengths", "sketches"] {
            looks_for.remove(hidden);
        }
    }
    definition
}

pub(crate) async fn put(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let seen = if_match(&headers)?;
    let bytes = body::read_up_to(request.into_body(), DEFINITION_BYTES_MAX).await?;
    let detector: CustomDetector = body::parse(&bytes)?;
    if detector.name != name {
        let message = format!("is not the name in the path, `{name}`");
        return Err(wrong_shape(Mistake::new("/name", message)));
    }
    let saved = console.save_detector(&by, detector, seen).await?;
    let status = match saved.revision {
        1 => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    Ok((status, etag(saved.revision), Json(saved)).into_response())
}

pub(crate) async fn remove(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let seen = if_match(&headers)?;
    console.remove_detector(&by, &name, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn attempt(
    State(console): State<Shared>,
    Strict(asked): Strict<TryBody>,
) -> Result<Json<TryAnswer>, Problem> {
    let draft = asked.detector.map(Value::Object);
    let draft = draft.map(body::shape::<CustomDetector>).transpose()?;
    let findings = console.try_detectors(asked.text, draft).await?;
    Ok(Json(TryAnswer { findings }))
}
