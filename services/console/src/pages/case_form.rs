//! What a person's form says is to be changed in an incident: the same for one and for many.

use event_model::{CaseChange, CaseVerdict, IncidentStatus, Severity};

use crate::auth::{Actor, CheckedForm};
use crate::problem::{Mistake, Problem};

/// Reads the change; what was left empty stays as it is.
pub(super) fn change(form: &CheckedForm, by: &Actor) -> Result<CaseChange, Problem> {
    let change = CaseChange {
        status: word(form, "status", IncidentStatus::from_word)?,
        verdict: word(form, "verdict", CaseVerdict::from_word)?,
        severity: word(form, "severity", Severity::from_word)?,
        owner: owner(form, by),
        tags_added: tags(form.text("add_tags")),
        tags_removed: form.all("remove_tag").map(str::to_owned).collect(),
        comment: form.given("comment"),
    };
    match change.is_empty() {
        true => Err(mistake("", "nothing is to be changed: choose something")),
        false => Ok(change),
    }
}

fn word<T>(
    form: &CheckedForm,
    name: &str,
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    match form.given(name) {
        None => Ok(None),
        Some(given) => match read(&given) {
            Some(value) => Ok(Some(value)),
            None => Err(mistake(name, "is none of the choices")),
        },
    }
}

/// `me` is who asks; `none` takes the owner away.
fn owner(form: &CheckedForm, by: &Actor) -> Option<Option<String>> {
    Some(match form.given("owner")?.as_str() {
        "me" => Some(by.name().to_owned()),
        "none" => None,
        other => Some(other.to_owned()),
    })
}

fn tags(given: &str) -> Vec<String> {
    let parts = given.split([',', ' ', '\n']).map(str::trim);
    parts
        .map(|tag| tag.trim_start_matches('#').to_owned())
        .filter(|tag| !tag.is_empty())
        .collect()
}

fn mistake(field: &str, message: &str) -> Problem {
    Problem::bad_request(vec![Mistake::new(field, message)])
}
