//! Labels of an object: those that its findings stand for, those that the document carries, those that the
//! service tells, and those of the `.ip-labels` manifest in its folder. The service is asked only when labels
//! could decide a policy.
//!
//! What it promises: a manifest that is malformed or not believed, and a label of another content, never
//! decide anything, and each says so in a blind spot; what is kept of manifests is bounded.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use ::labels::{
    Ignored, Label, Labelling, MANIFEST_BYTES_MAX, MANIFEST_NAME, Manifest, Md5, TrustedManifest,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use connector::{CallError, Disposition, ServiceClient, ToldLabel};
use decisions::inspected;
use event_model::{Activity, ActivityRecord, BlindSpot, ConnectionId};
use policy::{Chain, ContentFacts, ContentState, Coverage, Input, MoreLabels, PolicySet};

use crate::Evaluator;
use crate::content::Content;

/// Most manifests kept.
const KEPT_MAX: usize = 256;
/// Most bytes of the manifests kept.
const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most labels named in a sentence.
const NAMED_MAX: usize = 5;

/// Content of which nothing is known yet: what is still undecided over it, labels could decide.
static NOTHING_BUT_LABELS: LazyLock<ContentFacts> = LazyLock::new(|| ContentFacts {
    kind: String::new(),
    coverage: Coverage::None {
        reason: "only labels are asked for".to_owned(),
    },
    counts: std::collections::BTreeMap::new(),
    labels: Vec::new(),
    more_labels: MoreLabels::NotAsked,
    properties: Vec::new(),
});

/// Whether some policy could be decided by labels.
pub(crate) fn are_wanted(policies: &PolicySet, record: &ActivityRecord) -> bool {
    let content = ContentState::Known(&NOTHING_BUT_LABELS);
    let input = Input::of(&record.activity, &record.provenance, content);
    let evaluation = policies.evaluate(record.connection_id, &input, Chain::Whole);
    evaluation.needs.content
}

/// A manifest, or why it does not count.
type Judged = Arc<Result<TrustedManifest, BlindSpot>>;

struct Kept {
    version: String,
    judged: Judged,
    bytes: usize,
    /// Larger is later.
    used: u64,
}

/// Manifests as they were judged, until another version is there.
#[derive(Default)]
pub(crate) struct ManifestCache(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    kept: HashMap<(ConnectionId, String), Kept>,
    bytes: usize,
    uses: u64,
}

impl ManifestCache {
    fn get(&self, id: ConnectionId, address: &str, version: Option<&str>) -> Option<Judged> {
        let mut shelf = self.0.lock().expect("no holder panics");
        shelf.uses += 1;
        let uses = shelf.uses;
        let kept = shelf.kept.get_mut(&(id, address.to_owned()))?;
        (Some(kept.version.as_str()) == version).then(|| {
            kept.used = uses;
            Arc::clone(&kept.judged)
        })
    }

    fn put(&self, id: ConnectionId, address: &str, version: &str, judged: &Judged, bytes: usize) {
        let mut shelf = self.0.lock().expect("no holder panics");
        shelf.uses += 1;
        let kept = Kept {
            version: version.to_owned(),
            judged: Arc::clone(judged),
            bytes,
            used: shelf.uses,
        };
        let before = shelf.kept.insert((id, address.to_owned()), kept);
        shelf.bytes += bytes;
        shelf.bytes -= before.map_or(0, |before| before.bytes);
        while shelf.kept.len() > KEPT_MAX || shelf.bytes > KEPT_BYTES_MAX {
            let oldest = shelf.kept.iter().min_by_key(|(_, kept)| kept.used);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            let gone = shelf.kept.remove(&key);
            shelf.bytes -= gone.map_or(0, |gone| gone.bytes);
        }
    }
}

/// What is asked of an object's labels.
pub(crate) struct Asked<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) client: &'a ServiceClient,
    pub(crate) activity: &'a Activity,
    /// When the activity arrived.
    pub(crate) arrived_at: DateTime<Utc>,
    /// Whether a rule needs more than what the content itself tells.
    pub(crate) are_wanted: bool,
}

impl Evaluator {
    /// The content with its labels.
    ///
    /// # Errors
    /// When the service cannot be asked for the manifest now.
    pub(crate) async fn label(
        &self,
        asked: &Asked<'_>,
        bytes: &Bytes,
        mut content: Content,
    ) -> Result<Content, CallError> {
        let Content::Known {
            facts, blind_spots, ..
        } = &mut content
        else {
            return Ok(content);
        };
        let labelling = &self.options.labelling;
        let mut labels = inspected::labels_of_content(labelling, facts);
        if asked.are_wanted {
            let beside = self.beside(asked, bytes).await?;
            labels.extend(beside.labels);
            facts.more_labels = more(&beside.blind_spots);
            blind_spots.extend(beside.blind_spots);
        } else if asked.client.reads_labels() {
            facts.more_labels = MoreLabels::NotAsked;
        }
        facts.labels = inspected::label_names(&labels);
        Ok(content)
    }

    /// What the service tells, and what the manifest in the object's folder says.
    async fn beside(&self, asked: &Asked<'_>, bytes: &Bytes) -> Result<Beside, CallError> {
        let mut beside = self.told(asked).await?;
        let manifest = self.in_folder(asked, bytes).await?;
        beside.labels.extend(manifest.labels);
        beside.blind_spots.extend(manifest.blind_spots);
        Ok(beside)
    }

    async fn told(&self, asked: &Asked<'_>) -> Result<Beside, CallError> {
        let told = match self.told_labels(asked).await {
            Ok(told) => told,
            Err(error) if matches!(error.disposition(), Disposition::Retry(_)) => {
                return Err(error);
            }
            Err(error) => {
                let detail = format!("the service does not tell the labels: {error}");
                return Ok(Beside::blind("labels_unreachable", detail));
            }
        };
        let label = |told: &ToldLabel| {
            let labelling = &self.options.labelling;
            labelling.of_told(told.name.as_deref(), told.id.as_deref())
        };
        Ok(Beside {
            labels: told.iter().filter_map(label).collect(),
            blind_spots: Vec::new(),
        })
    }

    /// What was told of the object, if that is new enough for the activity; what is told now, otherwise.
    async fn told_labels(&self, asked: &Asked<'_>) -> Result<Arc<Vec<ToldLabel>>, CallError> {
        let now = self.ports.clock.now();
        let Some(object) = asked.activity.object_id.as_deref() else {
            return asked.client.told_labels(asked.activity).await.map(Arc::new);
        };
        if let Some(told) = self.told.get((asked.id, object), asked.arrived_at, now) {
            return Ok(told);
        }
        let told = Arc::new(asked.client.told_labels(asked.activity).await?);
        self.told.put((asked.id, object), now, &told);
        Ok(told)
    }

    async fn in_folder(&self, asked: &Asked<'_>, bytes: &Bytes) -> Result<Beside, CallError> {
        let Some(name) = name_of(asked.activity) else {
            return Ok(Beside::default());
        };
        let judged = match self.manifest(asked).await {
            Ok(None) => return Ok(Beside::default()),
            Ok(Some(judged)) => judged,
            Err(error) if matches!(error.disposition(), Disposition::Retry(_)) => {
                return Err(error);
            }
            Err(error) => {
                let spot = spot("labels_unreachable", &error.to_string());
                return Ok(Beside::blind(&spot.reason, spot.detail));
            }
        };
        let manifest = match judged.as_ref() {
            Ok(manifest) => manifest,
            Err(spot) => return Ok(Beside::blind(&spot.reason, spot.detail.clone())),
        };
        let content = || Some(Md5::of(bytes));
        let found = manifest.labels_of(name, self.options.labelling.names, content);
        Ok(Beside {
            labels: found.labels,
            blind_spots: found.ignored.iter().map(ignored).collect(),
        })
    }

    async fn manifest(&self, asked: &Asked<'_>) -> Result<Option<Judged>, CallError> {
        let Some(file) = asked.client.find_labels(asked.activity).await? else {
            return Ok(None);
        };
        let version = file.version.as_deref();
        if let Some(judged) = self.manifests.get(asked.id, &file.address, version) {
            return Ok(Some(judged));
        }
        let fetched = asked
            .client
            .label_manifest(asked.activity, &file, MANIFEST_BYTES_MAX);
        let Some(bytes) = fetched.await? else {
            return Ok(None);
        };
        let judged = Arc::new(judge(&self.options.labelling, &bytes));
        if let Some(version) = version {
            let address = &file.address;
            self.manifests
                .put(asked.id, address, version, &judged, bytes.len());
        }
        Ok(Some(judged))
    }
}

/// What is said beside the object.
#[derive(Default)]
struct Beside {
    labels: Vec<Label>,
    blind_spots: Vec<BlindSpot>,
}

impl Beside {
    fn blind(reason: &str, detail: String) -> Self {
        let spot = BlindSpot {
            reason: reason.to_owned(),
            detail,
        };
        Beside {
            labels: Vec::new(),
            blind_spots: vec![spot],
        }
    }
}

fn spot(reason: &str, detail: &str) -> BlindSpot {
    BlindSpot {
        reason: reason.to_owned(),
        detail: format!("labels of `{MANIFEST_NAME}` do not count: {detail}"),
    }
}

fn judge(labelling: &Labelling, bytes: &[u8]) -> Result<TrustedManifest, BlindSpot> {
    let manifest =
        Manifest::read(bytes).map_err(|error| spot("labels_malformed", &error.to_string()))?;
    let trusted = manifest.judge(&labelling.trust);
    trusted.map_err(|error| spot("labels_untrusted", &error.to_string()))
}

fn ignored(ignored: &Ignored) -> BlindSpot {
    let named: Vec<String> = ignored
        .names
        .iter()
        .take(NAMED_MAX)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = ignored.names.len() - named.len();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    spot(
        "labels_stale",
        &format!("{}{more}: {}", named.join(", "), ignored.why),
    )
}

fn more(blind_spots: &[BlindSpot]) -> MoreLabels {
    match blind_spots.first() {
        None => MoreLabels::None,
        Some(spot) => MoreLabels::Unread {
            reason: spot.detail.clone(),
        },
    }
}

/// What the object is called in its folder.
fn name_of(activity: &Activity) -> Option<&str> {
    let path = activity.object_path.as_deref();
    let last = path.and_then(|path| path.rsplit('/').next());
    activity
        .object_name
        .as_deref()
        .or(last)
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use event_model::{
        Effect, EventType, Mode, PolicyDocument, PolicyVersion, Severity, Trigger, TriggerAction,
        Visibility,
    };
    use ports::contract::samples;

    use super::*;

    fn policies(rule: &str) -> PolicySet {
        let document = PolicyDocument {
            name: "p".into(),
            severity: Severity::High,
            trigger: Trigger {
                connections: Vec::new(),
                actions: vec![TriggerAction::Share],
            },
            rule: rule.to_owned(),
            effect: Effect::Deny,
            mode: Mode::Enforce,
            notification: None,
            responses: Vec::new(),
            approval: None,
            approvers: None,
            undo_window_minutes: None,
            limit: None,
        };
        let version = PolicyVersion {
            id: samples::policy_id(1),
            version: 1,
            enabled: true,
            saved_at: samples::at(0),
            document,
        };
        let (set, mistakes) = PolicySet::compile(&[version]);
        assert!(mistakes.is_empty(), "{rule}: {mistakes:?}");
        set
    }

    #[test]
    fn a_service_is_asked_for_labels_only_when_they_could_decide() {
        let mut record = samples::record("e", "o", 0);
        record.activity.event_type = EventType::Sharing;
        record.activity.visibility = Some(Visibility::Public);
        let rows = [
            ("_content.label('a')", true),
            ("'a' not in _content.labels", true),
            ("_content.has('us-ssn') and _content.label('a')", true),
            ("_share.public and not _content.label('a')", true),
            ("_content.has('us-ssn')", false),
            ("not _share.public and _content.label('a')", false),
            ("_share.public or _content.label('a')", false),
        ];
        for (rule, expected) in rows {
            assert_eq!(are_wanted(&policies(rule), &record), expected, "{rule}");
        }
    }

    #[test]
    fn manifests_are_kept_by_version_and_the_longest_unused_goes_first() {
        let cache = ManifestCache::default();
        let (one, two) = (samples::connection_id(1), samples::connection_id(2));
        let judged: Judged = Arc::new(Err(spot("labels_malformed", "x")));
        let has = |id, address: &str, version| cache.get(id, address, Some(version)).is_some();
        cache.put(one, "a", "1", &judged, 10);
        assert!(has(one, "a", "1"));
        assert!(!has(one, "a", "2") && !has(two, "a", "1") && cache.get(one, "a", None).is_none());
        for number in 1..KEPT_MAX {
            cache.put(two, &number.to_string(), "1", &judged, 10);
        }
        assert!(has(one, "a", "1"), "there is room for so many");
        cache.put(two, "more", "1", &judged, 10);
        assert!(
            has(one, "a", "1") && !has(two, "1", "1"),
            "what was used last stays"
        );
        cache.put(one, "a", "2", &judged, KEPT_BYTES_MAX);
        assert!(
            has(one, "a", "2") && !has(two, "more", "1"),
            "bytes are bounded, too"
        );
        assert_eq!(cache.0.lock().unwrap().bytes, KEPT_BYTES_MAX);
    }

    #[test]
    fn what_does_not_count_is_said_with_a_few_names() {
        let said = |names: usize| {
            let names = (0..names).map(|number| format!("L{number}")).collect();
            let why = ::labels::Why::Stale;
            ignored(&Ignored { names, why }).detail
        };
        let told = "labels of `.ip-labels` do not count: ";
        let why = "the content is another since: its hash differs";
        assert_eq!(said(1), format!("{told}`L0`: {why}"));
        assert_eq!(
            said(7),
            format!("{told}`L0`, `L1`, `L2`, `L3`, `L4` and 2 more: {why}")
        );
    }
}
