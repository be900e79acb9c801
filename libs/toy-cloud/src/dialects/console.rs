use reqwest::{Client, RequestBuilder};
use url::Url;

use crate::clock::Moment;
use crate::webhooks::style::Style;

/// How a service takes a webhook that a person enters in its console.
#[derive(Debug)]
pub(crate) struct Console {
    /// What its address is asked first; the challenge must come back. Given are the address, the secret, the challenge and the time.
    pub(crate) question: fn(&Client, &Url, &str, &str, Moment) -> RequestBuilder,
    /// How deliveries look.
    pub(crate) style: Style,
}

/// What a person enters, and what the service shows there to sign with.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) url: String,
    pub(crate) secret: String,
}
