//! Opening: what lets us in, and what is refused, within seconds and with a sentence.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use super::*;

/// Longest that a refusal may take.
const SECONDS: Duration = Duration::from_secs(20);

fn login(mechanism: Mechanism, user: &str, password: &str) -> Option<Login> {
    Some(Login {
        mechanism,
        user: user.into(),
        password: Secret::new(password.into()),
    })
}

fn tls() -> Option<Tls> {
    Some(Tls {
        ca_file: Some(server("TIDEGATE_TEST_KAFKA_CA")?.into()),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mechanism_lets_us_in_with_and_without_tls() {
    let (Some(sasl), Some(over_tls)) = (
        server("TIDEGATE_TEST_KAFKA_SASL"),
        server("TIDEGATE_TEST_KAFKA_TLS"),
    ) else {
        return;
    };
    for (address, tls) in [(sasl, None), (over_tls, tls())] {
        for (word, mechanism) in Mechanism::ALL {
            let mut options = options_at(address.clone());
            options.tls = tls.clone();
            options.login = login(mechanism, "tidegate", "tidegate-secret");
            let log = KafkaLog::open(options, clock()).await;
            let log = log.unwrap_or_else(|error| panic!("{word} at {address}: {error}"));
            log.append(Topic::Activity, vec![record("k", word)])
                .await
                .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_us_out_is_said_within_seconds() {
    let (Some(plain), Some(sasl), Some(over_tls)) = (
        server("TIDEGATE_TEST_KAFKA"),
        server("TIDEGATE_TEST_KAFKA_SASL"),
        server("TIDEGATE_TEST_KAFKA_TLS"),
    ) else {
        return;
    };
    let scram = Mechanism::ScramSha256;
    let tidegate = || login(scram, "tidegate", "tidegate-secret");
    let distrusting = Some(Tls::default());
    // address | encryption | login => what the sentence says
    let rows = [
        (
            "127.0.0.1:1",
            None,
            None,
            "none of the brokers `127.0.0.1:1` answers",
        ),
        (
            "no-such-host.invalid:9092",
            None,
            None,
            "none of the brokers `no-such-host.invalid:9092` answers",
        ),
        (
            &sasl,
            None,
            login(scram, "tidegate", "wrong"),
            "do not let us in as `tidegate`",
        ),
        (
            &sasl,
            None,
            login(Mechanism::Plain, "tidegate", "wrong"),
            "do not let us in as `tidegate`",
        ),
        (
            &sasl,
            None,
            login(scram, "stranger", "stranger-secret"),
            "tidegate.activity` cannot be seen: Broker: Topic authorization failed",
        ),
        (&sasl, None, None, "none of the brokers"),
        (&over_tls, distrusting, tidegate(), "certificate"),
        (&plain, tls(), None, "SSL"),
    ];
    let mut refusals = tokio::task::JoinSet::new();
    for (address, tls, login, says) in rows {
        let mut options = options_at(address.to_owned());
        (options.tls, options.login) = (tls, login);
        refusals.spawn(async move {
            let opened = tokio::time::timeout(SECONDS, KafkaLog::open(options, clock())).await;
            let error = opened.expect("within seconds").err().expect("a refusal");
            assert!(error.to_string().contains(says), "{says}: {error}");
        });
    }
    while let Some(refused) = refusals.join_next().await {
        refused.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_make_no_client_are_refused() {
    let mut options = Options::at(vec!["127.0.0.1:1".into()]);
    options.tls = Some(Tls {
        ca_file: Some("/no/such/file".into()),
    });
    let refused = KafkaLog::open(options, clock()).await.err();
    assert!(
        matches!(refused, Some(OpenError::Settings(_))),
        "{refused:?}"
    );
}

async fn made(options: &Options, topic: Topic, settings: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> = options.client().create().unwrap();
    let name = options.topic(topic);
    let new = settings.iter().fold(
        NewTopic::new(&name, 2, TopicReplication::Fixed(1)),
        |new, (key, value)| new.set(key, value),
    );
    let request = AdminOptions::new().operation_timeout(Some(LONG));
    let made = admin.create_topics([&new], &request).await.unwrap();
    assert!(made.iter().all(Result::is_ok), "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_would_lose_activity_is_refused() {
    let Some(options) = options() else { return };
    made(&options, Topic::Incidents, &[("cleanup.policy", "compact")]).await;
    let refused = KafkaLog::open(options, clock()).await.err();
    assert!(
        matches!(refused, Some(OpenError::Compacted { .. })),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_takes_less_refuses_what_is_larger_before_anything_is_sent() {
    let Some(options) = options() else { return };
    made(
        &options,
        Topic::Activity,
        &[("max.message.bytes", "100000")],
    )
    .await;
    let log = opened(options).await;
    let large = record("k", &"x".repeat(100_000));
    let refused = log
        .append(Topic::Activity, vec![record("k", "small"), large])
        .await;
    assert!(
        matches!(refused, Err(AppendError::TooLarge { .. })),
        "{refused:?}"
    );
    log.append(Topic::Activity, vec![record("k", &"x".repeat(80_000))])
        .await
        .unwrap();
    let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
    assert_eq!(
        reader.next(9, LONG).await.unwrap()[0].record.value.len(),
        80_000
    );
}
