//! What a sink hands on: from which topic it comes, and how its records are read.

use bytes::Bytes;
use event_model::SinkStream;
use ports::Topic;

use crate::Told;

/// Where the events of a stream stand.
pub(crate) fn topic(stream: SinkStream) -> Topic {
    match stream {
        SinkStream::Incidents | SinkStream::Digest => Topic::Incidents,
        SinkStream::Activities => Topic::Activity,
        SinkStream::Remedies => Topic::Remedies,
    }
}

/// Reads a record of the stream's topic.
pub(crate) fn read(stream: SinkStream, value: Bytes) -> Result<Told, String> {
    match stream {
        SinkStream::Incidents | SinkStream::Digest | SinkStream::Remedies => Told::read(value),
        SinkStream::Activities => Told::of_activity(&value),
    }
}
