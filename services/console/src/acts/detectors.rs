//! Detectors of an administrator's own: checked whole, together with all others, before they are saved; kept
//! while a policy names them. A value of a table never comes here: its salted hash does, and does not go out again.

use axum::http::StatusCode;
use event_model::{PAGE_ITEMS_MAX, PageRequest, PolicyDocument};
use inspect::{CustomDetector, CustomError, DetectorSet, Findings, LooksFor};
use ports::{DETECTORS_BYTES_MAX, DETECTORS_MAX, DetectorEntry, KeptDetector, StoreError};

use crate::Console;
use crate::auth::Actor;
use crate::body::wrong_shape;
use crate::problem::{Mistake, Problem};

/// Texts that detectors are tried on at a time.
pub(crate) const TRIALS_AT_ONCE_MAX: usize = 2;
/// Longest text that detectors are tried on, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Most policies whose names a refusal tells.
const NAMES_MAX: usize = 5;
/// What an unsaved detector counts as, when it is tried.
const WRONG: &str = "the detector has mistakes, see `errors`";

impl Console {
    /// The names that rules can ask for: built-in ones, then those of detectors that are kept, with their groups.
    pub(crate) async fn detector_names(&self) -> Result<Vec<String>, Problem> {
        let mut names = self.config.detectors.clone();
        for entry in self.ports.detectors.detector_entries().await? {
            names.extend(entry.group);
            names.push(entry.name);
        }
        Ok(names)
    }

    /// The detector of that name, as it is kept.
    pub(crate) async fn kept_detector(&self, name: &str) -> Result<KeptDetector, Problem> {
        let found = self.ports.detectors.detector(name).await?;
        found.ok_or_else(|| Problem::not_found("detector", name))
    }

    /// Saves a detector under its name; with `seen`, only over what has that revision.
    pub(crate) async fn save_detector(
        &self,
        by: &Actor,
        detector: CustomDetector,
        seen: Option<u64>,
    ) -> Result<DetectorEntry, Problem> {
        // One at a time: what is checked together with the others is saved beside the same others.
        let _turn = self.saving_detectors.lock().await;
        let definition = written(&detector);
        let others = self.other_detectors(&detector.name).await?;
        let mut mistakes = room(&definition, &others);
        let entry = DetectorEntry {
            name: detector.name.clone(),
            title: detector.title.clone(),
            group: detector.group.clone(),
            looks_for: kind(&detector.looks_for).to_owned(),
            entries: entries(&detector.looks_for),
            bytes: definition.len() as u64,
            by: by.name().to_owned(),
            saved_at: self.ports.clock.now(),
            revision: 0,
        };
        if mistakes.is_empty() {
            mistakes = all_ready(others, detector).await.err().unwrap_or_default();
        }
        if !mistakes.is_empty() {
            return Err(wrong(mistakes));
        }
        self.refuse_orphans(&entry.name, entry.group.as_deref(), true)
            .await?;
        let kept = KeptDetector { entry, definition };
        let saved = match self.ports.detectors.save_detector(&kept, seen).await {
            Err(StoreError::Conflict { .. }) => return Err(Problem::precondition("detector")),
            saved => saved?,
        };
        let detail = format!(
            "{}, {} entries, revision {}",
            saved.looks_for, saved.entries, saved.revision
        );
        self.record(by, "detector.saved", &saved.name, detail)
            .await?;
        Ok(saved)
    }

    /// Forgets a detector that no policy names.
    pub(crate) async fn remove_detector(
        &self,
        by: &Actor,
        name: &str,
        seen: Option<u64>,
    ) -> Result<(), Problem> {
        let _turn = self.saving_detectors.lock().await;
        let kept = self.kept_detector(name).await?.entry.revision;
        if seen.is_some_and(|seen| seen != kept) {
            return Err(Problem::not_as_it_was("detector", kept));
        }
        self.refuse_orphans(name, None, false).await?;
        if self.ports.detectors.remove_detector(name).await? {
            self.record(by, "detector.removed", name, "").await?;
        }
        Ok(())
    }

    /// What the detectors find in a text: those that are kept and the built-in ones; with `draft`, that one alone.
    pub(crate) async fn try_detectors(
        &self,
        text: String,
        draft: Option<CustomDetector>,
    ) -> Result<Vec<Tried>, Problem> {
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("is longer than {TEXT_BYTES_MAX} bytes");
            return Err(wrong(vec![Mistake::new("/text", message)]));
        }
        let _place = self.trying_detectors.acquire().await;
        let only = draft.as_ref().map(|draft| draft.name.clone());
        let set = match draft {
            Some(draft) => all_ready(Vec::new(), draft).await.map_err(wrong)?,
            None => {
                let kept = self.ports.detectors.every_detector().await?;
                ready(kept.iter().filter_map(read).collect()).await
            }
        };
        let found = tokio::task::spawn_blocking(move || tried(&set, &text, only.as_deref()));
        found.await.map_err(|_| failed())
    }

    /// The other detectors that are kept.
    async fn other_detectors(&self, name: &str) -> Result<Vec<CustomDetector>, Problem> {
        let kept = self.ports.detectors.every_detector().await?;
        let others = kept.iter().filter(|kept| kept.entry.name != name);
        Ok(others.filter_map(read).collect())
    }

    /// Refuses what would leave a policy without a detector or group that its rule names.
    async fn refuse_orphans(
        &self,
        name: &str,
        group: Option<&str>,
        stays: bool,
    ) -> Result<(), Problem> {
        let entries = self.ports.detectors.detector_entries().await?;
        let Some(before) = entries.iter().find(|entry| entry.name == name) else {
            return Ok(());
        };
        let mut gone: Vec<&str> = Vec::new();
        if !stays {
            gone.push(name);
        }
        let of_others = |group: &str| {
            let mut others = entries.iter().filter(|entry| entry.name != name);
            others.any(|entry| entry.group.as_deref() == Some(group))
        };
        let left = before.group.as_deref().filter(|old| Some(*old) != group);
        gone.extend(left.filter(|old| !of_others(old)));
        if gone.is_empty() {
            return Ok(());
        }
        let named = self.policies_that_name(&gone).await?;
        if named.is_empty() {
            return Ok(());
        }
        let policies: Vec<String> = named.iter().map(|name| format!("`{name}`")).collect();
        let detail = format!(
            "`{}` is asked for by the policy {}: change that first",
            gone.join("` and `"),
            policies.join(", ")
        );
        Err(Problem::conflict(detail))
    }

    /// The policies whose latest version names one of these, at most [`NAMES_MAX`].
    async fn policies_that_name(&self, gone: &[&str]) -> Result<Vec<String>, Problem> {
        let mut found = Vec::new();
        let mut request = PageRequest::first(PAGE_ITEMS_MAX);
        while found.len() < NAMES_MAX {
            let page = self.ports.policies.policy_page(&request).await?;
            let names = |document: &PolicyDocument| {
                let asked = policy::detectors(document);
                asked.iter().any(|asked| gone.contains(&asked.as_str()))
            };
            let documents = page.items.into_iter().map(|version| version.document);
            found.extend(
                documents
                    .filter(names)
                    .map(|document| document.name)
                    .take(NAMES_MAX),
            );
            match page.next {
                Some(cursor) => request = PageRequest::after(cursor, PAGE_ITEMS_MAX),
                None => break,
            }
        }
        Ok(found)
    }
}

/// What one detector found in a text.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub(crate) struct Tried {
    /// The detector's name.
    pub(crate) detector: String,
    /// The name that people read.
    pub(crate) title: String,
    /// `low`, `medium` or `high`.
    pub(crate) confidence: String,
    /// The value with all but its last characters, four at most, replaced.
    pub(crate) masked: String,
    /// Bytes before the surest occurrence.
    pub(crate) offset: usize,
    /// How often it occurs.
    pub(crate) occurrences: u32,
    /// Whether it is known from documentation and test systems.
    pub(crate) test_value: bool,
}

/// Most findings of a text that are shown.
const TRIED_MAX: usize = 200;

fn tried(set: &DetectorSet, text: &str, only: Option<&str>) -> Vec<Tried> {
    let findings: Findings = set.scan_text(text);
    let wanted = findings
        .iter()
        .filter(|found| only.is_none_or(|only| found.detector == only));
    wanted
        .take(TRIED_MAX)
        .map(|found| Tried {
            detector: found.detector.to_string(),
            title: set.title(&found.detector).unwrap_or_default().to_owned(),
            confidence: found.confidence.word().to_owned(),
            masked: found.masked.clone(),
            offset: found.offset,
            occurrences: found.occurrences,
            test_value: found.test_value,
        })
        .collect()
}

/// A kept detector, read; one that does not read any more is said in the log, and looks for nothing.
fn read(kept: &KeptDetector) -> Option<CustomDetector> {
    let read = serde_json::from_str(&kept.definition);
    if read.is_err() {
        tracing::error!(detector = %kept.entry.name, "a kept detector does not read");
    }
    read.ok()
}

/// The detectors that are kept, made ready. They were checked when they were saved.
async fn ready(kept: Vec<CustomDetector>) -> DetectorSet {
    let made = tokio::task::spawn_blocking(move || DetectorSet::built_in().with(&kept));
    let none = || {
        DetectorSet::built_in()
            .with(&[])
            .expect("there is nothing that could be wrong")
    };
    made.await.ok().and_then(Result::ok).unwrap_or_else(none)
}

/// A detector made ready beside the others, or every mistake in it, and in them because of it.
async fn all_ready(
    others: Vec<CustomDetector>,
    detector: CustomDetector,
) -> Result<DetectorSet, Vec<Mistake>> {
    let made = tokio::task::spawn_blocking(move || beside(others, detector));
    made.await
        .unwrap_or_else(|_| Err(vec![Mistake::new("", "making it ready failed")]))
}

fn beside(
    others: Vec<CustomDetector>,
    detector: CustomDetector,
) -> Result<DetectorSet, Vec<Mistake>> {
    let built_in = DetectorSet::built_in();
    // One that was wrong before, such as after an update, is not this one's fault.
    let others = match built_in.with(&others) {
        Ok(_) => others,
        Err(wrong) => {
            let is_right = |other: &CustomDetector| {
                let mut errors = wrong.iter();
                !errors.any(|error| error.detector == other.name)
            };
            others.into_iter().filter(is_right).collect()
        }
    };
    let name = detector.name.clone();
    let all: Vec<CustomDetector> = others.into_iter().chain([detector]).collect();
    built_in.with(&all).map_err(|wrong| {
        let mistake = |error: &CustomError| match error.detector == name {
            true => Mistake::new("", error.problem.to_string()),
            false => Mistake::new("/group", error.to_string()),
        };
        wrong.iter().map(mistake).collect()
    })
}

/// What stands in the way of one more of that size.
fn room(definition: &str, others: &[CustomDetector]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let bytes: usize = others.iter().map(|other| written(other).len()).sum();
    if (bytes + definition.len()) as u64 > DETECTORS_BYTES_MAX {
        let message =
            format!("all detectors together would be longer than {DETECTORS_BYTES_MAX} bytes");
        mistakes.push(Mistake::new("/looks_for", message));
    }
    if others.len() >= DETECTORS_MAX as usize {
        let message = format!("there are {DETECTORS_MAX} detectors already");
        mistakes.push(Mistake::new("/name", message));
    }
    mistakes
}

fn written(detector: &CustomDetector) -> String {
    serde_json::to_string(detector).expect("a detector has string keys only")
}

fn kind(looks_for: &LooksFor) -> &'static str {
    match looks_for {
        LooksFor::Dictionary { .. } => "dictionary",
        LooksFor::Pattern { .. } => "pattern",
        LooksFor::Rows(_) => "rows",
        LooksFor::Documents(_) => "documents",
    }
}

fn entries(looks_for: &LooksFor) -> u64 {
    let entries = match looks_for {
        LooksFor::Dictionary { entries, .. } => entries.len(),
        LooksFor::Pattern { .. } => 1,
        LooksFor::Rows(rows) => rows.rows.len(),
        LooksFor::Documents(documents) => documents.sketches.len(),
    };
    entries as u64
}

fn wrong(mistakes: Vec<Mistake>) -> Problem {
    let mut problem = wrong_shape(mistakes[0].clone());
    problem.detail = WRONG.to_owned();
    problem.errors = mistakes;
    problem
}

fn failed() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "looking through the text failed",
    )
}
