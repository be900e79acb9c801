//! A question to a webhook before it is told anything: whether it is the one that was meant.

use std::time::Duration;

use serde_json::Value;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Asks by a header of a GET; the answer as JSON, if there is one.
pub(crate) async fn ask(
    http: &reqwest::Client,
    url: &str,
    header: &str,
    question: &str,
) -> Option<Value> {
    let request = http.get(url).header(header, question);
    let mut response = request.timeout(ANSWER_TIMEOUT).send().await.ok()?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return None;
        }
    }
    serde_json::from_slice(&body).ok()
}
