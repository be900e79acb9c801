//! Ranges of IPv4 addresses: from lowest to highest, or a network in CIDR notation.

use std::net::{IpAddr, Ipv4Addr};

/// Addresses from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ipv4Range {
    lowest: Ipv4Addr,
    highest: Ipv4Addr,
}

impl Ipv4Range {
    /// The range between two addresses, whichever is the lower: FileCloud's own sample has them swapped.
    pub(crate) fn between(one: Ipv4Addr, other: Ipv4Addr) -> Self {
        Ipv4Range {
            lowest: one.min(other),
            highest: one.max(other),
        }
    }

    /// The range of `10.2.1.0/24`; bits beyond the prefix do not matter.
    pub(crate) fn from_cidr(text: &str) -> Option<Self> {
        let (address, prefix) = text.trim().split_once('/')?;
        let address: Ipv4Addr = address.parse().ok()?;
        let prefix: u32 = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
        let hosts = u32::MAX.checked_shr(prefix).unwrap_or(0);
        let lowest = address.to_bits() & !hosts;
        Some(Ipv4Range {
            lowest: Ipv4Addr::from_bits(lowest),
            highest: Ipv4Addr::from_bits(lowest | hosts),
        })
    }

    /// The bytes that all addresses of the range begin with, and how many they are.
    pub(crate) fn shared(self) -> ([u8; 4], usize) {
        let (lowest, highest) = (self.lowest.octets(), self.highest.octets());
        let pairs = lowest.iter().zip(&highest);
        (lowest, pairs.take_while(|(low, high)| low == high).count())
    }

    /// Whether the address is in the range: an IPv6 address is not, unless it stands for an IPv4 one.
    /// None when it is no address.
    pub(crate) fn holds(self, address: &str) -> Option<bool> {
        match address.trim().parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V4(address) => Some((self.lowest..=self.highest).contains(&address)),
            IpAddr::V6(_) => Some(false),
        }
    }
}
