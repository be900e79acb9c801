//! Sends what a lane holds, up to [`DELIVERIES_CONCURRENT_MAX`] at once: signs each attempt, tries again what was not accepted, and
//! deactivates the registration on 410.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::lane::{DELIVERIES_CONCURRENT_MAX, Delivery, Lane, deed};
use super::style::Parcel;
use crate::chance::{Roll, Stream};
use crate::clock::Moment;
use crate::ledger::Outcome;
use crate::model::Ground;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
const ANSWER_BYTES_MAX: usize = 64 << 10;
const WAITS_MS: [u64; 5] = [200, 500, 1_000, 2_000, 5_000];
const WAIT_AFTERWARDS_MS: u64 = 10_000;
const RETRY_AFTER_S_MAX: u64 = 3_600;
const TRIED_FOR_MS: u64 = 24 * 3_600_000;

struct Answer {
    status: u16,
    retry_after_ms: u64,
}

/// Stands for the answer to a delivery that the style leaves out.
const NOTHING_TO_TELL: Answer = Answer {
    status: 204,
    retry_after_ms: 0,
};

/// Delivers until the lane is closed or the service stops.
pub(crate) async fn run(
    lane: Arc<Lane>,
    ground: Ground,
    http: reqwest::Client,
    mut stop: watch::Receiver<bool>,
) {
    let mut flying = JoinSet::new();
    loop {
        let changed = lane.changed.notified();
        while flying.len() < DELIVERIES_CONCURRENT_MAX
            && let Some(delivery) = lane.take(ground.clock.now())
        {
            flying.spawn(attempt(
                Arc::clone(&lane),
                ground.clone(),
                http.clone(),
                delivery,
            ));
        }
        if lane.is_closed() || *stop.borrow() {
            return;
        }
        let due = lane
            .next_due()
            .filter(|_| flying.len() < DELIVERIES_CONCURRENT_MAX);
        tokio::select! {
            () = changed => {}
            Some(_) = flying.join_next() => {}
            () = ground.clock.sleep_until(due.unwrap_or_default()), if due.is_some() => {}
            _ = stop.changed() => return,
        }
    }
}

async fn attempt(lane: Arc<Lane>, ground: Ground, http: reqwest::Client, delivery: Delivery) {
    let answer = post(&lane, &ground, &http, &delivery).await;
    let status = answer.as_ref().map(|answer| answer.status);
    let now = ground.clock.now();
    let outcome = match status {
        Some(200..=299) => Outcome::Accepted,
        Some(410) => Outcome::Failed,
        _ if now > delivery.first_due.plus_ms(TRIED_FOR_MS) => Outcome::Failed,
        _ => Outcome::Retrying,
    };
    let Delivery {
        id,
        activity,
        attempts,
        ..
    } = &delivery;
    ground.ledger.write(deed(
        lane.webhook_id(),
        id,
        &activity.id,
        *attempts,
        status,
        outcome,
    ));
    match outcome {
        Outcome::Accepted => lane.accepted(),
        Outcome::Retrying => {
            let asked_ms = answer.map_or(0, |answer| answer.retry_after_ms);
            let wait_ms = backoff_ms(&delivery, ground.faults.seed()).max(asked_ms);
            lane.again(delivery, now.plus_ms(wait_ms));
        }
        Outcome::Failed | Outcome::Dropped => {
            lane.given_up();
            if status == Some(410) {
                lane.deactivate();
            }
        }
    }
}

async fn post(
    lane: &Lane,
    ground: &Ground,
    http: &reqwest::Client,
    delivery: &Delivery,
) -> Option<Answer> {
    let now = ground.clock.now();
    let key = lane.key();
    let letter = (lane.style())(&Parcel {
        delivery_id: &delivery.id,
        webhook_id: lane.webhook_id(),
        url: lane.url(),
        activity: &delivery.activity,
        key: &key,
        now,
    });
    let Some(letter) = letter else {
        return Some(NOTHING_TO_TELL);
    };
    let request = http
        .post(lane.url().clone())
        .timeout(ANSWER_TIMEOUT)
        .header(CONTENT_TYPE, "application/json")
        .body(letter.body);
    let request = letter
        .headers
        .into_iter()
        .fold(request, |request, (name, value)| {
            request.header(name, value)
        });
    let mut response = request.send().await.ok()?;
    let retry_after_ms = retry_after_ms(response.headers(), now);
    let status = response.status().as_u16();
    let mut read = 0;
    // Reading a short answer to its end lets the connection be used again.
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > ANSWER_BYTES_MAX {
            break;
        }
    }
    Some(Answer {
        status,
        retry_after_ms,
    })
}

fn backoff_ms(delivery: &Delivery, seed: u64) -> u64 {
    let index = (delivery.attempts as usize).saturating_sub(1);
    let wait_ms = WAITS_MS.get(index).copied().unwrap_or(WAIT_AFTERWARDS_MS);
    let n = delivery
        .id
        .bytes()
        .fold(u64::from(delivery.attempts), |n, byte| {
            n.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
    let spread_ms = wait_ms / 5;
    wait_ms - spread_ms + Roll::new(seed, Stream::Jitter, n).up_to(2 * spread_ms)
}

/// Seconds or a date, at most an hour; 0 when there is none.
fn retry_after_ms(headers: &HeaderMap, now: Moment) -> u64 {
    let Some(text) = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
    else {
        return 0;
    };
    let asked_ms = match text.trim().parse::<u64>() {
        Ok(seconds) => seconds.saturating_mul(1_000),
        Err(_) => DateTime::parse_from_rfc2822(text.trim())
            .ok()
            .and_then(|date| u64::try_from(date.timestamp_millis() - now.0).ok())
            .unwrap_or(0),
    };
    asked_ms.min(RETRY_AFTER_S_MAX * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_and_bounded() {
        let now = Moment(1_445_412_480_000);
        let table = [
            ("2", 2_000),
            ("100000", 3_600_000),
            ("Wed, 21 Oct 2015 07:28:05 GMT", 5_000),
            ("Wed, 21 Oct 2015 07:27:00 GMT", 0),
            ("soon", 0),
        ];
        for (text, expected) in table {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after_ms(&headers, now), expected, "{text}");
        }
    }
}
