//! Values that are given a name: by a sign in the text, or by the document that holds them.

use std::collections::HashMap;

use memchr::memchr2_iter;

use super::{Pass, Secrets, Tally};
use crate::detect::assignment::VALUE_BYTES_MAX;
use crate::detect::{Assignment, Hit, Strength, Value, Verify};
use crate::detectors::{is_random, stands_for_a_secret};

/// Units of work that reading one name costs.
const NAME_WORK: usize = 8;

impl Pass<'_> {
    /// Tries every value behind a sign of assignment.
    pub(super) fn try_assignments(&mut self, secrets: &mut Secrets<'_>, tally: &mut Tally) {
        let (engine, text) = (self.engine, self.text);
        for at in memchr2_iter(b'=', b':', text.as_bytes()) {
            if !tally.work(NAME_WORK) {
                return;
            }
            let mut run = std::mem::take(&mut self.value);
            engine.names.each(text, at, &mut run, |index, assignment| {
                self.try_assigned(index, assignment, secrets, tally)
            });
            self.value = run;
        }
    }

    /// Tries the value of every field that has a name.
    pub(super) fn try_fields(&mut self, secrets: &mut Secrets<'_>, tally: &mut Tally) {
        let (engine, text, fields) = (self.engine, self.text, self.piece.fields);
        // A column's cells share their name.
        let mut is_wanted: HashMap<usize, bool> = HashMap::new();
        for field in fields.iter().filter(|field| !field.name.is_empty()) {
            let name = field.name.as_ptr() as usize;
            let wanted = *is_wanted
                .entry(name)
                .or_insert_with(|| engine.names.wants(&field.name));
            if !wanted || !tally.work(NAME_WORK) {
                continue;
            }
            let start = self.normalised.offset_of(field.start);
            let end = self.normalised.offset_of(field.end);
            let Some(value) = text.get(start..end).filter(|v| v.len() <= VALUE_BYTES_MAX) else {
                continue;
            };
            let bare = value.trim_matches(|sign: char| sign.is_whitespace() || sign == '"');
            let start = start + value.find(bare).unwrap_or_default();
            engine
                .names
                .each_named(&field.name, (start, bare), |index, assignment| {
                    self.try_assigned(index, assignment, secrets, tally)
                });
        }
    }

    /// Whether the value is taken: by this detector, or by another before.
    fn try_assigned(
        &mut self,
        index: usize,
        assignment: &Assignment<'_>,
        secrets: &mut Secrets<'_>,
        tally: &mut Tally,
    ) -> bool {
        let (start, end) = (assignment.start, assignment.start + assignment.value.len());
        if start < self.free_from[index] || !tally.work(assignment.value.len()) {
            return false;
        }
        let Verify::Assigned { value, .. } = self.engine.detectors[index].verify else {
            return false;
        };
        let strength = match value {
            Value::Form { body, chars } => has_form(assignment, body, chars),
            Value::Check(check) => check(assignment),
        };
        let Some(strength) = strength else {
            return false;
        };
        let taken = self
            .claims
            .last()
            .is_some_and(|claim| claim.span.end > start);
        if taken || secrets.claimed(&(start..end)).is_some() {
            return true;
        }
        let hit = Hit {
            start,
            end,
            value: assignment.value.to_owned(),
            strength,
            test_value: false,
        };
        self.keep(index, hit, tally);
        self.free_from[index] >= end
    }
}

fn has_form(
    assignment: &Assignment<'_>,
    body: fn(&u8) -> bool,
    (least, most): (usize, usize),
) -> Option<Strength> {
    let value = assignment.value.as_bytes();
    let fits = (least..=most).contains(&value.len()) && value.iter().all(body);
    let random = fits
        && value.iter().any(u8::is_ascii_digit)
        && is_random(value)
        && !stands_for_a_secret(value);
    (random && assignment.names_a_key()).then_some(Strength::Certain)
}
