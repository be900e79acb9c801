//! What is let be although it violates a policy: by whom, why, and until when.
//!
//! Promises: an exception names at least one person, object or pattern, never a whole policy; it ends by
//! itself; what it let be is recorded all the same, as suppressed and with nothing done about it.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::activity::Activity;
use crate::case::{COMMENT_BYTES_MAX, CaseVerdict, OWNER_BYTES_MAX};
use crate::ids::{ConnectionId, ExceptionId, PolicyId};
use crate::incident::{Incident, IncidentStatus, TimelineEntry, TimelineKind};
use crate::instant;

/// Longest life of an exception, in days.
pub const EXCEPTION_DAYS_MAX: i64 = 366;
/// Longest pattern or value, in bytes.
pub const MATCH_BYTES_MAX: usize = 1024;

/// What an exception is about: everything that is given must match.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionMatch {
    /// This person acted, by e-mail address in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_email: Option<String>,
    /// On this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// On an object whose path, or else name, is like this in any case: `*` stands for any text, `?` for a letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_like: Option<String>,
    /// Shared with this person, or with anyone of this domain (`@example.com`), in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_with: Option<String>,
    /// Only in this connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<ConnectionId>,
}

/// What is let be of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exception {
    /// Its identifier.
    pub id: ExceptionId,
    /// Of which policy, in all of its versions.
    pub policy_id: PolicyId,
    /// What of it.
    pub matches: ExceptionMatch,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// From when on it does not count any more.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub expires_at: DateTime<Utc>,
    /// When somebody ended it before.
    #[serde(default, with = "instant::optional")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub ended_at: Option<DateTime<Utc>>,
    /// Who ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
}

/// Why an exception is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ExceptionMistake {
    /// It would let everything be.
    #[error("an exception names a person, an object, a path, or whom it is shared with")]
    Everything,
    /// A pattern is only wildcards.
    #[error("`{0}` must have letters besides `*` and `?`, and at most {MATCH_BYTES_MAX} bytes")]
    Pattern(&'static str),
    /// Nobody answers for it, or it is too long a name.
    #[error("an exception has an owner of at most {OWNER_BYTES_MAX} bytes")]
    Owner,
    /// Nobody says why, or too much.
    #[error("an exception has a reason of at most {COMMENT_BYTES_MAX} bytes")]
    Reason,
    /// It would end in the past, or too late.
    #[error("an exception ends after now and within {EXCEPTION_DAYS_MAX} days")]
    Expiry,
}

impl ExceptionMistake {
    /// The field that is to be mended.
    pub fn field(self) -> &'static str {
        match self {
            ExceptionMistake::Everything => "matches",
            ExceptionMistake::Pattern(field) => field,
            ExceptionMistake::Owner => "owner",
            ExceptionMistake::Reason => "reason",
            ExceptionMistake::Expiry => "expires_at",
        }
    }
}

impl Exception {
    /// Every mistake of an exception that is to be made.
    pub fn mistakes(&self) -> Vec<ExceptionMistake> {
        let mut found = self.matches.mistakes();
        let says = |text: &str, most| !text.trim().is_empty() && text.len() <= most;
        if !says(&self.owner, OWNER_BYTES_MAX) {
            found.push(ExceptionMistake::Owner);
        }
        if !says(&self.reason, COMMENT_BYTES_MAX) {
            found.push(ExceptionMistake::Reason);
        }
        let latest = self.created_at + TimeDelta::days(EXCEPTION_DAYS_MAX);
        if self.expires_at <= self.created_at || self.expires_at > latest {
            found.push(ExceptionMistake::Expiry);
        }
        found
    }

    /// Whether it counts at that moment.
    pub fn is_in_use(&self, at: DateTime<Utc>) -> bool {
        at >= self.created_at && at < self.expires_at && self.ended_at.is_none()
    }

    /// Whether it lets that violation be.
    pub fn covers(&self, incident: &Incident) -> bool {
        let (policy, connection) = (incident.policy.id, incident.connection_id);
        self.lets_be(policy, connection, &incident.activity, incident.created_at)
    }

    /// Whether it lets a violation of that policy by that activity be, at that moment.
    pub fn lets_be(
        &self,
        policy: PolicyId,
        connection: ConnectionId,
        activity: &Activity,
        at: DateTime<Utc>,
    ) -> bool {
        let only = self.matches.connection_id;
        policy == self.policy_id
            && self.is_in_use(at)
            && only.is_none_or(|id| id == connection)
            && self.matches.covers(activity)
    }

    /// Lets a new incident be: it is closed from the beginning, and nothing is done about it.
    pub fn let_be(&self, incident: &mut Incident) {
        incident.status = IncidentStatus::Suppressed;
        incident.remedies.clear();
        incident.case.exception = Some(self.id);
        incident.case.verdict = Some(CaseVerdict::Benign);
        incident.case.reason = Some(self.reason.clone());
        incident.timeline.push(TimelineEntry {
            at: incident.created_at,
            kind: TimelineKind::Violation,
            text: format!(
                "was let be by the exception {} of {}: {}",
                self.id, self.owner, self.reason
            ),
        });
    }
}

impl ExceptionMatch {
    fn mistakes(&self) -> Vec<ExceptionMistake> {
        let given = [
            ("matches/actor_email", &self.actor_email),
            ("matches/object_id", &self.object_id),
            ("matches/path_like", &self.path_like),
            ("matches/shared_with", &self.shared_with),
        ];
        let given = given
            .into_iter()
            .filter_map(|(field, value)| Some((field, value.as_deref()?)));
        let given: Vec<(&'static str, &str)> = given.collect();
        if given.is_empty() {
            return vec![ExceptionMistake::Everything];
        }
        let says = |value: &str| {
            value
                .chars()
                .any(|letter| !matches!(letter, '*' | '?' | '@' | ' '))
        };
        let wrong = given
            .iter()
            .filter(|(_, value)| !says(value) || value.len() > MATCH_BYTES_MAX);
        wrong
            .map(|(field, _)| ExceptionMistake::Pattern(field))
            .collect()
    }

    fn covers(&self, activity: &Activity) -> bool {
        let same = |wanted: &Option<String>, value: &Option<String>| match (wanted, value) {
            (None, _) => true,
            (Some(wanted), Some(value)) => wanted.to_lowercase() == value.to_lowercase(),
            (Some(_), None) => false,
        };
        let exact = self.object_id.is_none() || self.object_id == activity.object_id;
        let place = activity
            .object_path
            .as_ref()
            .or(activity.object_name.as_ref());
        let like = match (&self.path_like, place) {
            (None, _) => true,
            (Some(pattern), Some(place)) => is_like(&pattern.to_lowercase(), &place.to_lowercase()),
            (Some(_), None) => false,
        };
        let shared = match (&self.shared_with, &activity.target_user_email) {
            (None, _) => true,
            (Some(domain), Some(with)) if domain.starts_with('@') => {
                with.to_lowercase().ends_with(&domain.to_lowercase())
            }
            (wanted, with) => same(wanted, with),
        };
        same(&self.actor_email, &activity.actor_email) && exact && like && shared
    }
}

/// Whether the text is like the pattern. Takes as many steps as both have letters, multiplied.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[t] => {
                p += 1;
                t += 1;
            }
            // The last star takes one letter more.
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventType;
    use crate::ids::EventId;

    #[test]
    fn a_pattern_is_like_what_it_says() {
        for (pattern, text, expected) in [
            ("/finance/*", "/finance/a/b.xlsx", true),
            ("/finance/*", "/legal/a", false),
            ("*.xlsx", "/a.xlsx", true),
            ("*.xls?", "/a.xlsx.bak", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*", "", true),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
    }

    /// Actor, object, path and whom it is shared with; a dash stands for what is not given.
    fn matching(row: &str) -> ExceptionMatch {
        let given = |part: &str| (part != "-").then(|| part.to_owned());
        let mut parts = row.split(' ').map(given);
        let mut next = || parts.next().flatten();
        ExceptionMatch {
            actor_email: next(),
            object_id: next(),
            path_like: next(),
            shared_with: next(),
            connection_id: None,
        }
    }

    #[test]
    fn everything_that_is_given_must_match() {
        let activity = Activity {
            actor_email: Some("Ann@example.com".into()),
            object_id: Some("f1".into()),
            object_path: Some("/Finance/plan.xlsx".into()),
            target_user_email: Some("bob@Partner.example".into()),
            ..Activity::bare(EventId::new("e").expect("short"), EventType::Sharing)
        };
        for (row, expected) in [
            ("ann@EXAMPLE.com - - -", true),
            ("eve@example.com - - -", false),
            ("- f1 /finance/* -", true),
            ("- F1 - -", false),
            ("- - /legal/* -", false),
            ("- - - @partner.example", true),
            ("- - - bob@partner.example", true),
            ("- - - @artner.example", false),
            ("eve@example.com f1 - -", false),
        ] {
            assert_eq!(matching(row).covers(&activity), expected, "{row}");
        }
        let bare = Activity::bare(activity.event_id.clone(), EventType::Other);
        let by = matching("ann@example.com - - -");
        assert!(!by.covers(&bare), "what is not known is not let be");
    }

    #[test]
    fn no_exception_lets_everything_be() {
        for (row, wrong) in [
            ("- - - -", 1),
            ("- - * -", 1),
            ("@ - **? -", 2),
            ("- - - @", 1),
            ("- - /public/* -", 0),
        ] {
            let matches = matching(row);
            assert_eq!(matches.mistakes().len(), wrong, "{matches:?}");
        }
    }
}
