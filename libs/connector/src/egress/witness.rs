//! Who looks on while calls are made: the conformance check keeps them as evidence.

use std::fmt;

use http::Method;
use url::Url;

/// One call and its answer. It may hold anything that the service said: whoever keeps it, redacts it.
#[derive(Debug, Clone, Copy)]
pub struct Witnessed<'a> {
    /// The call's method.
    pub method: &'a Method,
    /// Its address, as the manifest means it.
    pub url: &'a Url,
    /// The answer's status.
    pub status: u16,
    /// What was read of the answer's body.
    pub body: &'a [u8],
}

/// Is told of every answer. Neither headers nor what was sent is told.
pub trait Witness: fmt::Debug + Send + Sync {
    /// An answer came.
    fn saw(&self, call: &Witnessed<'_>);
}
