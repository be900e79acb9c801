//! What stands beside the documents of activities and incidents, how an incident changes, and how new
//! incidents are related to those that were there.

use std::collections::{HashMap, HashSet};

use event_model::{Activity, CaseAct, CaseChange, Incident, IncidentId, Kinship, Likeness};
use ports::CaseError;
use ring::digest::{SHA256, digest};

use crate::failure::conflict;
use crate::narrow::searchable;

/// What errors call an incident.
pub const WHAT: &str = "incident";

/// What a text is searched in for an activity.
pub fn activity_search_text(activity: &Activity) -> String {
    searchable([
        activity.event_name.as_deref(),
        activity.actor_name.as_deref(),
        activity.actor_email.as_deref(),
        activity.actor_ip_address.as_deref(),
        activity.object_name.as_deref(),
        activity.object_path.as_deref(),
    ])
}

/// What a text is searched in for an incident. Each tag is a line that begins with `#`.
pub fn incident_search_text(incident: &Incident) -> String {
    let activity = &incident.activity;
    let tags = incident.case.tags.iter();
    let tags: Vec<String> = tags.map(|tag| format!("#{tag}")).collect();
    let texts = [
        Some(incident.number.as_str()),
        Some(incident.policy.name.as_str()),
        activity.actor_name.as_deref(),
        activity.actor_email.as_deref(),
        activity.actor_ip_address.as_deref(),
        activity.object_name.as_deref(),
        activity.object_path.as_deref(),
    ];
    let tags = tags.iter().map(|tag| Some(tag.as_str()));
    // The last line ends, so that a whole tag can be looked for.
    searchable(texts.into_iter().chain(tags).chain([Some("")]))
}

/// What the search text of an incident with that tag contains.
pub fn tag_line(tag: &str) -> String {
    format!("\n#{}\n", tag.to_lowercase())
}

/// What stands in a column in place of a likeness of any length.
pub fn likeness_key(likeness: &Likeness) -> String {
    hex::encode(&digest(&SHA256, likeness.as_str().as_bytes()).as_ref()[..16])
}

/// Makes a person's change. A repeat that is reopened by itself becomes an incident of its own.
///
/// # Errors
/// `Conflict` when the revision is another; see [`Incident::work`].
pub fn work(
    incident: &mut Incident,
    revision: Option<u64>,
    change: &CaseChange,
    act: &CaseAct,
) -> Result<(), CaseError> {
    if revision.is_some_and(|revision| revision != incident.revision) {
        return Err(conflict(WHAT, incident.id).into());
    }
    let was_closed = incident.status.is_closed();
    incident.work(change, act)?;
    // INVARIANT: what is open and a repeat belongs to an open incident, or it would be overlooked.
    if was_closed && !incident.status.is_closed() {
        incident.case.follows = incident
            .case
            .repeat_of
            .take()
            .or(incident.case.follows.take());
    }
    Ok(())
}

/// Changes what repeats the incident as far as it takes it, and gives what was changed.
pub fn work_on_repeats(
    incident: &Incident,
    repeats: Vec<Incident>,
    change: &CaseChange,
    act: &CaseAct,
) -> Vec<Incident> {
    let change = change.for_repeat(&incident.number);
    let changed = repeats.into_iter().filter_map(|mut repeat| {
        repeat.work(&change, act).ok()?;
        Some(repeat)
    });
    changed.collect()
}

/// Relates new incidents, in order, to the last ones like them that are no repeats: each repeats one that
/// is open and recent, or follows it. Gives those of `known` that were repeated.
pub fn relate(new: &mut [Incident], known: Vec<Incident>) -> Vec<Incident> {
    let known = known.into_iter();
    let mut stored: HashMap<Likeness, Incident> = known
        .filter_map(|one| Some((one.likeness()?, one)))
        .collect();
    let mut repeated: HashSet<IncidentId> = HashSet::new();
    let mut latest: HashMap<Likeness, usize> = HashMap::new();
    for place in 0..new.len() {
        let (before, rest) = new.split_at_mut(place);
        let one = &mut rest[0];
        // What an exception let be is neither worked on nor overlooked.
        let Some(likeness) = one.likeness().filter(|_| !one.status.is_closed()) else {
            continue;
        };
        let head = match latest.get(&likeness) {
            Some(&head) => Some(&mut before[head]),
            None => stored.get_mut(&likeness),
        };
        let Some(head) = head else {
            latest.insert(likeness, place);
            continue;
        };
        match head.kinship_at(one.created_at) {
            Kinship::Repeats => {
                head.came_again(one.created_at);
                repeated.insert(head.id);
                one.case.repeat_of = Some(head.link());
            }
            Kinship::Follows => {
                one.case.follows = Some(head.link());
                latest.insert(likeness, place);
            }
        }
    }
    stored.retain(|_, one| repeated.contains(&one.id));
    stored.into_values().collect()
}
