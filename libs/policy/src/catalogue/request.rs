//! `_request`: from where the user acts.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use event_model::Field;

use super::{
    EVERYWHERE, Entry, Example, Given, LOGIN, Parameter, Reads, Refusal, Type, the_field, told,
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
            reads: told("the 24 fields carry no user agent"),
            ignores_case: true,
            doc: "The program that the user acts with, in FileCloud's words: `Web browser`, `Android`, `iOS`, `MS Outlook`, \
                  `MS Office`, `Cloud Drive`, `Cloud Sync` or `Unknown`.",
            example: Example::new(
                "_request.agent == 'Web browser'",
                "agent=Web browser",
                "true",
            ),
            build: |_, _| Ok(Reader::Agent),
            ..BLANK
        },
        Entry {
            name: "remoteCountryCode",
            reads: Reads::Country,
            ignores_case: true,
            doc: "Country of the IP address: two letters, ISO 3166-1. Looked up in the database that the setting \
                  `geoip_database` names; an address that is not in it has no country, and decides nothing.",
            example: Example::new("_request.remoteCountryCode != 'US'", "country=DE", "true"),
            build: |_, _| Ok(Reader::Country),
            ..BLANK
        },
        Entry {
            name: "isAdminLogin",
            result: Type::Bool,
            actions: LOGIN,
            reads: Reads::Told {
                otherwise: &[Field::ActorRole],
                why: "it is not told whether the login is an administrator's",
            },
            doc: "Whether the login is one to administer. Where that is not told: whether the user's role is an \
                  administrator's, see `_user.isMasterAdmin`.",
            example: Example::new(
                "_request.isAdminLogin and not _request.inIpV4CidrRange('10.0.0.0/8')",
                "admin_login=true; actor_ip_address=203.0.113.7",
                "true",
            ),
            build: |_, _| Ok(Reader::AdminLogin),
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
