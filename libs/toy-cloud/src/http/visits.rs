use axum::extract::{Path, State};
use http::HeaderMap;

use super::Shared;
use super::answers::Answer;
use super::content::{as_attachment, bytes_of};
use super::session;

/// What a link's visitor gets: text, pictures and PDF to look at, anything else to keep.
pub(super) async fn visit(
    State(service): Shared,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let visitor = session::visitor(&service, &headers);
    let (view, version) = service.model().visit(&token, visitor.as_ref())?;
    let mut response = bytes_of(&view, version, Some(&headers))?;
    if !is_to_look_at(view.mime_type.as_deref().unwrap_or_default()) {
        as_attachment(&mut response, &view.name);
    }
    Ok(response)
}

fn is_to_look_at(mime_type: &str) -> bool {
    let essence = mime_type.split(';').next().unwrap_or_default().trim();
    matches!(
        essence,
        "text/plain" | "application/pdf" | "image/png" | "image/jpeg" | "image/gif"
    )
}
