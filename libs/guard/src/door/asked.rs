//! What a connection may ask, each done only as far as the verdict goes: plaintext to whom plaintext is
//! allowed, ciphertext to whom only that is, and a handle never gives what its opener was not allowed.

use access::{Allowed, View};
use bytes::{Bytes, BytesMut};
use event_model::{PageRequest, VaultId, VaultItem, VaultOrigin, VaultState};
use futures::TryStreamExt;
use ports::VaultFilter;
use vault::{Act, Content, Mending, NewItem, Put, SealedContent, VaultError};

use super::HANDLES_MAX;
use super::connection::Connection;
use crate::guarding::Verdict;
use crate::wire::{Code, DATA_BYTES_MAX, Listed, NAME_BYTES_MAX, Reply, Request, Shown};

/// Items of a list, and looked at in one page when one is looked for by its name.
const PAGE_ITEMS: u32 = 200;

/// An item that is open.
pub(super) enum Handle {
    Plaintext(Box<Content>),
    Ciphertext(Box<SealedContent>),
    Putting(Box<Put>),
    Mending(Box<Mending>),
}

/// Why something is not done.
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) why: String,
    pub(super) subject: String,
}

impl Refusal {
    fn new(code: Code, why: impl Into<String>) -> Self {
        let (why, subject) = (why.into(), "vault".to_owned());
        Refusal { code, why, subject }
    }

    fn denied(subject: &str) -> Self {
        Refusal {
            code: Code::Denied,
            why: String::new(),
            subject: subject.to_owned(),
        }
    }

    /// It is not known who asks, or what holds.
    pub(super) fn unknown(why: String) -> Self {
        Refusal::new(Code::Denied, why)
    }
}

impl From<VaultError> for Refusal {
    fn from(error: VaultError) -> Self {
        let code = match &error {
            VaultError::NotFound(_) | VaultError::State { .. } | VaultError::NoKey(_) => {
                Code::NotFound
            }
            VaultError::Damaged { .. } => Code::Damaged,
            VaultError::NotItsCiphertext { .. } | VaultError::Range { .. } => Code::Asked,
            _ => Code::Failed,
        };
        // The cause may name what only the server may know: it is in the log.
        if code == Code::Failed {
            tracing::error!(error = &error as &dyn std::error::Error, "the vault failed");
        }
        Refusal::new(code, error.to_string())
    }
}

impl From<ports::StoreError> for Refusal {
    fn from(error: ports::StoreError) -> Self {
        VaultError::from(error).into()
    }
}

pub(super) fn refused(code: Code, why: String) -> Reply {
    Reply::Refused { code, why }
}

impl Connection {
    pub(super) async fn asked(
        &mut self,
        verdict: &Verdict,
        request: Request,
    ) -> Result<Reply, Refusal> {
        match request {
            Request::Open { write, name } => self.open(verdict, write, &name).await,
            Request::Read {
                handle,
                offset,
                bytes,
            } => self.read(verdict.allowed, handle, offset, bytes).await,
            Request::Write {
                handle,
                offset,
                data,
            } => self.write(verdict.allowed, handle, offset, &data).await,
            Request::List { after } => self.list(verdict, &after).await,
            Request::Close { handle } => self.close(verdict.allowed, handle).await,
        }
    }

    async fn open(&mut self, verdict: &Verdict, write: bool, name: &str) -> Result<Reply, Refusal> {
        let Allowed { read, write: put } = verdict.allowed;
        let view = if write { put } else { read };
        // Before it is looked for: who may do nothing is not told what there is.
        if view == View::Nothing {
            return Err(Refusal::denied(name));
        }
        if self.handles.len() >= HANDLES_MAX {
            let why = format!("a connection has at most {HANDLES_MAX} items open");
            return Err(Refusal::new(Code::Busy, why));
        }
        let (by, vault) = (verdict.asker.told("socket"), &self.door.vault);
        let handle = match (write, view) {
            (false, View::Plaintext) => {
                let id = self.find(name).await?;
                Handle::Plaintext(Box::new(vault.open(id, &by, Act::Read).await?))
            }
            (false, _) => {
                let id = self.find(name).await?;
                Handle::Ciphertext(Box::new(vault.open_sealed(id, &by).await?))
            }
            (true, View::Plaintext) => Handle::Putting(Box::new(self.put(name, &by).await?)),
            (true, _) => {
                let id = self.find(name).await?;
                Handle::Mending(Box::new(vault.mend(id, &by).await?))
            }
        };
        let (shown, bytes) = match &handle {
            Handle::Plaintext(content) => (Shown::Plaintext, content.bytes()),
            Handle::Ciphertext(content) => (Shown::Ciphertext, content.bytes()),
            Handle::Putting(_) => (Shown::Plaintext, 0),
            Handle::Mending(_) => (Shown::Ciphertext, 0),
        };
        let number = self.next_handle;
        self.next_handle += 1;
        self.handles.insert(number, handle);
        Ok(Reply::Opened {
            handle: number,
            shown,
            bytes,
        })
    }

    async fn put(&self, name: &str, by: &str) -> Result<Put, Refusal> {
        let is_fit = (1..=NAME_BYTES_MAX).contains(&name.len())
            && !name.contains(char::is_control)
            && name.parse::<VaultId>().is_err();
        if !is_fit {
            let why = "a new item has a name, without control characters, that is not an item's id";
            return Err(Refusal::new(Code::Asked, why));
        }
        let new = NewItem {
            name: name.to_owned(),
            origin: VaultOrigin::Stream,
            keep_until: self.door.keep.map(|keep| self.door.clock.now() + keep),
        };
        Ok(self.door.vault.put(new, by).await?)
    }

    /// The item of that id, or the one that has the name.
    async fn find(&self, name: &str) -> Result<VaultId, Refusal> {
        if let Ok(id) = name.parse() {
            return Ok(id);
        }
        let (mut page, mut found) = (PageRequest::first(PAGE_ITEMS), Vec::new());
        loop {
            let items = self.door.index.vault_page(&held(), &page).await?;
            let named = items.items.iter().filter(|item| item.name == name);
            found.extend(named.map(|item| item.id));
            match (found.as_slice(), items.next) {
                ([_, _, ..], _) => {
                    let ids: Vec<String> = found.iter().take(3).map(VaultId::to_string).collect();
                    let why = format!("several items have that name: {}", ids.join(", "));
                    return Err(Refusal::new(Code::Ambiguous, why));
                }
                (_, Some(next)) => page = PageRequest::after(next, PAGE_ITEMS),
                ([id], None) => return Ok(*id),
                ([], None) => {
                    let why = "there is no item of that name in the vault";
                    return Err(Refusal::new(Code::NotFound, why));
                }
            }
        }
    }

    async fn read(
        &self,
        allowed: Allowed,
        handle: u32,
        offset: u64,
        bytes: u32,
    ) -> Result<Reply, Refusal> {
        let handle = self.handles.get(&handle).ok_or_else(not_open)?;
        let range = |whole: u64| {
            let from = offset.min(whole);
            from..(from + u64::from(bytes.min(DATA_BYTES_MAX))).min(whole)
        };
        // INVARIANT: what was opened as plaintext is read by whom plaintext is allowed, still.
        let data = match handle {
            Handle::Plaintext(content) if allowed.read == View::Plaintext => {
                let pieces = content.read(range(content.bytes()))?;
                let all = pieces.try_fold(BytesMut::new(), |mut all, piece| async move {
                    all.extend_from_slice(&piece);
                    Ok(all)
                });
                all.await?.freeze()
            }
            Handle::Ciphertext(content) if allowed.read == View::Ciphertext => {
                content.read(range(content.bytes())).await?
            }
            Handle::Plaintext(content) => return Err(denied(content.item())),
            Handle::Ciphertext(content) => return Err(denied(content.item())),
            Handle::Putting(_) | Handle::Mending(_) => {
                let why = "what was opened to be written is not read";
                return Err(Refusal::new(Code::Asked, why));
            }
        };
        Ok(Reply::Data(data))
    }

    async fn write(
        &mut self,
        allowed: Allowed,
        handle: u32,
        offset: u64,
        data: &Bytes,
    ) -> Result<Reply, Refusal> {
        let handle = self.handles.get_mut(&handle).ok_or_else(not_open)?;
        let in_order = |received: u64| match received == offset {
            true => Ok(()),
            false => Err(Refusal::new(
                Code::Asked,
                format!("{received} bytes have come, and what comes now is to stand at {offset}"),
            )),
        };
        let received = match handle {
            Handle::Putting(put) if allowed.write == View::Plaintext => {
                in_order(put.received())?;
                put.copy_from(&mut &data[..], |_| ()).await?;
                put.received()
            }
            Handle::Mending(mending) if allowed.write == View::Ciphertext => {
                in_order(mending.received())?;
                mending.write(data).await?;
                mending.received()
            }
            Handle::Putting(put) => return Err(Refusal::denied(&put.id().to_string())),
            Handle::Mending(mending) => return Err(Refusal::denied(&mending.id().to_string())),
            Handle::Plaintext(_) | Handle::Ciphertext(_) => {
                let why = "what was opened to be read is not written";
                return Err(Refusal::new(Code::Asked, why));
            }
        };
        Ok(Reply::Written(received))
    }

    async fn list(&self, verdict: &Verdict, after: &str) -> Result<Reply, Refusal> {
        if verdict.is_nothing() {
            return Err(Refusal::denied("vault"));
        }
        let page = match after {
            "" => PageRequest::first(PAGE_ITEMS),
            after => PageRequest::after(after, PAGE_ITEMS),
        };
        let page = self.door.index.vault_page(&held(), &page).await?;
        let items = page.items.into_iter().map(|item| Listed {
            id: item.id,
            bytes: item.bytes.unwrap_or_default(),
            name: item.name,
        });
        Ok(Reply::Listed {
            items: items.collect(),
            next: page.next.unwrap_or_default(),
        })
    }

    async fn close(&mut self, allowed: Allowed, handle: u32) -> Result<Reply, Refusal> {
        let handle = self.handles.remove(&handle).ok_or_else(not_open)?;
        let id = match handle {
            Handle::Plaintext(content) => content.item().id,
            Handle::Ciphertext(content) => content.item().id,
            Handle::Putting(put) => {
                let id = put.id();
                if allowed.write != View::Plaintext {
                    self.give_up(*put).await;
                    return Err(Refusal::denied(&id.to_string()));
                }
                put.finish().await?.id
            }
            Handle::Mending(mending) => {
                let id = mending.id();
                if allowed.write != View::Ciphertext {
                    return Err(Refusal::denied(&id.to_string()));
                }
                mending.finish().await?;
                id
            }
        };
        Ok(Reply::Closed(id))
    }

    /// What was not closed is given up.
    pub(super) async fn end(&mut self) {
        for (_, handle) in std::mem::take(&mut self.handles) {
            if let Handle::Putting(put) = handle {
                self.give_up(*put).await;
            }
        }
    }

    async fn give_up(&self, put: Put) {
        let id = put.id();
        put.pause().await;
        if let Err(error) = self.door.vault.delete(id, "socket").await {
            tracing::warn!(%id, %error, "a put that was broken off is left to `vault sweep`");
        }
    }
}

fn held() -> VaultFilter {
    VaultFilter {
        state: vec![VaultState::Held],
    }
}

fn not_open() -> Refusal {
    Refusal::new(Code::Asked, "nothing is open by that number")
}

fn denied(item: &VaultItem) -> Refusal {
    Refusal::denied(&item.id.to_string())
}
