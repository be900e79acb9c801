//! What only tells: permissive policies, and notifications by e-mail.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::administration::{policy, remedies};
use super::cloud::CUSTOMERS;
use super::{Setting, World, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_permissive_policy_records_and_does_nothing() {
    let world = World::new(19).await;
    world.connects("Acme", "acme", "push").await;
    let responses = json!([{"kind": "remove_link"}, {"kind": "quarantine"}]);
    let mut watching = policy(
        "Watched",
        "_share.public and _content.has('credit-card')",
        responses,
    );
    watching["mode"] = json!("permissive");
    world
        .tidegate
        .post("/api/v1/policies", &watching)
        .await
        .unwrap();
    let alice = world.user("acme", "alice");
    let file = alice.uploads("customers.docx", CUSTOMERS);
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    assert_eq!(incident["mode"], "permissive");
    assert_eq!(incident["remedies"], json!([]));
    assert_eq!(world.visit(&link.url).await.status, 200);
    assert_eq!(world.our_effects(), BTreeMap::new());
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_without_a_mail_server_is_given_up_and_says_what_to_do() {
    let world = World::new(20).await;
    world.connects("Acme", "acme", "push").await;
    let responses =
        json!([{"kind": "notify", "to": ["soc@acme.example"]}, {"kind": "remove_link"}]);
    world.saves_policy("Told", "_share.public", responses).await;
    let alice = world.user("acme", "alice");
    let file = alice.uploads("plan.txt", b"plan");
    let link = alice.shares_publicly(&file);
    let incident = world.incident_of(&link.event).await;
    assert_eq!(
        remedies(&incident),
        ["notify: given_up", "remove_link: done"]
    );
    let why = text(&incident, "/remedies/0/last_error");
    assert!(why.contains("mail"), "{why}");
    assert!(why.contains("settings"), "{why}");
    world.ends_at_rest().await;
}

/// Names that would be header lines if they were let.
const HOSTILE: [&str; 3] = [
    "a\u{2028}Bcc: eve@evil.example",
    "=?utf-8?Q?a=0D=0ABcc:_eve@evil.example?=",
    "a%0d%0aBcc: eve@evil.example",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_arrives_once_and_a_hostile_name_adds_no_header() {
    let (postbox, address) = Postbox::opens().await;
    let setting = Setting {
        smtp_url: Some(format!("smtp://{address}")),
        ..Setting::default()
    };
    let world = World::with(21, setting).await;
    world.connects("Acme", "acme", "push").await;
    let responses = json!([{"kind": "notify", "to": ["soc@acme.example", "actor"]}]);
    world.saves_policy("Told", "_share.public", responses).await;
    let alice = world.user("acme", "alice");
    let mut sent = Vec::new();
    for name in HOSTILE {
        let file = alice.uploads(name, b"plan");
        let incident = world.incident_of(&alice.shares_publicly(&file).event).await;
        assert_eq!(remedies(&incident), ["notify: done"], "{name}: {incident}");
        sent.push(text(&incident, "/number").to_owned());
    }
    let mails = postbox.mails();
    assert_eq!(mails.len(), sent.len(), "each incident is told once");
    for (mail, number) in mails.iter().zip(&sent) {
        assert_eq!(mail.to, ["<alice@acme.example>", "<soc@acme.example>"]);
        let (head, body) = mail.data.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert!(
            !names.iter().any(|name| name.eq_ignore_ascii_case("bcc")),
            "{head}"
        );
        assert!(head.contains(number.as_str()), "{head}");
        assert!(body.contains("This must not be shared."), "{body}");
        assert!(body.contains(number.as_str()), "{body}");
    }
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_refuses_is_retried_by_a_person_and_one_that_is_busy_by_itself() {
    let (postbox, address) = Postbox::opens().await;
    let setting = Setting {
        smtp_url: Some(format!("smtp://{address}")),
        ..Setting::default()
    };
    let world = World::with(22, setting).await;
    world.connects("Acme", "acme", "push").await;
    let responses = json!([{"kind": "notify", "to": ["soc@acme.example"]}]);
    world.saves_policy("Told", "_share.public", responses).await;
    let alice = world.user("acme", "alice");
    let shares = || {
        alice
            .shares_publicly(&alice.uploads("plan.txt", b"plan"))
            .event
    };

    postbox.says("550 no such mailbox");
    let incident = world.incident_of(&shares()).await;
    assert_eq!(remedies(&incident), ["notify: given_up"]);
    let path = format!(
        "/api/v1/remedies/{}/retry",
        text(&incident, "/remedies/0/id")
    );
    postbox.says("250 ok");
    assert_eq!(world.has_done(&path).await["state"], "done");
    let again = world.call(Method::POST, &path, &Value::Null).await;
    assert_eq!(again.status, 409, "what is done is not retried");

    postbox.says("451 come again");
    let busy = shares();
    world
        .until("a failed attempt", || async {
            let failed = world.all("remedies?state=failed").await?;
            Ok(failed.first().map(|remedy| remedy["attempts"].clone()))
        })
        .await;
    postbox.says("250 ok");
    assert_eq!(remedies(&world.incident_of(&busy).await), ["notify: done"]);
    assert_eq!(postbox.mails().len(), 2);
    world.ends_at_rest().await;
}

/// A mail server that keeps what it is given.
#[derive(Clone, Default)]
pub(super) struct Postbox(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    mails: Vec<Mail>,
    answer: Option<&'static str>,
}

#[derive(Clone)]
pub(super) struct Mail {
    to: Vec<String>,
    pub(super) data: String,
}

impl Postbox {
    pub(super) async fn opens() -> (Self, SocketAddr) {
        let postbox = Postbox::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let kept = postbox.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = kept.clone();
                // A client that goes away in the middle has given nothing.
                tokio::spawn(async move { kept.talk(stream).await });
            }
        });
        (postbox, address)
    }

    /// What it was given, in the order of arrival.
    pub(super) fn mails(&self) -> Vec<Mail> {
        self.0.lock().unwrap().mails.clone()
    }

    /// From now on it answers a message with this.
    fn says(&self, answer: &'static str) {
        self.0.lock().unwrap().answer = Some(answer);
    }

    fn takes(&self, mail: Mail) -> &'static str {
        let mut kept = self.0.lock().unwrap();
        let answer = kept.answer.unwrap_or("250 ok");
        if answer.starts_with('2') {
            kept.mails.push(mail);
        }
        answer
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut to = Vec::new();
        stream.write_all(b"220 postbox\r\n").await?;
        loop {
            let line = line(&mut stream).await?;
            let verb = line.get(..4).unwrap_or_default().to_uppercase();
            let answer = match verb.as_str() {
                "" => return Ok(()),
                "RCPT" => {
                    to.push(line[8..].trim().to_owned());
                    "250 ok"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let data = data(&mut stream).await?;
                    let mut to = std::mem::take(&mut to);
                    to.sort();
                    self.takes(Mail { to, data })
                }
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line)
}

async fn data(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let line = line(stream).await?;
        if line.is_empty() || line == ".\r\n" {
            return Ok(data);
        }
        data.push_str(&line);
    }
}
