//! A manifest of labels that changed: what lies in its folder is looked at again, by scans.
//!
//! Promises: who is asked for later is the same as who was asked for before, however often the event comes;
//! a folder whose scan has not begun needs no other, for a scan reads the manifest as it is by then; what waits
//! is bounded, and beyond the bound one scan of the whole connection stands for all folders.

use ::labels::MANIFEST_NAME;
use event_model::{
    Activity, BlindSpot, Connection, ConnectionId, EventType, Job, JobId, JobKind, JobWork,
    PolicyVersion, Scan, ScanKind, TriggerAction, folder_of,
};
use ports::{EvaluatedActivity, StoreError};

use crate::Evaluator;

/// Folders of a connection whose scans wait at a time, of each kind.
const FOLDERS_WAITING_MAX: usize = 10;
/// Scans among which those are looked for that wait already.
const OPEN_JOBS_MAX: u32 = 1_000;
/// Who asks for these scans, in lists of them.
const BY: &str = "labels";

/// A scan that follows from a changed manifest.
struct Wanted {
    connection: ConnectionId,
    kind: ScanKind,
    folder: String,
}

impl Evaluator {
    /// Asks for scans of the folders whose manifest these activities changed. Where the service's files cannot be
    /// listed, a blind spot says so.
    pub(crate) async fn plan_relabelling(
        &self,
        activities: &mut [EvaluatedActivity],
    ) -> Result<(), StoreError> {
        let mut changed: Vec<&mut EvaluatedActivity> = activities.iter_mut().collect();
        changed.retain(|one| {
            let activity = &one.record.activity;
            !one.is_second_look && is_manifest(activity) && changes(activity.event_type)
        });
        if changed.is_empty() {
            return Ok(());
        }
        let mut reading = self.ports.policies.policies_in_use().await?;
        reading.retain(|version| policy::reads_labels(&version.document));
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
            for kind in listed {
                let path = one.record.activity.object_path.as_deref();
                let folder = path.and_then(folder_of).unwrap_or(Scan::EVERY_FOLDER);
                let wanted = Wanted {
                    connection: id,
                    kind,
                    folder: folder.to_owned(),
                };
                self.ask_for(wanted, one).await?;
            }
        }
        Ok(())
    }

    /// Asks for a scan, unless one waits that will see the same.
    async fn ask_for(
        &self,
        mut wanted: Wanted,
        because: &EvaluatedActivity,
    ) -> Result<(), StoreError> {
        let (jobs, now) = (&self.ports.jobs, self.ports.clock.now());
        let open = jobs.open_jobs(JobKind::Scan, now, OPEN_JOBS_MAX).await?;
        let waiting: Vec<&str> = open.iter().filter_map(|job| wanted.waits_as(job)).collect();
        let Some(folder) = folder_to_scan(&waiting, &wanted.folder) else {
            return Ok(());
        };
        wanted.folder = folder.to_owned();
        let scan = Scan::of_labels(wanted.connection, wanted.kind, wanted.folder.clone());
        let work = JobWork::Scan(Box::new(scan));
        let job = Job::new(id_of(&wanted, because), BY, work, now);
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
    /// The folder of a scan of the same kind and connection that has not begun.
    fn waits_as<'j>(&self, job: &'j Job) -> Option<&'j str> {
        let JobWork::Scan(scan) = &job.work else {
            return None;
        };
        let is_same = scan.ask.connection == self.connection && scan.ask.kind == self.kind;
        let waits = is_same && job.started_at.is_none();
        scan.labels_of.as_deref().filter(|_| waits)
    }
}

/// Which folder a scan is still needed of; none when one that waits will see the same.
fn folder_to_scan<'f>(waiting: &[&str], wanted: &'f str) -> Option<&'f str> {
    let every = Scan::EVERY_FOLDER;
    match waiting.contains(&wanted) || waiting.contains(&every) {
        true => None,
        false if waiting.len() >= FOLDERS_WAITING_MAX => Some(every),
        false => Some(wanted),
    }
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
        reason: "labels_not_followed".to_owned(),
        detail: format!(
            "the service's manifest does not say how files are listed: those that `{MANIFEST_NAME}` labels now are \
             looked at when something is done to them"
        ),
    }
}

/// Always the same for the same event.
fn id_of(wanted: &Wanted, because: &EvaluatedActivity) -> JobId {
    let record = &because.record;
    let event = record.activity.event_id.as_str().bytes();
    let named = wanted.kind.word().bytes();
    let connection = wanted.connection.to_string();
    // FNV-1a of 128 bits: no secret, only unlike others.
    let chance = event.chain(named).chain(connection.bytes()).fold(
        0x6c62_272e_07bb_0142_62b8_2175_6295_c58d,
        |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        },
    );
    JobId::new(record.received_at, chance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::contract::samples;

    #[test]
    fn a_folder_that_waits_needs_no_other_scan_and_many_are_scanned_as_one() {
        let names: Vec<String> = (0..FOLDERS_WAITING_MAX).map(|n| format!("/{n}")).collect();
        let full: Vec<&str> = names.iter().map(String::as_str).collect();
        let every = [Scan::EVERY_FOLDER];
        // what waits, whose labels changed => what is scanned
        let rows: [(&[&str], &str, Option<&str>); 6] = [
            (&[], "/hr", Some("/hr")),
            (&["/hr"], "/hr", None),
            (&["/hr"], "/hr/old", Some("/hr/old")),
            (&every, "/hr", None),
            (&full, "/0", None),
            (&full, "/hr", Some(Scan::EVERY_FOLDER)),
        ];
        for (waiting, wanted, expected) in rows {
            let found = folder_to_scan(waiting, wanted);
            assert_eq!(found, expected, "{waiting:?} {wanted}");
        }
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
            let found = is_manifest(&activity) && changes(event_type);
            assert_eq!(found, expected, "{name:?} {path:?} {event_type}");
        }
    }
}
