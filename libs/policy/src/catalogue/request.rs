//! `_request`: from where the user acts.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use event_model::Field;

use super::{
    EVERYWHERE, Entry, Example, Given, Parameter, Reads, Refusal, Type, the_field, untold,
};
use crate::network::Ipv4Range;
use crate::reader::Reader;

const BLANK: Entry = Entry {
    object: "_request",
    name: "",
    aliases: &[],
    parameters: &[],
    result: Type::String,
    actions: EVERYWHERE,
    effect: None,
    reads: Reads::Fields(&[Field::ActorIpAddress]),
    words: &[],
    ignores_case: false,
    doc: "",
    example: Example::new("", "", ""),
    build: the_field,
};

pub(super) static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    vec![
        Entry {
            name: "remoteIp",
            ignores_case: true,
            doc: "IP address of the user who acted.",
            example: Example::new(
                "_request.remoteIp == '43.12.34.123'",
                "actor_ip_address=43.12.34.123",
                "true",
            ),
            ..BLANK
        },
        Entry {
            name: "inIpv4Range",
            parameters: const { &[Parameter::one("low"), Parameter::one("high")] },
            result: Type::Bool,
            doc: "Whether the IP address is between two addresses, both included; which one is lower does not \
                  matter. An IPv6 address is in no IPv4 range.",
            example: Example::new(
                "_request.inIpv4Range('10.0.0.1', '10.0.0.99')",
                "actor_ip_address=10.0.0.50",
                "true",
            ),
            build: |_, given| {
                Ok(range(Ipv4Range::between(
                    address(given, 0)?,
                    address(given, 1)?,
                )))
            },
            ..BLANK
        },
        Entry {
            name: "inIpV4CidrRange",
            aliases: &["inIpV4CdirRange", "inIpv4CidrRange", "inIpv4CdirRange"],
            parameters: const { &[Parameter::one("network")] },
            result: Type::Bool,
            doc: "Whether the IP address is of the network in CIDR notation.",
            example: Example::new(
                "_request.inIpV4CidrRange('10.2.1.0/24')",
                "actor_ip_address=10.2.1.77",
                "true",
            ),
            build: |_, given| network(given).map(range),
            ..BLANK
        },
        Entry {
            name: "agent",
            reads: Reads::Nothing("the 24 fields carry no user agent"),
            doc: "The program that the user acted with.",
            example: Example::new(
                "_request.agent == 'Web browser'",
                "actor_ip_address=10.2.1.77",
                "unknown",
            ),
            build: untold,
            ..BLANK
        },
        Entry {
            name: "remoteCountryCode",
            reads: Reads::Nothing("no database of countries by IP address is set up"),
            ignores_case: true,
            doc: "Country of the IP address: two letters, ISO 3166-1.",
            example: Example::new(
                "_request.remoteCountryCode != 'US'",
                "actor_ip_address=10.2.1.77",
                "unknown",
            ),
            build: untold,
            ..BLANK
        },
    ]
});

fn range(range: Ipv4Range) -> Reader {
    Reader::InRange(Field::ActorIpAddress, range)
}

fn address(given: &[Given], index: usize) -> Result<Ipv4Addr, Refusal> {
    let text = &given[index].text;
    text.trim().parse().map_err(|_| {
        let shown = crate::token::cut(text);
        Refusal::of(index, format!("`{shown}` is not an IPv4 address"))
            .hint("write it as `10.2.1.0`")
    })
}

fn network(given: &[Given]) -> Result<Ipv4Range, Refusal> {
    let text = &given[0].text;
    Ipv4Range::from_cidr(text).ok_or_else(|| {
        let shown = crate::token::cut(text);
        Refusal::of(0, format!("`{shown}` is not an IPv4 network"))
            .hint("write it as `10.2.1.0/24`")
    })
}
