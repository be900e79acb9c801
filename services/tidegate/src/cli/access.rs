//! `tidegate access …`: access policies of a document, without applying them.

use std::path::{Path, PathBuf};

use access::{
    AccessDocument, Account, Caller, DOCUMENT_BYTES_MAX, Operation, OsType, Permission, Process,
    Realm, Winner,
};
use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use ports::{Entropy, SystemEntropy};
use serde_json::json;

use super::Stream;
use crate::output::counted;
use crate::say;

/// `tidegate access …`
#[derive(Debug, Subcommand)]
pub(crate) enum Access {
    /// Say every mistake in documents of access policies, each with its place.
    Check {
        /// JSON files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Say which policy of a group wins for somebody, why, and what they may do.
    Explain(Explain),
}

/// `tidegate access explain`
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// JSON file with the policies and groups.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which group; needed where there are several.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Who asks: `ada` of this machine, `ada@domain.com` and `DOMAIN\ada` of a directory,
    /// `SYSTEM@NT AUTHORITY` of the system.
    #[arg(long, value_name = "USER")]
    user: String,
    /// A group that the user is in, written likewise; several by repeating it.
    #[arg(long, value_name = "GROUP")]
    member_of: Vec<String>,
    /// The whole path of the process.
    #[arg(long, value_name = "PATH")]
    process: Option<String>,
    /// The link by which the process was started.
    #[arg(long, value_name = "PATH", requires = "process")]
    link: Option<String>,
    /// What started the process, the nearest first; several by repeating it.
    #[arg(long, value_name = "PATH", requires = "process")]
    parent: Vec<String>,
    /// What the caller may do without any policy.
    #[arg(long, value_enum, default_value_t = Role::ReadWrite)]
    role: Role,
    /// The name of the machine, for `user@HOST`.
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    host: String,
    /// JSON instead of words.
    #[arg(long)]
    json: bool,
}

/// What a caller may do without any policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    None,
    Read,
    Write,
    ReadWrite,
    ReadCipher,
    ReadWriteCipher,
}

impl Role {
    const fn permission(self) -> Permission {
        match self {
            Role::None => Permission::NoAccess,
            Role::Read => Permission::Read,
            Role::Write => Permission::Write,
            Role::ReadWrite => Permission::ReadWrite,
            Role::ReadCipher => Permission::ReadCipher,
            Role::ReadWriteCipher => Permission::ReadWriteCipher,
        }
    }
}

impl Access {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Access::Check { files } => check(&files),
            Access::Explain(explain) => explain.run(),
        }
    }
}

fn check(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut mistakes = 0;
    for file in files {
        if let Err(error) = AccessDocument::read(&text(file)?, |bytes| SystemEntropy.fill(bytes)) {
            for mistake in &error.0 {
                say(&format!("{}: {mistake}", file.display()), Stream::Out);
            }
            mistakes += error.0.len();
        }
    }
    let files = counted(files.len(), "file");
    if mistakes > 0 {
        bail!("{} in {files}", counted(mistakes, "mistake"));
    }
    say(&format!("no mistake in {files}"), Stream::Out);
    Ok(())
}

fn text(file: &Path) -> anyhow::Result<String> {
    let context = || format!("`{}` cannot be read", file.display());
    let size = std::fs::metadata(file).with_context(context)?.len();
    ensure!(
        size <= DOCUMENT_BYTES_MAX as u64,
        "`{}` is larger than {DOCUMENT_BYTES_MAX} bytes",
        file.display()
    );
    std::fs::read_to_string(file).with_context(context)
}

impl Explain {
    fn run(&self) -> anyhow::Result<()> {
        let document = AccessDocument::read(&text(&self.file)?, |bytes| SystemEntropy.fill(bytes));
        let document = document.map_err(|error| {
            let mistakes: String = error.0.iter().map(|one| format!("\n  {one}")).collect();
            anyhow::anyhow!("`{}`: {error}:{mistakes}", self.file.display())
        })?;
        let group = match (&self.group, document.groups()) {
            (Some(name), _) => document.group(name).with_context(|| {
                format!("there is no group `{name}` in `{}`", self.file.display())
            })?,
            (None, [group]) => group,
            (None, groups) => {
                let names: Vec<&str> = groups.iter().map(|group| group.name()).collect();
                bail!("name one of the groups with --group: {}", names.join(", "))
            }
        };
        let decision = group.decide(&self.caller(group.os()));
        let lines = decision.explain();
        if !self.json {
            lines.iter().for_each(|line| say(line, Stream::Out));
            return Ok(());
        }
        let winner = match decision.winner {
            Winner::Policy(policy) => Some(policy.name()),
            Winner::Default => None,
        };
        let permitted = Operation::ALL.iter().filter(|one| decision.permits(**one));
        let permitted: Vec<String> = permitted.map(|one| format!("{one:?}")).collect();
        let line = json!({
            "group": group.name(),
            "policy": winner,
            "granted": decision.granted,
            "permitted": permitted,
            "explanation": lines,
        });
        say(&line.to_string(), Stream::Out);
        Ok(())
    }

    fn caller(&self, os: OsType) -> Caller {
        let first = self.process.iter().map(|path| Process {
            path: path.clone(),
            link: self.link.clone(),
        });
        let parents = self.parent.iter().map(|path| Process {
            path: path.clone(),
            link: None,
        });
        Caller {
            user: self.account(&self.user, os),
            groups: self
                .member_of
                .iter()
                .map(|name| self.account(name, os))
                .collect(),
            processes: first.chain(parents).collect(),
            role: self.role.permission().allows(),
        }
    }

    /// The system's own accounts are known by their authority; other names with a place are of a directory,
    /// unless the place is this machine.
    fn account(&self, text: &str, os: OsType) -> Account {
        let authorities = ["NT AUTHORITY", "BUILTIN"];
        let (name, place) = match (text.split_once('\\'), text.rsplit_once('@')) {
            (Some((domain, name)), _) => (name, Some(domain)),
            (None, Some((name, place))) => (name, Some(place)),
            (None, None) => (text, None),
        };
        let realm = match place {
            Some(place) if place.eq_ignore_ascii_case(&self.host) => None,
            Some(place)
                if os == OsType::Windows
                    && authorities
                        .iter()
                        .any(|one| one.eq_ignore_ascii_case(place)) =>
            {
                Some(Realm::Authority {
                    name: place.to_owned(),
                })
            }
            Some(place) => Some(Realm::Directory {
                domains: vec![place.to_owned()],
            }),
            None => None,
        };
        let here = || Realm::Local {
            host: self.host.clone(),
        };
        Account {
            name: name.to_owned(),
            realm: realm.unwrap_or_else(here),
        }
    }
}
