//! Who a request comes from when proxies stand before us.
//!
//! Promises: `X-Forwarded-For` is believed from trusted proxies only, and only as far as they wrote it: read
//! from its end, the first address that is no trusted proxy's is the client's. What a client writes into the
//! header itself stands before that and decides nothing.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use axum::middleware::map_request;

/// Where proxies write whom they speak for.
const HEADER: &str = "x-forwarded-for";
/// Most networks that may be trusted.
const NETWORKS_MAX: usize = 64;
/// Most addresses of a header that are looked at: chains are short.
const HOPS_MAX: usize = 32;

/// The proxies whose word is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// Addresses that begin alike: `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// How many bits are alike.
    bits: u32,
}

impl Network {
    fn has(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => alike(
                u32::from(own).into(),
                u32::from(other).into(),
                32,
                self.bits,
            ),
            (IpAddr::V6(own), IpAddr::V6(other)) => alike(own.into(), other.into(), 128, self.bits),
            _ => false,
        }
    }
}

fn alike(one: u128, other: u128, length: u32, bits: u32) -> bool {
    let rest = length - bits;
    one.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an address or a network like `10.0.0.0/8`");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let address = address.to_canonical();
        let length = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => length,
            Some(bits) => bits.parse().map_err(|_| wrong())?,
        };
        // A network of everything trusts what anybody writes.
        match (1..=length).contains(&bits) {
            true => Ok(Network { address, bits }),
            false => Err(wrong()),
        }
    }
}

impl FromStr for TrustedProxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let networks: Vec<Network> = parts.map(str::parse).collect::<Result<_, _>>()?;
        match networks.len() <= NETWORKS_MAX {
            true => Ok(TrustedProxies(networks)),
            false => Err(format!("at most {NETWORKS_MAX} networks are taken")),
        }
    }
}

impl TrustedProxies {
    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(address))
    }

    /// The client of a request that came from that peer.
    pub(crate) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let mut client = peer;
        if !self.trusts(peer.ip().to_canonical()) {
            return client;
        }
        let lines = headers.get_all(HEADER).iter().rev();
        let told = lines.filter_map(|line| line.to_str().ok());
        let hops = told.flat_map(|line| line.rsplit(','));
        for hop in hops.take(HOPS_MAX) {
            // What is no address was not written by a proxy of ours: it ends what is believed.
            let Some(address) = address_of(hop.trim()) else {
                break;
            };
            client = SocketAddr::new(address, 0);
            if !self.trusts(address) {
                break;
            }
        }
        client
    }
}

/// A router that knows of each request which client it comes from.
pub(crate) fn behind(proxies: TrustedProxies, router: Router) -> Router {
    if proxies.0.is_empty() {
        return router;
    }
    router.layer(map_request(move |mut request: Request| {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        if let Some(ConnectInfo(peer)) = peer {
            let client = proxies.client(*peer, request.headers());
            request.extensions_mut().insert(ConnectInfo(client));
        }
        std::future::ready(request)
    }))
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    Some(address.or_else(with_port)?.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Peer, what the headers say, who it is.
    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        let proxies: TrustedProxies = "10.0.0.0/8, 192.0.2.7, 2001:db8::/32".parse().unwrap();
        for (peer, lines, client) in [
            ("203.0.113.9:5", &[][..], "203.0.113.9"),
            ("203.0.113.9:5", &["198.51.100.1"], "203.0.113.9"),
            ("10.1.2.3:5", &[], "10.1.2.3"),
            ("10.1.2.3:5", &["198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3:5", &["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
            (
                "10.1.2.3:5",
                &["6.6.6.6, 198.51.100.1, 10.9.9.9"],
                "198.51.100.1",
            ),
            (
                "10.1.2.3:5",
                &["6.6.6.6", "198.51.100.1,192.0.2.7"],
                "198.51.100.1",
            ),
            ("10.1.2.3:5", &["10.7.7.7"], "10.7.7.7"),
            ("10.1.2.3:5", &["198.51.100.1, unknown"], "10.1.2.3"),
            ("10.1.2.3:5", &["198.51.100.1:4711"], "198.51.100.1"),
            ("[2001:db8::1]:5", &["[2001:db9::7]:80"], "2001:db9::7"),
            (
                "[::ffff:10.1.2.3]:5",
                &["::ffff:198.51.100.1"],
                "198.51.100.1",
            ),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(HEADER, line.parse().unwrap());
            }
            let found = proxies.client(peer.parse().unwrap(), &headers);
            assert_eq!(
                found.ip().to_canonical().to_string(),
                client,
                "{peer} {lines:?}"
            );
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in [
            "10.0.0.0/33",
            "0.0.0.0/0",
            "::/0",
            "example.com",
            "10.0.0.1/x",
        ] {
            assert!(wrong.parse::<TrustedProxies>().is_err(), "{wrong}");
        }
        assert_eq!("".parse::<TrustedProxies>(), Ok(TrustedProxies::default()));
        let many = ["10.0.0.1"; NETWORKS_MAX + 1].join(",");
        assert!(many.parse::<TrustedProxies>().is_err());
    }
}
