//! The `.ip-labels` manifest of the folder that an object is in.

use bytes::Bytes;
use event_model::Activity;
use serde_json::{Map, Value};

use crate::call::CallError;
use crate::client::run::Run;
use crate::client::{ServiceClient, accepted, has_all, not_supported};

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

impl ServiceClient {
    /// Whether the connector knows where manifests are.
    pub fn reads_labels(&self) -> bool {
        !self.connector().labels.is_empty()
    }

    /// Looks for the manifest of the folder that the activity's object is in; none when there is none.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn find_labels(&self, activity: &Activity) -> Result<Option<LabelFile>, CallError> {
        for (place, labels) in self.connector().labels.iter().enumerate() {
            let content = &labels.content;
            let mut run = Run::new(self).about(activity);
            let when = content.when.as_ref();
            if when.is_some_and(|when| !when.holds(&run.scope())) {
                continue;
            }
            match run.must(&content.before).await {
                Ok(()) => {}
                // No such folder, or nothing of that name in it; or the activity does not say where it was.
                Err(CallError::NotFound | CallError::NotSupported { .. }) => continue,
                Err(error) => return Err(error),
            }
            let (request, scope) = (&content.request, run.scope());
            let queries = request.query.iter().map(|(_, value)| value);
            if !queries
                .chain([&request.url])
                .all(|text| has_all(text, &scope))
            {
                continue;
            }
            let address = self.address(request, &scope, &[])?.to_string();
            let version = labels
                .version
                .as_ref()
                .and_then(|text| text.text(&scope).ok());
            return Ok(Some(LabelFile {
                address,
                version: version.filter(|version| !version.is_empty()),
                place,
                kept: run.kept,
            }));
        }
        Ok(None)
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
}
