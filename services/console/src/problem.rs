//! Errors as RFC 9457 problem JSON: what happened, every mistake, and a code where an administrator
//! can do something about it.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use event_model::IllegalTransition;
use ports::StoreError;
use schemars::JsonSchema;
use serde::Serialize;

use ports::AdminError;

/// The token or the session is missing or wrong.
pub(crate) const NOT_SIGNED_IN: &str = "TG-040";
/// A policy has mistakes.
pub(crate) const POLICY_MISTAKES: &str = "TG-041";
/// A connection's settings have mistakes.
pub(crate) const CONNECTION_MISTAKES: &str = "TG-042";
/// The service did not give consent.
pub(crate) const CONSENT_REFUSED: &str = "TG-043";
/// The service does not give, or answer, what is needed.
pub(crate) const SERVICE_FAILED: &str = "TG-044";
/// Someone else changed it meanwhile.
pub(crate) const CHANGED_MEANWHILE: &str = "TG-045";
/// The store is not available.
pub(crate) const STORE_UNAVAILABLE: &str = "TG-046";
/// Too many live views are open.
pub(crate) const TOO_MANY_STREAMS: &str = "TG-047";

/// Who asks may not do it.
pub(crate) const NOT_ALLOWED: &str = "TG-060";

/// Too many tries: wait.
pub(crate) const TOO_MANY_TRIES: &str = "TG-061";
/// What was given of an account has mistakes.
pub(crate) const ACCOUNT_MISTAKES: &str = "TG-062";

/// An access policy does not let who asks do it.
pub(crate) const ACCESS_REFUSED: &str = "TG-066";

/// One mistake in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Mistake {
    /// Where: a JSON pointer into the body, or a query parameter's name.
    pub(crate) field: String,
    /// What is wrong, in a sentence.
    pub(crate) message: String,
    /// What to write in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// What sort of mistake, where a program may care.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// Where in a rule.
    #[serde(flatten)]
    pub(crate) position: Option<Position>,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Position {
    /// Line, from 1.
    pub(crate) line: usize,
    /// Column in characters, from 1.
    pub(crate) column: usize,
    /// Bytes before it.
    pub(crate) offset: usize,
    /// Length in bytes.
    pub(crate) length: usize,
}

impl Mistake {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Mistake {
            field: field.into(),
            message: message.into(),
            hint: None,
            code: None,
            position: None,
        }
    }

    pub(crate) fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// Why a request was not done.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    pub(crate) detail: String,
    pub(crate) errors: Vec<Mistake>,
    code: Option<&'static str>,
    retry_after: Option<Duration>,
    /// What it is now, of what was changed meanwhile.
    current: Option<u64>,
}

/// A problem on the wire: RFC 9457, section 3.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProblemItem<'p> {
    /// A URI of this kind of problem.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'p str,
    /// The HTTP status.
    status: u16,
    /// What happened, in a sentence.
    detail: &'p str,
    /// A code with a page of what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'p str>,
    /// Every mistake.
    #[serde(skip_serializing_if = "<[Mistake]>::is_empty")]
    errors: &'p [Mistake],
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Problem {
            status,
            detail: detail.into(),
            errors: Vec::new(),
            code: None,
            retry_after: None,
            current: None,
        }
    }

    pub(crate) fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Problem::new(StatusCode::NOT_FOUND, format!("there is no {what} `{id}`"))
    }

    pub(crate) fn bad_request(mistakes: Vec<Mistake>) -> Self {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "the request has mistakes, see `errors`",
        )
        .errors(mistakes)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::CONFLICT, detail)
    }

    pub(crate) fn precondition(what: &str) -> Self {
        let detail = format!("the {what} was changed by someone else, read it again");
        Problem::new(StatusCode::PRECONDITION_FAILED, detail).code(CHANGED_MEANWHILE)
    }

    /// As [`Self::precondition`], with the ETag that it has now.
    pub(crate) fn not_as_it_was(what: &str, current: impl Into<u64>) -> Self {
        Problem {
            current: Some(current.into()),
            ..Problem::precondition(what)
        }
    }

    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(crate) fn errors(mut self, errors: Vec<Mistake>) -> Self {
        self.errors = errors;
        self
    }

    pub(crate) fn retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry_after = after;
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// When to try again.
    pub(crate) fn comes_back(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The status in words.
    pub(crate) fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }

    pub(crate) fn code_word(&self) -> Option<&'static str> {
        self.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let wire = ProblemItem {
            kind: match self.code {
                Some(code) => format!("urn:tidegate:error:{code}"),
                None => "about:blank".to_owned(),
            },
            title: self.title(),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            errors: &self.errors,
        };
        let mut response = (self.status, Json(wire)).into_response();
        let headers = response.headers_mut();
        let problem_json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem_json);
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer realm=\"tidegate\"");
            headers.insert(header::WWW_AUTHENTICATE, bearer);
        }
        if let Some(current) = self.current
            && let Ok(etag) = HeaderValue::try_from(format!("\"{current}\""))
        {
            headers.insert(header::ETAG, etag);
        }
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, after.as_secs().max(1).into());
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error {
            StoreError::Unavailable(_) => {
                tracing::error!(error = ?error, "the store is not available");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
                    .code(STORE_UNAVAILABLE)
                    .retry_after(Some(Duration::from_secs(1)))
            }
            StoreError::NotFound { .. } => Problem::new(StatusCode::NOT_FOUND, detail),
            StoreError::Conflict { .. } | StoreError::Fenced { .. } => {
                Problem::conflict(detail).code(CHANGED_MEANWHILE)
            }
            StoreError::Corrupt { .. } => {
                tracing::error!(error = ?error, "the store holds something unreadable");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
            StoreError::BadCursor { .. } => {
                Problem::bad_request(vec![Mistake::new("cursor", detail)])
            }
        }
    }
}

impl From<IllegalTransition> for Problem {
    fn from(illegal: IllegalTransition) -> Self {
        Problem::conflict(illegal.to_string())
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        let detail = error.to_string();
        match error {
            AdminError::NotFound { .. } => Problem::new(StatusCode::NOT_FOUND, detail),
            AdminError::Invalid(mistakes) => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the connection has mistakes, see `errors`",
            )
            .code(CONNECTION_MISTAKES)
            .errors(
                mistakes
                    .into_iter()
                    .map(|mistake| Mistake::new(mistake.field, mistake.message).hint(mistake.hint))
                    .collect(),
            ),
            AdminError::Illegal(illegal) => illegal.into(),
            AdminError::Conflict { .. } => Problem::conflict(detail),
            AdminError::ConsentRefused { .. } => {
                Problem::new(StatusCode::FORBIDDEN, detail).code(CONSENT_REFUSED)
            }
            AdminError::Unhealthy(health) => {
                let failing = health.checks.into_iter().filter(|check| !check.ok);
                let errors = failing.map(|check| Mistake::new(check.name, check.detail));
                Problem::conflict(detail)
                    .code(SERVICE_FAILED)
                    .errors(errors.collect())
            }
            AdminError::Service { retry_after, .. } => {
                let status = match retry_after {
                    Some(_) => StatusCode::SERVICE_UNAVAILABLE,
                    None => StatusCode::BAD_GATEWAY,
                };
                Problem::new(status, detail)
                    .code(SERVICE_FAILED)
                    .retry_after(retry_after)
            }
            AdminError::Store(error) => error.into(),
        }
    }
}
