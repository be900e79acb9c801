//! A real mail server takes what we send: Exim of the distribution, with STARTTLS, TLS from the start and
//! passwords; and it dies. Where there is none this is said aloud, and with TIDEGATE_REQUIRE_SERVICES=1 it fails.

use std::collections::HashSet;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mail_parser::{Message as Read, MessageParser};
use ports::{Mail, MailError, Mailer};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::SmtpMailer;

const DEADLINE: Duration = Duration::from_secs(30);

/// Exim in a folder of its own.
struct Exim {
    program: PathBuf,
    folder: tempfile::TempDir,
    running: Option<Child>,
    ports: [u16; 2],
}

/// Nothing where there is none.
fn found() -> Option<PathBuf> {
    let found = ["/usr/sbin/exim4", "/usr/sbin/exim"].map(PathBuf::from);
    let found = found.into_iter().find(|path| path.exists());
    ports::contract::servers::required(found.is_some(), "Exim");
    found
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Exim {
    fn installed() -> Option<Self> {
        let exim = Exim {
            program: found()?,
            folder: tempfile::tempdir().unwrap(),
            running: None,
            ports: [free_port(), free_port()],
        };
        for name in ["spool", "log", "box"] {
            std::fs::create_dir(exim.path(name)).unwrap();
        }
        exim.certificates();
        std::fs::write(exim.path("conf"), exim.settings()).unwrap();
        // Exim works as a user of its own.
        open_to_all(exim.folder.path());
        Some(exim)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn certificates(&self) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        std::fs::write(self.path("ca.pem"), authority.pem()).unwrap();
        std::fs::write(self.path("server.pem"), certificate.pem()).unwrap();
        std::fs::write(self.path("server.key"), key.serialize_pem()).unwrap();
    }

    fn settings(&self) -> String {
        let ([plain, wrapped], folder) = (self.ports, self.folder.path().display());
        format!(
            "primary_hostname = localhost
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/spool/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {plain} : {wrapped}
tls_on_connect_ports = {wrapped}
tls_advertise_hosts = *
tls_certificate = {folder}/server.pem
tls_privatekey = {folder}/server.key
auth_advertise_hosts = ${{if def:tls_in_cipher{{*}}{{}}}}
acl_smtp_rcpt = rcpt
deliver_drop_privilege
host_lookup =
rfc1413_query_timeout = 0s
begin acl
rcpt:
  deny domains = nowhere.example
       message = nobody lives there
  accept authenticated = *
  deny message = authenticate first
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = {folder}/box
  maildir_format
  create_directory
  batch_max = 10
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{tidegate}}}}{{eq{{$auth3}}{{a-password}}}}}}}}
  server_set_id = $auth2
"
        )
    }

    fn starts(&mut self) {
        let mut command = Command::new(&self.program);
        // It looks every second for what an earlier life had left.
        command.args(["-bdf", "-q1s", "-C"]).arg(self.path("conf"));
        command.process_group(0);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.running = Some(command.spawn().unwrap());
    }

    /// As `kill -9` does it.
    fn dies(&mut self) {
        if let Some(mut child) = self.running.take() {
            // With the processes that hold its connections.
            let group = format!("-{}", child.id());
            let killed = Command::new("kill").args(["-9", "--", &group]).status();
            assert!(killed.unwrap().success());
            child.wait().unwrap();
        }
    }

    fn url(&self, user: &str, wrapped: bool) -> String {
        match wrapped {
            true => format!("smtps://{user}localhost:{}", self.ports[1]),
            false => format!("smtp://{user}localhost:{}", self.ports[0]),
        }
    }

    fn mailer(&self, user: &str, wrapped: bool, authority: &str) -> SmtpMailer {
        let from = "Tidegate <tidegate@casb.example>";
        let authority = self.path(authority);
        SmtpMailer::new(&self.url(user, wrapped), from, Some(&authority)).unwrap()
    }

    /// Waits until so many different messages were delivered; a message may come twice.
    async fn has(&self, many: usize) -> Vec<String> {
        let waiting = async {
            loop {
                let delivered = self.delivered();
                let ids = delivered
                    .iter()
                    .map(|text| read(text).message_id().map(str::to_owned));
                if ids.collect::<HashSet<_>>().len() >= many {
                    return delivered;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(DEADLINE, waiting).await;
        let log = std::fs::read_to_string(self.path("log/mainlog")).unwrap_or_default();
        waited.unwrap_or_else(|_| panic!("{} of {many} came; {log}", self.delivered().len()))
    }

    fn delivered(&self) -> Vec<String> {
        let folder = std::fs::read_dir(self.path("box/new"));
        let files = folder
            .into_iter()
            .flatten()
            .map(|file| file.unwrap().path());
        files
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .collect()
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        self.dies();
    }
}

fn open_to_all(folder: &Path) {
    let status = Command::new("chmod")
        .arg("-R")
        .arg("a+rwX")
        .arg(folder)
        .status();
    assert!(status.unwrap().success());
    // Exim believes no settings that others may write.
    let status = Command::new("chmod")
        .arg("644")
        .arg(folder.join("conf"))
        .status();
    assert!(status.unwrap().success());
}

fn mail(id: &str) -> Mail {
    Mail {
        id: id.to_owned(),
        to: vec!["soc@acme.example".into(), "ada@acme.example".into()],
        subject: "[SHR-7] High: a\r\nBcc: eve@evil.example\u{2028}X: y é".into(),
        body: "SHR-7: plan é\n.\nQUIT\n".into(),
        html: Some("<p>SHR-7: plan &lt;b&gt; é</p>".into()),
        thread: Some("inc_7".into()),
        list: Some("soc-mail".into()),
    }
}

/// Until it is taken: the server has just been started.
async fn taken(mailer: &SmtpMailer, mail: &Mail) {
    let sending = async {
        while let Err(error) = mailer.send(mail).await {
            assert!(matches!(error, MailError::Later(_)), "{error:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(DEADLINE, sending).await.unwrap();
}

fn read(text: &str) -> Read<'_> {
    MessageParser::default().parse(text.as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_mail_server_takes_messages_by_starttls_and_by_tls_from_the_start() {
    let Some(mut exim) = Exim::installed() else {
        return;
    };
    exim.starts();
    for (wrapped, id) in [(false, "inc_7.1"), (true, "inc_7.2")] {
        taken(
            &exim.mailer("tidegate:a-password@", wrapped, "ca.pem"),
            &mail(id),
        )
        .await;
    }
    let delivered = exim.has(2).await;
    let mut ids = Vec::new();
    for text in &delivered {
        let message = read(text);
        let (head, _) = text.split_once("\n\n").unwrap();
        let names: Vec<String> = head
            .lines()
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap().to_lowercase())
            .collect();
        assert!(
            !names.iter().any(|name| name == "bcc" || name == "x"),
            "{head}"
        );
        assert!(
            message
                .subject()
                .unwrap()
                .starts_with("[SHR-7] High: aBcc: eve@evil.example")
        );
        assert!(
            head.contains("List-Id: <soc-mail.tidegate.casb.example>"),
            "{head}"
        );
        assert!(head.contains("References: <inc_7@casb.example>"), "{head}");
        assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
        assert!(
            head.contains("with esmtpsa"),
            "encrypted and authenticated: {head}"
        );
        assert!(message.body_text(0).unwrap().contains("plan é"), "{text}");
        assert!(
            message.body_html(0).unwrap().contains("plan &lt;b&gt; é"),
            "{text}"
        );
        ids.push(message.message_id().unwrap().to_owned());
    }
    ids.sort();
    assert_eq!(ids, ["inc_7.1@casb.example", "inc_7.2@casb.example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_believed_gets_no_password_and_one_that_refuses_is_told_apart() {
    let Some(mut exim) = Exim::installed() else {
        return;
    };
    exim.starts();
    let good = exim.mailer("tidegate:a-password@", false, "ca.pem");
    taken(&good, &mail("first")).await;
    // A certificate of another authority: the server's own is none.
    for wrapped in [false, true] {
        let stranger = exim.mailer("tidegate:a-password@", wrapped, "server.pem");
        let error = stranger.send(&mail("second")).await.unwrap_err();
        assert!(matches!(error, MailError::Later(_)), "{error:?}");
    }
    let wrong = exim.mailer("tidegate:another@", false, "ca.pem");
    assert!(wrong.send(&mail("third")).await.is_err());
    let nobody = exim.mailer("", false, "ca.pem");
    assert!(matches!(
        nobody.send(&mail("fourth")).await,
        Err(MailError::Refused(_))
    ));
    let mut nowhere = mail("fifth");
    nowhere.to = vec!["soc@nowhere.example".into()];
    assert!(matches!(
        good.send(&nowhere).await,
        Err(MailError::Refused(_))
    ));
    assert_eq!(exim.has(1).await.len(), 1);
    let log = std::fs::read_to_string(exim.path("log/mainlog")).unwrap();
    assert!(
        !log.contains("another") && !log.contains("a-password"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_is_killed_again_and_again_gets_every_message() {
    let Some(mut exim) = Exim::installed() else {
        return;
    };
    let mailer = exim.mailer("tidegate:a-password@", false, "ca.pem");
    let ids: Vec<String> = (0..12).map(|n| format!("inc_{n}.1")).collect();
    for (n, id) in ids.iter().enumerate() {
        if n % 4 == 0 {
            exim.dies();
            let away = mailer.send(&mail(id)).await.unwrap_err();
            assert!(matches!(away, MailError::Later(_)), "{away:?}");
            exim.starts();
        }
        taken(&mailer, &mail(id)).await;
    }
    let delivered = exim.has(ids.len()).await;
    let mut came: Vec<String> = delivered
        .iter()
        .map(|text| {
            read(text)
                .message_id()
                .unwrap()
                .replace("@casb.example", "")
        })
        .collect();
    came.sort();
    came.dedup();
    let mut expected = ids.clone();
    expected.sort();
    assert_eq!(came, expected, "each, and a repetition has the same id");
}
