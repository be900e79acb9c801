//! Labels of an object: those that its findings stand for, those that the document carries, and those
//! of the `.ip-labels` manifest in its folder. The manifest is fetched only when a rule asks for labels.
//!
//! What it promises: a manifest that is malformed or not believed, and a label of another content, never
//! decide anything, and each says so in a blind spot; what is kept of manifests is bounded.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use ::labels::{
    Fields, Ignored, Label, Labelling, MANIFEST_BYTES_MAX, MANIFEST_NAME, Manifest, Md5,
    TrustedManifest,
};
use bytes::Bytes;
use connector::{CallError, Disposition, LabelFile, ServiceClient};
use event_model::{Activity, ActivityRecord, BlindSpot, ConnectionId};
use policy::{ContentFacts, ContentState, Coverage, MoreLabels, PolicySet};

use crate::Evaluator;
use crate::content::Content;
use crate::evaluate::evaluate;

/// Most manifests kept.
const KEPT_MAX: usize = 256;
/// Most bytes of the manifests kept.
const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most labels of one object.
const LABELS_MAX: usize = 1_000;
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
});

/// Whether some policy could be decided by labels.
pub(crate) fn are_wanted(policies: &PolicySet, record: &ActivityRecord) -> bool {
    let state = ContentState::Known(&NOTHING_BUT_LABELS);
    evaluate(policies, record, state).needs.content
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
    fn get(&self, id: ConnectionId, file: &LabelFile) -> Option<Judged> {
        let mut shelf = self.0.lock().expect("no holder panics");
        shelf.uses += 1;
        let uses = shelf.uses;
        let kept = shelf.kept.get_mut(&(id, file.address.clone()))?;
        (Some(&kept.version) == file.version.as_ref()).then(|| {
            kept.used = uses;
            Arc::clone(&kept.judged)
        })
    }

    fn put(&self, id: ConnectionId, file: &LabelFile, judged: &Judged, bytes: usize) {
        let Some(version) = file.version.clone() else {
            return;
        };
        let mut shelf = self.0.lock().expect("no holder panics");
        shelf.uses += 1;
        let kept = Kept {
            version,
            judged: Arc::clone(judged),
            bytes,
            used: shelf.uses,
        };
        let before = shelf.kept.insert((id, file.address.clone()), kept);
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
            facts,
            metadata,
            blind_spots,
            ..
        } = &mut content
        else {
            return Ok(content);
        };
        let labelling = &self.options.labelling;
        let mut labels = of_content(labelling, facts, metadata);
        if asked.are_wanted {
            let beside = self.beside(asked, bytes).await?;
            labels.extend(beside.labels);
            facts.more_labels = more(&beside.blind_spots);
            blind_spots.extend(beside.blind_spots);
        } else if asked.client.reads_labels() {
            facts.more_labels = MoreLabels::NotAsked;
        }
        facts.labels = names(&labels);
        Ok(content)
    }

    /// What the manifest in the object's folder says.
    async fn beside(&self, asked: &Asked<'_>, bytes: &Bytes) -> Result<Beside, CallError> {
        let Some(name) = name_of(asked.activity) else {
            return Ok(Beside::default());
        };
        let judged = match self.manifest(asked).await {
            Ok(None) => return Ok(Beside::default()),
            Ok(Some(judged)) => judged,
            Err(error) if matches!(error.disposition(), Disposition::Retry(_)) => {
                return Err(error);
            }
            Err(error) => return Ok(Beside::blind("labels_unreachable", error.to_string())),
        };
        let manifest = match judged.as_ref() {
            Ok(manifest) => manifest,
            Err(spot) => {
                return Ok(Beside {
                    blind_spots: vec![spot.clone()],
                    ..Beside::default()
                });
            }
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
        if let Some(judged) = self.manifests.get(asked.id, &file) {
            return Ok(Some(judged));
        }
        let fetched = asked
            .client
            .label_manifest(asked.activity, &file, MANIFEST_BYTES_MAX);
        let Some(bytes) = fetched.await? else {
            return Ok(None);
        };
        let judged = Arc::new(judge(&self.options.labelling, &bytes));
        self.manifests.put(asked.id, &file, &judged, bytes.len());
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
        Beside {
            labels: Vec::new(),
            blind_spots: vec![spot(reason, &detail)],
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

fn of_content(labelling: &Labelling, facts: &ContentFacts, metadata: &Fields) -> Vec<Label> {
    let mut labels = labelling.of_findings(|detector, level| {
        facts.counts.get(detector).map_or(0, |counts| counts[level])
    });
    labels.extend(labelling.of_document(metadata));
    labels
}

/// Each name once, and each id beside its name: rules may say either.
fn names(labels: &[Label]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in labels
        .iter()
        .flat_map(|label| [Some(&label.name), label.id.as_ref()])
        .flatten()
    {
        if names.len() < LABELS_MAX && !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
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
