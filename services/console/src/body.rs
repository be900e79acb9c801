//! JSON bodies, read strictly: at most 1 MiB, unknown keys refused, a wrong type named by its path.
//! What is no JSON is 400; JSON of another shape is 422.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::{Mistake, Problem};

/// Largest body of a request, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A body read as JSON.
pub(crate) struct Strict<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            let detail = "the body must be JSON: send `content-type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        parse(&read(body).await?).map(Strict)
    }
}

/// The whole body, within [`BODY_BYTES_MAX`].
pub(crate) async fn read(body: Body) -> Result<Bytes, Problem> {
    read_up_to(body, BODY_BYTES_MAX).await
}

/// The whole body, within so many bytes.
pub(crate) async fn read_up_to(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    to_bytes(body, bytes_max).await.map_err(|_| {
        let detail = format!("the body is longer than {bytes_max} bytes, or was cut off");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE);
    let essence = given
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase());
    essence.is_some_and(|essence| essence == "application/json" || essence.ends_with("+json"))
}

/// The bytes as JSON of that shape, and nothing behind it.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    // Keeping track of the path costs more than reading: only what has a mistake is read so.
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(refuse)?;
    reader.end().map_err(|error| {
        Problem::bad_request(vec![Mistake::new(
            "",
            format!("more follows the JSON: {error}"),
        )])
    })?;
    Ok(value)
}

/// JSON as what it must be.
pub(crate) fn shape<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(refuse)
}

fn refuse(error: serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let mistake = Mistake::new(pointer(error.path()), error.inner().to_string());
    match error.inner().classify() {
        serde_json::error::Category::Data => wrong_shape(mistake),
        _ => Problem::bad_request(vec![mistake]),
    }
}

/// JSON, but not what is expected.
pub(crate) fn wrong_shape(mistake: Mistake) -> Problem {
    let detail = "the body has not the expected shape, see `errors`";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).errors(vec![mistake])
}

/// A path of serde as a JSON pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// The revision that `If-Match` names; absent when there is none, or any will do (`*`).
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let number = text
        .strip_prefix("W/")
        .unwrap_or(text)
        .trim_matches('"')
        .parse();
    number.map(Some).map_err(|_| {
        let message = "is not an ETag that this API gave, like `\"3\"`";
        Problem::bad_request(vec![Mistake::new("If-Match", message)])
    })
}
