//! Tries what the manifest can do in the service: on an object made for that, or on one that the
//! caller named. What is done is undone, and what is made is taken away.

use connector::Ask;
use event_model::{Activity, EventId, EventType, LinkScope, Particulars, RemedyKind};

use super::evidence::Evidence;
use super::probe::seen;
use super::{Options, Subject};

/// The role that a collaborator is brought down to.
const LEAST_ROLE: &str = "viewer";
/// How long a link stays open.
const LINK_HOURS: u32 = 48;
/// In this order each finds the object as the one before left it.
/// Users are never tried on: whoever is suspended by mistake stands outside. A new owner would have to be named.
const ORDER: [RemedyKind; 9] = [
    RemedyKind::DowngradeRole,
    RemedyKind::RemoveCollaborator,
    RemedyKind::RemoveExternalCollaborators,
    RemedyKind::ExpireLink,
    RemedyKind::SetLinkScope,
    RemedyKind::RemoveLink,
    RemedyKind::MakePrivate,
    RemedyKind::Quarantine,
    RemedyKind::Delete,
];

/// What came of one action.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    pub(super) kind: RemedyKind,
    /// The object that it was tried on, when it was made for that.
    pub(super) object: Option<String>,
    pub(super) came: Came,
    pub(super) evidence: Vec<Evidence>,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    /// Done, seen to be done, and undone, or it cannot be undone by its nature.
    Done { undone: bool },
    /// Something failed.
    Failed(String),
    /// The object does not have what it needs.
    NotApplicable(String),
}

/// Tries every action that the manifest has.
pub(super) async fn try_all(subject: &Subject, options: &Options) -> Vec<Tried> {
    let mut all = Vec::new();
    if !options.destructive {
        return all;
    }
    for kind in ORDER {
        if !subject.connector.can(kind) {
            continue;
        }
        drop(subject.heard.take());
        let tried = try_on_something(subject, options, kind).await;
        all.extend(tried);
    }
    all
}

/// None when there is nothing to try it on.
async fn try_on_something(subject: &Subject, options: &Options, kind: RemedyKind) -> Option<Tried> {
    if let Some((id, object_type)) = &options.object {
        let mut activity = about(id);
        activity.object_type = Some(object_type.clone());
        // What somebody named must be there afterwards.
        let came = match subject.connector.can_undo(kind) {
            true => try_on(subject, kind, &activity).await,
            false => Came::NotApplicable("it could not be undone on the object named".into()),
        };
        return Some(done(subject, kind, None, came));
    }
    let made = match subject.client.make_trial_object().await {
        Ok(made) => made?,
        Err(error) => {
            let came = Came::Failed(format!("no object could be made to try it on: {error}"));
            return Some(done(subject, kind, None, came));
        }
    };
    let mut came = try_on(subject, kind, &made).await;
    let taken_away = subject.client.unmake_trial_object(&made).await;
    if let (Err(error), Came::Done { .. }) = (taken_away, &came) {
        came = Came::Failed(format!(
            "the object made for it could not be taken away: {error}"
        ));
    }
    Some(done(subject, kind, made.object_id, came))
}

fn done(subject: &Subject, kind: RemedyKind, object: Option<String>, came: Came) -> Tried {
    let seen = seen(subject, came);
    Tried {
        kind,
        object,
        came: seen.value,
        evidence: seen.evidence,
    }
}

/// An activity that says no more than which object it is about.
fn about(object_id: &str) -> Activity {
    let id = EventId::new("conformance").expect("it is short");
    let mut activity = Activity::bare(id, EventType::Sharing);
    activity.object_id = Some(object_id.to_owned());
    activity
}

/// What the action is told besides: as little as there is.
fn least(kind: RemedyKind) -> Particulars {
    let only = |wanted: RemedyKind| kind == wanted;
    Particulars {
        role: only(RemedyKind::DowngradeRole).then(|| LEAST_ROLE.to_owned()),
        after_hours: only(RemedyKind::ExpireLink).then_some(LINK_HOURS),
        scope: only(RemedyKind::SetLinkScope).then_some(LinkScope::SpecificPeople),
        ..Particulars::default()
    }
}

async fn try_on(subject: &Subject, kind: RemedyKind, activity: &Activity) -> Came {
    let client = &subject.client;
    let particulars = least(kind);
    let ask = Ask {
        kind,
        activity,
        particulars: &particulars,
        asked_at: subject.clock.now(),
        vaulted: None,
    };
    let snapshot = match client.snapshot(&ask).await {
        Ok(snapshot) => snapshot,
        Err(connector::CallError::NotSupported { what }) => return Came::NotApplicable(what),
        Err(error) => return Came::Failed(format!("looking at it before: {error}")),
    };
    if let Err(error) = client.execute(&ask, &snapshot).await {
        return Came::Failed(format!("doing it: {error}"));
    }
    match client.in_effect(&ask, Some(&snapshot)).await {
        Ok(true) => {}
        Ok(false) if !client.shows(kind) => {}
        Ok(false) => return Came::Failed("the service does not show it afterwards".into()),
        Err(error) => return Came::Failed(format!("looking at it afterwards: {error}")),
    }
    if !subject.connector.can_undo(kind) {
        return Came::Done { undone: false };
    }
    match client.undo(&ask, &snapshot).await {
        Ok(restored) if restored.not_restored.is_empty() => Came::Done { undone: true },
        Ok(restored) => {
            let not = restored.not_restored.join("; ");
            Came::Failed(format!("not restored: {not}"))
        }
        Err(error) => Came::Failed(format!("undoing it: {error}")),
    }
}
