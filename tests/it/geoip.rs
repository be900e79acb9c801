//! Countries from a file in MaxMind's format: made here, for the format is public and databases are not ours to ship.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ports::Countries;
use tidegate::geoip::MaxMindCountries;

/// Before the metadata. Source: MaxMind DB File Format Specification, "Database Metadata".
const MARK: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// Zeros between the tree and the data.
const GAP: usize = 16;

/// A database of these networks and the country of each.
pub(crate) fn database(networks: &[(&str, &str)]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut offsets = BTreeMap::new();
    for (_, country) in networks {
        offsets.entry(*country).or_insert_with(|| {
            let offset = data.len();
            data.extend(map(&[("country", map(&[("iso_code", text(country))]))]));
            offset
        });
    }
    let mut tree: Vec<[Option<Leaf>; 2]> = vec![[None, None]];
    for (network, country) in networks {
        add(&mut tree, network, offsets[country]);
    }
    let count = tree.len();
    let mut file = Vec::new();
    for record in tree.iter().flatten() {
        let value = match record {
            None => count,
            Some(Leaf::Node(node)) => *node,
            Some(Leaf::Data(offset)) => count + GAP + offset,
        };
        file.extend(&u32::try_from(value).unwrap().to_be_bytes()[1..]);
    }
    file.extend([0; GAP]);
    file.extend(&data);
    file.extend(MARK);
    file.extend(map(&[
        ("binary_format_major_version", number(2)),
        ("binary_format_minor_version", number(0)),
        ("build_epoch", vec![0x04, 0x02, 0x65, 0, 0, 0]),
        ("database_type", text("Test-Country")),
        ("description", map(&[("en", text("made by a test"))])),
        ("ip_version", number(4)),
        ("languages", vec![0x01, 0x04, 0x42, b'e', b'n']),
        (
            "node_count",
            [vec![0xc4], (count as u32).to_be_bytes().to_vec()].concat(),
        ),
        ("record_size", number(24)),
    ]));
    file
}

#[derive(Clone, Copy)]
enum Leaf {
    Node(usize),
    Data(usize),
}

fn add(tree: &mut Vec<[Option<Leaf>; 2]>, network: &str, offset: usize) {
    let (address, length) = network.split_once('/').unwrap();
    let bits = address.parse::<Ipv4Addr>().unwrap().to_bits();
    let length: u32 = length.parse().unwrap();
    let mut node = 0;
    for depth in 0..length {
        let side = (bits >> (31 - depth) & 1) as usize;
        if depth + 1 == length {
            tree[node][side] = Some(Leaf::Data(offset));
            return;
        }
        node = match tree[node][side] {
            Some(Leaf::Node(next)) => next,
            _ => {
                tree.push([None, None]);
                let next = tree.len() - 1;
                tree[node][side] = Some(Leaf::Node(next));
                next
            }
        };
    }
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0xe0 | pairs.len() as u8];
    for (key, value) in pairs {
        bytes.extend(text(key));
        bytes.extend(value);
    }
    bytes
}

fn text(text: &str) -> Vec<u8> {
    assert!(
        text.len() < 29,
        "short texts have their length in the first byte"
    );
    [&[0x40 | text.len() as u8], text.as_bytes()].concat()
}

fn number(number: u16) -> Vec<u8> {
    [&[0xa2], number.to_be_bytes().as_slice()].concat()
}

fn at(countries: &MaxMindCountries, address: &str) -> String {
    let address: IpAddr = address.parse().unwrap();
    match countries.country(address) {
        Ok(code) => code.as_str().to_owned(),
        Err(why) => why.to_owned(),
    }
}

#[test]
fn an_address_has_the_country_of_the_smallest_network_or_a_reason_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countries.mmdb");
    std::fs::write(
        &path,
        database(&[("203.0.113.0/24", "DE"), ("8.8.8.8/32", "US")]),
    )
    .unwrap();
    let countries = MaxMindCountries::open(&path).unwrap();
    for (address, country) in [
        ("203.0.113.9", "DE"),
        ("::ffff:203.0.113.9", "DE"),
        ("8.8.8.8", "US"),
        ("8.8.8.9", "the address is not in the database of countries"),
        ("10.0.0.1", "a private address has no country"),
        ("127.0.0.1", "a private address has no country"),
        ("::1", "a private address has no country"),
    ] {
        assert_eq!(at(&countries, address), country, "{address}");
    }
    let elsewhere = at(&countries, "2001:db8::1");
    assert!(!elsewhere.is_empty() && elsewhere.len() > 2, "{elsewhere}");
}

#[test]
fn a_changed_file_is_read_again_and_a_broken_one_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countries.mmdb");
    let missing = MaxMindCountries::open(&path).err().unwrap();
    assert!(
        format!("{missing:#}").contains("countries.mmdb"),
        "{missing:#}"
    );
    std::fs::write(&path, database(&[("203.0.113.0/24", "DE")])).unwrap();
    let countries = MaxMindCountries::open(&path).unwrap();
    std::fs::write(&path, b"half a file").unwrap();
    assert!(countries.look_again().is_err());
    assert_eq!(at(&countries, "203.0.113.9"), "DE");
    let fresh = database(&[("203.0.113.0/25", "FR"), ("203.0.113.128/25", "IT")]);
    for end in 0..fresh.len() {
        std::fs::write(&path, &fresh[..end]).unwrap();
        // Cut anywhere, it is refused or answers something: it never stops the program.
        if countries.look_again().is_ok() {
            at(&countries, "203.0.113.9");
        }
    }
    std::fs::write(&path, &fresh).unwrap();
    countries.look_again().unwrap();
    assert_eq!(at(&countries, "203.0.113.9"), "FR");
    assert_eq!(at(&countries, "203.0.113.200"), "IT");
}
