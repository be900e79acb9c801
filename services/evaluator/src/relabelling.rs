//! Labels that changed: what lies in the folder of a changed manifest, and the objects of which the service says
//! that it tells others, are looked at again, by scans.
//!
//! Promises: who is asked for later is the same as who was asked for before, however often the event comes;
//! what waits for a scan that has not begun needs no other, for a scan reads labels as they are by then; what waits
//! is bounded, and beyond the bound one scan of the whole connection stands for all that follow.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ::labels::MANIFEST_NAME;
use chrono::{DateTime, Utc};
use event_model::{
    Activity, ActivityRecord, BlindSpot, Connection, ConnectionId, EventType, Job, JobId, JobKind,
    JobWork, PolicyVersion, Relabelled, Scan, ScanKind, TriggerAction, folder_of,
};
use ports::{EvaluatedActivity, StoreError};

use crate::Evaluator;

/// Scans of a connection that wait at a time, of each kind.
const WAITING_MAX: usize = 10;
/// Scans among which those are looked for that wait already.
const OPEN_JOBS_MAX: u32 = 1_000;
/// Who asks for these scans, in lists of them.
const BY: &str = "labels";
/// The blind spot of what is not looked at again.
const NOT_FOLLOWED: &str = "labels_not_followed";

/// A scan that follows from changed labels.
struct Wanted {
    connection: ConnectionId,
    kind: ScanKind,
    what: Relabelled,
    /// What told of the change: when the first of it arrived, and the ids of all of it.
    since: DateTime<Utc>,
    events: Vec<String>,
}

/// Objects of a batch whose labels changed: one scan is for all of a connection.
type Told = BTreeMap<(ConnectionId, ScanKind), Wanted>;

impl Evaluator {
    /// Asks for scans of the folders whose manifest these activities changed, and of the objects of which they say
    /// that the service tells other labels. Where the service's files cannot be listed, a blind spot says so.
    pub(crate) async fn plan_relabelling(
        &self,
        activities: &mut [EvaluatedActivity],
    ) -> Result<(), StoreError> {
        let mut changed: Vec<&mut EvaluatedActivity> = activities.iter_mut().collect();
        changed.retain(|one| {
            let is_told = self.tells_changed_labels(&one.record);
            if let (true, Some(object)) = (is_told, &one.record.activity.object_id) {
                self.told.forget((one.record.connection_id, object));
            }
            !one.is_second_look && (is_told || changes_manifest(&one.record.activity))
        });
        if changed.is_empty() {
            return Ok(());
        }
        let mut reading = self.ports.policies.policies_in_use().await?;
        reading.retain(|version| policy::reads_labels(&version.document));
        let mut told = Told::new();
        for one in changed {
            let id = one.record.connection_id;
            let kinds: Vec<ScanKind> = kinds(&reading, id).collect();
            let Some(connection) = self.ports.connections.get(id).await? else {
                continue;
            };
            if kinds.is_empty() || !self.reads_labels(&connection) {
                continue;
            }
            let listed = kinds
                .into_iter()
                .filter(|kind| self.lists(&connection, *kind));
            let listed: Vec<ScanKind> = listed.collect();
            if listed.is_empty() {
                one.blind_spots.push(not_followed());
            }
            let Some(what) = relabelled(&one.record.activity) else {
                one.blind_spots.push(not_named());
                continue;
            };
            for kind in listed {
                let wanted = Wanted::by(&one.record, kind, what.clone());
                match wanted.what {
                    Relabelled::Objects(_) => gather(&mut told, wanted),
                    _ => self.ask_for(wanted).await?,
                }
            }
        }
        for wanted in told.into_values() {
            self.ask_for(wanted).await?;
        }
        Ok(())
    }

    /// Whether its service says by this that it tells other labels of the object.
    fn tells_changed_labels(&self, record: &ActivityRecord) -> bool {
        let connector = self.ports.clients.catalogue().get(&record.service);
        connector.is_some_and(|connector| connector.tells_changed_labels(&record.activity))
    }

    /// Asks for a scan, unless one waits that will see the same.
    async fn ask_for(&self, wanted: Wanted) -> Result<(), StoreError> {
        let (jobs, now) = (&self.ports.jobs, self.ports.clock.now());
        let open = jobs.open_jobs(JobKind::Scan, now, OPEN_JOBS_MAX).await?;
        let waiting = open.iter().filter_map(|job| wanted.waits_as(job)).collect();
        let id = wanted.id();
        let Some(what) = left_to_scan(waiting, wanted.what) else {
            return Ok(());
        };
        let scan = Scan::of_labels(wanted.connection, wanted.kind, what);
        let work = JobWork::Scan(Box::new(scan));
        let job = Job::new(id, BY, work, now);
        match jobs.add_job(&job).await {
            // The event came before.
            Err(StoreError::Conflict { .. }) => Ok(()),
            added => added,
        }
    }

    fn reads_labels(&self, connection: &Connection) -> bool {
        let client = self.ports.clients.client(connection);
        client.is_ok_and(|client| client.reads_labels())
    }

    fn lists(&self, connection: &Connection, kind: ScanKind) -> bool {
        let catalogue = self.ports.clients.catalogue();
        let connector = catalogue.get(&connection.service);
        connector.is_some_and(|connector| connector.can_scan(kind))
    }
}

impl Wanted {
    fn by(record: &ActivityRecord, kind: ScanKind, what: Relabelled) -> Self {
        Wanted {
            connection: record.connection_id,
            kind,
            what,
            since: record.received_at,
            events: vec![record.activity.event_id.as_str().to_owned()],
        }
    }

    /// What a scan of the same kind and connection is about that has not begun.
    fn waits_as(&self, job: &Job) -> Option<Relabelled> {
        let JobWork::Scan(scan) = &job.work else {
            return None;
        };
        let is_same = scan.ask.connection == self.connection && scan.ask.kind == self.kind;
        let waits = is_same && job.started_at.is_none();
        scan.relabelled().filter(|_| waits)
    }

    /// Always the same for the same events.
    fn id(&self) -> JobId {
        let events = self.events.iter().flat_map(|event| event.bytes());
        let named = self.kind.word().bytes();
        let connection = self.connection.to_string();
        // FNV-1a of 128 bits: no secret, only unlike others.
        let chance = events.chain(named).chain(connection.bytes()).fold(
            0x6c62_272e_07bb_0142_62b8_2175_6295_c58d,
            |hash, byte| {
                (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
            },
        );
        JobId::new(self.since, chance)
    }
}

/// What a scan is still needed of; none when those that wait will see the same.
fn left_to_scan(waiting: Vec<Relabelled>, wanted: Relabelled) -> Option<Relabelled> {
    if waiting.contains(&wanted) || waiting.contains(&Relabelled::Everything) {
        return None;
    }
    let are_many = waiting.len() >= WAITING_MAX;
    let left = match wanted {
        Relabelled::Objects(mut objects) => {
            for one in waiting {
                if let Relabelled::Objects(known) = one {
                    objects.retain(|object| !known.contains(object));
                }
            }
            if objects.is_empty() {
                return None;
            }
            Relabelled::Objects(objects)
        }
        other => other,
    };
    Some(if are_many {
        Relabelled::Everything
    } else {
        left
    })
}

/// Adds objects to those of the batch.
fn gather(told: &mut Told, more: Wanted) {
    match told.entry((more.connection, more.kind)) {
        Entry::Vacant(place) => {
            place.insert(more);
        }
        Entry::Occupied(mut place) => {
            let all = place.get_mut();
            all.events.extend(more.events);
            if let (Relabelled::Objects(all), Relabelled::Objects(more)) =
                (&mut all.what, more.what)
            {
                all.extend(more);
            }
        }
    }
}

/// What has other labels by this activity; none when it does not say which object.
fn relabelled(activity: &Activity) -> Option<Relabelled> {
    if changes_manifest(activity) {
        let folder = activity.object_path.as_deref().and_then(folder_of);
        return Some(match folder {
            Some(folder) => Relabelled::Folder(folder.to_owned()),
            None => Relabelled::Everything,
        });
    }
    let object = activity.object_id.clone()?;
    Some(Relabelled::Objects([object].into()))
}

fn changes_manifest(activity: &Activity) -> bool {
    is_manifest(activity) && changes(activity.event_type)
}

fn is_manifest(activity: &Activity) -> bool {
    let path = activity.object_path.as_deref();
    let last = path.and_then(|path| path.rsplit('/').next());
    activity.object_name.as_deref().or(last) == Some(MANIFEST_NAME)
}

/// What changes which labels a folder's files have: a manifest that is gone labels nothing any more.
fn changes(event_type: EventType) -> bool {
    use EventType::{DataCreation, DataDeletion, DataUpdate};
    matches!(event_type, DataCreation | DataUpdate | DataDeletion)
}

/// What policies that read labels watch, of what can be scanned.
fn kinds(policies: &[PolicyVersion], id: ConnectionId) -> impl Iterator<Item = ScanKind> {
    let watch = move |action: TriggerAction| {
        let mut triggers = policies.iter().map(|version| &version.document.trigger);
        triggers.any(|trigger| {
            let here = trigger.connections.is_empty() || trigger.connections.contains(&id);
            here && trigger.actions.contains(&action)
        })
    };
    let both = [
        (ScanKind::Shares, TriggerAction::Share),
        (ScanKind::Content, TriggerAction::Upload),
    ];
    both.into_iter()
        .filter(move |(_, action)| watch(*action))
        .map(|(kind, _)| kind)
}

fn not_followed() -> BlindSpot {
    BlindSpot {
        reason: NOT_FOLLOWED.to_owned(),
        detail: "the service's manifest does not say how files are listed: those that have other labels now are \
                 looked at when something is done to them"
            .to_owned(),
    }
}

fn not_named() -> BlindSpot {
    BlindSpot {
        reason: NOT_FOLLOWED.to_owned(),
        detail: "the service does not say by its id which object has other labels now: it is looked at when \
                 something is done to it"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::contract::samples;

    #[test]
    fn what_waits_needs_no_other_scan_and_many_are_scanned_as_one() {
        use Relabelled::Everything;
        let folder = |path: &str| Relabelled::Folder(path.to_owned());
        let objects =
            |ids: &[&str]| Relabelled::Objects(ids.iter().map(|id| (*id).to_owned()).collect());
        let full: Vec<Relabelled> = (0..WAITING_MAX).map(|n| folder(&format!("/{n}"))).collect();
        let some = vec![objects(&["a", "b"]), objects(&["c"]), folder("/hr")];
        // what waits, whose labels changed => what is scanned
        for (waiting, wanted, expected) in [
            (vec![], folder("/hr"), Some(folder("/hr"))),
            (vec![folder("/hr")], folder("/hr"), None),
            (
                vec![folder("/hr")],
                folder("/hr/old"),
                Some(folder("/hr/old")),
            ),
            (vec![Everything], folder("/hr"), None),
            (full.clone(), folder("/0"), None),
            (full.clone(), folder("/hr"), Some(Everything)),
            (vec![], objects(&["a"]), Some(objects(&["a"]))),
            (some.clone(), objects(&["a", "c"]), None),
            (some.clone(), objects(&["a", "d"]), Some(objects(&["d"]))),
            (some, folder("/hr"), None),
            (vec![Everything], objects(&["a"]), None),
            (full, objects(&["a"]), Some(Everything)),
        ] {
            let found = left_to_scan(waiting.clone(), wanted.clone());
            assert_eq!(found, expected, "{waiting:?} {wanted:?}");
        }
    }

    #[test]
    fn the_objects_of_a_batch_are_one_scan_of_each_connection_whose_id_is_made_of_all_events() {
        let batch = |events: &[(&str, &str)]| {
            let mut told = Told::new();
            for (event, object) in events {
                let record = samples::record(event, object, 0);
                let object = Relabelled::Objects([(*object).to_owned()].into());
                gather(&mut told, Wanted::by(&record, ScanKind::Shares, object));
            }
            assert_eq!(told.len(), 1, "{events:?}");
            told.into_values().next().unwrap()
        };
        let (one, two) = (batch(&[("e1", "a")]), batch(&[("e1", "a"), ("e2", "b")]));
        let both = Relabelled::Objects(["a".to_owned(), "b".to_owned()].into());
        assert_eq!(two.what, both);
        assert_eq!(two.id(), batch(&[("e1", "a"), ("e2", "b")]).id());
        assert_ne!(one.id(), two.id(), "else what came later would be lost");
    }

    #[test]
    fn only_what_changes_a_manifest_counts() {
        let mut activity = samples::record("e", "o", 0).activity;
        // name, path, what happened => whether labels may have changed
        for (name, path, event_type, expected) in [
            (Some(".ip-labels"), None, EventType::DataCreation, true),
            (None, Some("/hr/.ip-labels"), EventType::DataUpdate, true),
            (Some(".ip-labels"), None, EventType::DataDeletion, true),
            (Some(".ip-labels"), None, EventType::DataAccess, false),
            (Some(".ip-labels"), None, EventType::Sharing, false),
            (Some("x.ip-labels"), None, EventType::DataUpdate, false),
            (None, Some("/.ip-labels/a"), EventType::DataUpdate, false),
            (None, None, EventType::DataUpdate, false),
        ] {
            activity.object_name = name.map(str::to_owned);
            activity.object_path = path.map(str::to_owned);
            activity.event_type = event_type;
            let found = changes_manifest(&activity);
            assert_eq!(found, expected, "{name:?} {path:?} {event_type}");
        }
    }
}
