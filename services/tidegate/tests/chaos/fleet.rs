//! The processes under test: each role in as many as it takes, every one with its own listener and folder.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use ports::{Entropy, SystemEntropy};
use sealing::Sealer;
use tidegate::demo::{Api, wait_for};
use tokio::process::{Child, Command};

use crate::front::Front;

/// Longest that a process may take to end after it was asked to.
const STOP_MAX: Duration = Duration::from_secs(40);

/// A part of the fleet's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Ingest,
    Poller,
    Evaluator,
    Actions,
    Console,
}

impl Role {
    pub(crate) const ALL: [Role; 5] = [
        Role::Ingest,
        Role::Poller,
        Role::Evaluator,
        Role::Actions,
        Role::Console,
    ];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Role::Ingest => "ingest",
            Role::Poller => "poller",
            Role::Evaluator => "evaluator",
            Role::Actions => "actions",
            Role::Console => "console",
        }
    }
}

/// What every process is told.
pub(crate) struct Shared {
    pub(crate) store: String,
    pub(crate) kafka: String,
    pub(crate) prefix: String,
}

/// One process.
struct Replica {
    role: Role,
    listen: SocketAddr,
    folder: std::path::PathBuf,
    child: Child,
}

/// All of them.
pub(crate) struct Fleet {
    root: tempfile::TempDir,
    pub(crate) shared: Shared,
    token: String,
    made: usize,
    replicas: Vec<Replica>,
    pub(crate) front: Front,
}

impl Fleet {
    /// One process a role, two where a second shall take over.
    pub(crate) async fn start(shared: Shared, front: Front) -> Self {
        let root = tempfile::tempdir().unwrap();
        let keys = root.path().join("keys");
        Sealer::generate_file(&keys, |bytes| SystemEntropy.fill(bytes)).unwrap();
        let mut fleet = Fleet {
            root,
            shared,
            token: format!("chaos-{:032x}", SystemEntropy.draw()),
            made: 0,
            replicas: Vec::new(),
            front,
        };
        // The first makes the tables and the topics.
        fleet.add(Role::Console).await;
        for role in [Role::Ingest, Role::Poller, Role::Actions] {
            fleet.add(role).await;
            fleet.add(role).await;
        }
        fleet.add(Role::Evaluator).await;
        fleet
    }

    /// The API, by way of the console.
    pub(crate) fn api(&self) -> Api {
        Api::new(self.front.url(), self.token.clone())
    }

    pub(crate) fn keys(&self) -> std::path::PathBuf {
        self.root.path().join("keys")
    }

    /// Starts another process of a role and waits until it is ready.
    pub(crate) async fn add(&mut self, role: Role) {
        self.made += 1;
        let listen = free_address();
        let folder = self
            .root
            .path()
            .join(format!("{}-{}", role.word(), self.made));
        let child = self.spawn(role, listen, &folder);
        self.replicas.push(Replica {
            role,
            listen,
            folder,
            child,
        });
        is_ready(role, listen).await;
        match role {
            Role::Ingest => self.front.leads_to_ingest(listen),
            Role::Console => self.front.leads_to_console(listen),
            Role::Poller | Role::Evaluator | Role::Actions => {}
        }
    }

    /// How many processes a role has.
    pub(crate) fn count(&self, role: Role) -> usize {
        self.replicas.iter().filter(|one| one.role == role).count()
    }

    /// SIGKILL for the n-th process of a role, and a new one in its place.
    pub(crate) async fn kill(&mut self, role: Role, n: usize) {
        let at = self.at(role, n);
        self.replicas[at].child.kill().await.unwrap();
        let (listen, folder) = (self.replicas[at].listen, self.replicas[at].folder.clone());
        self.replicas[at].child = self.spawn(role, listen, &folder);
        is_ready(role, listen).await;
    }

    /// The n-th process of a role is asked to end, and is not replaced.
    pub(crate) async fn dismiss(&mut self, role: Role, n: usize) {
        let at = self.at(role, n);
        let replica = self.replicas.remove(at);
        signal(&replica, "TERM");
        ends_well(replica).await;
    }

    pub(crate) fn pause(&self, role: Role, n: usize) {
        signal(&self.replicas[self.at(role, n)], "STOP");
    }

    pub(crate) fn resume(&self, role: Role, n: usize) {
        signal(&self.replicas[self.at(role, n)], "CONT");
    }

    /// Nobody ended without having been told to.
    pub(crate) fn all_live(&mut self) {
        for replica in &mut self.replicas {
            let ended = replica.child.try_wait().unwrap();
            let name = replica.role.word();
            assert!(ended.is_none(), "a process of {name} ended: {ended:?}");
        }
    }

    /// Resident memory of the processes of a role together, in bytes. Source: proc_pid_status(5).
    pub(crate) fn resident_bytes(&self, role: Role) -> u64 {
        let of = |replica: &Replica| {
            let path = format!("/proc/{}/status", replica.child.id()?);
            let status = std::fs::read_to_string(path).ok()?;
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        let replicas = self.replicas.iter().filter(|one| one.role == role);
        replicas.map(|one| of(one).unwrap() * 1_024).sum()
    }

    /// Everybody is asked to end, and does.
    pub(crate) async fn stop(&mut self) {
        for replica in &self.replicas {
            signal(replica, "TERM");
        }
        for replica in self.replicas.drain(..) {
            ends_well(replica).await;
        }
    }

    fn at(&self, role: Role, n: usize) -> usize {
        let mut of_role = (0..self.replicas.len()).filter(|at| self.replicas[*at].role == role);
        of_role.nth(n).unwrap()
    }

    fn spawn(&self, role: Role, listen: SocketAddr, folder: &std::path::Path) -> Child {
        let binary = std::env::var("TIDEGATE_CHAOS_BINARY");
        let filter = std::env::var("TIDEGATE_LOG_FILTER").unwrap_or("off".into());
        Command::new(binary.unwrap_or(env!("CARGO_BIN_EXE_tidegate").into()))
            .args(["run", role.word()])
            .env("TIDEGATE_DATA", folder)
            .env("TIDEGATE_LISTEN", listen.to_string())
            .env("TIDEGATE_PUBLIC_URL", self.front.url())
            .env("TIDEGATE_STORE", &self.shared.store)
            .env("TIDEGATE_LOG", format!("kafka://{}", self.shared.kafka))
            .env("TIDEGATE_KAFKA_PREFIX", &self.shared.prefix)
            .env("TIDEGATE_KAFKA_PARTITIONS", "6")
            .env("TIDEGATE_KEYS_FILE", self.keys())
            .env("TIDEGATE_ADMIN_TOKEN", &self.token)
            .env("TIDEGATE_LOG_FILTER", filter)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }
}

fn free_address() -> SocketAddr {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap()
}

async fn is_ready(role: Role, listen: SocketAddr) {
    let probe = Api::new(format!("http://{listen}"), String::new());
    let ready = || async { Ok(probe.get_text("/readyz").await.is_ok().then_some(())) };
    let what = format!("a process of {} to be ready", role.word());
    wait_for(&what, ready).await.unwrap();
}

fn signal(replica: &Replica, name: &str) {
    let id = replica.child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill")
        .args([&format!("-{name}"), &id])
        .status();
    assert!(sent.unwrap().success(), "{id} is not there");
}

async fn ends_well(mut replica: Replica) {
    let name = replica.role.word();
    let ended = tokio::time::timeout(STOP_MAX, replica.child.wait()).await;
    let Ok(ended) = ended else {
        panic!("a process of {name} does not end");
    };
    assert!(ended.unwrap().success(), "a process of {name} ended badly");
}
