//! What is written as telephone numbers are, and is none.

use super::DIGITS_MAX;

/// Whether digits and the signs between them are a number with a fraction, a date or the address of a machine.
pub(super) fn is_other(written: &[u8]) -> bool {
    let mut groups: [&[u8]; DIGITS_MAX] = [&[]; DIGITS_MAX];
    let found = written
        .split(|byte| !byte.is_ascii_digit())
        .filter(|group| !group.is_empty());
    let count = groups
        .iter_mut()
        .zip(found)
        .map(|(place, group)| *place = group)
        .count();
    let groups = &groups[..count];
    let value = |group: &[u8]| {
        group
            .iter()
            .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
    let only = |sign: u8| {
        written
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == sign)
    };
    let is_within =
        |group: &[u8], most: u32| group.len() <= 2 && (1..=most).contains(&value(group));
    let is_year = |group: &[u8]| group.len() == 4 && (1900..2100).contains(&value(group));
    let is_day = |one: &[u8], other: &[u8]| {
        (is_within(one, 12) && is_within(other, 31)) || (is_within(one, 31) && is_within(other, 12))
    };
    let is_fraction = groups.len() == 2 && only(b'.');
    let is_machine = groups.len() == 4
        && only(b'.')
        && groups
            .iter()
            .all(|group| group.len() <= 3 && value(group) <= 255);
    let has_date = groups.windows(3).any(|three| {
        (is_year(three[0]) && is_day(three[1], three[2]))
            || (is_year(three[2]) && is_day(three[0], three[1]))
    });
    is_fraction || is_machine || has_date
}
