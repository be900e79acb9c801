//! An item that is read. Whoever reads one piece after the other finds the next pieces opened already: while
//! the kernel takes one window, the next is fetched and opened beside it. What was read ahead is its opener's
//! alone, and at most two windows of it.

use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use tokio::task::JoinSet;
use vault::{Content, SealedContent, VaultError};

/// Bytes of a window: as many as a part of the vault has of content, so that each is fetched at once.
const WINDOW_BYTES: u64 = 4 * 1024 * 1024;

/// An item that is open.
pub(super) struct OpenItem {
    content: Arc<OpenContent>,
    ahead: Mutex<Ahead>,
}

pub(super) enum OpenContent {
    Plaintext(Box<Content>),
    Ciphertext(Box<SealedContent>),
}

/// What is at hand, and what is coming.
#[derive(Default)]
struct Ahead {
    from: u64,
    window: Bytes,
    coming: Option<Coming>,
}

/// The window that follows. Dropped, its fetching ends.
struct Coming {
    from: u64,
    to: u64,
    fetching: JoinSet<Result<Bytes, VaultError>>,
}

impl Ahead {
    fn end(&self) -> u64 {
        self.from + self.window.len() as u64
    }

    /// What is at hand of a range from its beginning on; nothing where it begins elsewhere.
    fn at_hand(&self, from: u64, to: u64) -> Option<Bytes> {
        let is_here = (self.from..self.end()).contains(&from);
        let to = to.min(self.end());
        is_here.then(|| {
            self.window
                .slice((from - self.from) as usize..(to - self.from) as usize)
        })
    }

    /// The window that is coming, if it begins there.
    fn take_coming(&mut self, from: u64) -> Option<Coming> {
        self.coming.take_if(|coming| coming.from == from)
    }
}

impl OpenItem {
    pub(super) fn new(content: OpenContent) -> Self {
        OpenItem {
            content: Arc::new(content),
            ahead: Mutex::default(),
        }
    }

    /// Some bytes: fewer at the end only.
    pub(super) async fn read(&self, offset: u64, bytes: u32) -> Result<Bytes, VaultError> {
        let whole = self.content.bytes();
        let end = offset.saturating_add(u64::from(bytes)).min(whole);
        if offset >= end {
            return Ok(Bytes::new());
        }
        let first = self.some(offset, end).await?;
        if first.len() as u64 == end - offset {
            return Ok(first);
        }
        let mut all = BytesMut::with_capacity((end - offset) as usize);
        all.extend_from_slice(&first);
        while (all.len() as u64) < end - offset {
            let more = self.some(offset + all.len() as u64, end).await?;
            all.extend_from_slice(&more);
        }
        Ok(all.freeze())
    }

    /// Some of a range that is not empty, from its beginning on: what one window has of it.
    async fn some(&self, from: u64, to: u64) -> Result<Bytes, VaultError> {
        let (coming, follows) = {
            let mut ahead = self.ahead.lock().expect("no holder panics");
            if let Some(found) = ahead.at_hand(from, to) {
                return Ok(found);
            }
            // Who goes on where the last read ended is likely to go on again.
            (ahead.take_coming(from), from == ahead.end())
        };
        let window = match coming {
            Some(coming) => self.come(coming).await?,
            None => {
                let until = match follows {
                    true => window_end(from).max(to),
                    false => to,
                };
                let until = until.min(self.content.bytes());
                self.content.range(from, until).await?
            }
        };
        let mut ahead = self.ahead.lock().expect("no holder panics");
        (ahead.from, ahead.window) = (from, window);
        let next = ahead.end();
        if follows && next < self.content.bytes() {
            ahead.coming = Some(self.fetch(next));
        }
        let found = ahead.at_hand(from, to);
        found.ok_or_else(|| VaultError::Range {
            start: from,
            end: to,
            bytes: self.content.bytes(),
        })
    }

    fn fetch(&self, from: u64) -> Coming {
        let to = window_end(from).min(self.content.bytes());
        let (content, mut fetching) = (Arc::clone(&self.content), JoinSet::new());
        fetching.spawn(async move { content.range(from, to).await });
        Coming { from, to, fetching }
    }

    async fn come(&self, mut coming: Coming) -> Result<Bytes, VaultError> {
        match coming.fetching.join_next().await {
            Some(Ok(fetched)) => fetched,
            // The task was ended with the runtime, or panicked: it is fetched here.
            Some(Err(_)) | None => self.content.range(coming.from, coming.to).await,
        }
    }
}

/// Where the window ends that a byte is in.
fn window_end(from: u64) -> u64 {
    (from / WINDOW_BYTES + 1) * WINDOW_BYTES
}

impl OpenContent {
    fn bytes(&self) -> u64 {
        match self {
            OpenContent::Plaintext(content) => content.bytes(),
            OpenContent::Ciphertext(content) => content.bytes(),
        }
    }

    async fn range(&self, from: u64, to: u64) -> Result<Bytes, VaultError> {
        let mut all = BytesMut::new();
        match self {
            OpenContent::Plaintext(content) => {
                let mut pieces = Box::pin(content.read(from..to)?);
                while let Some(piece) = pieces.try_next().await? {
                    if piece.len() as u64 == to - from {
                        return Ok(piece);
                    }
                    all.extend_from_slice(&piece);
                }
            }
            OpenContent::Ciphertext(content) => {
                while (all.len() as u64) < to - from {
                    let piece = content.read(from + all.len() as u64..to).await?;
                    all.extend_from_slice(&piece);
                }
            }
        }
        Ok(all.freeze())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use event_model::VaultOrigin;
    use ports::{ManualClock, SeededEntropy};
    use sealing::{Key, Sealer};
    use store_sqlite::SqliteStore;
    use vault::{Act, KeyRing, LocalKms, NewItem, Storage, Vault, VaultPorts};

    use super::*;

    async fn vault() -> Vault {
        let entropy = Arc::new(SeededEntropy::new(8));
        let sealer = Sealer::new(vec![Key::new("a", [1; 32])]).ok().unwrap();
        let store = SqliteStore::open("sqlite::memory:", sealer, entropy.clone()).await;
        let store = Arc::new(store.unwrap());
        let kms = LocalKms::from_text(
            "a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
            entropy.clone(),
        );
        Vault::new(VaultPorts {
            index: store.clone(),
            audit: store,
            storage: Storage::memory(),
            keys: KeyRing::new(Arc::new(kms.ok().unwrap()), Vec::new()),
            clock: Arc::new(ManualClock::at(DateTime::from_timestamp(0, 0).unwrap())),
            entropy,
        })
    }

    #[tokio::test]
    async fn what_is_read_is_what_stands_there_in_whatever_order_it_is_asked_for() {
        let (vault, mib) = (vault().await, 1 << 20);
        let content: Vec<u8> = (0..9 * mib + 77).map(|at| (at / 7 % 251) as u8).collect();
        let new = NewItem {
            name: "x".into(),
            origin: VaultOrigin::Stream,
            keep_until: None,
        };
        let mut put = vault.put(new, "ada").await.unwrap();
        put.copy_from(&mut &content[..], |_| ()).await.unwrap();
        let id = put.finish().await.unwrap().id;
        let opened = vault.open(id, "ada", Act::Read).await.unwrap();
        let plain = OpenItem::new(OpenContent::Plaintext(Box::new(opened)));
        let opened = vault.open_sealed(id, "ada").await.unwrap();
        let sealed = OpenItem::new(OpenContent::Ciphertext(Box::new(opened)));
        let whole = sealed.content.bytes();
        let stored = sealed.content.range(0, whole).await.unwrap();
        // One after the other in pieces of every size, back and forth, over the ends of windows, at the end.
        let sizes = [mib as u64, 3_000_000, 100_001];
        let mut asked: Vec<(u64, u64)> = Vec::new();
        for size in sizes {
            asked.extend((0..whole.div_ceil(size)).map(|place| (place * size, size)));
        }
        let (window, end) = (WINDOW_BYTES, content.len() as u64);
        asked.extend([
            (end - 5, 99),
            (0, 7),
            (window - 3, 9),
            (window, 2 * window),
            (end, 1),
        ]);
        for (item, expected) in [(&plain, &content[..]), (&sealed, &stored[..])] {
            for (offset, bytes) in &asked {
                let from = (*offset as usize).min(expected.len());
                let to = ((offset + bytes) as usize).min(expected.len());
                let read = item.read(*offset, *bytes as u32).await.unwrap();
                assert!(read == expected[from..to], "{bytes} bytes from {offset}");
            }
        }
    }
}
