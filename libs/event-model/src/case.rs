//! What people make of an incident: whose it is, what they conclude, how it ends, what it belongs to.
//!
//! Promises: a change is whole or not at all, and a refused one says why; an incident is closed only with
//! a verdict and a reason; everything that people add is bounded by name; what they did stands in the
//! timeline in words.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::activity::{Activity, word_enum};
use crate::connection::IllegalTransition;
use crate::ids::{ConnectionId, ExceptionId, IncidentId, PolicyId};
use crate::incident::{Incident, IncidentStatus, TimelineEntry, TimelineKind};
use crate::instant;
use crate::policy::Severity;

/// A violation is a repeat of an open incident that was recorded at most so many hours before it.
pub const REPEAT_WINDOW_HOURS: i64 = 24;
/// Most repeats of one incident: the next one is an incident of its own.
pub const REPEATS_MAX: u32 = 1_000;
/// Most tags of one incident.
pub const TAGS_MAX: usize = 20;
/// Longest tag, in characters.
pub const TAG_CHARS_MAX: usize = 40;
/// Longest comment or reason, in bytes.
pub const COMMENT_BYTES_MAX: usize = 4 * 1024;
/// Longest name of an owner, in bytes.
pub const OWNER_BYTES_MAX: usize = 256;
/// Most entries of people in one timeline.
pub const ACTS_MAX: usize = 1_000;

word_enum! {
    /// What a person concludes of an incident.
    CaseVerdict {
        /// It happened, and it should not have.
        TruePositive "true_positive",
        /// It happened as the policy says, and it may.
        Benign "benign",
        /// The policy, or what it looked at, was wrong.
        FalsePositive "false_positive",
        /// Another incident stands for it.
        Duplicate "duplicate",
        /// It cannot be told.
        Undetermined "undetermined",
    }
}

/// Another incident, to point to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentLink {
    /// Its identifier.
    pub id: IncidentId,
    /// Its readable number.
    pub number: String,
}

/// How often the same came again while the incident was open. Each time is an incident of its own, with
/// its own remedies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repeats {
    /// How often, the first time not counted.
    pub count: u32,
    /// The last time.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub last_at: DateTime<Utc>,
}

/// The moments that figures about people's work are made of. The first time counts, but for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Milestones {
    /// Someone began to work on it.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub taken_at: Option<DateTime<Utc>>,
    /// Someone came to a verdict.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub qualified_at: Option<DateTime<Utc>>,
    /// It was closed, and is closed since.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub closed_at: Option<DateTime<Utc>>,
}

/// What people made of an incident, and what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Case {
    /// Who works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Words to find it by.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// What a person concluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<CaseVerdict>,
    /// Why it was closed, in the person's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The moments of the work on it.
    pub milestones: Milestones,
    /// How often the same came again; absent while it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
    /// It is a repeat of this incident, which was open when it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_of: Option<IncidentLink>,
    /// The same came before, and that incident was closed, or full, or too long ago to be repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<IncidentLink>,
    /// The exception that let it be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<ExceptionId>,
}

/// What a person changes; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CaseChange {
    /// The status to set.
    pub status: Option<IncidentStatus>,
    /// What the person concludes.
    pub verdict: Option<CaseVerdict>,
    /// How bad it really is.
    pub severity: Option<Severity>,
    /// Who works on it from now on; the inner absence takes the owner away.
    pub owner: Option<Option<String>>,
    /// Tags to add.
    pub tags_added: Vec<String>,
    /// Tags to take away.
    pub tags_removed: Vec<String>,
    /// What the person says; closing, it is the reason.
    pub comment: Option<String>,
}

/// Who changes it, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseAct {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CaseRefusal {
    /// The status has no such step.
    #[error("an incident that is `{}` cannot be {}", .0.from, .0.to)]
    Illegal(IllegalTransition),
    /// It would be closed without a verdict.
    #[error("an incident is closed with a verdict: what was it?")]
    NoVerdict,
    /// It would be closed without a reason.
    #[error("an incident is closed with a reason: say why in the comment")]
    NoReason,
    /// The status and the verdict say different things.
    #[error("the status `false_positive` goes with the verdict `false_positive` alone")]
    Contradiction,
    /// A text is longer than it may be, empty, or has control characters.
    #[error("`{field}` must have 1 to {most} characters and none that controls")]
    Text {
        /// Which.
        field: &'static str,
        /// The bound.
        most: usize,
    },
    /// There would be more than there may be.
    #[error("an incident has at most {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// Nothing would change.
    #[error("nothing is to be changed")]
    Nothing,
}

impl CaseChange {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == CaseChange::default()
    }

    /// The same change for a repeat of the incident: what was said stands in the incident alone.
    pub fn for_repeat(&self, number: &str) -> CaseChange {
        let closes = self.status.is_some_and(IncidentStatus::is_closed);
        let comment = self.comment.as_ref().filter(|_| closes);
        CaseChange {
            comment: comment.map(|comment| format!("with {number}: {comment}")),
            ..self.clone()
        }
    }

    fn checked(&self) -> Result<(), CaseRefusal> {
        let text = |field, value: &Option<String>, most| match value {
            Some(value) if !is_text(value, most) => Err(CaseRefusal::Text { field, most }),
            _ => Ok(()),
        };
        // The words of the closing repeat the number of the incident: see `for_repeat`.
        text("comment", &self.comment, COMMENT_BYTES_MAX + 64)?;
        text("owner", &self.owner.clone().flatten(), OWNER_BYTES_MAX)?;
        let tags = self.tags_added.iter().chain(&self.tags_removed);
        for tag in tags {
            if !is_tag(tag) {
                let most = TAG_CHARS_MAX;
                return Err(CaseRefusal::Text {
                    field: "tags",
                    most,
                });
            }
        }
        Ok(())
    }
}

fn is_text(value: &str, bytes_max: usize) -> bool {
    let plain = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\t');
    !value.trim().is_empty() && value.len() <= bytes_max && value.chars().all(plain)
}

/// Letters, digits and `-_.:/`: a tag stands in lists, addresses and searches as it is.
fn is_tag(tag: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || "-_.:/".contains(letter);
    !tag.is_empty() && tag.chars().count() <= TAG_CHARS_MAX && tag.chars().all(plain)
}

impl Incident {
    /// What a person does to it. Refused, it is as it was.
    ///
    /// # Errors
    /// See [`CaseRefusal`].
    pub fn work(&mut self, change: &CaseChange, act: &CaseAct) -> Result<(), CaseRefusal> {
        change.checked()?;
        let mut changed = self.clone();
        let mut said = Vec::new();
        changed.rule(change, act, &mut said)?;
        changed.assess(change, &mut said);
        changed.tag(change, &mut said)?;
        let comment = change.comment.as_deref();
        if said.is_empty() && comment.is_none() {
            return Err(CaseRefusal::Nothing);
        }
        let acts = self
            .timeline
            .iter()
            .filter(|one| one.kind == TimelineKind::Person);
        if acts.count() >= ACTS_MAX {
            let (what, most) = ("entries of people", ACTS_MAX);
            return Err(CaseRefusal::TooMany { what, most });
        }
        changed.timeline.push(TimelineEntry {
            at: act.at,
            kind: TimelineKind::Person,
            text: sentence(&act.by, &said, comment),
        });
        *self = changed;
        Ok(())
    }

    fn rule(
        &mut self,
        change: &CaseChange,
        act: &CaseAct,
        said: &mut Vec<String>,
    ) -> Result<(), CaseRefusal> {
        let before = self.status;
        if let Some(to) = change.status {
            self.status = before.set(to).map_err(CaseRefusal::Illegal)?;
        }
        let now = self.status;
        if now != before && now == IncidentStatus::Reopened {
            self.case.verdict = None;
            self.case.reason = None;
            self.case.milestones.closed_at = None;
        }
        if let Some(verdict) = change.verdict.or(change.status.and_then(implied)) {
            if self.case.verdict != Some(verdict) {
                said.push(format!("came to the verdict {verdict}"));
            }
            self.case.verdict = Some(verdict);
            self.case.milestones.qualified_at.get_or_insert(act.at);
        }
        if change.status == Some(IncidentStatus::InProgress) {
            self.case.milestones.taken_at.get_or_insert(act.at);
        }
        if now.is_closed() {
            self.close(change, act, before.is_closed())?;
        }
        if now != before {
            said.insert(0, format!("set the status to {now}"));
        }
        Ok(())
    }

    fn close(
        &mut self,
        change: &CaseChange,
        act: &CaseAct,
        was_closed: bool,
    ) -> Result<(), CaseRefusal> {
        let verdict = self.case.verdict.ok_or(CaseRefusal::NoVerdict)?;
        let is_false = self.status == IncidentStatus::FalsePositive;
        if is_false && verdict != CaseVerdict::FalsePositive {
            return Err(CaseRefusal::Contradiction);
        }
        if let (Some(_), Some(comment)) = (change.status, &change.comment) {
            self.case.reason = Some(comment.clone());
        }
        if self.case.reason.is_none() {
            return Err(CaseRefusal::NoReason);
        }
        if !was_closed {
            self.case.milestones.closed_at = Some(act.at);
        }
        Ok(())
    }

    fn assess(&mut self, change: &CaseChange, said: &mut Vec<String>) {
        if let Some(severity) = change.severity.filter(|to| *to != self.severity) {
            said.push(format!(
                "changed the severity from {} to {severity}",
                self.severity
            ));
            self.severity = severity;
        }
        match &change.owner {
            Some(owner) if *owner != self.case.owner => {
                said.push(match owner {
                    Some(owner) => format!("gave it to {owner}"),
                    None => "took its owner away".to_owned(),
                });
                self.case.owner.clone_from(owner);
            }
            _ => {}
        }
    }

    fn tag(&mut self, change: &CaseChange, said: &mut Vec<String>) -> Result<(), CaseRefusal> {
        for tag in &change.tags_added {
            if self.case.tags.insert(tag.to_lowercase()) {
                said.push(format!("added the tag {}", tag.to_lowercase()));
            }
        }
        for tag in &change.tags_removed {
            if self.case.tags.remove(&tag.to_lowercase()) {
                said.push(format!("took the tag {} away", tag.to_lowercase()));
            }
        }
        if self.case.tags.len() > TAGS_MAX {
            let (what, most) = ("tags", TAGS_MAX);
            return Err(CaseRefusal::TooMany { what, most });
        }
        Ok(())
    }
}

/// The verdict that a status says by itself.
fn implied(status: IncidentStatus) -> Option<CaseVerdict> {
    (status == IncidentStatus::FalsePositive).then_some(CaseVerdict::FalsePositive)
}

fn sentence(by: &str, said: &[String], comment: Option<&str>) -> String {
    match (said.is_empty(), comment) {
        (true, Some(comment)) => format!("{by} said: {comment}"),
        (_, Some(comment)) => format!("{by} {}: {comment}", said.join(", ")),
        (_, None) => format!("{by} {}", said.join(", ")),
    }
}

/// What is the same in an incident and its repeats: policy, connection, actor and object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Likeness(String);

impl Likeness {
    /// Of an activity that violates a policy; none when neither actor nor object is known.
    pub fn of(policy: PolicyId, connection: ConnectionId, activity: &Activity) -> Option<Self> {
        let actor = activity
            .actor_email
            .as_ref()
            .map(|address| address.to_lowercase());
        let actor = actor.or_else(|| activity.actor_id.clone());
        let object = activity.object_id.as_deref();
        if actor.is_none() && object.is_none() {
            return None;
        }
        let part = |text: &str| format!("{}:{text}", text.len());
        Some(Likeness(format!(
            "{policy} {connection} {} {}",
            part(actor.as_deref().unwrap_or_default()),
            part(object.unwrap_or_default()),
        )))
    }

    /// As a text of any length.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a new violation is beside the last one like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinship {
    /// It repeats it.
    Repeats,
    /// It comes after it, as an incident of its own.
    Follows,
}

impl Incident {
    /// What a violation at that moment is beside this incident, the last one like it that is no repeat.
    ///
    /// INVARIANT: nothing repeats a closed incident: there it would be overlooked.
    pub fn kinship_at(&self, at: DateTime<Utc>) -> Kinship {
        let recent = at - self.created_at <= TimeDelta::hours(REPEAT_WINDOW_HOURS);
        let room = self
            .case
            .repeats
            .is_none_or(|repeats| repeats.count < REPEATS_MAX);
        match recent && room && !self.status.is_closed() {
            true => Kinship::Repeats,
            false => Kinship::Follows,
        }
    }

    /// Counts a repeat.
    pub fn came_again(&mut self, at: DateTime<Utc>) {
        let before = self.case.repeats.unwrap_or(Repeats {
            count: 0,
            last_at: at,
        });
        self.case.repeats = Some(Repeats {
            count: before.count.saturating_add(1),
            last_at: before.last_at.max(at),
        });
    }

    /// How others point to it.
    pub fn link(&self) -> IncidentLink {
        IncidentLink {
            id: self.id,
            number: self.number.clone(),
        }
    }

    /// What tells it from incidents of another likeness.
    pub fn likeness(&self) -> Option<Likeness> {
        Likeness::of(self.policy.id, self.connection_id, &self.activity)
    }
}

#[cfg(test)]
mod tests;
