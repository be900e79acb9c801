//! `_time`: when the user acted, by the clocks of a time zone.

use std::sync::LazyLock;

use event_model::Field;

use super::{EVERYWHERE, Entry, Example, Given, Parameter, Reads, Refusal, Type};
use crate::reader::Reader;
use crate::time::{Stretch, WEEKDAYS, Zone, time_of_day};

const ZONE: Parameter = Parameter::optional("zone");

const BLANK: Entry = Entry {
    object: "_time",
    name: "",
    aliases: &[],
    parameters: &[],
    result: Type::Bool,
    actions: EVERYWHERE,
    effect: None,
    reads: Reads::Fields(&[Field::EventTimestamp]),
    words: &[],
    ignores_case: false,
    doc: "",
    example: Example::new("", "", ""),
    build: |_, _| Ok(Reader::Coverage),
};

pub(super) static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    vec![
        Entry {
            name: "hour",
            parameters: const { &[ZONE] },
            result: Type::Number,
            doc: "The hour in which the user acted, from 0 to 23. A zone is an IANA name, as `Europe/Berlin`; without one it \
                  is UTC.",
            example: Example::new(
                "_time.hour('Europe/Berlin') >= 20",
                "event_timestamp=2026-07-01T18:30:00.000Z",
                "true",
            ),
            build: |_, given| Ok(Reader::Hour(zone(given, 0)?)),
            ..BLANK
        },
        Entry {
            name: "weekday",
            parameters: const { &[ZONE] },
            result: Type::String,
            words: WEEKDAYS,
            doc: "The day of the week on which the user acted.",
            example: Example::new(
                "_time.weekday('Asia/Tokyo') in ['saturday', 'sunday']",
                "event_timestamp=2026-07-03T16:00:00.000Z",
                "true",
            ),
            build: |_, given| Ok(Reader::Weekday(zone(given, 0)?)),
            ..BLANK
        },
        Entry {
            name: "between",
            parameters: const { &[Parameter::one("from"), Parameter::one("to"), ZONE] },
            doc: "Whether the user acted at or after the first time of the day and before the second; over midnight when the \
                  second is the earlier.",
            example: Example::new(
                "not _time.between('07:00', '19:00', 'America/New_York')",
                "event_timestamp=2026-07-01T23:30:00.000Z",
                "true",
            ),
            build: |_, given| {
                let (from, to) = (time(given, 0)?, time(given, 1)?);
                let stretch = Stretch::between(from, to)
                    .ok_or_else(|| Refusal::of(1, "the two times are the same"))?;
                Ok(Reader::Between(stretch, zone(given, 2)?))
            },
            ..BLANK
        },
    ]
});

fn zone(given: &[Given], index: usize) -> Result<Zone, Refusal> {
    let Some(name) = given.get(index) else {
        return Ok(Zone::utc());
    };
    Zone::named(&name.text).map_err(|(message, near)| {
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write an IANA name, as `Europe/Berlin`".to_owned(),
        };
        Refusal::of(index, message).hint(hint)
    })
}

fn time(given: &[Given], index: usize) -> Result<i64, Refusal> {
    let text = &given[index].text;
    time_of_day(text).ok_or_else(|| {
        let shown = crate::token::cut(text);
        Refusal::of(index, format!("`{shown}` is not a time of the day"))
            .hint("write it as `08:30`")
    })
}
