//! Incidents over the API: listed, shown, ruled on, and responded to; a dry run changes nothing.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use event_model::{CaseChange, CaseVerdict, ConnectionScope, Incident, IncidentStatus, Severity};
use ports::IncidentFilter;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::etag;
use crate::Shared;
use crate::acts::incidents::{Deed, Refused, WORKED_MAX, Worked, number};
use crate::auth::Actor;
use crate::body::{Strict, if_match};
use crate::problem::{Mistake, Problem};
use crate::query::Query;

/// What narrows a list of incidents.
pub(crate) const FILTERS: [&str; 16] = [
    "status",
    "severity",
    "verdict",
    "owner",
    "tag",
    "connection",
    "policy",
    "actor_email",
    "object_id",
    "event_id",
    "number",
    "repeat_of",
    "repeats",
    "q",
    "from",
    "to",
];

/// Most numbers that one list asks for.
const NUMBERS_MAX: usize = 50;

/// A person's work on an incident; what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulingBody {
    /// The status to set. Closing needs a verdict, and a comment as its reason.
    #[serde(default)]
    status: Option<IncidentStatus>,
    /// What the person concludes; `false_positive` follows from that status.
    #[serde(default)]
    verdict: Option<CaseVerdict>,
    /// How bad it really is.
    #[serde(default)]
    severity: Option<Severity>,
    /// Who works on it from now on; `null` takes the owner away.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    owner: Option<Option<String>>,
    /// Tags to add.
    #[serde(default)]
    add_tags: Vec<String>,
    /// Tags to take away.
    #[serde(default)]
    remove_tags: Vec<String>,
    /// What the person says; closing, the reason.
    #[serde(default)]
    comment: Option<String>,
}

/// `null` is a value, too.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(value).map(Some)
}

impl RulingBody {
    fn change(self) -> Result<CaseChange, Problem> {
        let change = CaseChange {
            status: self.status,
            verdict: self.verdict,
            severity: self.severity,
            owner: self.owner,
            tags_added: self.add_tags,
            tags_removed: self.remove_tags,
            comment: self.comment,
        };
        match change.is_empty() {
            true => Err(Problem::bad_request(vec![Mistake::new(
                "",
                "nothing is to be changed",
            )])),
            false => Ok(change),
        }
    }
}

/// The same work on many incidents.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkBody {
    /// These, by id or number; at most 1,000.
    #[serde(default)]
    incidents: Vec<String>,
    /// Or all that match: a query as lists of incidents take it, such as `status=new&policy=pol_…`.
    #[serde(default)]
    matching: Option<String>,
    /// Where to go on: the `next` of the answer before.
    #[serde(default)]
    cursor: Option<String>,
    /// What to do to each.
    change: RulingBody,
}

/// What came of work on many incidents.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WorkAnswer {
    /// How many were changed.
    changed: usize,
    /// Those that were not.
    refused: Vec<RefusedItem>,
    /// More match: go on with this cursor.
    next: Option<String>,
}

/// An incident that was not changed.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RefusedItem {
    /// As it was given, or its number.
    incident: String,
    /// Why, in a sentence.
    why: String,
}

impl From<Worked> for WorkAnswer {
    fn from(worked: Worked) -> Self {
        let item = |Refused { incident, why }| RefusedItem { incident, why };
        WorkAnswer {
            changed: worked.changed,
            refused: worked.refused.into_iter().map(item).collect(),
            next: worked.next,
        }
    }
}

/// Reads the filter that [`FILTERS`] names. A text of numbers alone asks for these incidents.
pub(crate) fn filter(query: &mut Query) -> IncidentFilter {
    let text = query.text("q");
    let asked = text.as_deref().and_then(numbers);
    let named = query.text("number");
    let named = named.map(|list| {
        numbers(&list).unwrap_or_else(|| {
            query.refuse(
                "number",
                format!("is not a list of at most {NUMBERS_MAX} numbers like `DLP-12`"),
            );
            Vec::new()
        })
    });
    let repeats = query.word("repeats", &[true, false], |with| {
        if with { "true" } else { "false" }
    });
    IncidentFilter {
        status: query.words("status", IncidentStatus::ALL, IncidentStatus::word),
        severity: query.words("severity", Severity::ALL, Severity::word),
        connection: query.parsed("connection"),
        within: ConnectionScope::Every,
        policy: query.parsed("policy"),
        actor_email: query.text("actor_email"),
        object_id: query.text("object_id"),
        event_id: query.text("event_id"),
        text: text.filter(|_| asked.is_none()),
        from: query.instant("from"),
        to: query.instant("to"),
        numbers: named.or(asked).unwrap_or_default(),
        owner: query.text("owner").map(|owner| {
            if owner == "none" {
                String::new()
            } else {
                owner
            }
        }),
        tag: query.text("tag"),
        verdict: query.words("verdict", CaseVerdict::ALL, CaseVerdict::word),
        repeat_of: query.parsed("repeat_of"),
        without_repeats: repeats == Some(false),
    }
}

/// The numbers of a list with commas or spaces between, when it is nothing else.
fn numbers(text: &str) -> Option<Vec<String>> {
    let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
    let all: Vec<String> = parts.map(number).collect::<Option<_>>()?;
    (!all.is_empty() && all.len() <= NUMBERS_MAX).then_some(all)
}

pub(crate) async fn list(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let known = [&FILTERS[..], &["limit", "cursor"]].concat();
    let mut query = Query::read(&uri, &known);
    let filter = filter(&mut query);
    let request = query.page();
    query.finish(())?;
    let page = console
        .ports
        .incidents
        .incident_page(&filter, &request)
        .await?;
    Ok(Json(page).into_response())
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(console.incident_named(&given).await?))
}

pub(crate) async fn rule(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    headers: HeaderMap,
    Strict(body): Strict<RulingBody>,
) -> Result<Response, Problem> {
    let change = body.change()?;
    let incident = console.incident_named(&given).await?;
    let changed = console.work(&by, &incident, if_match(&headers)?, &change);
    Ok(shown(changed.await?))
}

/// Works on many at once: some that are named, or all that match.
pub(crate) async fn work(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Strict(body): Strict<WorkBody>,
) -> Result<Response, Problem> {
    let change = Deed::Change(body.change.change()?);
    let refuse = |field: &str, message: String| {
        Err(Problem::bad_request(vec![Mistake::new(field, message)]))
    };
    let worked = match (&body.incidents[..], body.matching) {
        (some, None) if (1..=WORKED_MAX).contains(&some.len()) => {
            console.work_on_some(&by, some, &change).await?
        }
        ([], Some(matching)) => {
            let filter = matching_filter(&matching)?;
            let worked = console.work_on_matching(&by, &filter, body.cursor, &change);
            worked.await?
        }
        _ => {
            let message = format!("give `matching`, or 1 to {WORKED_MAX} incidents");
            return refuse("/incidents", message);
        }
    };
    Ok(Json(WorkAnswer::from(worked)).into_response())
}

/// The filter of a query that stands in a body or a form.
pub(crate) fn matching_filter(matching: &str) -> Result<IncidentFilter, Problem> {
    let uri = Uri::builder()
        .path_and_query(format!("/?{matching}"))
        .build();
    let uri = uri.map_err(|_| {
        Problem::bad_request(vec![Mistake::new(
            "/matching",
            "is not `name=value&name=value`",
        )])
    })?;
    let mut query = Query::read(&uri, &FILTERS);
    let filter = filter(&mut query);
    query.finish(filter)
}

/// Plans a response that a person asks for; with `dry_run=true` only says what it would do.
pub(crate) async fn ask_for(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    uri: Uri,
    Strict(response): Strict<event_model::Response>,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["dry_run"]);
    let dry_run = query.text("dry_run");
    query.finish(())?;
    let incident = console.incident_named(&given).await?.id;
    match dry_run.as_deref() {
        Some("true") => {
            let rehearsal = console.rehearse(incident, &response).await?;
            Ok(Json(rehearsal).into_response())
        }
        None | Some("false") => {
            let remedy = console.ask_for(&by, incident, &response).await?;
            Ok((StatusCode::ACCEPTED, Json(remedy)).into_response())
        }
        Some(_) => Err(Problem::bad_request(vec![Mistake::new(
            "dry_run",
            "must be `true` or `false`",
        )])),
    }
}

fn shown(incident: Incident) -> Response {
    (etag(incident.revision), Json(incident)).into_response()
}
