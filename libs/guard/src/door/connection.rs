//! One connection: frames in, frames out, and who asks judged before each answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::Door;
use super::asked::{Handle, Refusal, refused};
use crate::guarding::{GuardError, Verdict};
use crate::wire::{Code, FRAME_BYTES_MAX, GREETING, Malformed, Reply, Request};
use crate::witness::Peer;

/// How long a connection may ask nothing.
const IDLE: Duration = Duration::from_secs(600);
/// How long a frame may take, either way.
const FRAME_TIME: Duration = Duration::from_secs(30);

pub(super) struct Connection {
    pub(super) door: Arc<Door>,
    peer: Arc<Peer>,
    pub(super) handles: HashMap<u32, Handle>,
    pub(super) next_handle: u32,
}

/// Answers until the client leaves, says what is no frame, or is too slow.
pub(super) async fn serve(door: Arc<Door>, mut stream: UnixStream, peer: Peer) {
    let mut connection = Connection {
        door,
        peer: Arc::new(peer),
        handles: HashMap::new(),
        next_handle: 1,
    };
    if greet(&mut stream).await.is_some() {
        while let Some(frame) = read_frame(&mut stream).await {
            let (reply, ends) = match Request::read(frame) {
                Ok(request) => (connection.answer(request).await, false),
                Err(Malformed) => (refused(Code::Asked, Malformed.to_string()), true),
            };
            let sent = timeout(FRAME_TIME, stream.write_all(&reply.frame())).await;
            if ends || !matches!(sent, Ok(Ok(()))) {
                break;
            }
        }
    }
    connection.end().await;
}

async fn greet(stream: &mut UnixStream) -> Option<()> {
    let greeted = async {
        let mut said = [0; GREETING.len()];
        stream.read_exact(&mut said).await.ok()?;
        stream.write_all(&GREETING).await.ok()?;
        (said == GREETING).then_some(())
    };
    timeout(FRAME_TIME, greeted).await.ok().flatten()
}

async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Bytes> {
    let length = timeout(IDLE, stream.read_u32()).await.ok()?.ok()?;
    let length = usize::try_from(length).ok()?;
    if length > FRAME_BYTES_MAX {
        return None;
    }
    let mut frame = BytesMut::zeroed(length);
    let read = timeout(FRAME_TIME, stream.read_exact(&mut frame)).await;
    read.ok()?.ok()?;
    Some(frame.freeze())
}

impl Connection {
    async fn answer(&mut self, request: Request) -> Reply {
        let what = word(&request);
        let verdict = match self.verdict().await {
            Ok(verdict) => verdict,
            Err(error) => {
                let refusal = Refusal::unknown(error.to_string());
                return self
                    .told(&format!("socket:{}", self.peer.uid()), what, refusal)
                    .await;
            }
        };
        match self.asked(&verdict, request).await {
            Ok(reply) => reply,
            Err(refusal) => {
                let actor = verdict.asker.told("socket");
                let why = match refusal.code {
                    Code::Denied => {
                        format!("{}, by {}", verdict.because, verdict.asker.chain())
                    }
                    _ => refusal.why.clone(),
                };
                self.told(&actor, what, Refusal { why, ..refusal }).await
            }
        }
    }

    /// Who asks and what holds for them now.
    async fn verdict(&self) -> Result<Verdict, GuardError> {
        let (guard, peer) = (Arc::clone(&self.door.guard), Arc::clone(&self.peer));
        // Names of accounts may come from far away.
        let judged = tokio::task::spawn_blocking(move || {
            let asker = peer.ask(guard.witness())?;
            Ok(guard.judge(asker)?)
        });
        judged.await.expect("judging does not panic")
    }

    /// What the client is told. Which policy it was stands in the trail, not in the answer.
    async fn told(&self, actor: &str, what: &str, refusal: Refusal) -> Reply {
        let Refusal { code, why, subject } = refusal;
        if code != Code::Denied {
            return refused(code, why);
        }
        let noted = self.door.guard.note_refusal(actor, what, &subject, &why);
        if let Err(error) = noted.await {
            tracing::error!(%error, "a refusal is not in the audit trail");
        }
        refused(Code::Denied, "Permission denied".to_owned())
    }
}

fn word(request: &Request) -> &'static str {
    match request {
        Request::Open { write: false, .. } => "opening to read",
        Request::Open { write: true, .. } => "opening to write",
        Request::Read { .. } => "reading",
        Request::Write { .. } => "writing",
        Request::List { .. } => "listing",
        Request::Close { .. } => "closing",
    }
}
