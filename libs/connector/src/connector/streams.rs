//! What is read of a service: its activity, and beside it, which objects have other labels than before.

use std::time::Duration;

use event_model::FeedChoice;

use super::Connector;
use crate::manifest::feed::{self, Stream};
use crate::manifest::push::Reconcile;

/// The streams of a service.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// Those of `pull` first, then those that `labels` has for itself.
    all: Vec<Stream>,
    names: Vec<String>,
    /// How many of them `pull` has.
    of_pull: usize,
}

impl Streams {
    pub(crate) fn of(pull: Vec<Stream>, labels: Vec<Stream>) -> Self {
        let of_pull = pull.len();
        let all: Vec<Stream> = pull.into_iter().chain(labels).collect();
        Streams {
            names: all.iter().map(|stream| stream.name.clone()).collect(),
            all,
            of_pull,
        }
    }

    /// Those of `pull`, then the others.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Stream> {
        self.all.iter()
    }

    /// Those of `pull`.
    pub(crate) fn of_activity(&self) -> impl Iterator<Item = &Stream> {
        self.all[..self.of_pull].iter()
    }

    /// Names that come again, each with the key of the manifest where it does.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let named = self.names.iter().enumerate();
        named
            .filter(|(index, name)| self.names[..*index].contains(name))
            .map(|(index, name)| {
                let key = if index < self.of_pull {
                    "pull"
                } else {
                    "labels"
                };
                (key, name.as_str())
            })
    }
}

impl Connector {
    /// The streams of activity, by name.
    pub fn streams(&self) -> &[String] {
        &self.streams.names[..self.streams.of_pull]
    }

    /// The streams that are read for a connection with that feed: all, or where it is pushed to and the manifest
    /// says that nothing reconciles that, only those that tell of changed labels and nothing else.
    pub fn streams_read(&self, feed: FeedChoice) -> &[String] {
        let reconcile = self.push.as_ref().map(|push| &push.reconcile);
        match (feed, reconcile) {
            (FeedChoice::Push, Some(Reconcile::Nothing)) => {
                &self.streams.names[self.streams.of_pull..]
            }
            _ => &self.streams.names,
        }
    }

    pub(crate) fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.all().find(|stream| stream.name == name)
    }

    /// How often a stream is polled that no delivery carries.
    pub fn poll_every(&self, stream: &str) -> Duration {
        let stream = self.stream(stream);
        stream.map_or(feed::DEFAULT_EVERY, |stream| stream.every)
    }

    /// How long the service keeps a stream's activity; none when the manifest does not say.
    pub fn retention(&self, stream: &str) -> Option<Duration> {
        self.stream(stream)?.retention
    }
}
