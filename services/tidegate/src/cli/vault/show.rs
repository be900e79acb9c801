//! Items as a person or a program reads them. Wrapped keys are not shown.

use event_model::{PageRequest, VaultItem, VaultState, rfc3339};
use ports::VaultFilter;
use serde_json::{Value, json};

use super::{List, Opened};
use crate::cli::Stream;
use crate::output::counted;
use crate::say;

/// Items asked for at a time.
const PAGE_ITEMS: u32 = 200;

pub(super) async fn list(list: &List) -> anyhow::Result<()> {
    let opened = Opened::new(&list.given).await?;
    let state = match list.state.as_slice() {
        [] => vec![
            VaultState::Held,
            VaultState::Receiving,
            VaultState::Deleting,
        ],
        some => some.to_vec(),
    };
    let (filter, mut page, mut count) = (VaultFilter { state }, PageRequest::first(PAGE_ITEMS), 0);
    loop {
        let items = opened.store.vault_page(&filter, &page).await?;
        for item in &items.items {
            say(&shown(item, list.given.json), Stream::Out);
        }
        count += items.items.len();
        match items.next {
            Some(next) => page = PageRequest::after(next, PAGE_ITEMS),
            None => break,
        }
    }
    if !list.given.json {
        say(&counted(count, "item"), Stream::Error);
    }
    Ok(())
}

/// An item in a line.
pub(super) fn shown(item: &VaultItem, json: bool) -> String {
    match json {
        true => as_json(item).to_string(),
        false => as_line(item),
    }
}

/// An item as JSON.
pub(super) fn as_json(item: &VaultItem) -> Value {
    let VaultItem {
        id,
        name,
        origin,
        version,
        state,
        bytes,
        key,
        keep_until,
        legal_hold,
        received_at,
        updated_at,
        revision: _,
    } = item;
    json!({
        "id": id,
        "name": name,
        "origin": origin,
        "version": version,
        "state": state,
        "bytes": bytes,
        "key_scheme": key.as_ref().map(|key| &key.scheme),
        "keep_until": keep_until.map(rfc3339),
        "legal_hold": legal_hold,
        "received_at": rfc3339(*received_at),
        "updated_at": rfc3339(*updated_at),
    })
}

fn as_line(item: &VaultItem) -> String {
    let bytes = item.bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
    let mut kept = Vec::new();
    if let Some(until) = item.keep_until {
        kept.push(format!("kept until {}", rfc3339(until)));
    }
    if let Some(hold) = &item.legal_hold {
        kept.push(format!("on hold: {}", visible(&hold.reason)));
    }
    let line = format!(
        "{}  {}  {:<9}  {bytes:>14}  {}  {}",
        item.id,
        rfc3339(item.received_at),
        item.state.word(),
        visible(&item.name),
        kept.join(", "),
    );
    line.trim_end().to_owned()
}

/// Without control characters: names are what somebody chose.
pub(super) fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
