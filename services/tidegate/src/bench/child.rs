//! The process under measurement.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Clock ticks per second in `/proc/<pid>/stat`. Source: proc(5); Linux has USER_HZ = 100.
const TICKS_PER_SECOND: f64 = 100.0;
/// Longest that a child may take to say where it listens.
const START_MAX: Duration = Duration::from_secs(30);

/// A child process; killed when dropped.
pub(crate) struct Measured {
    child: Child,
    pid: u32,
}

impl Measured {
    /// Starts this program with other arguments; its standard output is read for the first address.
    pub(crate) async fn start(arguments: &[&str]) -> anyhow::Result<(Self, SocketAddr)> {
        let program = std::env::current_exe()?;
        let mut child = Command::new(program)
            .args(arguments)
            .env("TIDEGATE_LOG_FILTER", "error")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().context("the child ended at once")?;
        let out = child.stdout.take().context("the child has no output")?;
        let mut lines = BufReader::new(out).lines();
        let find = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(address) = address_in(&line) {
                    return Ok(address);
                }
            }
            bail!("the child ended without saying where it listens")
        };
        let address = tokio::time::timeout(START_MAX, find)
            .await
            .context("the child is silent")??;
        // Whatever it prints later must not block it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((Measured { child, pid }, address))
    }

    /// CPU seconds used so far, user and system.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        cpu_seconds(&self.pid.to_string())
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> anyhow::Result<f64> {
        resident_mib(&self.pid.to_string())
    }

    /// The most memory that it has had resident, in MiB.
    pub(crate) fn peak_mib(&self) -> anyhow::Result<f64> {
        peak_mib(&self.pid.to_string())
    }

    /// From now on, the peak is of what comes. Source: proc(5), `clear_refs`.
    pub(crate) fn reset_peak(&self) -> anyhow::Result<()> {
        let file = Path::new("/proc").join(self.pid.to_string());
        std::fs::write(file.join("clear_refs"), "5").context("`clear_refs` of proc(5) is needed")
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// CPU seconds that a process used so far, user and system: its number, or `self`.
pub(crate) fn cpu_seconds(process: &str) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process).join("stat"))?;
    let after_name = stat.rsplit_once(") ").context("`stat` has no name")?.1;
    let fields: Vec<&str> = after_name.split(' ').collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok());
    let (user, system) = (ticks(11), ticks(12));
    Ok((user.context("no utime")? + system.context("no stime")?) / TICKS_PER_SECOND)
}

/// Resident memory of a process in MiB: its number, or `self`.
pub(crate) fn resident_mib(process: &str) -> anyhow::Result<f64> {
    status_mib(process, "VmRSS:")
}

/// The most memory that a process has had resident, in MiB: its number, or `self`.
pub(crate) fn peak_mib(process: &str) -> anyhow::Result<f64> {
    status_mib(process, "VmHWM:")
}

fn status_mib(process: &str, field: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(process).join("status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with(field))
        .with_context(|| format!("no {field}"))?;
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .context("no value")?
        .parse()?;
    Ok(kib / 1024.0)
}

/// The address in a line like `  console   http://127.0.0.1:8080/`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let rest = line.split_once("http://")?.1;
    rest.split(['/', ' ']).next()?.parse().ok()
}
