//! What the pool and a worker say to each other over the worker's standard input and output: messages
//! of four bytes of length, lowest first, and that many bytes. First the pool sends the [`Setup`] and the
//! detectors of an administrator as JSON, and the worker answers with its isolation; then, as often as there is a document, the pool sends its
//! [`Request`] and its bytes, and the worker answers with the inspection ([`Said`]). Where it says that there are pictures instead,
//! their bytes follow, the pool sends what was read in them, and then the inspection comes.

use std::io::{self, Read, Write};

use inspect::{Inspection, Limits};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of an answer; a worker that says more is not believed.
pub(crate) const ANSWER_BYTES_MAX: usize = 32 << 20;
/// Bytes of a setup or a request without its document.
pub(crate) const HEAD_BYTES_MAX: usize = 1 << 20;

/// Bytes of what was read in the pictures of a document.
pub(crate) const READINGS_BYTES_MAX: usize = 256 << 20;

/// What a worker is told before it is confined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The bounds of one extraction.
    pub limits: Limits,
    /// Address space, in bytes.
    pub memory_bytes_max: u64,
    /// Processor time of one document, in seconds.
    pub seconds_max: u64,
}

/// A document to be inspected; its bytes follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) name: Option<String>,
}

/// What a worker answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    /// All that is known of the document.
    Inspected(Inspection),
    /// So many pictures follow.
    Pictures(usize),
}

pub(crate) fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the message is too long")
}

fn length_of(bytes: &[u8]) -> io::Result<[u8; 4]> {
    Ok(u32::try_from(bytes.len())
        .map_err(|_| too_long())?
        .to_le_bytes())
}

/// Writes one message.
pub(crate) fn write(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    to.write_all(&length_of(message)?)?;
    to.write_all(message)?;
    to.flush()
}

/// Reads one message of at most `bytes_max`; `None` when the other side has ended.
pub(crate) fn read(from: &mut impl Read, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if let Err(error) = from.read_exact(&mut length) {
        let ended = error.kind() == io::ErrorKind::UnexpectedEof;
        return if ended { Ok(None) } else { Err(error) };
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > bytes_max {
        return Err(too_long());
    }
    let mut message = vec![0; length];
    from.read_exact(&mut message)?;
    Ok(Some(message))
}

/// Sends one message.
pub(crate) async fn send(to: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> io::Result<()> {
    to.write_all(&length_of(message)?).await?;
    to.write_all(message).await?;
    to.flush().await
}

/// Receives one message of at most `bytes_max`. Room is made as bytes arrive: what a worker claims
/// of its length costs nothing.
pub(crate) async fn receive(
    from: &mut (impl AsyncRead + Unpin),
    bytes_max: usize,
) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > bytes_max {
        return Err(too_long());
    }
    let mut message = Vec::new();
    let mut rest = from.take(length as u64);
    rest.read_to_end(&mut message).await?;
    if message.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written_and_never_longer_than_allowed() {
        let mut wire = Vec::new();
        write(&mut wire, b"hello").expect("memory takes it");
        assert_eq!(
            read(&mut wire.as_slice(), 5).expect("it is whole"),
            Some(b"hello".to_vec())
        );
        assert!(read(&mut wire.as_slice(), 4).is_err());
        assert_eq!(read(&mut &b""[..], 5).expect("nothing is an end"), None);
        assert!(read(&mut &wire[..7], 5).is_err(), "half a message");
    }

    #[tokio::test]
    async fn what_a_worker_claims_of_its_length_costs_nothing() {
        let claim = (ANSWER_BYTES_MAX as u32).to_le_bytes();
        let received = receive(&mut &claim[..], ANSWER_BYTES_MAX).await;
        assert_eq!(
            received.expect_err("it is cut").kind(),
            io::ErrorKind::UnexpectedEof
        );
        let longer = (ANSWER_BYTES_MAX as u32 + 1).to_le_bytes();
        let received = receive(&mut &longer[..], ANSWER_BYTES_MAX).await;
        assert_eq!(
            received.expect_err("it is too long").kind(),
            io::ErrorKind::InvalidData
        );
    }
}
