//! Where calls to an origin really go: an organisation's gateway, or a stand-in for the service.
//!
//! The allow-list is about the origin that the manifest names; only who runs Tidegate says that
//! its calls take another way.

use thiserror::Error;
use url::Url;

/// Most origins that can be redirected.
pub const ENDPOINTS_MAX: usize = 256;

/// A pair that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// No `origin=address`.
    #[error("`{0}` is not a pair: write `https://api.example.com=http://127.0.0.1:9000/prefix`")]
    NoPair(String),
    /// What stands before `=` is more or less than an origin.
    #[error("`{0}` is not an origin: write `https://api.example.com`")]
    NoOrigin(String),
    /// What stands behind `=` is no address.
    #[error("`{0}` is not an address: write `http://127.0.0.1:9000/prefix`")]
    NoAddress(String),
    /// More than [`ENDPOINTS_MAX`].
    #[error("there are more than {ENDPOINTS_MAX} endpoints")]
    TooMany,
}

/// Which origins are called at another address, of at most [`ENDPOINTS_MAX`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints(Vec<(Url, Url)>);

impl Endpoints {
    /// Reads `origin=address` pairs, separated by commas.
    ///
    /// # Errors
    /// With the first pair that is none.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let pairs = text
            .split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty());
        let read: Result<Vec<_>, _> = pairs.map(read_pair).collect();
        let read = read?;
        if read.len() > ENDPOINTS_MAX {
            return Err(EndpointError::TooMany);
        }
        Ok(Endpoints(read))
    }

    /// Where a call to `url` goes, if elsewhere: the path is put behind the endpoint's own.
    pub fn of(&self, url: &Url) -> Option<Url> {
        let (_, address) = self
            .0
            .iter()
            .find(|(origin, _)| super::same_origin(origin, url))?;
        let mut target = address.clone();
        let path = format!("{}{}", address.path().trim_end_matches('/'), url.path());
        target.set_path(&path);
        target.set_query(url.query());
        Some(target)
    }
}

fn read_pair(pair: &str) -> Result<(Url, Url), EndpointError> {
    let (origin, address) = pair
        .split_once('=')
        .ok_or_else(|| EndpointError::NoPair(pair.to_owned()))?;
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https");
    let read = |text: &str| {
        Url::parse(text.trim())
            .ok()
            .filter(|url| is_http(url) && url.query().is_none() && url.fragment().is_none())
            .filter(|url| url.username().is_empty() && url.password().is_none())
    };
    let known_origin = read(origin)
        .filter(|url| url.path() == "/")
        .ok_or_else(|| EndpointError::NoOrigin(origin.to_owned()))?;
    let known_address =
        read(address).ok_or_else(|| EndpointError::NoAddress(address.to_owned()))?;
    Ok((known_origin, known_address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_to_an_origin_take_the_way_that_was_said_and_others_their_own() {
        let endpoints = Endpoints::parse(
            "https://api.example.com=http://127.0.0.1:9000/x/api, https://b.example=https://gate.example/",
        )
        .unwrap();
        let rows = [
            (
                "https://api.example.com/v1/a%2Fb?q=1",
                Some("http://127.0.0.1:9000/x/api/v1/a%2Fb?q=1"),
            ),
            (
                "https://api.example.com:443/",
                Some("http://127.0.0.1:9000/x/api/"),
            ),
            ("https://b.example/v1", Some("https://gate.example/v1")),
            ("http://b.example/v1", None),
            ("https://c.b.example/v1", None),
            ("https://api.example.com:8443/", None),
        ];
        for (asked, expected) in rows {
            let target = endpoints.of(&Url::parse(asked).unwrap());
            assert_eq!(target.as_ref().map(Url::as_str), expected, "{asked}");
        }
    }

    #[test]
    fn what_is_no_pair_of_origin_and_address_is_refused() {
        let rows = [
            "https://api.example.com",
            "https://api.example.com/v1=http://127.0.0.1",
            "api.example.com=http://127.0.0.1",
            "https://api.example.com=127.0.0.1:9000",
            "https://api.example.com=ftp://127.0.0.1",
            "https://user@api.example.com=http://127.0.0.1",
        ];
        for text in rows {
            assert!(Endpoints::parse(text).is_err(), "{text}");
        }
        assert_eq!(Endpoints::parse(" , "), Ok(Endpoints::default()));
    }
}
