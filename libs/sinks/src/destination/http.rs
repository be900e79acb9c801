//! What the receivers over HTTP have in common: no redirect is followed, every call has an end, of an answer no
//! more is read than is needed, and what it means is decided in one place.

use std::path::Path;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};

use super::{DeliveryError, tls};

/// Longest that a call may take.
const CALL_MAX: Duration = Duration::from_secs(30);
/// Longest that connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Most of an answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Of an answer that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 200;
/// Longest pause that a receiver may ask for.
const PAUSE_MAX: u64 = 3_600;

#[expect(
    clippy::disallowed_methods,
    reason = "the administrator says where incidents go, inside the own network too; no redirect leads elsewhere"
)]
pub(super) fn client(ca_file: Option<&Path>) -> Result<Client, String> {
    Client::builder()
        .use_preconfigured_tls(tls::config(ca_file)?)
        .redirect(redirect::Policy::none())
        .timeout(CALL_MAX)
        .connect_timeout(CONNECT_MAX)
        .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| error.to_string())
}

/// Sends; the answer's body when it is 2xx.
pub(super) async fn send(request: RequestBuilder) -> Result<Vec<u8>, DeliveryError> {
    let answer = request
        .send()
        .await
        .map_err(|error| DeliveryError::later(told(&error)))?;
    let (status, after) = (answer.status(), retry_after(&answer));
    let body = body(answer).await?;
    if status.is_success() {
        return Ok(body);
    }
    let text = String::from_utf8_lossy(&body);
    let text: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(SHOWN_CHARS_MAX)
        .collect();
    let reason = format!("it answered {status}: {text}");
    Err(match is_about_the_event(status) {
        true => DeliveryError::Refused { reason },
        false => DeliveryError::Later { reason, after },
    })
}

/// 400, 413 and 422 are said of this event; all else may be mended: a credential, a path, a receiver.
fn is_about_the_event(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 413 | 422)
}

/// `Retry-After` in seconds; a date is left to the usual pauses. Source: RFC 9110, 10.2.3.
fn retry_after(answer: &Response) -> Option<Duration> {
    let header = answer.headers().get(reqwest::header::RETRY_AFTER)?;
    let seconds: u64 = header.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(PAUSE_MAX)))
}

async fn body(mut answer: Response) -> Result<Vec<u8>, DeliveryError> {
    let mut body = Vec::new();
    while let Some(piece) = answer
        .chunk()
        .await
        .map_err(|error| DeliveryError::later(told(&error)))?
    {
        let room = ANSWER_BYTES_MAX.saturating_sub(body.len());
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if room <= piece.len() {
            break;
        }
    }
    Ok(body)
}

/// The error with its causes, without the address: it may hold a secret.
fn told(error: &reqwest::Error) -> String {
    let mut text = String::from("it cannot be reached");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
