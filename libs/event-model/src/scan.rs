//! What exists already, looked at: the shares or the files of a connection, page by page.
//!
//! Everything in a report is bounded by name: what does not fit is counted together.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::activity::word_enum;
use crate::ids::{ConnectionId, EventId, PolicyId};

word_enum! {
    /// What a scan looks at.
    ScanKind {
        /// Every existing share and link, as if it were made now.
        Shares "shares",
        /// Every existing file, as if it were uploaded now.
        Content "content",
    }
}

word_enum! {
    /// What a scan does about what it finds.
    ScanMode {
        /// It counts: nothing is recorded, nothing is done.
        Preview "preview",
        /// It records incidents, and what their policies respond is done.
        Act "act",
    }
}

/// What is to be scanned, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanAsk {
    /// Where.
    pub connection: ConnectionId,
    /// What.
    pub kind: ScanKind,
    /// What is done about it.
    #[serde(default = "ScanAsk::preview")]
    pub mode: ScanMode,
    /// Which policies; those in use when empty. A preview takes policies that are not in use, too.
    #[serde(default)]
    pub policies: Vec<PolicyId>,
    /// Only what lies at or below this path.
    #[serde(default)]
    pub path: Option<String>,
    /// Only what this user owns, shares or made: an e-mail address, in any case.
    #[serde(default)]
    pub user: Option<String>,
    /// After so many actions it stands still until a person continues it: 1 to [`Self::ACTIONS_MAX`].
    #[serde(default = "ScanAsk::default_actions")]
    pub actions_max: u32,
    /// At most so much of the service's budget, in percent: 1 to [`Self::BUDGET_PERCENT_MAX`].
    #[serde(default = "ScanAsk::default_budget")]
    pub budget_percent: u8,
    /// Done again so many hours after it ended: 1 to [`Self::HOURS_MAX`]; once when absent.
    #[serde(default)]
    pub every_hours: Option<u32>,
}

impl ScanAsk {
    /// Most actions before a person must continue.
    pub const ACTIONS_MAX: u32 = 10_000;
    /// Most of the service's budget, in percent: live traffic keeps the rest.
    pub const BUDGET_PERCENT_MAX: u8 = 50;
    /// Longest pause between two scans, in hours.
    pub const HOURS_MAX: u32 = 24 * 31;
    /// Most policies named.
    pub const POLICIES_MAX: usize = 100;

    fn preview() -> ScanMode {
        ScanMode::Preview
    }

    fn default_actions() -> u32 {
        100
    }

    fn default_budget() -> u8 {
        20
    }
}

/// A list that is still to be read: of which level of the manifest, about what, and from where on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CrawlList {
    /// Which level, from 0.
    pub level: u8,
    /// What of the elements above is needed to ask for it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub item: Map<String, Value>,
    /// What asks for the next page; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl CrawlList {
    /// Most lists that wait to be read.
    pub const WAITING_MAX: usize = 20_000;

    /// Where every crawl begins.
    pub fn first() -> Self {
        CrawlList {
            level: 0,
            item: Map::new(),
            next: None,
        }
    }
}

/// What a scan found of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ScanOfPolicy {
    /// What it is called.
    pub name: String,
    /// How many violate it.
    pub violations: u64,
    /// What would be done, or was, by its responses that act in the service.
    pub actions: u64,
}

/// Something that violates a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScanExample {
    /// The event id under which its incident is recorded.
    pub event_id: EventId,
    /// The policy, by name.
    pub policy: String,
    /// The path, or the name.
    pub object: Option<String>,
    /// Who owns, shares or made it.
    pub user: Option<String>,
    /// With whom it is shared, or the link.
    pub shared_with: Option<String>,
}

/// What a scan found so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ScanReport {
    /// Shares or files that were listed.
    pub listed: u64,
    /// Of these, such as the filters of the scan leave.
    pub looked_at: u64,
    /// Of these, such as violate a policy, and were not recorded by a scan before.
    pub violating: u64,
    /// Actions that are planned, or would be: those that act in the service.
    pub actions: u64,
    /// Incidents that were recorded; those of scans before are not among them.
    pub incidents: u64,
    /// By policy id. At most [`Self::POLICIES_MAX`].
    pub policies: BTreeMap<String, ScanOfPolicy>,
    /// Violations by user. At most [`Self::NAMES_MAX`], then `other`.
    pub users: BTreeMap<String, u64>,
    /// Violations by folder, two deep. At most [`Self::NAMES_MAX`], then `other`.
    pub paths: BTreeMap<String, u64>,
    /// Actions by what they do.
    pub kinds: BTreeMap<String, u64>,
    /// What could not be inspected or listed, by reason. At most [`Self::REASONS_MAX`], then `other`.
    pub unread: BTreeMap<String, u64>,
    /// Some of the violations, in the order of finding: at most [`Self::EXAMPLES_MAX`].
    pub examples: Vec<ScanExample>,
}

impl ScanReport {
    /// Most policies told apart.
    pub const POLICIES_MAX: usize = 200;
    /// Most users, and most folders, told apart.
    pub const NAMES_MAX: usize = 300;
    /// Most reasons told apart.
    pub const REASONS_MAX: usize = 20;
    /// Most examples.
    pub const EXAMPLES_MAX: usize = 50;
}

/// A scan, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scan {
    /// What is to be scanned.
    pub ask: ScanAsk,
    /// Lists that are still to be read, the next one last.
    pub lists: Vec<CrawlList>,
    /// Which of the page at hand are done, by their keys: what is done may be gone when the page is read again.
    /// As many as a page has at most.
    #[serde(default)]
    pub done_of_page: BTreeSet<String>,
    /// How often something of the page at hand was tried in vain.
    #[serde(default)]
    pub tries: u32,
    /// Actions that it may plan in all before it stands still.
    pub allowed: u64,
    /// How many were listed by the last scan of the same kind, if there was one: what is expected.
    pub expected: Option<u64>,
    /// How long it was worked at, in milliseconds.
    pub worked_ms: u64,
    /// What it found so far.
    pub report: ScanReport,
    /// The folder whose labels changed, when that is why it was made: only what lies in that folder, and only
    /// policies that read labels. The empty text is the top, `*` the whole connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_of: Option<String>,
    /// Of the whole connection only these objects, by their ids: those whose labels changed. All when empty.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub objects: BTreeSet<String>,
}

/// What has other labels than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relabelled {
    /// Anything of the connection may.
    Everything,
    /// What lies in this folder; the empty text is the top.
    Folder(String),
    /// These objects, by their ids.
    Objects(BTreeSet<String>),
}

impl Scan {
    /// What [`Self::labels_of`] says when labels changed in many folders.
    pub const EVERY_FOLDER: &'static str = "*";
    /// Most objects that a scan is about. With more it is about everything.
    pub const OBJECTS_MAX: usize = 1_000;
    /// Most bytes of their ids together. With more it is about everything.
    pub const OBJECTS_BYTES_MAX: usize = 64 * 1024;

    /// A scan that has not begun.
    pub fn of(ask: ScanAsk, expected: Option<u64>) -> Self {
        Scan {
            lists: vec![CrawlList::first()],
            done_of_page: BTreeSet::new(),
            tries: 0,
            allowed: u64::from(ask.actions_max),
            expected,
            worked_ms: 0,
            report: ScanReport::default(),
            labels_of: None,
            objects: BTreeSet::new(),
            ask,
        }
    }

    /// A scan that has not begun, of what has other labels than before.
    pub fn of_labels(connection: ConnectionId, kind: ScanKind, what: Relabelled) -> Self {
        let (folder, objects) = match what {
            Relabelled::Folder(folder) => (folder, BTreeSet::new()),
            Relabelled::Objects(objects) if are_few(&objects) => {
                (Self::EVERY_FOLDER.to_owned(), objects)
            }
            Relabelled::Objects(_) | Relabelled::Everything => {
                (Self::EVERY_FOLDER.to_owned(), BTreeSet::new())
            }
        };
        let ask = ScanAsk {
            connection,
            kind,
            mode: ScanMode::Act,
            policies: Vec::new(),
            path: Some(folder.clone()).filter(|folder| folder != Self::EVERY_FOLDER),
            user: None,
            actions_max: ScanAsk::default_actions(),
            budget_percent: ScanAsk::default_budget(),
            every_hours: None,
        };
        Scan {
            labels_of: Some(folder),
            objects,
            ..Scan::of(ask, None)
        }
    }

    /// What has other labels than before, when that is why it was made.
    pub fn relabelled(&self) -> Option<Relabelled> {
        Some(match self.labels_of.as_deref()? {
            Self::EVERY_FOLDER if self.objects.is_empty() => Relabelled::Everything,
            Self::EVERY_FOLDER => Relabelled::Objects(self.objects.clone()),
            folder => Relabelled::Folder(folder.to_owned()),
        })
    }

    /// Whether it is about the object with this id that lies at this path, as far as labels go.
    pub fn is_about(&self, object: Option<&str>, path: Option<&str>) -> bool {
        let is_named = object.is_some_and(|object| self.objects.contains(object));
        match self.labels_of.as_deref() {
            None | Some(Self::EVERY_FOLDER) => self.objects.is_empty() || is_named,
            Some(folder) => path.and_then(folder_of) == Some(folder),
        }
    }

    /// How many it lists a minute; absent before it listed anything.
    pub fn per_minute(&self) -> Option<u64> {
        let worked = self.worked_ms.max(1);
        (self.report.listed > 0).then(|| self.report.listed.saturating_mul(60_000) / worked)
    }

    /// How much is done, in percent of what is expected; absent while nothing is expected.
    pub fn percent(&self) -> Option<u8> {
        let expected = self.expected.filter(|expected| *expected > 0)?;
        let percent = self.report.listed.saturating_mul(100) / expected;
        // Not over yet: there may be more than there was.
        Some(percent.min(99) as u8)
    }

    /// How long it will still take at its rate, in seconds; absent while that cannot be told.
    pub fn seconds_left(&self) -> Option<u64> {
        let left = self.expected?.saturating_sub(self.report.listed);
        Some(left.saturating_mul(60) / self.per_minute()?.max(1))
    }
}

/// Whether a scan may name them: at least one.
fn are_few(objects: &BTreeSet<String>) -> bool {
    let bytes: usize = objects.iter().map(String::len).sum();
    (1..=Scan::OBJECTS_MAX).contains(&objects.len()) && bytes <= Scan::OBJECTS_BYTES_MAX
}

/// The folder that something at this path lies in; the empty text for the top.
pub fn folder_of(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_of_labels_is_about_the_files_of_the_folder_and_not_of_those_below() {
        let id = "conn_01JDYZ3E8V7Q2M5N9T0R4W6XBC".parse().unwrap();
        // folder, path => whether it is meant
        for (folder, path, expected) in [
            ("/hr", Some("/hr/a.txt"), true),
            ("/hr", Some("/hr/old/a.txt"), false),
            ("/hr", Some("/a.txt"), false),
            ("", Some("/a.txt"), true),
            ("", Some("/hr/a.txt"), false),
            ("/hr", None, false),
            (Scan::EVERY_FOLDER, None, true),
            (Scan::EVERY_FOLDER, Some("/hr/a.txt"), true),
        ] {
            let what = Relabelled::Folder(folder.to_owned());
            let scan = Scan::of_labels(id, ScanKind::Content, what);
            assert_eq!(
                scan.is_about(Some("o"), path),
                expected,
                "{folder} {path:?}"
            );
        }
    }

    #[test]
    fn a_scan_of_labels_is_about_the_objects_that_it_names_and_about_everything_when_they_are_many()
    {
        let id = "conn_01JDYZ3E8V7Q2M5N9T0R4W6XBC".parse().unwrap();
        let of = |objects: BTreeSet<String>| {
            let what = Relabelled::Objects(objects);
            Scan::of_labels(id, ScanKind::Shares, what)
        };
        let numbered = |many: usize| (0..many).map(|number| number.to_string()).collect();
        let few = of(["a".to_owned(), "b".to_owned()].into());
        for (object, expected) in [(Some("a"), true), (Some("c"), false), (None, false)] {
            assert_eq!(few.is_about(object, Some("/x/a")), expected, "{object:?}");
        }
        assert_eq!(few.ask.path, None);
        let most = of(numbered(Scan::OBJECTS_MAX));
        assert!(
            matches!(most.relabelled(), Some(Relabelled::Objects(ids)) if ids.len() == Scan::OBJECTS_MAX)
        );
        let long = ["x".repeat(Scan::OBJECTS_BYTES_MAX), "y".to_owned()].into();
        for all in [
            of(BTreeSet::new()),
            of(numbered(Scan::OBJECTS_MAX + 1)),
            of(long),
        ] {
            assert_eq!(all.relabelled(), Some(Relabelled::Everything));
            assert!(all.is_about(Some("c"), None) && all.is_about(None, None));
        }
    }

    #[test]
    fn how_far_a_scan_is_follows_from_what_was_listed_the_last_time() {
        let ask = r#"{"connection": "conn_01JDYZ3E8V7Q2M5N9T0R4W6XBC", "kind": "shares"}"#;
        let ask: ScanAsk = serde_json::from_str(ask).unwrap();
        assert_eq!(
            (ask.mode, ask.actions_max, ask.budget_percent),
            (ScanMode::Preview, 100, 20)
        );
        // listed, expected, worked ms => a minute, percent, seconds left
        for (listed, expected, worked, per_minute, percent, left) in [
            (0, None, 0, None, None, None),
            (0, Some(100), 0, None, Some(0), None),
            (50, Some(100), 60_000, Some(50), Some(50), Some(60)),
            (50, None, 30_000, Some(100), None, None),
            (150, Some(100), 60_000, Some(150), Some(99), Some(0)),
        ] {
            let mut scan = Scan::of(ask.clone(), expected);
            scan.report.listed = listed;
            scan.worked_ms = worked;
            let told = (scan.per_minute(), scan.percent(), scan.seconds_left());
            assert_eq!(
                told,
                (per_minute, percent, left),
                "{listed} of {expected:?}"
            );
        }
    }
}
