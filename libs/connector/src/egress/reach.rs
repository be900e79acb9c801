//! Where one connection's calls may go.

use url::{Host, Url};

use crate::call::CallError;
use crate::egress::address::Guard;
use crate::manifest::http::HostPattern;

/// Over which client a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Public,
    /// To the base URL that an administrator typed.
    Private,
}

/// The allow-list of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    hosts: Vec<HostPattern>,
    base: Option<Base>,
}

#[derive(Debug, Clone)]
struct Base {
    host: String,
    port: u16,
    plain: bool,
}

impl Reach {
    pub(crate) fn new(hosts: &[HostPattern], base_url: Option<&str>) -> Self {
        let base = base_url
            .and_then(|text| Url::parse(text).ok())
            .and_then(|url| {
                Some(Base {
                    host: url.host_str()?.to_lowercase(),
                    port: url.port_or_known_default()?,
                    plain: url.scheme() == "http",
                })
            });
        Reach {
            hosts: hosts.to_vec(),
            base,
        }
    }

    /// Whether this address may be called, and how.
    ///
    /// # Errors
    /// `OutsideAllowList` with its host, also for plain HTTP where the base URL is not plain.
    pub(crate) fn check(&self, url: &Url) -> Result<Route, CallError> {
        let outside = || CallError::OutsideAllowList {
            host: url
                .host_str()
                .unwrap_or_default()
                .chars()
                .take(256)
                .collect(),
        };
        let host = url.host_str().map(str::to_lowercase).ok_or_else(outside)?;
        let port = url.port_or_known_default().ok_or_else(outside)?;
        let base = self
            .base
            .as_ref()
            .map(|base| (base.host.as_str(), base.port));
        let listed = self
            .hosts
            .iter()
            .any(|pattern| pattern.covers(&host, port, base));
        if !listed || !url.username().is_empty() || url.password().is_some() {
            return Err(outside());
        }
        let is_base = base == Some((host.as_str(), port));
        let encrypted = match url.scheme() {
            "https" => true,
            "http" => is_base && self.base.as_ref().is_some_and(|base| base.plain),
            _ => false,
        };
        let (route, guard) = match is_base {
            true => (Route::Private, Guard::Private),
            false => (Route::Public, Guard::Public),
        };
        // A name is judged when it is resolved, an address right here.
        let reachable = match url.host() {
            Some(Host::Ipv4(address)) => guard.allows(address.into()),
            Some(Host::Ipv6(address)) => guard.allows(address.into()),
            _ => true,
        };
        if encrypted && reachable {
            Ok(route)
        } else {
            Err(outside())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_go_to_listed_hosts_only_and_in_the_clear_only_to_a_plain_base_url() {
        let hosts = [
            HostPattern::Base,
            HostPattern::Exact("api.example.com".into(), 443),
            HostPattern::Below(".files.example.com".into()),
        ];
        let rows = [
            ("https://api.example.com/x", Some(Route::Public)),
            ("https://API.example.com/x", Some(Route::Public)),
            ("https://api.example.com:8443/x", None),
            ("http://api.example.com/x", None),
            ("https://api.example.com.evil.com/x", None),
            ("https://evil.com/api.example.com", None),
            ("https://user@api.example.com/x", None),
            ("https://evil.com\\@api.example.com/", None),
            ("https://a.files.example.com/x", Some(Route::Public)),
            ("https://files.example.com/x", None),
            ("https://evilfiles.example.com/x", None),
            ("http://127.0.0.1:9000/x", Some(Route::Private)),
            ("http://127.0.0.1:9001/x", None),
            ("http://0x7f.1:9000/x", Some(Route::Private)),
            ("https://10.0.0.1/", None),
            ("ftp://api.example.com/x", None),
            ("file:///etc/passwd", None),
        ];
        let reach = Reach::new(&hosts, Some("http://127.0.0.1:9000"));
        for (text, expected) in rows {
            let route = reach.check(&Url::parse(text).unwrap()).ok();
            assert_eq!(route, expected, "{text}");
        }
        let encrypted = Reach::new(&hosts, Some("https://127.0.0.1:9000"));
        assert!(
            encrypted
                .check(&Url::parse("http://127.0.0.1:9000/").unwrap())
                .is_err()
        );
        let metadata = Reach::new(&hosts, Some("http://169.254.169.254"));
        assert!(
            metadata
                .check(&Url::parse("http://169.254.169.254/").unwrap())
                .is_err()
        );
    }
}
