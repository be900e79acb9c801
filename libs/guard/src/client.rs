//! The other end of the socket: what a program uses that reads and writes by it.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use event_model::VaultId;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::wire::{Code, FRAME_BYTES_MAX, GREETING, Listed, Malformed, Reply, Request, Shown};

/// Why nothing was read or written.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The socket does not answer.
    #[error("the socket does not answer")]
    Io(#[from] std::io::Error),
    /// What answers is not a vault.
    #[error("the socket answers otherwise than a vault does")]
    Malformed(#[from] Malformed),
    /// It was refused.
    #[error("{why}")]
    Refused {
        /// Why, for a program.
        code: Code,
        /// Why, for a person.
        why: String,
    },
}

/// A connection to the vault.
pub struct Client {
    stream: UnixStream,
}

/// An item that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// What to ask with from now on.
    pub handle: u32,
    /// As what it is read or written.
    pub shown: Shown,
    /// How long it is as that, in bytes; 0 where it is written.
    pub bytes: u64,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody answers, or not as a vault does.
    pub async fn connect(socket: &Path) -> Result<Self, ClientError> {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(&GREETING).await?;
        let mut said = [0; GREETING.len()];
        stream.read_exact(&mut said).await?;
        match said == GREETING {
            true => Ok(Client { stream }),
            false => Err(Malformed.into()),
        }
    }

    /// Opens an item by its id or name.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn open(&mut self, name: &str, write: bool) -> Result<Opened, ClientError> {
        let name = name.to_owned();
        match self.ask(&Request::Open { write, name }).await? {
            Reply::Opened {
                handle,
                shown,
                bytes,
            } => Ok(Opened {
                handle,
                shown,
                bytes,
            }),
            _ => Err(Malformed.into()),
        }
    }

    /// Reads some bytes; fewer at the end, and at the end of a part of ciphertext.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn read(
        &mut self,
        handle: u32,
        offset: u64,
        bytes: u32,
    ) -> Result<Bytes, ClientError> {
        let request = Request::Read {
            handle,
            offset,
            bytes,
        };
        match self.ask(&request).await? {
            Reply::Data(data) => Ok(data),
            _ => Err(Malformed.into()),
        }
    }

    /// Writes what comes next, at most [`DATA_BYTES_MAX`](crate::DATA_BYTES_MAX), and says how much came in all.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn write(
        &mut self,
        handle: u32,
        offset: u64,
        data: Bytes,
    ) -> Result<u64, ClientError> {
        let request = Request::Write {
            handle,
            offset,
            data,
        };
        match self.ask(&request).await? {
            Reply::Written(bytes) => Ok(bytes),
            _ => Err(Malformed.into()),
        }
    }

    /// Some of what is held, and what to go on with; from the beginning when that is empty.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn list(&mut self, after: &str) -> Result<(Vec<Listed>, String), ClientError> {
        let after = after.to_owned();
        match self.ask(&Request::List { after }).await? {
            Reply::Listed { items, next } => Ok((items, next)),
            _ => Err(Malformed.into()),
        }
    }

    /// Ends with an item, and says which it is.
    ///
    /// # Errors
    /// When what was written is not there.
    pub async fn close(&mut self, handle: u32) -> Result<VaultId, ClientError> {
        match self.ask(&Request::Close { handle }).await? {
            Reply::Closed(id) => Ok(id),
            _ => Err(Malformed.into()),
        }
    }

    async fn ask(&mut self, request: &Request) -> Result<Reply, ClientError> {
        self.stream.write_all(&request.frame()).await?;
        let length = usize::try_from(self.stream.read_u32().await?).unwrap_or(usize::MAX);
        if length > FRAME_BYTES_MAX {
            return Err(Malformed.into());
        }
        let mut frame = BytesMut::zeroed(length);
        self.stream.read_exact(&mut frame).await?;
        match Reply::read(frame.freeze())? {
            Reply::Refused { code, why } => Err(ClientError::Refused { code, why }),
            reply => Ok(reply),
        }
    }
}
