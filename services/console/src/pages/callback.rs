use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use super::{Page, see};
use crate::Shared;
use crate::problem::{CONSENT_REFUSED, Problem};
use ports::{AdminError, Callback};

/// Longest value that a consent page may send back, in bytes.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// Where a consent page sends the browser back to. Nobody is signed in here: `state` is the proof.
/// Services add parameters of their own, so unknown names are passed over.
pub(super) async fn page(State(console): State<Shared>, uri: Uri) -> Page {
    let connection = console.ports.connections.callback(read(&uri)).await;
    let connection = connection.map_err(in_plain_words)?;
    Ok(see(format!("/connections/{}", connection.id)) as Response)
}

fn read(uri: &Uri) -> Callback {
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    let mut callback = Callback::default();
    for (name, value) in pairs.map(|pairs| pairs.0).unwrap_or_default() {
        let place = match name.as_str() {
            "state" => &mut callback.state,
            "code" => &mut callback.code,
            "error" => &mut callback.error,
            "error_description" => &mut callback.error_description,
            _ => continue,
        };
        if value.len() <= VALUE_BYTES_MAX {
            *place = Some(value);
        }
    }
    callback
}

/// Who reads this may be the service's administrator, who has never seen Tidegate.
fn in_plain_words(error: AdminError) -> Problem {
    match error {
        AdminError::ConsentRefused { detail } => {
            let detail = format!(
                "consent was not given: {detail}. Nothing was connected. Go back to the connection \
                 and choose “Authorize” to try again"
            );
            Problem::new(StatusCode::FORBIDDEN, detail).code(CONSENT_REFUSED)
        }
        AdminError::NotFound { .. } => {
            let detail = "this consent was not asked for, was used already, or took too long. \
                          Choose “Authorize” on the connection's page again";
            Problem::new(StatusCode::BAD_REQUEST, detail).code(CONSENT_REFUSED)
        }
        other => other.into(),
    }
}
