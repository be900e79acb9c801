//! Makes an object to try actions on, and takes it away again.

use std::borrow::Cow;

use event_model::{Activity, EventId, EventType, Field, Provenance};

use crate::call::CallError;
use crate::client::ServiceClient;
use crate::client::run::Run;
use crate::mapping::Draft;
use crate::mapping::verb::{Found, Source};
use crate::scope::scalar;

impl ServiceClient {
    /// Makes an object as the manifest's `tests.make` says, and gives an activity about it; none when
    /// the manifest does not say how.
    ///
    /// # Errors
    /// See [`CallError`]; what was made before it failed stays.
    pub async fn make_trial_object(&self) -> Result<Option<Activity>, CallError> {
        let steps = &self.connector().trial.make;
        if steps.is_empty() {
            return Ok(None);
        }
        let mut run = Run::new(self);
        run.must(steps).await?;
        let id = EventId::new("trial").expect("it is short");
        let bare = Activity::bare(id, EventType::Other);
        let mut draft = Draft::of(bare, Provenance::absent("not captured"));
        for (name, value) in &run.kept {
            if let (Some(field), Some(text)) = (Field::from_name(name), scalar(value)) {
                let text = Cow::Owned(text.into_owned());
                draft.put(field, Found::Text(text, Source::Native));
            }
        }
        Ok(Some(draft.activity))
    }

    /// Takes away what was made, as `tests.unmake` says.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn unmake_trial_object(&self, made: &Activity) -> Result<(), CallError> {
        let steps = &self.connector().trial.unmake;
        Run::new(self).about(made).must(steps).await
    }
}
