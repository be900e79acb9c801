//! What an index looks at of an activity: of a field all of it, its first letters, the domain or the network of the
//! address in it.

use std::net::IpAddr;

use event_model::Field;

use super::Clue;
use crate::domain::{Domains, domain_of};
use crate::expression::Operator;
use crate::input::Input;
use crate::pattern::TextTest;
use crate::program::{Comparison, Part, Term};
use crate::reader::{Reader, extension};

/// How many first or last bytes of a text are looked at: as many as a rule's text has, or the next fewer of these.
const STARTS: [usize; 6] = [32, 16, 8, 4, 2, 1];

/// One look at an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The field, whatever the case of its letters.
    Whole(Field),
    /// That many first bytes of the field, whatever the case of ASCII letters.
    Start(Field, usize),
    /// That many last bytes of the field, whatever the case of ASCII letters.
    End(Field, usize),
    /// The domain of the e-mail address in the field.
    Domain(Field),
    /// The last two names of that domain, where it has two.
    DomainEnd(Field),
    /// The domain of whom the object is shared with, where there is one.
    SharedWith,
    /// That many first bytes of the IPv4 address in the field.
    Network(Field, usize),
    /// What follows the last dot of the object's name.
    Extension,
}

/// What a look shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing is known: nothing is ruled out.
    Nothing,
    /// What no rule asks for by this look.
    Otherwise,
    /// A value, as a number.
    Value(u64),
}

impl Look {
    /// What it shows of the input.
    pub(crate) fn at(self, input: &Input<'_>) -> Seen {
        let text = |field| input.activity.text(field);
        match self {
            Look::Whole(field) => {
                text(field).map_or(Seen::Nothing, |text| Seen::Value(folded(&text)))
            }
            Look::Start(field, length) => text(field).map_or(Seen::Nothing, |text| {
                let start = text.as_bytes().get(..length);
                start.map_or(Seen::Otherwise, |start| Seen::Value(folded_ascii(start)))
            }),
            Look::End(field, length) => text(field).map_or(Seen::Nothing, |text| {
                let from = text.len().checked_sub(length);
                let end = from.and_then(|from| text.as_bytes().get(from..));
                end.map_or(Seen::Otherwise, |end| Seen::Value(folded_ascii(end)))
            }),
            Look::Domain(field) => text(field).map_or(Seen::Nothing, |text| domain(&text)),
            Look::DomainEnd(field) => text(field).map_or(Seen::Nothing, |text| {
                domain_of(&text).map_or(Seen::Nothing, |domain| {
                    last_two(domain).map_or(Seen::Otherwise, |end| Seen::Value(folded(end)))
                })
            }),
            Look::SharedWith => match input.circumstances.shared_with_users {
                Some(_) => Seen::Nothing,
                None => Look::Domain(Field::TargetUserEmail).at(input),
            },
            Look::Network(field, length) => {
                text(field).map_or(Seen::Nothing, |text| network(&text, length))
            }
            Look::Extension => {
                extension(input).map_or(Seen::Nothing, |extension| Seen::Value(folded(extension)))
            }
        }
    }

    /// How little it rules out, by rank: the one with the least is the best to look at.
    pub(crate) fn rank(self) -> usize {
        match self {
            Look::Whole(
                Field::EventType | Field::ActorType | Field::TargetUserType | Field::Visibility,
            ) => 4,
            Look::Whole(_) => 0,
            Look::Domain(_) | Look::DomainEnd(_) | Look::SharedWith => 1,
            Look::Start(_, length) | Look::End(_, length) if length >= 8 => 1,
            Look::Extension | Look::Network(..) => 2,
            Look::Start(..) | Look::End(..) => 3,
        }
    }
}

fn domain(address: &str) -> Seen {
    domain_of(address).map_or(Seen::Nothing, |domain| Seen::Value(folded(domain)))
}

fn network(address: &str, length: usize) -> Seen {
    match address
        .trim()
        .parse::<IpAddr>()
        .map(|address| address.to_canonical())
    {
        Ok(IpAddr::V4(address)) => Seen::Value(first_bytes(address.octets(), length)),
        Ok(IpAddr::V6(_)) => Seen::Otherwise,
        Err(_) => Seen::Nothing,
    }
}

fn first_bytes(octets: [u8; 4], length: usize) -> u64 {
    let first = octets.iter().take(length);
    first.fold(0, |number, octet| number << 8 | u64::from(*octet))
}

/// The looks, and the values of each, of which one must be there for a name to be true.
pub(crate) fn of_reader(reader: &Reader) -> Option<Vec<Clue>> {
    match reader {
        Reader::Public => of_names(Look::Whole(Field::Visibility), vec!["public"]),
        Reader::Test(field, test) => of_text(*field, test),
        Reader::InDomain(field, domains) => of_domains(*field, domains),
        Reader::AnyFrom(domains) => of_names(Look::SharedWith, domains.names()?),
        Reader::InRange(field, range) => {
            let (octets, length) = range.shared();
            let look = Look::Network(*field, length);
            (length > 0).then(|| vec![Clue::Value(look, first_bytes(octets, length))])
        }
        Reader::ExtensionIs(wanted) => {
            of_names(Look::Extension, wanted.iter().map(String::as_str).collect())
        }
        _ => None,
    }
}

fn of_names(look: Look, names: Vec<&str>) -> Option<Vec<Clue>> {
    // Of no name at all, an absent field would be forgotten.
    let clue = |name: &str| Clue::Value(look, folded(name));
    (!names.is_empty()).then(|| names.into_iter().map(clue).collect())
}

/// Domains by their whole name, and those below one by the last two names of it.
fn of_domains(field: Field, domains: &Domains) -> Option<Vec<Clue>> {
    let clues = domains.each().map(|(name, is_whole)| {
        Some(match is_whole {
            true => Clue::Value(Look::Domain(field), folded(name)),
            false => Clue::Value(Look::DomainEnd(field), folded(last_two(name)?)),
        })
    });
    clues.collect()
}

/// The last two names of a domain.
fn last_two(domain: &str) -> Option<&str> {
    let (rest, _) = domain.rsplit_once('.')?;
    let from = rest.rfind('.').map_or(0, |dot| dot + 1);
    Some(&domain[from..])
}

/// The same for a test on a part.
pub(crate) fn of_test(part: &Part, test: &TextTest) -> Option<Vec<Clue>> {
    match &part.term {
        Term::Read(Reader::Field(field)) => of_text(*field, test),
        _ => None,
    }
}

fn of_text(field: Field, test: &TextTest) -> Option<Vec<Clue>> {
    if !is_text(field) {
        return None;
    }
    let known = |text: &str| STARTS.into_iter().find(|length| *length <= text.len());
    let clue = match test {
        TextTest::Start(start, _) => {
            let length = known(start)?;
            let value = folded_ascii(&start.as_bytes()[..length]);
            Clue::Value(Look::Start(field, length), value)
        }
        TextTest::End(end, _) => {
            let length = known(end)?;
            let value = folded_ascii(&end.as_bytes()[end.len() - length..]);
            Clue::Value(Look::End(field, length), value)
        }
        other => Clue::Within(field, other.always_has()?.to_owned()),
    };
    Some(vec![clue])
}

/// The same for a comparison that is to come out as `wanted`.
pub(crate) fn of_comparison(comparison: &Comparison, wanted: bool) -> Option<Vec<Clue>> {
    let equal = match comparison.operator {
        Operator::Equal | Operator::In => true,
        Operator::NotEqual | Operator::NotIn => false,
        _ => return None,
    };
    if equal != wanted {
        return None;
    }
    let (left, right) = (&comparison.left.term, &comparison.right.term);
    let (reader, texts) = match (left, right) {
        (Term::Read(reader), Term::Text(text)) | (Term::Text(text), Term::Read(reader)) => {
            (reader, std::slice::from_ref(text))
        }
        (Term::Read(reader), Term::List(texts)) => (reader, texts.as_slice()),
        _ => return None,
    };
    let look = match reader {
        Reader::Field(field) if is_text(*field) => Look::Whole(*field),
        Reader::Extension => Look::Extension,
        _ => return None,
    };
    of_names(look, texts.iter().map(String::as_str).collect())
}

/// An instant would have to be written out for each activity.
fn is_text(field: Field) -> bool {
    !matches!(field, Field::EventTimestamp | Field::LogTimestamp)
}

/// A number for a text, the same whatever its case (FNV-1a over its letters). Two texts may share one: then a
/// policy is looked at in vain.
fn folded(text: &str) -> u64 {
    if text.is_ascii() {
        return folded_ascii(text.as_bytes());
    }
    let letters = text.chars().flat_map(char::to_lowercase);
    letters.fold(START, |number, letter| add(number, letter.into()))
}

fn folded_ascii(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter();
    bytes.fold(START, |number, byte| {
        add(number, byte.to_ascii_lowercase().into())
    })
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

fn add(number: u64, letter: u32) -> u64 {
    const FACTOR: u64 = 0x0100_0000_01b3;
    (number ^ u64::from(letter)).wrapping_mul(FACTOR)
}
