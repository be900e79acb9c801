//! Signed deliveries over keep-alive connections, as fast as they are answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use ports::Clock;
use ring::hmac;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::connection_id;

/// The key under which deliveries are signed, before base64.
const KEY: &[u8; 32] = b"a-key-for-measurements-only-1234";
/// How many objects the activities are of.
pub(crate) const OBJECTS: u64 = 5_000;
/// Largest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The key as Standard Webhooks writes it.
pub(crate) fn secret() -> String {
    format!("whsec_{}", STANDARD.encode(KEY))
}

/// What one run came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) took: Duration,
    pub(crate) body_bytes: usize,
}

/// Sends for that long from so many connections.
pub(crate) async fn send(
    to: SocketAddr,
    clock: Arc<dyn Clock>,
    concurrency: u64,
    time: Duration,
) -> anyhow::Result<Sent> {
    let next = Arc::new(AtomicU64::new(0));
    let refused = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let began = clock.monotonic();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..concurrency {
        let (next, refused) = (Arc::clone(&next), Arc::clone(&refused));
        let (stop, clock) = (Arc::clone(&stop), Arc::clone(&clock));
        senders.spawn(async move {
            let mut stream = TcpStream::connect(to).await?;
            stream.set_nodelay(true)?;
            let mut accepted = 0u64;
            while !stop.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let status = deliver(&mut stream, &delivery(number, clock.now())).await?;
                match status {
                    200..=299 => accepted += 1,
                    _ => {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            anyhow::Ok(accepted)
        });
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut accepted = 0;
    while let Some(sender) = senders.join_next().await {
        accepted += sender??;
    }
    let took = clock.monotonic().saturating_sub(began);
    let body_bytes = body(0, clock.now()).len();
    Ok(Sent {
        accepted,
        refused: refused.load(Ordering::Relaxed),
        took,
        body_bytes,
    })
}

/// An activity of the size that services send, with its own id.
pub(crate) fn body(number: u64, now: DateTime<Utc>) -> String {
    let at = event_model::rfc3339(now);
    json!({
        "type": "file.shared",
        "timestamp": at,
        "data": {
            "id": format!("evt_{number:012}"),
            "tenant_id": "acme",
            "type": "file.shared",
            "category": "sharing",
            "occurred_at": at,
            "logged_at": at,
            "actor": {"id": "u_acme_alice", "name": "Alice Archer", "email": "alice@acme.example",
                      "external": false, "role": "member", "ip": "203.0.113.7"},
            "object": {"id": format!("f_{}", number % OBJECTS), "type": "file", "name": "third quarter results, final.docx",
                       "path": "/alice/reports/2026/third quarter results, final.docx",
                       "download_url": "http://127.0.0.1:1/api/v1/files/f_1/content", "version": 3},
            "share": {"from_email": "alice@acme.example",
                      "target": {"id": "u_acme_gus", "email": "gus@partner.example", "external": true},
                      "role": "viewer", "link": null},
            "client": {"user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36", "app_id": null},
        },
    })
    .to_string()
}

fn delivery(number: u64, now: DateTime<Utc>) -> Vec<u8> {
    let body = body(number, now);
    let (id, at) = (format!("msg_{number}"), now.timestamp());
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, KEY));
    context.update(format!("{id}.{at}.").as_bytes());
    context.update(body.as_bytes());
    let signature = STANDARD.encode(context.sign());
    format!(
        "POST /webhooks/{} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: v1,{signature}\r\n\r\n{body}",
        connection_id(),
        body.len(),
    )
    .into_bytes()
}

/// Sends a request and reads its answer; gives the status.
pub(super) async fn deliver(stream: &mut TcpStream, request: &[u8]) -> anyhow::Result<u16> {
    stream.write_all(request).await?;
    let mut answer = Vec::with_capacity(512);
    let head = loop {
        if stream.read_buf(&mut answer).await? == 0 {
            bail!("the server closed the connection");
        }
        if let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        if answer.len() > ANSWER_BYTES_MAX {
            bail!("the answer's headers do not end");
        }
    };
    let text = std::str::from_utf8(&answer[..head]).context("the answer's headers are not text")?;
    let status = text
        .get(9..12)
        .and_then(|digits| digits.parse().ok())
        .context("no status")?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let mut left = (head + length.unwrap_or(0)).saturating_sub(answer.len());
    let mut rest = [0; 4096];
    while left > 0 {
        let take = left.min(rest.len());
        let read = stream.read(&mut rest[..take]).await?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        left -= read;
    }
    Ok(status)
}
