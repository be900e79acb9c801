//! The worker's side: one thread, one document at a time, until its input ends.

use std::io;

use inspect::{Begun, CustomDetector, DetectorSet, Limits};

use crate::protocol::{
    self, ANSWER_BYTES_MAX, HEAD_BYTES_MAX, READINGS_BYTES_MAX, Request, Said, Setup,
};
use crate::{DETECTORS_BYTES_MAX, blind, confine, over};

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
    let Some(custom) = protocol::read(&mut input, DETECTORS_BYTES_MAX)? else {
        return Ok(());
    };
    let detectors = ready(&custom)?;
    drop(custom);
    warm_up(&detectors);
    let isolation = confine::confine(&setup);
    protocol::write(&mut output, &serde_json::to_vec(&isolation)?)?;
    while let Some(request) = protocol::read(&mut input, HEAD_BYTES_MAX)? {
        let request: Request = serde_json::from_slice(&request)?;
        let bytes = protocol::read(&mut input, setup.limits.input_bytes_max)?;
        let bytes = bytes.ok_or(io::ErrorKind::UnexpectedEof)?;
        confine::begin_document(&setup);
        let name = request.name.as_deref();
        let mut begun = inspect::begin(&bytes, name, &setup.limits);
        drop(bytes);
        let mut readings = Vec::new();
        if !begun.pictures().is_empty() {
            hand_out(&begun, &mut output)?;
            begun.forget_bytes();
            let read = protocol::read(&mut input, READINGS_BYTES_MAX)?;
            readings = serde_json::from_slice(&read.ok_or(io::ErrorKind::UnexpectedEof)?)?;
        }
        let inspection = begun.finish(readings, &detectors);
        let mut answer = serde_json::to_vec(&Said::Inspected(inspection))?;
        if answer.len() > ANSWER_BYTES_MAX {
            answer = serde_json::to_vec(&Said::Inspected(blind(over("answer_bytes_max"))))?;
        }
        protocol::write(&mut output, &answer)?;
    }
    Ok(())
}

/// Gives the pool the pictures to be read.
fn hand_out(begun: &Begun<'_>, output: &mut impl io::Write) -> io::Result<()> {
    let said = Said::Pictures(begun.pictures().len());
    protocol::write(output, &serde_json::to_vec(&said)?)?;
    for picture in begun.pictures() {
        protocol::write(output, &picture.bytes)?;
    }
    Ok(())
}

/// The detectors that the pool sent. It has checked them: what is wrong now is wrong on the way.
fn ready(definitions: &[u8]) -> io::Result<DetectorSet> {
    let custom: Vec<CustomDetector> = serde_json::from_slice(definitions)?;
    DetectorSet::built_in().with(&custom).map_err(|wrong| {
        let first = wrong.first().map(ToString::to_string);
        io::Error::new(io::ErrorKind::InvalidData, first.unwrap_or_default())
    })
}

/// Builds what is built once, while files can still be read and before documents are timed.
fn warm_up(detectors: &DetectorSet) {
    let text = b"id,card\n1,4539 5787 6362 1486\n2,none\n";
    inspect::inspect(text, Some("a.csv"), &Limits::default(), detectors);
}
