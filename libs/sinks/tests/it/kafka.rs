//! A real Kafka takes what we send; `scripts/services start` starts it.

use std::time::Duration;

use ports::LogRecord;
use ports::Topic;
use ports::contract::servers::{fresh_name, server};
use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;

use crate::stage::{DEADLINE, Stage, event};

async fn topic(brokers: &str, partitions: i32) -> String {
    let name = format!("{}.ocsf", fresh_name());
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .unwrap();
    let new = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
    let made = admin
        .create_topics([&new], &AdminOptions::new())
        .await
        .unwrap();
    made.into_iter().for_each(|one| drop(one.unwrap()));
    name
}

/// Everything in the topic once so much is there: id, key, and the event's own id.
fn read(brokers: &str, topic: &str, many: usize) -> Vec<(String, String, String)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", fresh_name())
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let (mut got, mut tries) = (Vec::new(), 0);
    while got.len() < many {
        tries += 1;
        assert!(tries < 600, "{} of {many} came", got.len());
        let Some(message) = consumer.poll(Duration::from_millis(100)) else {
            continue;
        };
        let message = message.unwrap();
        let headers = message.headers().unwrap();
        let id = headers.iter().find(|one| one.key == "ce_id").unwrap();
        let id = String::from_utf8(id.value.unwrap().to_vec()).unwrap();
        let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
        let event: serde_json::Value = serde_json::from_slice(message.payload().unwrap()).unwrap();
        let uid = event["metadata"]["uid"].as_str().unwrap().to_owned();
        got.push((id, key, uid));
    }
    got
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_has_every_version_and_those_of_one_incident_in_their_order() {
    let Some(brokers) = server("TIDEGATE_TEST_KAFKA") else {
        return;
    };
    let mut stage = Stage::set().await;
    let topic = topic(&brokers, 3).await;
    // Five incidents, each in twenty versions; the sink dies in between.
    let versions: Vec<LogRecord> = (0..100)
        .map(|n| {
            let mut one = event(n % 5);
            one["metadata"]["uid"] = format!("inc_{}:{}", n % 5, n / 5 + 1).into();
            LogRecord {
                key: format!("inc_{}", n % 5),
                headers: Vec::new(),
                value: one.to_string().into(),
            }
        })
        .collect();
    let sheet =
        format!("[[sink]]\nname = 'k'\nkafka = {{brokers = ['{brokers}'], topic = '{topic}'}}");
    let log = stage.ports.log.clone();
    log.append(Topic::Incidents, versions[..60].to_vec())
        .await
        .unwrap();
    stage.start(&sheet);
    let (at, of) = (brokers.clone(), topic.clone());
    tokio::task::spawn_blocking(move || read(&at, &of, 10))
        .await
        .unwrap();
    stage.kill().await;
    log.append(Topic::Incidents, versions[60..].to_vec())
        .await
        .unwrap();
    stage.start(&sheet);
    let got = tokio::task::spawn_blocking(move || {
        let mut many = 100;
        loop {
            let got = read(&brokers, &topic, many);
            let mut distinct: Vec<(String, String, String)> = Vec::new();
            for one in got {
                if !distinct.contains(&one) {
                    distinct.push(one);
                }
            }
            if distinct.len() == 100 {
                return distinct;
            }
            many += 1;
        }
    });
    let got = tokio::time::timeout(DEADLINE * 4, got)
        .await
        .unwrap()
        .unwrap();
    for incident in 0..5 {
        let key = format!("inc_{incident}");
        let of_it: Vec<&str> = got
            .iter()
            .filter(|one| one.1 == key)
            .map(|one| one.0.as_str())
            .collect();
        let expected: Vec<String> = (1..=20).map(|version| format!("{key}:{version}")).collect();
        assert_eq!(of_it, expected);
    }
    assert!(got.iter().all(|(id, _, uid)| id == uid));
    stage.kill().await;
}
