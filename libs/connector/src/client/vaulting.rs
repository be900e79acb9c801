//! Taking content out of a service and sending it back, streamed: what there is of an object, its bytes, and
//! what closes it to others meanwhile.
//!
//! A connection that breaks off is opened again where it broke off, if the service gives ranges; if not,
//! what was had already is passed over. The caller compares the whole with what the service says of it.

mod hash;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use event_model::{Activity, Restoration, Snapshot};
use futures::stream::BoxStream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use crate::call::{CallError, Disposition};
use crate::client::remedy::Ask;
use crate::client::run::Run;
use crate::client::{ServiceClient, accepted, has_all, not_supported};
use crate::egress::{Answer, Take};
use crate::manifest::action::{Action, Content, Keeping};
use crate::scope::{Keep, Ref, Scope};

pub use hash::{ContentHash, HashKind};

/// How often one content is opened again after it broke off.
const REOPENED_MAX: u32 = 20;
/// Most versions of one object that are taken.
const CONTENTS_MAX: usize = 200;

/// What the vault has of an object, to be sent back.
#[async_trait]
pub trait KeptContent: Send + Sync {
    /// How long one of its contents is, in bytes; none when the vault does not have it. Null is the newest.
    fn bytes(&self, of: &Value) -> Option<u64>;

    /// The SHA-256 of one of its contents, in hexadecimal.
    fn sha256(&self, of: &Value) -> Option<String>;

    /// Some bytes of one of its contents.
    ///
    /// # Errors
    /// When they cannot be had now, or are damaged.
    async fn read(
        &self,
        of: &Value,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, CallError>>, CallError>;
}

/// One content of an object, and what the service says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToKeep {
    /// Which, as the snapshot has it; null where there is only one.
    pub of: Value,
    /// How long it is, in bytes, where that is told.
    pub bytes: Option<u64>,
    /// Its hash in lower-case hexadecimal, where that is told.
    pub hash: Option<(HashKind, String)>,
}

/// Content that comes out of a service.
pub struct Incoming<'a> {
    client: &'a ServiceClient,
    place: &'a Content,
    activity: &'a Activity,
    snapshot: &'a Map<String, Value>,
    kept: Map<String, Value>,
    of: Value,
    answer: Answer,
    at: u64,
    /// Still to be passed over, in bytes: the service gives no ranges.
    over: u64,
    reopened: u32,
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incoming(at {})", self.at)
    }
}

impl ServiceClient {
    fn keeping(&self, ask: &Ask<'_>) -> Result<(&Action, &Keeping), CallError> {
        let action = self.action_of(ask)?;
        let keeping = action.vault.as_ref();
        let missing = || not_supported(format!("`{}` takes nothing into the vault", ask.kind));
        Ok((action, keeping.ok_or_else(missing)?))
    }

    /// The contents of the object that are to be taken, oldest first.
    ///
    /// # Errors
    /// `TooLarge` when there are more than 200; see [`CallError`].
    pub fn contents(&self, ask: &Ask<'_>, snapshot: &Snapshot) -> Result<Vec<ToKeep>, CallError> {
        let (action, keeping) = self.keeping(ask)?;
        let run = self.run(ask, action, Some(snapshot));
        let items = match &keeping.each {
            Some(each) => run.elements(each)?,
            None => vec![Value::Null],
        };
        if items.len() > CONTENTS_MAX {
            let limit = CONTENTS_MAX;
            return Err(CallError::TooLarge { limit });
        }
        let told = |item: Value| {
            let scope = Scope {
                item: Some(&item),
                ..run.scope()
            };
            let text = |template: &crate::template::Template| {
                template.text(&scope).ok().filter(|text| !text.is_empty())
            };
            let bytes = keeping.bytes.as_ref().and_then(text);
            let hash = keeping.hash.as_ref();
            let hash = hash.and_then(|(kind, told)| Some((*kind, text(told)?.to_lowercase())));
            ToKeep {
                bytes: bytes.and_then(|bytes| bytes.parse().ok()),
                hash,
                of: item,
            }
        };
        Ok(items.into_iter().map(told).collect())
    }

    /// Closes the object to others before its content is taken, as far as the manifest can. Each of its
    /// steps can be made again.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn close(&self, ask: &Ask<'_>, snapshot: &Snapshot) -> Result<(), CallError> {
        let (action, _) = self.keeping(ask)?;
        self.run(ask, action, Some(snapshot))
            .must(&action.close)
            .await
    }

    /// Looks at the object again after it was changed meanwhile. What the remedy has taken away by then
    /// stands in the first snapshot only, and is kept from there.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub async fn snapshot_again(
        &self,
        ask: &Ask<'_>,
        first: &Snapshot,
    ) -> Result<Snapshot, CallError> {
        let (action, keeping) = self.keeping(ask)?;
        let mut fresh = self.snapshot(ask).await?;
        let closing = action.close.iter().chain(&action.steps);
        let lists = closing.filter_map(|step| step.for_each.as_ref());
        let lists = lists.chain(&keeping.each).map(|each| &each.list);
        for list in lists {
            if let Ref::Kept(Keep::Snapshot, path) = list
                && let Some(name) = path.first()
            {
                unite(name, first, &mut fresh);
            }
        }
        for (name, value) in &first.values {
            let now = fresh.values.entry(name.clone()).or_insert(Value::Null);
            if now.is_null() {
                now.clone_from(value);
            }
        }
        Ok(fresh)
    }

    /// Opens one of the contents, from that byte on.
    ///
    /// # Errors
    /// `NotSupported` when the manifest does not say where it is; see [`CallError`].
    pub async fn open_content<'a>(
        &'a self,
        ask: &Ask<'a>,
        snapshot: &'a Snapshot,
        of: &Value,
        from: u64,
    ) -> Result<Incoming<'a>, CallError> {
        let (_, keeping) = self.keeping(ask)?;
        let own = Some(&keeping.content).filter(|own| !own.is_empty());
        for place in own.unwrap_or(&self.connector().content) {
            let mut run = Run::new(self)
                .about(ask.activity)
                .from(Some(&snapshot.values))
                .on(of.clone());
            if place
                .when
                .as_ref()
                .is_some_and(|when| !when.holds(&run.scope()))
            {
                continue;
            }
            run.must(&place.before).await?;
            let scope = run.scope();
            let queries = place.request.query.iter().map(|(_, value)| value);
            if !queries
                .chain([&place.request.url])
                .all(|text| has_all(text, &scope))
            {
                continue;
            }
            let answer = self.open_at(place, &scope, from).await?;
            return Ok(Incoming {
                client: self,
                place,
                activity: ask.activity,
                snapshot: &snapshot.values,
                over: passed_over(&answer, from)?,
                kept: run.kept,
                of: of.clone(),
                answer,
                at: from,
                reopened: 0,
            });
        }
        Err(not_supported(
            "the manifest does not say where the content is",
        ))
    }

    async fn open_at(
        &self,
        place: &Content,
        scope: &Scope<'_>,
        from: u64,
    ) -> Result<Answer, CallError> {
        let url = self.address(&place.request, scope, &[])?;
        let mut extra = HeaderMap::new();
        // Compressed on the way, it would have other ranges.
        let as_it_is = HeaderValue::from_static("identity");
        extra.insert(header::ACCEPT_ENCODING, as_it_is);
        if from > 0 {
            let range = HeaderValue::try_from(format!("bytes={from}-"));
            extra.insert(header::RANGE, range.expect("digits fit into a header"));
        }
        let answer = self.exchange(url, &place.request, scope, extra, Take::Streamed);
        accepted(answer.await?, &[])
    }

    /// Puts everything back as the snapshot has it, with what the vault has of it. See [`Self::undo`].
    ///
    /// # Errors
    /// As [`Self::undo`].
    pub async fn undo_from_vault(
        &self,
        ask: &Ask<'_>,
        snapshot: &Snapshot,
        kept: &Arc<dyn KeptContent>,
    ) -> Result<Restoration, CallError> {
        self.undo_parts(ask, snapshot, Some(kept)).await
    }
}

impl Incoming<'_> {
    /// The next piece; none at the end.
    ///
    /// # Errors
    /// When it broke off too often, or the service says something else now.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, CallError> {
        loop {
            let egress = &self.client.0.egress;
            let Some(response) = &mut self.answer.rest else {
                return Ok(None);
            };
            match egress.piece(response).await {
                Ok(None) => return Ok(None),
                Ok(Some(mut piece)) => {
                    let over = self.over.min(piece.len() as u64);
                    drop(piece.split_to(over as usize));
                    self.over -= over;
                    self.at += piece.len() as u64;
                    if !piece.is_empty() {
                        return Ok(Some(piece));
                    }
                }
                Err(error) => self.reopen(error).await?,
            }
        }
    }

    async fn reopen(&mut self, error: CallError) -> Result<(), CallError> {
        let may_pass = matches!(error.disposition(), Disposition::Retry(_));
        if !may_pass || self.reopened >= REOPENED_MAX {
            return Err(error);
        }
        self.reopened += 1;
        let mut run = Run::new(self.client)
            .about(self.activity)
            .from(Some(self.snapshot))
            .on(self.of.clone());
        run.kept.clone_from(&self.kept);
        let answer = self
            .client
            .open_at(self.place, &run.scope(), self.at)
            .await?;
        let same = answer.headers.get(header::ETAG) == self.answer.headers.get(header::ETAG);
        if !same {
            return Err(CallError::VersionMismatch);
        }
        self.over = passed_over(&answer, self.at)?;
        self.answer = answer;
        Ok(())
    }
}

/// How many bytes come that were had already: all of them, unless the answer begins where it was asked to.
/// An answer that begins later would leave bytes out.
fn passed_over(answer: &Answer, from: u64) -> Result<u64, CallError> {
    let range = answer.headers.get(header::CONTENT_RANGE);
    let range = range.and_then(|range| range.to_str().ok()?.strip_prefix("bytes "));
    let first = range.and_then(|range| range.split('-').next()?.parse::<u64>().ok());
    match (answer.status, first) {
        (StatusCode::PARTIAL_CONTENT, Some(first)) => from.checked_sub(first).ok_or_else(|| {
            CallError::malformed("the answer begins after the byte that was asked for")
        }),
        // A part that does not say which.
        (StatusCode::PARTIAL_CONTENT, None) if from == 0 => Ok(0),
        (StatusCode::PARTIAL_CONTENT, None) => Err(CallError::malformed(
            "a part of the content that does not say where it begins",
        )),
        _ => Ok(from),
    }
}

/// What the first snapshot lists, and then what came since.
fn unite(name: &str, first: &Snapshot, fresh: &mut Snapshot) {
    let Some(Value::Array(before)) = first.values.get(name) else {
        return;
    };
    let mut all = before.clone();
    if let Some(Value::Array(now)) = fresh.values.get(name) {
        all.extend(now.iter().filter(|one| !before.contains(one)).cloned());
    }
    fresh.values.insert(name.to_owned(), Value::Array(all));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_left_out_wherever_an_answer_begins() {
        let rows = [
            (200, None, 0, Some(0)),
            (200, None, 7, Some(7)),
            (206, Some("bytes 7-9/10"), 7, Some(0)),
            (206, Some("bytes 4-9/10"), 7, Some(3)),
            (206, Some("bytes 8-9/10"), 7, None),
            (206, Some("pieces 7-9"), 7, None),
            (206, None, 7, None),
            (206, None, 0, Some(0)),
        ];
        for (status, range, from, expected) in rows {
            let mut headers = HeaderMap::new();
            if let Some(range) = range {
                headers.insert(header::CONTENT_RANGE, HeaderValue::from_static(range));
            }
            let answer = Answer {
                status: StatusCode::from_u16(status).unwrap(),
                headers,
                body: Bytes::new(),
                rest: None,
            };
            let over = passed_over(&answer, from).ok();
            assert_eq!(over, expected, "{status} {range:?} from {from}");
        }
    }
}
