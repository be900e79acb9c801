//! The worker's side: one thread, one document at a time, until its input ends.

use std::io;

use inspect::{DetectorSet, Inspection, Limits};

use crate::protocol::{self, ANSWER_BYTES_MAX, HEAD_BYTES_MAX, Request, Setup};
use crate::{blind, confine, over};

/// Serves the pool that started this process, until its input ends.
///
/// # Errors
/// When the pool cannot be understood or no longer listens.
pub fn serve() -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let Some(setup) = protocol::read(&mut input, HEAD_BYTES_MAX)? else {
        return Ok(());
    };
    let setup: Setup = serde_json::from_slice(&setup)?;
    warm_up();
    let isolation = confine::confine(&setup);
    protocol::write(&mut output, &serde_json::to_vec(&isolation)?)?;
    while let Some(request) = protocol::read(&mut input, HEAD_BYTES_MAX)? {
        let request: Request = serde_json::from_slice(&request)?;
        let bytes = protocol::read(&mut input, setup.limits.input_bytes_max)?;
        let bytes = bytes.ok_or(io::ErrorKind::UnexpectedEof)?;
        confine::begin_document(&setup);
        let inspection = inspect(&bytes, &request, &setup.limits);
        drop(bytes);
        let mut answer = serde_json::to_vec(&inspection)?;
        if answer.len() > ANSWER_BYTES_MAX {
            answer = serde_json::to_vec(&blind(over("answer_bytes_max")))?;
        }
        protocol::write(&mut output, &answer)?;
    }
    Ok(())
}

fn inspect(bytes: &[u8], request: &Request, limits: &Limits) -> Inspection {
    inspect::inspect(
        bytes,
        request.name.as_deref(),
        limits,
        DetectorSet::built_in(),
    )
}

/// Builds what is built once, while files can still be read and before documents are timed.
fn warm_up() {
    let text = b"id,card\n1,4539 5787 6362 1486\n2,none\n";
    inspect::inspect(
        text,
        Some("a.csv"),
        &Limits::default(),
        DetectorSet::built_in(),
    );
}
