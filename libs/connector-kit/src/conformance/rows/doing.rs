//! Rows about what can be done in the service.

use event_model::RemedyKind;

use super::{Case, Judged, judged};
use crate::conformance::Outcome::{Met, NotMet, NotTestable};
use crate::conformance::actions::{Came, Tried};

pub(super) fn generic_actions(_: &Case<'_>) -> Judged {
    judged(
        Met,
        "Tidegate records the incident and writes the e-mail without the service",
    )
}

pub(super) fn delete(case: &Case<'_>) -> Judged {
    tried(case, &[RemedyKind::Delete])
}

pub(super) fn quarantine(case: &Case<'_>) -> Judged {
    tried(case, &[RemedyKind::Quarantine])
}

pub(super) fn sharing(case: &Case<'_>) -> Judged {
    tried(
        case,
        &[
            RemedyKind::RemoveLink,
            RemedyKind::RemoveCollaborator,
            RemedyKind::DowngradeRole,
            RemedyKind::ExpireLink,
            RemedyKind::SetLinkScope,
            RemedyKind::RemoveExternalCollaborators,
            RemedyKind::MakePrivate,
        ],
    )
}

/// Each of these actions that the manifest has must have been seen to work.
fn tried(case: &Case<'_>, kinds: &[RemedyKind]) -> Judged {
    let offered: Vec<RemedyKind> = kinds
        .iter()
        .copied()
        .filter(|kind| case.connector.can(*kind))
        .collect();
    if offered.is_empty() {
        let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
        let none = format!("the manifest has no action {}", words.join(", "));
        return judged(NotMet, none);
    }
    if !case.options.destructive {
        let words: Vec<&str> = offered.iter().map(|kind| kind.word()).collect();
        let why = format!(
            "offered ({}), but nothing may be changed here",
            words.join(", ")
        );
        return judged(NotTestable, why);
    }
    let of_them = |tried: &&Tried| offered.contains(&tried.kind);
    let all: Vec<&Tried> = case.facts.tried.iter().filter(of_them).collect();
    let evidence = all
        .iter()
        .flat_map(|tried| tried.evidence.clone())
        .collect();
    if all.is_empty() {
        let why = "there is nothing to try it on: name an object, or let `tests.make` make one";
        return judged(NotTestable, why);
    }
    let said: Vec<String> = all.iter().map(|tried| said_of(tried)).collect();
    let failed = all
        .iter()
        .any(|tried| matches!(tried.came, Came::Failed(_)));
    let done = all
        .iter()
        .any(|tried| matches!(tried.came, Came::Done { .. }));
    let outcome = match (failed, done) {
        (true, _) => NotMet,
        (false, true) => Met,
        (false, false) => NotTestable,
    };
    (outcome, said.join("; "), evidence)
}

fn said_of(tried: &Tried) -> String {
    let kind = tried.kind;
    match &tried.came {
        Came::Done { undone: true } => format!("`{kind}` done, seen, and undone"),
        Came::Done { undone: false } => format!("`{kind}` done and seen; it cannot be undone"),
        Came::Failed(why) => format!("`{kind}` failed: {why}"),
        Came::NotApplicable(why) => format!("`{kind}` could not be tried: {why}"),
    }
}

pub(super) fn capabilities(case: &Case<'_>) -> Judged {
    let words = case.connector.describe().actions;
    let own: Vec<&str> = words.into_iter().filter(|word| *word != "notify").collect();
    match own.is_empty() {
        true => judged(
            NotMet,
            "nothing can be done in the service: it has no API for an action",
        ),
        false => judged(
            Met,
            format!(
                "offered, each with its verification: {}; others are refused when a policy asks for them",
                own.join(", ")
            ),
        ),
    }
}
