//! Where somebody can go: groups of pages, and the pages of the group that is open. What somebody may not
//! see is not offered; a group of which nothing is left is not, either.

use event_model::Permission::{self, *};

use crate::auth::Session;

/// A page that can be gone to.
struct Place {
    path: &'static str,
    /// What [`super::Frame`] calls it.
    key: &'static str,
    label: &'static str,
    needs: Permission,
}

const fn place(
    path: &'static str,
    key: &'static str,
    label: &'static str,
    needs: Permission,
) -> Place {
    Place {
        path,
        key,
        label,
        needs,
    }
}

/// The groups, in the order in which they stand; the first page of a group gives it its name.
const GROUPS: [&[Place]; 6] = [
    &[place("/overview", "overview", "Overview", StatsRead)],
    &[
        place("/", "incidents", "Incidents", IncidentsRead),
        place("/remedies", "remedies", "Remedies", RemediesRead),
        place("/quarantine", "quarantine", "Quarantine", QuarantineRead),
        place("/exceptions", "exceptions", "Exceptions", PoliciesRead),
    ],
    &[
        place("/activity", "activity", "Activity", ActivitiesRead),
        place("/blind-spots", "blind-spots", "Blind spots", ActivitiesRead),
        place("/labels", "labels", "Labels", ActivitiesRead),
    ],
    &[
        place("/policies", "policies", "Policies", PoliciesRead),
        place("/detectors", "detectors", "Detectors", PoliciesRead),
        place("/scans", "scans", "Scans", PoliciesManage),
    ],
    &[place(
        "/connections",
        "connections",
        "Connections",
        ConnectionsRead,
    )],
    &[
        place("/users", "users", "Users", AccountsRead),
        place("/access", "access", "Access", AccessRead),
        place("/audit", "audit", "Audit", AuditRead),
        place("/sinks", "sinks", "Sinks", SettingsManage),
        place("/settings", "settings", "Settings", SettingsManage),
    ],
];

/// Something to go to, as the frame shows it.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) path: &'static str,
    pub(super) label: &'static str,
    /// Whether it is open.
    pub(super) here: bool,
}

/// The groups that somebody sees, and the pages of the open one where there are several.
pub(super) fn ways(here: &str, session: &Session) -> (Vec<Way>, Vec<Way>) {
    let (mut groups, mut pages) = (Vec::new(), Vec::new());
    for group in GROUPS {
        let seen = group.iter().filter(|place| session.actor.may(place.needs));
        let seen: Vec<Way> = seen.map(|place| way(place, here)).collect();
        let Some(first) = seen.first() else {
            continue;
        };
        let is_open = seen.iter().any(|way| way.here);
        groups.push(Way {
            here: is_open,
            ..*first
        });
        if is_open && seen.len() > 1 {
            pages = seen;
        }
    }
    (groups, pages)
}

fn way(place: &Place, here: &str) -> Way {
    Way {
        path: place.path,
        label: place.label,
        here: place.key == here,
    }
}
