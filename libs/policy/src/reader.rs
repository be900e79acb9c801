//! Reads the value of one name of the catalogue. Whatever is absent reads as lacking, never as a value.

use std::borrow::Cow;

use event_model::{Field, Visibility};

use crate::domain::{Domains, same_letters};
use crate::input::{Confidence, Input};
use crate::metadata::{Asked, Name};
use crate::network::Ipv4Range;
use crate::pattern::TextTest;
use crate::time::{Stretch, Zone};
use crate::value::{Lack, Range, Value};

mod circumstances;
mod content;

pub(crate) use content::in_part;

/// A name of the catalogue with its arguments, ready to be read.
#[derive(Debug, Clone)]
pub(crate) enum Reader {
    /// The field as text.
    Field(Field),
    /// The field starts with, contains or matches something.
    Test(Field, TextTest),
    /// The field is an e-mail address of one of the domains.
    InDomain(Field, Domains),
    /// The field is an IP address of the range.
    InRange(Field, Ipv4Range),
    /// The program that the user acts with.
    Agent,
    /// The country of the IP address.
    Country,
    /// The login is one to administer.
    AdminLogin,
    /// The role is an administrator's.
    MasterAdmin,
    /// Nobody is logged in.
    Anonymous,
    /// Every group of the user.
    Groups,
    /// The user is of the group.
    InGroup(String),
    /// What follows the last dot of the object's name.
    Extension,
    /// The extension is one of these.
    ExtensionIs(Vec<String>),
    /// The link is public.
    Public,
    /// Those that may reach the share.
    AllowedUsers,
    /// The groups that may reach the share.
    AllowedGroups,
    /// Someone of those that may reach the share is of the domains.
    AnyFrom(Domains),
    /// Those that may reach the share, and no one else, are of the domains.
    OnlyFrom(Domains),
    /// Some file has the attribute, and its value is as asked.
    Metadata(Name, Asked),
    /// Every file has the attribute.
    MetadataOfAll(Name),
    /// The hour of the day.
    Hour(Zone),
    /// The day of the week.
    Weekday(Zone),
    /// The time of the day is in the stretch.
    Between(Stretch, Zone),
    /// Distinct matches of a detector.
    Count(String, Confidence),
    /// At least one match of a detector.
    Has(String, Confidence),
    /// How much was read.
    Coverage,
    /// What the content is, by its bytes.
    Kind,
    /// Every label.
    Labels,
    /// The object has the label.
    HasLabel(String),
}

impl Reader {
    pub(crate) fn read<'a>(&'a self, input: &Input<'a>) -> Value<'a> {
        let read = match self {
            Reader::Field(field) => text(input, *field).map(Value::Text),
            Reader::Test(field, test) => {
                text(input, *field).map(|text| Value::Flag(test.holds(&text)))
            }
            Reader::InDomain(field, domains) => in_domain(input, *field, domains),
            Reader::InRange(field, range) => in_range(input, *field, *range),
            Reader::Extension => extension(input).map(|ext| Value::Text(lower(ext))),
            Reader::ExtensionIs(wanted) => extension(input)
                .map(|ext| Value::Flag(wanted.iter().any(|wanted| same_letters(wanted, ext)))),
            Reader::Public => visibility(input).map(|seen| Value::Flag(seen == Visibility::Public)),
            Reader::Hour(zone) => clock(input, |at| zone.second_of_day(at))
                .map(|second| Value::Number(Range::exactly((second / 3600) as f64))),
            Reader::Weekday(zone) => {
                clock(input, |at| zone.weekday(at)).map(|day| Value::Text(Cow::Borrowed(day)))
            }
            Reader::Between(stretch, zone) => clock(input, |at| zone.second_of_day(at))
                .map(|second| Value::Flag(stretch.holds(second))),
            Reader::Agent
            | Reader::Country
            | Reader::AdminLogin
            | Reader::MasterAdmin
            | Reader::Anonymous
            | Reader::Groups
            | Reader::InGroup(_)
            | Reader::AllowedUsers
            | Reader::AllowedGroups
            | Reader::AnyFrom(_)
            | Reader::OnlyFrom(_) => circumstances::read(self, input),
            Reader::Metadata(..)
            | Reader::MetadataOfAll(_)
            | Reader::Count(..)
            | Reader::Has(..)
            | Reader::Coverage
            | Reader::Kind
            | Reader::Labels
            | Reader::HasLabel(_) => content::read(self, input),
        };
        read.unwrap_or_else(Value::Lacking)
    }
}

pub(crate) type Read<'a, T = Value<'a>> = Result<T, Lack<'a>>;

fn text<'a>(input: &Input<'a>, field: Field) -> Read<'a, Cow<'a, str>> {
    input.activity.text(field).ok_or(Lack::Absent(field))
}

fn visibility<'a>(input: &Input<'a>) -> Read<'a, Visibility> {
    let seen = input.activity.visibility;
    seen.ok_or(Lack::Absent(Field::Visibility))
}

fn in_domain<'a>(input: &Input<'a>, field: Field, domains: &Domains) -> Read<'a> {
    let address = text(input, field)?;
    let held = domains.hold(&address).map(Value::Flag);
    held.ok_or(Lack::Malformed(field, "an e-mail address"))
}

fn in_range<'a>(input: &Input<'a>, field: Field, range: Ipv4Range) -> Read<'a> {
    let address = text(input, field)?;
    let held = range.holds(&address).map(Value::Flag);
    held.ok_or(Lack::Malformed(field, "an IP address"))
}

/// What a clock shows of the moment in which the user acted.
fn clock<'a, T>(input: &Input<'a>, show: impl Fn(i64) -> Option<T>) -> Read<'a, T> {
    let field = Field::EventTimestamp;
    let at = input.activity.event_timestamp.ok_or(Lack::Absent(field))?;
    show(at.timestamp()).ok_or(Lack::Malformed(field, "in the years that have a calendar"))
}

/// What follows the last dot; empty when the name has none.
pub(crate) fn extension<'a>(input: &Input<'a>) -> Read<'a, &'a str> {
    let name = input.activity.object_name.as_deref();
    let name = name.ok_or(Lack::Absent(Field::ObjectName))?;
    Ok(match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => "",
    })
}

/// In lower case; made anew only when it is not.
fn lower(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_uppercase) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}
