//! The brokers' rarer answers, from the client library's own simulated cluster.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;
use crate::appender::Appender;

const TOPIC: &str = "simulated";

struct Simulated {
    cluster: MockCluster<'static, DefaultProducerContext>,
    appender: Arc<Appender>,
}

fn simulated(bound: impl FnOnce(&mut Options)) -> Simulated {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, 2, 1).unwrap();
    let mut options = Options::at(vec![cluster.bootstrap_servers()]);
    bound(&mut options);
    let reporter = Arc::new(Reporter::new(clock()));
    let appender = Appender::new(Arc::new(options), reporter).unwrap();
    Simulated {
        cluster,
        appender: Arc::new(appender),
    }
}

impl Simulated {
    async fn append(&self, values: &[&str]) -> Result<(), AppendError> {
        let records = values.iter().map(|value| record("k", value)).collect();
        let appended = self.appender.append(TOPIC, records, LogRecord::BYTES_MAX);
        tokio::time::timeout(LONG, appended).await.expect("no hang")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_calls_wait_for_a_while_and_further_ones_are_turned_away() {
    let log = simulated(|options| {
        options.in_flight_records_max = 2;
        options.acknowledged_max = Duration::from_secs(2);
    });
    log.append(&["before"]).await.unwrap();
    log.cluster.broker_down(1).unwrap();
    let (waiting, turned_away) = tokio::join!(log.append(&["a", "b"]), log.append(&["c"]));
    assert!(
        matches!(turned_away, Err(AppendError::Overloaded { .. })),
        "{turned_away:?}"
    );
    let Err(AppendError::NotDurable(why)) = waiting else {
        panic!("it was not acknowledged, and said: {waiting:?}");
    };
    assert!(
        why.to_string().contains("no acknowledgement within 2s"),
        "{why}"
    );
    log.cluster.broker_up(1).unwrap();
    // It is acknowledged as soon as the broker is back: nothing needs to be started again.
    let mut tries = 0;
    while let Err(error) = log.append(&["after"]).await {
        tries += 1;
        assert!(tries < 10, "the broker is back, but: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_as_what_it_is() {
    use RDKafkaRespErr as Answer;
    let rows = [
        (
            Answer::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
            "bytes is larger than the log takes",
        ),
        (
            Answer::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            "Broker: Topic authorization failed",
        ),
    ];
    for (answer, says) in rows {
        let log = simulated(|_| {});
        log.cluster
            .request_errors(RDKafkaApiKey::Produce, &[answer]);
        let error = log.append(&["v"]).await.expect_err("a refusal");
        let whole = match &error {
            AppendError::NotDurable(why) => why.to_string(),
            other => other.to_string(),
        };
        assert!(whole.contains(says), "{answer:?}: {whole}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_that_can_go_on_no_more_is_replaced() {
    let log = simulated(|options| options.acknowledged_max = Duration::from_secs(2));
    let fatal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
    log.cluster
        .request_errors(RDKafkaApiKey::InitProducerId, &[fatal; 1]);
    let refused = log.append(&["a"]).await;
    assert!(
        matches!(refused, Err(AppendError::NotDurable(_))),
        "{refused:?}"
    );
    log.append(&["a"]).await.expect("the new producer appends");
}
