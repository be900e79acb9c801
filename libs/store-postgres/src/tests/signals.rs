use std::sync::Arc;
use std::time::Duration;

use event_model::ConnectionId;
use ports::{Signals, WebhookNote};

use super::{Server, open};
use crate::PostgresSignals;

async fn of_process(url: &str, holder: &str) -> Signals {
    PostgresSignals::new(Arc::new(open(url).await.unwrap()), holder).both()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_says_of_deliveries_the_others_hear() {
    let Some(server) = Server::find() else { return };
    let url = server.schema().await;
    let (ingest, poller) = (of_process(&url, "a").await, of_process(&url, "b").await);
    let id = ConnectionId::new(chrono::DateTime::UNIX_EPOCH, 5);
    let mut asked = poller.pulls.asked();
    // Said again until it is heard: a store begins to listen some time after it was opened.
    let heard = async {
        let (mut pulls, mut notes) = (Vec::new(), Vec::new());
        while pulls.is_empty() || notes.is_empty() {
            ingest.notes.note(id, WebhookNote::Renew);
            ingest.pulls.ask(id);
            let _ = tokio::time::timeout(Duration::from_millis(300), asked.changed()).await;
            pulls.extend(poller.pulls.take_asked());
            notes.extend(poller.notes.take_noted());
        }
        (pulls[0], notes[0])
    };
    let heard = tokio::time::timeout(Duration::from_secs(20), heard).await;
    assert_eq!(
        heard.expect("heard in time"),
        (id, (id, WebhookNote::Renew))
    );
    assert_eq!(ingest.pulls.take_asked(), [id], "and so does who said it");
    server.drop_schemas().await;
}
