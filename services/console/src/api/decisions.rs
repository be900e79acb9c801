//! Decisions before the fact: as an answer, as a status, in batches, and as OPA's data API has them.
//!
//! The answer is `200` with the decision; with `?enforce=status` a denial is `403` with the same body, for whoever
//! looks at the status only. `Idempotency-Key` is the attempt's key where the body has none.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use decisions::{Attempt, AttemptMistake, DecideError, Decided, Undecided, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::Shared;
use crate::body::{self, Strict};
use crate::problem::{Mistake, Problem};
use crate::query::Query;
use crate::scope;

/// Most attempts of one batch.
pub(crate) const ATTEMPTS_MAX: usize = 100;

/// How a denial is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Enforce {
    Answer,
    Status,
}

impl Enforce {
    const ALL: [Enforce; 2] = [Enforce::Answer, Enforce::Status];

    fn word(self) -> &'static str {
        match self {
            Enforce::Answer => "answer",
            Enforce::Status => "status",
        }
    }
}

const UNDECIDED: [Undecided; 2] = [Undecided::Allow, Undecided::Deny];

fn undecided_word(undecided: Undecided) -> &'static str {
    match undecided {
        Undecided::Allow => "allow",
        Undecided::Deny => "deny",
    }
}

/// Several attempts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttemptBatch {
    /// At most 100.
    #[schemars(with = "Vec<Attempt>")]
    attempts: Vec<Box<RawValue>>,
}

/// The answers to several attempts, in their order.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DecidedBatch {
    items: Vec<Decided>,
}

pub(crate) async fn decide(
    State(console): State<Shared>,
    headers: HeaderMap,
    uri: Uri,
    Strict(raw): Strict<Box<RawValue>>,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["enforce", "undecided"]);
    let enforce = query.word("enforce", &Enforce::ALL, Enforce::word);
    let undecided = query.word("undecided", &UNDECIDED, undecided_word);
    query.finish(())?;
    let mut attempt: Attempt = body::parse(raw.get().as_bytes())?;
    if attempt.idempotency_key.is_none() {
        let key = headers.get("idempotency-key");
        attempt.idempotency_key = key.map(|key| String::from_utf8_lossy(key.as_bytes()).into());
    }
    refuse_foreign(&attempt, "")?;
    let undecided = undecided.unwrap_or_default();
    let decider = &console.ports.decider;
    let decided = decider
        .decide(attempt, &raw, undecided)
        .await
        .map_err(refused)?;
    let denied = decided.decision == Word::Deny;
    let status = match enforce {
        Some(Enforce::Status) if denied => StatusCode::FORBIDDEN,
        _ => StatusCode::OK,
    };
    Ok((status, Json(decided)).into_response())
}

pub(crate) async fn decide_all(
    State(console): State<Shared>,
    uri: Uri,
    Strict(batch): Strict<AttemptBatch>,
) -> Result<Json<DecidedBatch>, Problem> {
    let mut query = Query::read(&uri, &["undecided"]);
    let undecided = query.word("undecided", &UNDECIDED, undecided_word);
    query.finish(())?;
    if batch.attempts.len() > ATTEMPTS_MAX {
        let message = format!(
            "has {} attempts, at most {ATTEMPTS_MAX}",
            batch.attempts.len()
        );
        return Err(body::wrong_shape(Mistake::new("/attempts", message)));
    }
    let mut attempts = Vec::with_capacity(batch.attempts.len());
    for (index, raw) in batch.attempts.iter().enumerate() {
        let attempt: Attempt = body::parse(raw.get().as_bytes()).map_err(|mut problem| {
            for mistake in &mut problem.errors {
                mistake.field = format!("/attempts/{index}{}", mistake.field);
            }
            problem
        })?;
        refuse_foreign(&attempt, &format!("/attempts/{index}"))?;
        attempts.push((attempt, raw.as_ref()));
    }
    let decider = &console.ports.decider;
    let items = decider
        .decide_all(attempts, undecided.unwrap_or_default())
        .await
        .map_err(refused)?;
    Ok(Json(DecidedBatch { items }))
}

/// Who is bound to some connections names one of them: decisions of others are not theirs to ask for.
fn refuse_foreign(attempt: &Attempt, place: &str) -> Result<(), Problem> {
    let scope = scope::current();
    let own = attempt.connection.is_some_and(|one| scope.has(one));
    match own || scope.is_every() {
        true => Ok(()),
        false => {
            let message = "must be one of your connections";
            let field = format!("{place}/connection");
            Err(body::wrong_shape(Mistake::new(field, message)))
        }
    }
}

fn refused(error: DecideError) -> Problem {
    match error {
        DecideError::Mistaken(mistakes) => {
            let detail = "the attempt has mistakes, see `errors`";
            let errors = mistakes.into_iter().map(Mistake::from).collect();
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).errors(errors)
        }
        DecideError::Store(error) => error.into(),
    }
}

impl From<AttemptMistake> for Mistake {
    fn from(mistake: AttemptMistake) -> Self {
        Mistake::new(mistake.field, mistake.message)
    }
}

/// What OPA's data API is asked. Source: OPA's REST API, "Get a Document (with Input)".
#[derive(Deserialize)]
struct Asked {
    input: Option<Box<RawValue>>,
}

/// `POST /v1/data/tidegate/allow` answers true or false, `…/decision` the whole decision; any other document is
/// undefined, which OPA answers with an empty object. Parameters of the query are OPA's own and change nothing.
pub(crate) async fn data(
    State(console): State<Shared>,
    Path(document): Path<String>,
    request: Request,
) -> Response {
    if !matches!(document.as_str(), "allow" | "decision") {
        return Json(json!({})).into_response();
    }
    let bytes = match body::read(request.into_body()).await {
        Ok(bytes) => bytes,
        Err(problem) => return mistaken(&problem),
    };
    let asked = body::parse::<Asked>(&bytes);
    let attempt = asked.and_then(|asked| {
        let input = asked.input.ok_or_else(|| {
            body::wrong_shape(Mistake::new("/input", "is missing: it is the attempt"))
        })?;
        let attempt: Attempt = body::parse(input.get().as_bytes())?;
        refuse_foreign(&attempt, "/input")?;
        Ok((attempt, input))
    });
    let (attempt, input) = match attempt {
        Ok(read) => read,
        Err(problem) => return mistaken(&problem),
    };
    let decider = &console.ports.decider;
    match decider.decide(attempt, &input, Undecided::Allow).await {
        Ok(decided) if document == "allow" => {
            let id = decided.event_id.as_str();
            Json(json!({ "decision_id": id, "result": decided.reasons.allow })).into_response()
        }
        Ok(decided) => {
            let id = decided.event_id.to_string();
            Json(json!({ "decision_id": id, "result": decided })).into_response()
        }
        Err(error) => mistaken(&refused(error)),
    }
}

/// A failure in the form of OPA's.
fn mistaken(problem: &Problem) -> Response {
    let (status, code) = match problem.status() {
        status if status.is_server_error() => (status, "internal_error"),
        _ => (StatusCode::BAD_REQUEST, "invalid_parameter"),
    };
    let errors: Vec<_> = problem
        .errors
        .iter()
        .map(|mistake| {
            let message = format!("{}: {}", mistake.field, mistake.message);
            json!({ "code": code, "message": message })
        })
        .collect();
    let answer = json!({ "code": code, "message": problem.detail, "errors": errors });
    (status, Json(answer)).into_response()
}
