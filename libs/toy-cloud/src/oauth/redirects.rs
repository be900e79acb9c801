//! Where a code may be sent. Whatever is not allowed to the letter gets no redirect at all.

use url::{Host, Url};

use crate::config::Client;

const URI_LENGTH_MAX: usize = 2_048;

/// The redirect URI, when this client may use it.
pub(crate) fn allowed(client: &Client, redirect_uri: &str) -> Option<Url> {
    if redirect_uri.len() > URI_LENGTH_MAX {
        return None;
    }
    let url = Url::parse(redirect_uri).ok()?;
    let listed = client.redirect_uris.iter().any(|uri| uri == redirect_uri);
    (listed || (client.loopback && is_loopback(&url))).then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    let at_home = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.octets() == [127, 0, 0, 1],
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    at_home
        && url.scheme() == "http"
        && url.path() == "/oauth/callback"
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

/// The redirect URI with parameters added.
pub(crate) fn with(url: &Url, parameters: &[(&str, &str)]) -> String {
    let mut url = url.clone();
    url.query_pairs_mut().extend_pairs(parameters);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_goes_to_a_loopback_callback_or_to_what_is_listed_and_nowhere_else() {
        let mut client = Client::tidegate();
        client
            .redirect_uris
            .push("https://casb.example/cb?x=1".to_owned());
        let table = [
            ("http://127.0.0.1:8080/oauth/callback", true),
            ("http://localhost/oauth/callback", true),
            ("http://[::1]:1/oauth/callback", true),
            ("https://casb.example/cb?x=1", true),
            ("https://casb.example/cb", false),
            ("https://127.0.0.1/oauth/callback", false),
            ("http://127.0.0.1.evil.example/oauth/callback", false),
            ("http://localhost@evil.example/oauth/callback", false),
            ("http://user@localhost/oauth/callback", false),
            ("http://localhost/oauth/callback/../../x", false),
            ("http://localhost/oauth/callback#x", false),
            ("http://evil.example/oauth/callback", false),
            ("javascript:alert(1)", false),
            ("", false),
        ];
        for (uri, expected) in table {
            assert_eq!(allowed(&client, uri).is_some(), expected, "{uri}");
        }
    }
}
