//! `tidegate doctor`: walks through an installation and says what to mend.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::bail;
use event_model::{PageRequest, VaultState};
use inspect::Unread;
use ports::VaultFilter;

use super::{Settings, Stream};
use crate::config::{Config, VaultKey, VaultStorage};
use crate::geoip::MaxMindCountries;
use crate::labelling;
use crate::output::counted;
use crate::say;
use crate::wiring::{Adapters, Inspecting, open_vault};

/// One thing looked at.
struct Finding {
    what: &'static str,
    ok: bool,
    detail: String,
}

/// Walks through the installation, from the configuration outwards.
pub(super) fn run(settings: &Settings) -> anyhow::Result<()> {
    let config = settings.load()?;
    let mut findings = vec![
        listener(&config),
        reachable(&config),
        mail(&config),
        labels(&config),
        countries(&config),
    ];
    let runtime = super::runtime()?;
    findings.extend(runtime.block_on(inspection(&config)));
    findings.extend(runtime.block_on(stores(&config)));
    for Finding { what, ok, detail } in &findings {
        let mark = if *ok { "ok   " } else { "MEND " };
        say(&format!("{mark} {what:<10} {detail}"), Stream::Out);
    }
    match findings.iter().filter(|finding| !finding.ok).count() {
        0 => Ok(()),
        count => bail!("{} to mend", counted(count, "thing")),
    }
}

fn listener(config: &Config) -> Finding {
    let (ok, detail) = match TcpListener::bind(config.listen) {
        Ok(_) => (true, format!("`{}` is free", config.listen)),
        Err(error) => (
            false,
            format!(
                "`{}`: {error}; a running Tidegate, or set `listen`",
                config.listen
            ),
        ),
    };
    Finding {
        what: "listener",
        ok,
        detail,
    }
}

fn countries(config: &Config) -> Finding {
    let (ok, detail) = match &config.geoip_database {
        None => {
            let detail = "no `geoip_database`: `_request.remoteCountryCode` is unknown";
            (true, detail.to_owned())
        }
        Some(path) => match MaxMindCountries::open(path) {
            Ok(_) => (true, format!("`{}` can be read", path.display())),
            Err(error) => (false, format!("{error:#}: set `geoip_database`")),
        },
    };
    Finding {
        what: "countries",
        ok,
        detail,
    }
}

fn reachable(config: &Config) -> Finding {
    let detail = match &config.public_url {
        Some(url) if url.starts_with("https://") => {
            format!("services are told to deliver to `{url}`")
        }
        Some(url) => format!("`{url}` is not https: most services refuse to deliver there"),
        None => {
            "no `public_url`: only services on this machine can deliver; others are polled".into()
        }
    };
    Finding {
        what: "public_url",
        ok: true,
        detail,
    }
}

fn labels(config: &Config) -> Finding {
    let Some(file) = &config.labels_file else {
        return Finding {
            what: "labels",
            ok: true,
            detail: "no `labels_file`: unsigned manifests are taken".into(),
        };
    };
    let (ok, detail) = match labelling::load(file) {
        Ok(labelling) => {
            let keys = counted(labelling.trust.keys.len(), "key");
            (true, format!("manifests are checked with {keys}"))
        }
        Err(error) => (false, format!("{error:#}")),
    };
    Finding {
        what: "labels",
        ok,
        detail,
    }
}

fn mail(config: &Config) -> Finding {
    let detail = match config.smtp_url {
        Some(_) => format!("e-mail is sent as `{}`", config.mail_from),
        None => "no `smtp_url`: notifications are given up".into(),
    };
    Finding {
        what: "mail",
        ok: true,
        detail,
    }
}

async fn inspection(config: &Config) -> [Finding; 2] {
    let inspecting = Inspecting::new(&config.inspection);
    [
        processes(config, &inspecting).await,
        pictures(&inspecting).await,
    ]
}

/// Who reads what is written in pictures. That nobody does is no mistake.
async fn pictures(inspecting: &Inspecting) -> Finding {
    let (ok, detail) = match inspecting.picture_reader().await {
        None => (
            true,
            "not read (settings `inspect_ocr`, `inspect_workers`)".into(),
        ),
        Some(Err(no)) => (
            no.why == Unread::NoProgram,
            format!("not read: {}", no.detail),
        ),
        Some(Ok(reader)) => {
            let missing = match reader.languages_missing.as_slice() {
                [] => String::new(),
                missing => format!("; not installed: {}", missing.join(", ")),
            };
            let (program, languages) = (reader.program.display(), reader.languages.join(", "));
            let ok = reader.languages_missing.is_empty();
            (ok, format!("read by `{program}` in {languages}{missing}"))
        }
    };
    let what = "pictures";
    Finding { what, ok, detail }
}

async fn processes(config: &Config, inspecting: &Inspecting) -> Finding {
    let what = "inspection";
    match inspecting.isolation().await {
        Ok(None) => {
            let detail = "within the evaluator's own process, which a hostile document may end (setting `inspect_workers`)";
            Finding {
                what,
                ok: true,
                detail: detail.into(),
            }
        }
        Ok(Some(isolation)) => {
            let workers = config.inspection.workers;
            let detail = format!("in processes of its own, {workers} at most: {isolation}");
            Finding {
                what,
                ok: isolation.limits,
                detail,
            }
        }
        Err(error) => Finding {
            what,
            ok: false,
            detail: error.to_string(),
        },
    }
}

async fn stores(config: &Config) -> Vec<Finding> {
    match Adapters::open(config).await {
        Ok(adapters) => vec![storage(&adapters).await, vault(config, &adapters).await],
        Err(error) => vec![Finding {
            what: "storage",
            ok: false,
            detail: format!("{error:#}"),
        }],
    }
}

/// Nothing is made for a vault that nobody has used.
async fn vault(config: &Config, adapters: &Adapters) -> Finding {
    let what = "vault";
    if let VaultKey::File(keys) = &config.vault.key
        && !keys.exists()
        && !holds_anything(adapters).await
    {
        let detail = "not used yet: its keys are made when something is put in".to_owned();
        let ok = true;
        return Finding { what, ok, detail };
    }
    let (store, clock) = (Arc::clone(&adapters.store), Arc::clone(&adapters.clock));
    let looked = async {
        let vault = open_vault(config, store, clock, Arc::clone(&adapters.entropy))?;
        anyhow::Ok(vault.look().await?)
    };
    let (ok, detail) = match looked.await {
        Ok(detail) => (true, format!("{detail}{}", shared(config))),
        Err(error) => (false, format!("{error:#}")),
    };
    Finding { what, ok, detail }
}

/// Whether the vault has items whose keys are needed; also where the store does not say.
async fn holds_anything(adapters: &Adapters) -> bool {
    let filter = VaultFilter {
        state: vec![VaultState::Held, VaultState::Receiving],
    };
    let first = PageRequest::first(1);
    let found = adapters.store.vault_page(&filter, &first).await;
    !found.is_ok_and(|page| page.items.is_empty())
}

/// What processes on several machines need, where the store says that there may be some.
fn shared(config: &Config) -> &'static str {
    let many = config.store.starts_with("postgres:");
    match &config.vault.storage {
        VaultStorage::Folder(_) if many => {
            "; every process that carries out remedies must see this folder and these keys"
        }
        _ => "",
    }
}

async fn storage(adapters: &Adapters) -> Finding {
    let what = "storage";
    match adapters.store.verify_audit().await {
        Ok(count) => {
            let detail =
                format!("store and log open, the audit trail of {count} entries is unbroken");
            Finding {
                what,
                ok: true,
                detail,
            }
        }
        Err(error) => Finding {
            what,
            ok: false,
            detail: format!("the audit trail: {error}"),
        },
    }
}
