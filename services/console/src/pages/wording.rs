//! How things are said to people: sentences, times, durations.

use chrono::{DateTime, Utc};
use event_model::{
    Activity, CaseVerdict, EventType, IncidentStatus, Lifecycle, PartyType, QuarantineState,
    RemedyKind, RemedyState, Visibility,
};

/// Longest name in a sentence, in characters.
const NAME_CHARS_MAX: usize = 120;

/// A moment, to the second.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A moment, to the millisecond.
pub(super) fn precise(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string()
}

/// A moment as a list shows it: when, and how long ago that is.
pub(super) struct When {
    /// For programs.
    pub(super) datetime: String,
    /// To the second, in UTC.
    pub(super) said: String,
    /// From now.
    pub(super) ago: String,
}

/// A moment, beside now.
pub(super) fn when(at: DateTime<Utc>, now: DateTime<Utc>) -> When {
    When {
        datetime: event_model::rfc3339(at),
        said: time(at),
        ago: ago(at, now),
    }
}

/// How long ago a moment was, or in how long it will be, in the largest unit that fits.
pub(super) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - at).num_seconds();
    let (number, unit) = match seconds.unsigned_abs() {
        0..5 => return "now".to_owned(),
        some @ 0..60 => (some, "s"),
        some @ 0..3_600 => (some / 60, "min"),
        some @ 0..172_800 => (some / 3_600, "h"),
        some => (some / 86_400, "days"),
    };
    match seconds > 0 {
        true => format!("{number} {unit} ago"),
        false => format!("in {number} {unit}"),
    }
}

/// How long something took.
pub(super) fn duration(ms: i64) -> String {
    match ms {
        i64::MIN..=-1 => format!("−{}", duration(ms.saturating_neg())),
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", ms as f64 / 1e3),
        60_000..3_600_000 => format!("{:.1} min", ms as f64 / 60e3),
        _ => format!("{:.1} h", ms as f64 / 3_600e3),
    }
}

/// A number with its thousands apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut said = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            said.push(',');
        }
        said.push(digit);
    }
    said
}

/// What happened, in a sentence without a period.
pub(super) fn sentence(activity: &Activity) -> String {
    let actor = first(&[
        &activity.actor_email,
        &activity.actor_name,
        &activity.actor_id,
    ]);
    let actor = actor.unwrap_or_else(|| "Someone".to_owned());
    let object = first(&[
        &activity.object_name,
        &activity.object_path,
        &activity.object_id,
    ]);
    let object = object.map_or_else(|| "something".to_owned(), |name| format!("“{name}”"));
    match activity.event_type {
        EventType::DataCreation => format!("{actor} uploaded {object}"),
        EventType::DataUpdate => format!("{actor} changed {object}"),
        EventType::DataAccess => format!("{actor} opened or downloaded {object}"),
        EventType::DataDeletion => format!("{actor} deleted {object}"),
        // Without a visibility it cannot be told whether something was given or taken away.
        EventType::Sharing if activity.visibility.is_none() => {
            format!(
                "{actor} changed the sharing of {object}{}",
                with_whom(activity)
            )
        }
        EventType::Sharing => format!("{actor} shared {object}{}", with_whom(activity)),
        EventType::Authentication => format!("{actor} signed in{}", from_where(activity)),
        EventType::Administration => format!("{actor} administered {object}"),
        EventType::Other => {
            let name = first(&[&activity.event_name]).unwrap_or_else(|| "something".to_owned());
            format!("{actor} did “{name}” on {object}")
        }
    }
}

fn with_whom(activity: &Activity) -> String {
    let target = first(&[&activity.target_user_email, &activity.target_user_id]);
    let role = first(&[&activity.role])
        .map(|role| format!(" as {role}"))
        .unwrap_or_default();
    let outside = match activity.target_user_type {
        Some(PartyType::External) => ", who is external",
        _ => "",
    };
    let link = match activity.visibility {
        Some(Visibility::Public) => " by a link for anyone",
        Some(Visibility::Organization) => " by a link for the whole organization",
        _ => "",
    };
    match target {
        Some(target) => format!(" with {target}{role}{outside}{link}"),
        None => format!("{role}{link}"),
    }
}

fn from_where(activity: &Activity) -> String {
    first(&[&activity.actor_ip_address])
        .map(|ip| format!(" from {ip}"))
        .unwrap_or_default()
}

fn first(values: &[&Option<String>]) -> Option<String> {
    let value = values.iter().find_map(|value| value.as_deref())?;
    let mut short: String = value.chars().take(NAME_CHARS_MAX).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    Some(short)
}

/// A status, to read.
pub(super) fn status(status: IncidentStatus) -> &'static str {
    match status {
        IncidentStatus::New => "New",
        IncidentStatus::InProgress => "In progress",
        IncidentStatus::Resolved => "Resolved",
        IncidentStatus::FalsePositive => "False positive",
        IncidentStatus::Suppressed => "Suppressed",
        IncidentStatus::Reopened => "Reopened",
    }
}

/// What a person concluded, to read.
pub(super) fn verdict(verdict: CaseVerdict) -> &'static str {
    match verdict {
        CaseVerdict::TruePositive => "True positive",
        CaseVerdict::Benign => "Benign: it may happen",
        CaseVerdict::FalsePositive => "False positive",
        CaseVerdict::Duplicate => "Duplicate",
        CaseVerdict::Undetermined => "Cannot be told",
    }
}

/// Every verdict of people: its word, and how it reads.
pub(super) fn verdicts() -> Vec<(&'static str, &'static str)> {
    let all = CaseVerdict::ALL.iter();
    all.map(|one| (one.word(), verdict(*one))).collect()
}

/// A remedy, to read.
pub(super) fn remedy(kind: RemedyKind) -> &'static str {
    match kind {
        RemedyKind::Notify => "Send a notification",
        RemedyKind::Quarantine => "Quarantine the content",
        RemedyKind::QuarantineToVault => "Take the content into the vault",
        RemedyKind::Delete => "Delete the content",
        RemedyKind::RemoveLink => "Remove the shared link",
        RemedyKind::RemoveCollaborator => "Remove the collaborator",
        RemedyKind::DowngradeRole => "Downgrade the role",
        RemedyKind::ApplyLabel => "Apply a label",
        RemedyKind::ExpireLink => "Make the shared link end",
        RemedyKind::SetLinkScope => "Narrow the shared link",
        RemedyKind::RemoveExternalCollaborators => "Remove everyone from outside",
        RemedyKind::MakePrivate => "Leave it to its owner",
        RemedyKind::TransferOwner => "Give it to another owner",
        RemedyKind::SuspendUser => "Suspend the user",
        RemedyKind::EndSessions => "Sign the user out",
        RemedyKind::Restore => "Put back as it was",
        RemedyKind::Purge => "Delete for good",
    }
}

/// Where a remedy stands, to read.
pub(super) fn remedy_state(state: RemedyState) -> &'static str {
    match state {
        RemedyState::Planned => "planned",
        RemedyState::NeedsApproval => "waits for approval",
        RemedyState::SnapshotTaken => "noted down, to be done",
        RemedyState::Executing => "being done",
        RemedyState::Done => "done",
        RemedyState::Failed => "failed, will be tried again",
        RemedyState::GivenUp => "given up",
        RemedyState::Held => "stands still: its policy did as much as it may",
        RemedyState::Superseded => "left out",
        RemedyState::Cancelled => "cancelled",
    }
}

/// Where a quarantine item stands, to read.
pub(super) fn quarantine_state(state: QuarantineState) -> &'static str {
    match state {
        QuarantineState::Held => "held",
        QuarantineState::Restoring => "being put back",
        QuarantineState::Restored => "put back",
        QuarantineState::Deleting => "being deleted",
        QuarantineState::Deleted => "deleted",
    }
}

/// Where a connection stands, to read.
pub(super) fn state(lifecycle: &Lifecycle) -> &'static str {
    match lifecycle {
        Lifecycle::AwaitingConsent { .. } => "Awaits consent",
        Lifecycle::Authorized { .. } => "Authorized",
        Lifecycle::Enabling { .. } => "Being enabled",
        Lifecycle::Enabled { .. } => "Enabled",
        Lifecycle::NeedsConsent { .. } => "Needs consent again",
        Lifecycle::Disabled { .. } => "Disabled",
    }
}

/// What that means, and what to do next.
pub(super) fn explained(lifecycle: &Lifecycle) -> String {
    match lifecycle {
        Lifecycle::AwaitingConsent { .. } => {
            "No administrator of the service has agreed yet. Choose “Authorize” to go to its consent \
             page; you come back here."
                .to_owned()
        }
        Lifecycle::Authorized { .. } => {
            "There is a grant, and nothing is read yet. Check its health, then enable a feed."
                .to_owned()
        }
        Lifecycle::Enabling { choice, .. } => {
            format!("The feed ({choice}) is being set up. A restart continues it.")
        }
        Lifecycle::Enabled { feed, .. } => match feed.registration() {
            Some(_) => "Activity arrives at our webhook, reconciled by polling. Policies act.".to_owned(),
            None => "Activity is polled from a checkpoint. Policies act.".to_owned(),
        },
        Lifecycle::NeedsConsent { reason, .. } => {
            format!("The service no longer takes the grant: {reason}. Choose “Authorize” to renew it.")
        }
        Lifecycle::Disabled { leftover, .. } => match leftover {
            Some(_) => "Nothing is polled, taken or done. A webhook is still to be deregistered; until \
                        then it cannot be enabled."
                .to_owned(),
            None => "Nothing is polled, taken or done. It can be enabled again.".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_model::EventId;

    #[test]
    fn what_happened_reads_as_a_sentence_whatever_is_absent() {
        let id = || EventId::new("e").unwrap();
        let mut share = Activity::bare(id(), EventType::Sharing);
        assert_eq!(sentence(&share), "Someone changed the sharing of something");
        share.visibility = Some(Visibility::Restricted);
        assert_eq!(sentence(&share), "Someone shared something");
        share.actor_email = Some("ann@example.com".into());
        share.object_name = Some("plan.docx".into());
        share.target_user_email = Some("bob@other.com".into());
        share.target_user_type = Some(PartyType::External);
        share.role = Some("editor".into());
        assert_eq!(
            sentence(&share),
            "ann@example.com shared “plan.docx” with bob@other.com as editor, who is external"
        );
        let mut login = Activity::bare(id(), EventType::Authentication);
        login.actor_ip_address = Some("203.0.113.9".into());
        assert_eq!(sentence(&login), "Someone signed in from 203.0.113.9");
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        for (number, said) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(count(number), said);
        }
    }

    #[test]
    fn a_moment_is_told_from_now_in_the_unit_that_fits() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        for (seconds, said) in [
            (0, "now"),
            (4, "now"),
            (59, "59 s ago"),
            (3_599, "59 min ago"),
            (3_600, "1 h ago"),
            (47 * 3_600, "47 h ago"),
            (48 * 3_600, "2 days ago"),
            (-90, "in 1 min"),
        ] {
            assert_eq!(ago(now - chrono::TimeDelta::seconds(seconds), now), said);
        }
    }

    #[test]
    fn durations_read_in_the_unit_that_fits() {
        for (ms, text) in [
            (7, "7 ms"),
            (1_250, "1.2 s"),
            (90_000, "1.5 min"),
            (5_400_000, "1.5 h"),
            (-20, "−20 ms"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }
}
