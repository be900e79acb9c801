//! The bytes of files, in and out. A download makes an activity, a HEAD does not. One range at a time is honoured; what is not one is
//! answered as a whole.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::Shared;
use super::answers::{Answer, ApiError, done, etag, file};
use super::asked::{Caller, Params, Upload, if_match};
use crate::model::activity::Kind;
use crate::model::large::Large;
use crate::model::objects::Version;
use crate::model::views::FileView;
use crate::oauth::scopes::Scope;

/// What every answer with a user's bytes carries, so that a browser runs nothing of them.
const HARMLESS: [(HeaderName, HeaderValue); 2] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    ),
];

#[derive(Debug, Deserialize)]
pub(super) struct NewFile {
    name: String,
    parent_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Which {
    version: Option<u64>,
}

pub(super) async fn upload(
    State(service): Shared,
    caller: Caller,
    Params(new): Params<NewFile>,
    headers: HeaderMap,
    upload: Upload,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    let content = upload.content(mime_type(&headers));
    let made = service
        .model()
        .upload(by, &new.name, new.parent_id.as_deref(), content)?;
    Ok(file(StatusCode::CREATED, &made.view))
}

pub(super) async fn update(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    upload: Upload,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    let expected = if_match(&headers)?;
    let content = upload.content(mime_type(&headers));
    let updated = service.model().update(by, &id, content, expected)?;
    Ok(done(&updated))
}

pub(super) async fn remove_version(
    State(service): Shared,
    caller: Caller,
    Path((id, version)): Path<(String, u64)>,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    service.model().remove_version(by, &id, version)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn download(
    State(service): Shared,
    caller: Caller,
    method: Method,
    Path(id): Path<String>,
    Params(which): Params<Which>,
    headers: HeaderMap,
) -> Answer {
    let by = caller.may(Scope::ContentRead)?;
    let told = (method == Method::GET).then_some(Kind::FileDownloaded);
    let (read, version) = service.model().read(by, &id, which.version, told)?;
    bytes_of(&read.view, version, Some(&headers))
}

fn mime_type(headers: &HeaderMap) -> &str {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// The bytes of a version, or the range of them that the headers ask for.
pub(super) fn bytes_of(view: &FileView, version: Version, asked: Option<&HeaderMap>) -> Answer {
    let tag = etag(version.number);
    let range = asked.and_then(|headers| {
        let current = headers
            .get(IF_RANGE)
            .is_none_or(|condition| condition == tag);
        headers.get(RANGE).filter(|_| current)?.to_str().ok()
    });
    let total = version.size() as usize;
    let asked = range.map_or(Asked::Whole, |range| asked_range(range, total));
    let mut response = match (asked, version.large) {
        (Asked::Whole, None) => version.bytes.into_response(),
        (Asked::Part(part), None) => {
            let body = Body::from(version.bytes.slice(part.clone()));
            partial(body, &part, total)
        }
        (Asked::Whole, Some(large)) => {
            let length = [(CONTENT_LENGTH, HeaderValue::from(large.bytes))];
            (length, streamed(large, 0..total)).into_response()
        }
        (Asked::Part(part), Some(large)) => partial(streamed(large, part.clone()), &part, total),
        (Asked::Nothing, _) => {
            let message = "the range is outside the content";
            let error = ApiError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "range_not_satisfiable",
                message,
            );
            let mut response = error.into_response();
            response
                .headers_mut()
                .insert(CONTENT_RANGE, header(format!("bytes */{total}")));
            return Ok(response);
        }
    };
    let headers = response.headers_mut();
    headers.extend(HARMLESS);
    headers.insert(ETAG, tag);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let mime_type = view.mime_type.clone().unwrap_or_default();
    headers.insert(CONTENT_TYPE, header(mime_type));
    Ok(response)
}

fn partial(body: Body, part: &Range<usize>, total: usize) -> Response {
    let described = format!("bytes {}-{}/{total}", part.start, part.end - 1);
    let headers = [
        (CONTENT_RANGE, header(described)),
        (CONTENT_LENGTH, HeaderValue::from(part.len())),
    ];
    (StatusCode::PARTIAL_CONTENT, headers, body).into_response()
}

/// Read from disk piece by piece, as it is taken.
fn streamed(large: Arc<Large>, part: Range<usize>) -> Body {
    let end = part.end as u64;
    let next = move |at: u64| {
        let large = Arc::clone(&large);
        async move {
            if at >= end {
                return Ok(None);
            }
            let read = tokio::task::spawn_blocking(move || large.piece(at, end));
            let piece = read.await.map_err(std::io::Error::other)??;
            let to = at + piece.len() as u64;
            Ok::<_, std::io::Error>(Some((Bytes::from(piece), to)))
        }
    };
    Body::from_stream(futures::stream::try_unfold(part.start as u64, next))
}

/// Tells a browser to keep the answer as a file by this name.
pub(super) fn as_attachment(response: &mut Response, name: &str) {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let disposition = header(format!("attachment; filename*=UTF-8''{name}"));
    response
        .headers_mut()
        .insert(CONTENT_DISPOSITION, disposition);
}

fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<usize>),
    Nothing,
}

/// One range of bytes; what is not one asks for the whole.
fn asked_range(text: &str, total: usize) -> Asked {
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Asked::Whole;
    };
    let part = match (first.trim().parse::<usize>(), last.trim().parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(total),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..total,
        (Err(_), Ok(count)) if first.trim().is_empty() => total.saturating_sub(count)..total,
        _ => return Asked::Whole,
    };
    if part.is_empty() {
        Asked::Nothing
    } else {
        Asked::Part(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_what_there_is() {
        let table = [
            ("bytes=0-3", Asked::Part(0..4)),
            ("bytes=5-", Asked::Part(5..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=8-99", Asked::Part(8..10)),
            ("bytes=0-18446744073709551615", Asked::Part(0..10)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=3-1", Asked::Whole),
            ("bytes=0-1,4-5", Asked::Whole),
            ("lines=0-1", Asked::Whole),
        ];
        for (text, expected) in table {
            assert_eq!(asked_range(text, 10), expected, "{text}");
        }
    }
}
