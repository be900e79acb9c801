//! What an object holds.

use bytes::Bytes;
use event_model::{Activity, RemedyKind, Snapshot};
use http::{HeaderName, header};

use crate::call::CallError;
use crate::client::run::Run;
use crate::client::{ServiceClient, accepted, has_all, not_supported};
use crate::egress::Answer;
use crate::manifest::action::Content;

/// An object's content.
#[derive(Debug, Clone)]
pub struct Download {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its version, as `ETag` says; absent when the service does not say.
    pub version: Option<String>,
    /// Its type, as the service says.
    pub content_type: Option<String>,
}

impl ServiceClient {
    /// Downloads the object of an activity: from the first address of the manifest all of whose
    /// values are known.
    ///
    /// # Errors
    /// `TooLarge` beyond `bytes_max`; `NotSupported` when the activity names no content; see [`CallError`].
    pub async fn download(
        &self,
        activity: &Activity,
        bytes_max: usize,
    ) -> Result<Download, CallError> {
        self.fetch(&self.connector().content, activity, None, bytes_max)
            .await
    }

    /// Downloads what is held in quarantine in the service.
    ///
    /// # Errors
    /// As [`Self::download`].
    pub async fn quarantined_content(
        &self,
        activity: &Activity,
        snapshot: Option<&Snapshot>,
        bytes_max: usize,
    ) -> Result<Download, CallError> {
        let action = self.connector().action(RemedyKind::Quarantine);
        let own = action
            .map(|action| &action.content)
            .filter(|own| !own.is_empty());
        let places = own.unwrap_or(&self.connector().content);
        self.fetch(places, activity, snapshot, bytes_max).await
    }

    async fn fetch(
        &self,
        places: &[Content],
        activity: &Activity,
        snapshot: Option<&Snapshot>,
        bytes_max: usize,
    ) -> Result<Download, CallError> {
        for place in places {
            let mut run = Run::new(self)
                .about(activity)
                .from(snapshot.map(|snapshot| &snapshot.values));
            let when = place.when.as_ref();
            if when.is_some_and(|when| !when.holds(&run.scope())) {
                continue;
            }
            run.must(&place.before).await?;
            let (request, scope) = (&place.request, run.scope());
            let queries = request.query.iter().map(|(_, value)| value);
            let mut values = queries.chain([&request.url]);
            if !values.all(|template| has_all(template, &scope)) {
                continue;
            }
            let answer = self.send(request, &scope, &[], bytes_max.max(1)).await?;
            let answer = accepted(answer, &[])?;
            return Ok(Download {
                version: header_text(&answer, header::ETAG),
                content_type: header_text(&answer, header::CONTENT_TYPE),
                bytes: answer.body,
            });
        }
        Err(not_supported("the activity names no content"))
    }
}

fn header_text(answer: &Answer, name: HeaderName) -> Option<String> {
    answer.headers.get(name)?.to_str().ok().map(str::to_owned)
}
