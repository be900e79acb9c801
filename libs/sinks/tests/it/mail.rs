//! Incidents by e-mail: what goes out at once, what together, how often, and what hostile names come to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use event_model::{SinkState, SinkStream};
use ports::{LogRecord, Mail, MailError, Mailer, ManualClock, MemoryLog, Topic};
use serde_json::{Value, json};
use sinks::Reach;

use crate::stage::{DEADLINE, Stage, event};

/// A mail server that is away as long as it is told, and may forget to say that it took a message.
#[derive(Default)]
struct Server {
    sent: Mutex<Vec<Mail>>,
    away: Mutex<bool>,
    forgets: Mutex<bool>,
    /// A word that it does not take.
    dislikes: Mutex<Option<&'static str>>,
}

#[async_trait]
impl Mailer for Server {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        if *self.away.lock().unwrap() {
            return Err(MailError::Later("nobody answers".into()));
        }
        let dislikes = *self.dislikes.lock().unwrap();
        if dislikes.is_some_and(|word| mail.body.contains(word) || mail.subject.contains(word)) {
            return Err(MailError::Refused("554 virus".into()));
        }
        self.sent.lock().unwrap().push(mail.clone());
        match std::mem::take(&mut *self.forgets.lock().unwrap()) {
            true => Err(MailError::Later("the line was cut".into())),
            false => Ok(()),
        }
    }
}

impl Server {
    fn sent(&self) -> Vec<Mail> {
        self.sent.lock().unwrap().clone()
    }

    async fn has(&self, many: usize) -> Vec<Mail> {
        let waiting = async {
            while self.sent().len() < many {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(DEADLINE, waiting).await;
        assert!(
            waited.is_ok(),
            "{} of {many} messages came",
            self.sent().len()
        );
        self.sent()
    }
}

struct Post {
    stage: Stage,
    clock: Arc<ManualClock>,
    server: Arc<Server>,
}

impl Post {
    async fn opens() -> Self {
        let mut stage = Stage::set().await;
        let begin = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let (clock, server) = (
            Arc::new(ManualClock::at(begin)),
            Arc::new(Server::default()),
        );
        stage.ports.log = Arc::new(MemoryLog::new(clock.clone()));
        stage.ports.reach = Reach {
            clock: clock.clone(),
            mailer: server.clone(),
        };
        Post {
            stage,
            clock,
            server,
        }
    }

    fn start(&mut self, more: &str) {
        self.stage.start(&format!(
            "[[sink]]\nname = 'soc'\nmail = {{to = ['soc@acme.example'], console = 'https://casb.example', {more}}}"
        ));
    }

    async fn tell(&self, event: &Value) {
        let record = LogRecord {
            key: "k".into(),
            headers: Vec::new(),
            value: event.to_string().into(),
        };
        let log = &self.stage.ports.log;
        log.append(Topic::Incidents, vec![record]).await.unwrap();
    }

    /// Waits until the stream stands so.
    async fn stands(&self, stream: SinkStream, state: SinkState, lag: u64) {
        let there = async {
            loop {
                let standings = self.stage.ports.standings.sink_standings().await.unwrap();
                let one = standings.iter().find(|one| one.stream == stream);
                if one.is_some_and(|one| one.state == state && one.lag == lag) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, there).await.unwrap();
    }
}

/// The n-th incident, that grave.
fn grave(n: usize, severity_id: u64) -> Value {
    let mut one = event(n);
    one["severity_id"] = json!(severity_id);
    one["status"] = json!("New");
    one
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_grave_goes_out_at_once_and_the_rest_together_when_its_time_has_come() {
    let mut post = Post::opens().await;
    post.start("every_minutes = 60");
    for (n, severity) in [(1, 2), (2, 5), (3, 3), (4, 4)] {
        post.tell(&grave(n, severity)).await;
    }
    let at_once = post.server.has(2).await;
    let subjects: Vec<&str> = at_once.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(
        subjects,
        ["[SHR-2] Critical: A policy", "[SHR-4] High: A policy"]
    );
    assert_eq!(at_once[0].thread.as_deref(), Some("inc_2"));
    assert!(
        at_once[0]
            .body
            .contains("https://casb.example/incidents/inc_2")
    );
    // All four wait for it: an hour after the first, whatever dies meanwhile.
    post.stands(SinkStream::Digest, SinkState::Gathering, 4)
        .await;
    post.stage.kill().await;
    post.clock.advance(Duration::from_secs(3_599));
    post.start("every_minutes = 60");
    post.stands(SinkStream::Digest, SinkState::Gathering, 4)
        .await;
    assert_eq!(post.server.sent().len(), 2, "not yet");
    post.clock.advance(Duration::from_secs(1));
    let digest = post.server.has(3).await.remove(2);
    assert_eq!(digest.subject, "2 incidents: 1 medium, 1 low");
    assert_eq!(digest.list.as_deref(), Some("soc"));
    for said in ["SHR-1: something", "SHR-3: something", "/incidents/inc_3"] {
        assert!(digest.body.contains(said), "{}", digest.body);
        assert!(digest.html.as_ref().unwrap().contains(said));
    }
    assert!(!digest.body.contains("SHR-2"), "{}", digest.body);
    post.stands(SinkStream::Digest, SinkState::Idle, 0).await;
    // The next begins with the next.
    post.tell(&grave(5, 1)).await;
    post.stands(SinkStream::Digest, SinkState::Gathering, 1)
        .await;
    post.clock.advance(Duration::from_secs(3_600));
    assert_eq!(
        post.server.has(4).await[3].subject,
        "[SHR-5] Informational: A policy"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_or_forgets_loses_nothing_and_repeats_the_same_id_only() {
    let mut post = Post::opens().await;
    *post.server.away.lock().unwrap() = true;
    post.start("at_most = 100, every_minutes = 1");
    for n in 0..10 {
        post.tell(&grave(n, if n % 2 == 0 { 5 } else { 1 })).await;
    }
    post.stands(SinkStream::Incidents, SinkState::PutOff, 10)
        .await;
    post.stage.kill().await;
    *post.server.away.lock().unwrap() = false;
    *post.server.forgets.lock().unwrap() = true;
    post.start("at_most = 100, every_minutes = 1");
    post.server.has(6).await;
    // And the digest: sent, not said to be, and sent again after a death.
    post.stands(SinkStream::Digest, SinkState::Gathering, 10)
        .await;
    *post.server.forgets.lock().unwrap() = true;
    post.clock.advance(Duration::from_secs(60));
    post.stands(SinkStream::Digest, SinkState::PutOff, 10).await;
    post.stage.kill().await;
    post.start("at_most = 100, every_minutes = 1");
    let sent = post.server.has(8).await;
    let ids: BTreeSet<&str> = sent.iter().map(|mail| mail.id.as_str()).collect();
    assert_eq!(ids.len(), 6, "five at once, one digest: {ids:?}");
    let firsts: Vec<&str> = sent.iter().map(|mail| mail.id.as_str()).collect();
    let firsts: Vec<&str> = firsts
        .iter()
        .enumerate()
        .filter(|(n, id)| !firsts[..*n].contains(id))
        .map(|(_, id)| *id)
        .collect();
    assert_eq!(
        firsts[..5],
        ["inc_0.1", "inc_2.1", "inc_4.1", "inc_6.1", "inc_8.1"]
    );
    assert_eq!(sent[6].body, sent[7].body);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_go_out_in_an_hour_than_may_and_what_is_beyond_comes_together() {
    let mut post = Post::opens().await;
    for n in 0..20 {
        post.tell(&grave(n, 5)).await;
    }
    post.start("at_most = 3");
    let sent = post.server.has(3).await;
    assert_eq!(sent[2].subject, "18 incidents: 18 critical");
    post.tell(&grave(20, 5)).await;
    post.stands(SinkStream::Incidents, SinkState::PutOff, 1)
        .await;
    assert_eq!(post.server.sent().len(), 3);
    post.stage.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_name_adds_no_tag_no_line_and_no_direction() {
    let mut post = Post::opens().await;
    post.start("at_once = 'informational'");
    let hostile = "</td><script>x</script>\r\nBcc: eve@evil.example\u{202E}gnp\" onx='";
    let mut one = grave(7, 5);
    for (field, name) in [("message", hostile), ("comment", hostile)] {
        one[field] = json!(name);
    }
    one["unmapped"]["number"] = json!(hostile);
    one["finding_info"]["title"] = json!(hostile);
    one["finding_info"]["uid"] = json!(format!("../{hostile}"));
    one["metadata"]["uid"] = json!(format!("inc_7:1\r\n{hostile}"));
    one["evidences"] = json!([{"file": {"name": hostile, "path": hostile}}]);
    post.tell(&one).await;
    let mail = post.server.has(1).await.remove(0);
    let html = mail.html.as_ref().unwrap();
    assert!(
        !html.contains("<script") && !html.contains("onx='"),
        "{html}"
    );
    for text in [&mail.subject, &mail.id, mail.thread.as_ref().unwrap()] {
        assert!(!text.contains(['\r', '\n', '\u{202E}']), "{text:?}");
    }
    assert!(!mail.id.contains(['<', '>', '@', ' ']), "{}", mail.id);
    assert!(!mail.body.contains(['\r', '\u{202E}']), "{}", mail.body);
    assert!(
        !mail.body.lines().any(|line| line.starts_with("Bcc")),
        "{}",
        mail.body
    );
    let link = mail
        .body
        .lines()
        .find(|line| line.starts_with("https://"))
        .unwrap();
    assert!(
        link.starts_with("https://casb.example/incidents/..%2F"),
        "{link}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_filter_refuses_holds_up_neither_its_incident_nor_the_next() {
    let mut post = Post::opens().await;
    *post.server.dislikes.lock().unwrap() = Some("EICAR");
    post.start("at_once = 'informational'");
    let mut one = grave(1, 5);
    one["message"] = json!("SHR-1: EICAR");
    post.tell(&one).await;
    post.tell(&grave(2, 5)).await;
    let sent = post.server.has(2).await;
    assert_eq!(sent[0].id, "inc_1.1");
    assert!(
        sent[0].body.contains("/incidents/inc_1"),
        "{}",
        sent[0].body
    );
    assert_eq!(sent[1].subject, "[SHR-2] Critical: A policy");
    // What is refused whatever it says is not about the message: it waits.
    *post.server.dislikes.lock().unwrap() = Some("incident");
    post.tell(&grave(3, 5)).await;
    post.stands(SinkStream::Incidents, SinkState::PutOff, 1)
        .await;
    *post.server.dislikes.lock().unwrap() = None;
    assert_eq!(post.server.has(3).await[2].id, "inc_3.1");
}
