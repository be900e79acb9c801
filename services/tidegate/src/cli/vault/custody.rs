//! Deleting, holding, verifying and rotating.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use event_model::{PageRequest, VaultId, VaultState};
use ports::VaultFilter;
use serde_json::json;

use super::{Hold, Items, Opened, Rotate, Sweep, Verify, progress, show};
use crate::cli::Stream;
use crate::output::counted;
use crate::say;

/// Items asked for at a time.
const PAGE_ITEMS: u32 = 200;
const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn delete(items: &Items) -> anyhow::Result<()> {
    let opened = Opened::new(&items.given).await?;
    for id in &items.ids {
        let item = opened.vault.delete(*id, &opened.by).await?;
        say(&show::shown(&item, items.given.json), Stream::Out);
    }
    Ok(())
}

pub(super) async fn hold(hold: &Hold) -> anyhow::Result<()> {
    let opened = Opened::new(&hold.given).await?;
    let item = opened.vault.hold(hold.id, &hold.reason, &opened.by).await?;
    say(&show::shown(&item, hold.given.json), Stream::Out);
    Ok(())
}

pub(super) async fn release(items: &Items) -> anyhow::Result<()> {
    let opened = Opened::new(&items.given).await?;
    for id in &items.ids {
        let item = opened.vault.release(*id, &opened.by).await?;
        say(&show::shown(&item, items.given.json), Stream::Out);
    }
    Ok(())
}

pub(super) async fn verify(verify: &Verify) -> anyhow::Result<()> {
    let opened = Opened::new(&verify.given).await?;
    let (mut seen, mut damaged) = (0, 0);
    if !verify.ids.is_empty() {
        for id in &verify.ids {
            damaged += usize::from(!is_whole(&opened, *id, verify.given.json).await?);
        }
        seen = verify.ids.len();
        return verdict(seen, damaged);
    }
    let filter = VaultFilter {
        state: vec![VaultState::Held],
    };
    let mut page = PageRequest::first(PAGE_ITEMS);
    loop {
        let items = opened.store.vault_page(&filter, &page).await?;
        for item in &items.items {
            damaged += usize::from(!is_whole(&opened, item.id, verify.given.json).await?);
            seen += 1;
        }
        match items.next {
            Some(next) => page = PageRequest::after(next, PAGE_ITEMS),
            None => return verdict(seen, damaged),
        }
    }
}

fn verdict(seen: usize, damaged: usize) -> anyhow::Result<()> {
    if damaged > 0 {
        bail!("{damaged} of {} cannot be opened", counted(seen, "item"));
    }
    say(&format!("{} whole", counted(seen, "item")), Stream::Error);
    Ok(())
}

/// Whether an item opens; what is wrong with it is said.
async fn is_whole(opened: &Opened, id: VaultId, json: bool) -> anyhow::Result<bool> {
    let item = opened.vault.item(id).await?;
    let bar = progress::of_bytes(&item.name, item.bytes);
    let verified = opened
        .vault
        .verify(id, &opened.by, |seen| bar.set_position(seen));
    let verified = verified.await.map_err(anyhow::Error::from);
    bar.finish_and_clear();
    let line = match (&verified, json) {
        (Ok(whole), true) => {
            json!({"id": id, "whole": true, "bytes": whole.bytes, "sha256": hex::encode(whole.sha256)})
                .to_string()
        }
        (Ok(whole), false) => format!("{id}  whole  {}", hex::encode(whole.sha256)),
        (Err(error), true) => {
            json!({"id": id, "whole": false, "error": format!("{error:#}")}).to_string()
        }
        (Err(error), false) => format!("{id}  {error:#}"),
    };
    say(&line, Stream::Out);
    Ok(verified.is_ok())
}

pub(super) async fn rotate(rotate: &Rotate) -> anyhow::Result<()> {
    let opened = Opened::new(&rotate.given).await?;
    let bar = progress::of_items("keys wrapped anew");
    let told = |so_far: ::vault::Rotated| bar.set_position(so_far.rewrapped);
    let rotated = opened.vault.rotate(rotate.new_key, &opened.by, told).await;
    bar.finish_and_clear();
    let rotated = rotated.context("run it again for the rest: what is wrapped anew stays so")?;
    let ::vault::Rotated {
        rewrapped,
        current,
        not_opened,
    } = rotated;
    let line = match rotate.given.json {
        true => json!({"rewrapped": rewrapped, "current": current, "not_opened": not_opened})
            .to_string(),
        false => format!(
            "{} wrapped anew, {current} had the newest key already",
            counted(rewrapped as usize, "key")
        ),
    };
    say(&line, Stream::Out);
    ensure!(
        not_opened == 0,
        "{} left as they were, for they do not open: `tidegate vault verify` says which",
        counted(not_opened as usize, "key")
    );
    Ok(())
}

pub(super) async fn sweep(sweep: &Sweep) -> anyhow::Result<()> {
    let opened = Opened::new(&sweep.given).await?;
    let patience = HOUR * sweep.given_up_after;
    let swept = opened.vault.sweep(patience, sweep.expired, &opened.by);
    let ::vault::Swept {
        finished,
        given_up,
        expired,
    } = swept.await?;
    let line = match sweep.given.json {
        true => json!({"finished": finished, "given_up": given_up, "expired": expired}).to_string(),
        false => format!(
            "{} finished, {} given up, {} past its time",
            counted(finished as usize, "deletion"),
            counted(given_up as usize, "put"),
            counted(expired as usize, "item"),
        ),
    };
    say(&line, Stream::Out);
    Ok(())
}
