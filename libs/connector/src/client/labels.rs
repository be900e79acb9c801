//! The `.ip-labels` manifest of the folder that an object is in, and labels that the service tells itself.

use bytes::Bytes;
use event_model::{Activity, Snapshot};
use serde_json::{Map, Value};

use crate::call::CallError;
use crate::client::remedy::Ask;
use crate::client::run::Run;
use crate::client::{ANSWER_BYTES_MAX, ServiceClient, accepted, document, has_all, not_supported};
use crate::manifest::labels::{LabelPlace, Told};
use crate::pointer::Pointer;
use crate::scope::{Scope, Word};

/// Most labels of one object that a service tells.
const TOLD_MAX: usize = 1_000;

/// Where the manifest of an object's folder is, and which version of it.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelFile {
    /// Its address: two objects of one folder have the same.
    pub address: String,
    /// Changes whenever the manifest does; none when the service does not say.
    pub version: Option<String>,
    place: usize,
    kept: Map<String, Value>,
}

/// A label of an object in its service's own words: a name, an id, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldLabel {
    /// What people call it.
    pub name: Option<String>,
    /// What the service calls it.
    pub id: Option<String>,
}

impl ServiceClient {
    /// Whether the connector knows where labels are.
    pub fn reads_labels(&self) -> bool {
        !self.connector().labels.is_empty()
    }

    /// What the service itself says of the labels of the activity's object.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn told_labels(&self, activity: &Activity) -> Result<Vec<ToldLabel>, CallError> {
        let mut found = Vec::new();
        for labels in &self.connector().labels {
            let Some(told) = &labels.told else { continue };
            let Some(run) = self.ready(activity, labels).await? else {
                continue;
            };
            let (request, scope) = (&labels.content.request, run.scope());
            let answer = self.send(request, &scope, &[], ANSWER_BYTES_MAX);
            match accepted(answer.await?, &[]) {
                Ok(answer) => found.extend(read(told, &document(&answer)?, &scope)),
                // The object has none.
                Err(CallError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        found.truncate(TOLD_MAX);
        Ok(found)
    }

    /// Looks for the manifest of the folder that the activity's object is in; none when there is none.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn find_labels(&self, activity: &Activity) -> Result<Option<LabelFile>, CallError> {
        for (place, labels) in self.connector().labels.iter().enumerate() {
            if labels.told.is_some() {
                continue;
            }
            let Some(run) = self.ready(activity, labels).await? else {
                continue;
            };
            let (request, scope) = (&labels.content.request, run.scope());
            let address = self.address(request, &scope, &[])?.to_string();
            let version = labels.version.as_ref();
            let version = version.and_then(|text| text.text(&scope).ok());
            return Ok(Some(LabelFile {
                address,
                version: version.filter(|version| !version.is_empty()),
                place,
                kept: run.kept,
            }));
        }
        Ok(None)
    }

    /// A run in which the place's request can be made; none when the place is not for this activity, or
    /// has nothing of it.
    async fn ready<'a>(
        &'a self,
        activity: &'a Activity,
        labels: &'a LabelPlace,
    ) -> Result<Option<Run<'a>>, CallError> {
        let content = &labels.content;
        let mut run = Run::new(self).about(activity);
        let when = content.when.as_ref();
        if when.is_some_and(|when| !when.holds(&run.scope())) {
            return Ok(None);
        }
        match run.must(&content.before).await {
            Ok(()) => {}
            // No such folder, or nothing of that name in it; or the activity does not say where it was.
            Err(CallError::NotFound | CallError::NotSupported { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        let has_values = {
            let (request, scope) = (&content.request, run.scope());
            let queries = request.query.iter().map(|(_, value)| value);
            queries
                .chain([&request.url])
                .all(|text| has_all(text, &scope))
        };
        Ok(has_values.then_some(run))
    }

    /// Downloads the manifest that was found; none when it is gone by now, or never was there.
    ///
    /// # Errors
    /// `TooLarge` beyond `bytes_max`; see [`CallError`].
    pub async fn label_manifest(
        &self,
        activity: &Activity,
        file: &LabelFile,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, CallError> {
        let Some(labels) = self.connector().labels.get(file.place) else {
            return Err(not_supported("the connector has no such place of labels"));
        };
        let mut run = Run::new(self).about(activity);
        run.kept.clone_from(&file.kept);
        let answer = self
            .send(&labels.content.request, &run.scope(), &[], bytes_max)
            .await?;
        match accepted(answer, &[]) {
            Ok(answer) => Ok(Some(answer.body)),
            Err(CallError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the manifest of the folder that the object is in. The snapshot of the remedy says where, and
    /// whether there was one.
    ///
    /// # Errors
    /// `VersionMismatch` when it was changed since the snapshot; see [`CallError`].
    pub async fn write_labels(
        &self,
        ask: &Ask<'_>,
        snapshot: &Snapshot,
        manifest: &str,
    ) -> Result<(), CallError> {
        let action = self.action_of(ask)?;
        let told = vec![(Word::LabelsManifest, manifest.to_owned())];
        let mut run = self.run(ask, action, Some(snapshot)).told(told);
        run.must(&action.setup).await?;
        run.must(&action.steps).await?;
        run.must(&action.verify).await
    }
}

fn read(told: &Told, body: &Value, scope: &Scope<'_>) -> Vec<ToldLabel> {
    let items = match told.each.of(body) {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
    };
    let text = |pointer: &Option<Pointer>, item: &Value| {
        let text = pointer.as_ref()?.of(item)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let filter = told.filter.as_ref();
    items
        .iter()
        .filter(|item| filter.is_none_or(|filter| filter.holds(&scope.over(*item))))
        .map(|item| ToldLabel {
            name: text(&told.name, item),
            id: text(&told.id, item),
        })
        .filter(|label| label.name.is_some() || label.id.is_some())
        .take(TOLD_MAX)
        .collect()
}
