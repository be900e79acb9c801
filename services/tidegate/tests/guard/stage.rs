//! An installation, programs that policies name, and servers that end with the test.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// Longest that a state is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Stage {
    folder: tempfile::TempDir,
}

/// A program that runs until the test ends.
pub(crate) struct Running {
    child: Child,
    pub(crate) lines: mpsc::Receiver<String>,
}

impl Stage {
    /// An installation that was started once.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Programs and sockets are found by their whole path, without a link on the way.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let stage = Stage { folder };
        stage.done(&["prepare"]);
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn file(&self, name: &str, content: &[u8]) -> String {
        fs::write(self.path(name), content).unwrap();
        self.text(name)
    }

    /// The same program by another path.
    pub(crate) fn program(&self, name: &str) -> String {
        let from = Path::new(env!("CARGO_BIN_EXE_tidegate"));
        let to = self.path(name);
        fs::hard_link(from, &to)
            .or_else(|_| fs::copy(from, &to).map(drop))
            .unwrap();
        self.text(name)
    }

    /// A shell script that runs what it is given.
    pub(crate) fn script(&self, name: &str) -> String {
        let path = self.file(name, b"#!/bin/sh\n\"$@\"\nend=$?\nexit $end\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A document with those policies, for Linux and with nothing for everybody else.
    pub(crate) fn policies(&self, policies: &[Value]) -> String {
        let group = serde_json::json!({"name": "g", "os_type": "Linux", "policies": policies});
        let document = serde_json::json!({"groups": [group]}).to_string();
        self.file("policies.json", document.as_bytes())
    }

    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("USER", "ada")
            .env("TIDEGATE_DATA", self.path("data"))
            .env("TIDEGATE_LISTEN", "127.0.0.1:0")
            .env("TIDEGATE_LOG_FILTER", "error");
        command
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program, arguments).output().unwrap()
    }

    /// What some program wrote to standard output; it must have succeeded.
    pub(crate) fn read(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(program, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        output.stdout
    }

    /// What some program said was wrong; it must have failed, and written nothing.
    pub(crate) fn refused(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments);
        assert!(!output.status.success(), "{program} {arguments:?}");
        assert_eq!(output.stdout, b"", "{program} {arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// What `tidegate` wrote.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.read(env!("CARGO_BIN_EXE_tidegate"), arguments)).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--json"]].concat();
        serde_json::from_str(&self.done(&arguments)).unwrap()
    }

    /// A program that is given something to read.
    pub(crate) fn given(&self, program: &str, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(program, arguments);
        let command = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Who is refused does not read it all.
        drop(child.stdin.take().unwrap().write_all(input));
        child.wait_with_output().unwrap()
    }

    /// Starts `tidegate` and waits for a line that has the word.
    pub(crate) fn start(&self, arguments: &[&str], word: &str) -> Running {
        let mut command = self.command(env!("CARGO_BIN_EXE_tidegate"), arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (told, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            lines.for_each(|line| drop(told.send(line)));
        });
        let running = Running { child, lines };
        running.says(word);
        running
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What a mount left that was killed.
        let mount = self.path("mnt");
        if fs::symlink_metadata(&mount).is_err_and(|error| error.kind() != ErrorKind::NotFound) {
            let _ = Command::new("umount").arg("-l").arg(&mount).status();
        }
    }
}

impl Running {
    /// Waits for a line that has the word, and gives it back.
    pub(crate) fn says(&self, word: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("nobody said `{word}`"));
            if line.contains(word) {
                return line;
            }
        }
    }

    /// Asks it to stop; it must end well.
    pub(crate) fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The name of who runs the test.
pub(crate) fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
