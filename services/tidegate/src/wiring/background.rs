//! What goes on beside the roles. Several processes may do it at once: each step is idempotent.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use connections::Connections;
use ports::{ActivityStore, Clock};
use tokio::sync::watch;

/// How often activity that is too old is looked for.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);
/// How soon the rest is forgotten when there is more.
const FORGET_MORE_AFTER: Duration = Duration::from_secs(1);
/// Activities forgotten in one transaction.
const FORGOTTEN_AT_ONCE_MAX: u32 = 1_000;

/// How long what deliveries tell of their webhooks is gathered before it is looked at.
const NOTES_GATHERED: Duration = Duration::from_secs(1);

/// Webhooks are looked after. What an interrupted enabling or disabling left half done is brought to its end.
pub(super) async fn reconcile(
    connections: Arc<Connections>,
    every: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let mut noted = connections.noted();
    while !*stop.borrow() {
        noted.borrow_and_update();
        if let Err(error) = connections.reconcile().await {
            tracing::error!(error = %error, "what was left half done could not be looked for");
        }
        // Notes come in bursts: one look is enough for many.
        let _ = tokio::time::timeout(every.min(NOTES_GATHERED), stop.changed()).await;
        tokio::select! {
            () = tokio::time::sleep(every.saturating_sub(NOTES_GATHERED)) => {}
            _ = noted.changed() => {}
            _ = stop.changed() => {}
        }
    }
}

/// Activity is kept for its time and then forgotten, some at a time, so that nobody waits for it.
pub(super) async fn forget_old_activity(
    store: Arc<dyn ActivityStore>,
    clock: Arc<dyn Clock>,
    days: u32,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        let before = clock.now() - TimeDelta::days(i64::from(days));
        let pause = match store.forget_activities(before, FORGOTTEN_AT_ONCE_MAX).await {
            Ok(forgotten) if forgotten >= u64::from(FORGOTTEN_AT_ONCE_MAX) => FORGET_MORE_AFTER,
            Ok(_) => FORGET_EVERY,
            Err(error) => {
                tracing::error!(error = %error, "old activity could not be forgotten");
                FORGET_EVERY
            }
        };
        let _ = tokio::time::timeout(pause, stop.changed()).await;
    }
}
