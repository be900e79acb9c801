//! Which addresses are called, and a resolver that gives no others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

/// A name leads to addresses that are not called.
#[derive(Debug, Error)]
#[error("the name leads to a private address")]
pub(crate) struct PrivateAddress;

/// Which addresses a name may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Of the public internet.
    Public,
    /// Of the organisation's networks and this machine too, because an administrator said so.
    Private,
}

impl Guard {
    /// Whether the address is called. Link-local ones never are: clouds keep credentials there.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Guard::Public => is_public(address),
            Guard::Private => !is_never_called(address),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| guard.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(PrivateAddress.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn is_never_called(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.is_multicast()
                || v6.is_unspecified()
                || is_metadata(v6)
        }
    }
}

/// The metadata service of one cloud is at a unique local address.
fn is_metadata(v6: Ipv6Addr) -> bool {
    v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
}

fn is_public(address: IpAddr) -> bool {
    if is_never_called(address) {
        return false;
    }
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// Source: IANA's registry of IPv4 special-purpose addresses.
fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (b == 18 || b == 19);
    let protocol = (a, b, c) == (192, 0, 0);
    let relay = (a, b, c) == (192, 88, 99);
    !(v4.is_private()
        || v4.is_loopback()
        || v4.is_documentation()
        || shared
        || benchmark
        || protocol
        || relay
        || a == 0
        || a >= 240)
}

/// Source: IANA's registry of IPv6 special-purpose addresses. Only 2000::/3 is handed out, and
/// what carries an IPv4 address within is judged by that.
fn is_public_v6(v6: Ipv6Addr) -> bool {
    let s = v6.segments();
    let within = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match s[0] {
        0x0064 if s[1] == 0xff9b && s[2] == 0 => within(s[6], s[7]),
        0x2002 => within(s[1], s[2]),
        0x2001 if s[1] < 0x200 || s[1] == 0xdb8 => false,
        0x3fff if s[1] < 0x1000 => false,
        first => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_called_only_when_an_administrator_said_so_and_link_local_never() {
        let rows = [
            ("93.184.216.34", true, true),
            ("2606:2800:220:1::1", true, true),
            ("10.0.0.1", false, true),
            ("172.16.0.1", false, true),
            ("192.168.1.1", false, true),
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("::ffff:10.0.0.1", false, true),
            ("100.64.0.1", false, true),
            ("198.18.0.1", false, true),
            ("fd00::1", false, true),
            ("64:ff9b::a00:1", false, true),
            ("2002:7f00:1::", false, true),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("fd00:ec2::254", false, false),
            ("fe80::1", false, false),
            ("0.0.0.0", false, false),
            ("::", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
        ];
        for (address, public, private) in rows {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(Guard::Public.allows(parsed), public, "{address} public");
            assert_eq!(Guard::Private.allows(parsed), private, "{address} private");
        }
    }
}
