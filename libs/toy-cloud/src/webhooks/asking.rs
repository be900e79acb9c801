//! What a webhook is asked or told before it is told of anything that happened: whether it is the one that was meant.

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
    let answer = answer(http.get(url).header(header, question)).await?;
    serde_json::from_slice(&answer).ok()
}

/// Whether the address answers with the challenge and nothing else.
pub(crate) async fn gives_back(request: reqwest::RequestBuilder, challenge: &str) -> bool {
    answer(request).await.as_deref() == Some(challenge.as_bytes())
}

/// What is answered under a success.
async fn answer(request: reqwest::RequestBuilder) -> Option<Vec<u8>> {
    let mut response = request.timeout(ANSWER_TIMEOUT).send().await.ok()?;
    if !response.status().is_success() {
        return None;
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return None;
        }
    }
    Some(body)
}

/// Posts headers without a body; whether the answer was success.
pub(crate) async fn tell(
    http: &reqwest::Client,
    url: &str,
    headers: &[(&'static str, &str)],
) -> bool {
    let request = http.post(url).timeout(ANSWER_TIMEOUT);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    let answer = request.send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}
