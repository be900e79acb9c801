//! A real syslog daemon takes what we send: rsyslog of the distribution, with TLS; and it dies. Where there is
//! none this is said aloud, and with TIDEGATE_REQUIRE_SERVICES=1 it fails.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use sinks::{Format, Told};

use crate::stage::{DEADLINE, Stage, event, id, ids};
use crate::syslog::certificates;

/// What rsyslog writes of each message that it has parsed, between these.
const BETWEEN: char = '\u{1F}';

struct Rsyslog {
    folder: PathBuf,
    port: u16,
    running: Option<Child>,
}

fn is_there() -> bool {
    let program = Path::new("/usr/sbin/rsyslogd").exists();
    let tls = ["x86_64", "aarch64"].iter().any(|kind| {
        Path::new(&format!("/usr/lib/{kind}-linux-gnu/rsyslog/lmnsd_gtls.so")).exists()
    });
    ports::contract::servers::required(program && tls, "rsyslog with rsyslog-gnutls")
}

impl Rsyslog {
    fn new(stage: &Stage) -> Self {
        let (authority, chain, key) = certificates();
        stage.write("ca.pem", &authority);
        stage.write("server.pem", &chain);
        stage.write("server.key", &key);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let one = Rsyslog {
            folder: stage.folder.path().to_owned(),
            port: free.local_addr().unwrap().port(),
            running: None,
        };
        stage.write("rsyslog.conf", &one.settings());
        one
    }

    fn settings(&self) -> String {
        let (folder, port) = (self.folder.display(), self.port);
        let parts = ["pri", "protocol-version", "hostname", "app-name", "msgid"]
            .map(|name| format!("property(name=\"{name}\") constant(value=\"{BETWEEN}\")"))
            .join(" ");
        format!(
            "global(workDirectory=\"{folder}\" maxMessageSize=\"64k\" defaultNetstreamDriver=\"gtls\"
  defaultNetstreamDriverCAFile=\"{folder}/ca.pem\"
  defaultNetstreamDriverCertFile=\"{folder}/server.pem\" defaultNetstreamDriverKeyFile=\"{folder}/server.key\")
module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\")
template(name=\"parts\" type=\"list\") {{ {parts} property(name=\"msg\") constant(value=\"\\n\") }}
input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")
action(type=\"omfile\" file=\"{folder}/got\" template=\"parts\" asyncWriting=\"off\" flushOnTXEnd=\"on\")
"
        )
    }

    fn starts(&mut self) {
        let mut command = Command::new("/usr/sbin/rsyslogd");
        command
            .arg("-n")
            .arg("-f")
            .arg(self.folder.join("rsyslog.conf"));
        command.arg("-i").arg(self.folder.join("rsyslog.pid"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.running = Some(command.spawn().unwrap());
    }

    /// As `kill -9` does it.
    fn dies(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        // It would not start beside a process that it takes for itself.
        let _ = std::fs::remove_file(self.folder.join("rsyslog.pid"));
    }

    /// The parts of each message, in its order.
    fn got(&self) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(self.folder.join("got")).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| line.splitn(6, BETWEEN).map(str::to_owned).collect())
            .collect()
    }

    /// Waits until so many distinct messages were written.
    async fn has(&self, many: usize) -> Vec<Vec<String>> {
        let waiting = async {
            loop {
                let mut distinct: Vec<Vec<String>> = Vec::new();
                for one in self.got() {
                    if !distinct.contains(&one) {
                        distinct.push(one);
                    }
                }
                if distinct.len() >= many {
                    return distinct;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(DEADLINE * 2, waiting).await;
        waited.unwrap_or_else(|_| panic!("{} of {many} came", self.got().len()))
    }

    fn sheet(&self, format: &str) -> String {
        format!(
            "[[sink]]\nname = 'syslog'\nsyslog = {{host = 'localhost', port = {}, hostname = 'casb', tls = true, ca_file = '{}', format = '{format}'}}",
            self.port,
            self.folder.join("ca.pem").display()
        )
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        self.dies();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rsyslog_reads_over_tls_what_was_written_in_every_form() {
    if !is_there() {
        return;
    }
    for (name, format) in [
        ("ocsf", Format::Ocsf),
        ("cef", Format::Cef),
        ("leef", Format::Leef),
    ] {
        let mut stage = Stage::set().await;
        let mut daemon = Rsyslog::new(&stage);
        daemon.starts();
        stage.start(&daemon.sheet(name));
        stage.tell(0, 10).await;
        let got = daemon.has(10).await;
        for (n, parts) in got.iter().enumerate() {
            let told = Told::read(Bytes::from(event(n).to_string())).unwrap();
            // Facility 13, and the severities 1 to 5 in turn are syslog's 6 to 2.
            let priority = (13 * 8 + 6 - n % 5).to_string();
            let number = format!("SHR-{n}");
            let head: Vec<&str> = parts[..5].iter().map(String::as_str).collect();
            assert_eq!(
                head,
                [&priority, "1", "casb", "tidegate", &number],
                "{name}"
            );
            assert_eq!(parts[5].trim_start(), format.line(&told), "{name}");
        }
        stage.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rsyslog_that_is_killed_at_random_misses_nothing() {
    if !is_there() {
        return;
    }
    let mut stage = Stage::set().await;
    let mut daemon = Rsyslog::new(&stage);
    stage.start(&daemon.sheet("ocsf"));
    for round in 0..4 {
        stage.tell(round * 60, (round + 1) * 60).await;
        daemon.starts();
        daemon.has(round * 30 + 7 * round).await;
        daemon.dies();
    }
    daemon.starts();
    let got = daemon.has(240).await;
    let came: Vec<String> = got
        .iter()
        .map(|parts| {
            let event: serde_json::Value = serde_json::from_str(parts[5].trim_start()).unwrap();
            event["metadata"]["uid"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(came, ids(0, 240));
    assert_eq!(came[7], id(7));
    stage.kill().await;
}
