//! Asks other APIs of the service for fields that the event left absent.

use event_model::{Activity, Field, FieldSource, Provenance};

use crate::call::CallError;
use crate::client::run::Run;
use crate::client::{ANSWER_BYTES_MAX, ServiceClient, accepted, document};
use crate::manifest::action::Enrichment;
use crate::mapping::Draft;
use crate::mapping::verb::Found;
use crate::scope::Scope;

impl ServiceClient {
    /// Fills those of the wanted fields that are absent and that the manifest can ask for. What the
    /// service does not have stays absent, with that reason; a field that is there is never changed.
    ///
    /// # Errors
    /// Only those that may pass: the call can be made again.
    pub async fn enrich(
        &self,
        activity: &mut Activity,
        provenance: &mut Provenance,
        wanted: &[Field],
    ) -> Result<(), CallError> {
        for enrichment in &self.connector().enrichments {
            let open: Vec<Field> = enrichment
                .fields
                .iter()
                .map(|(field, _)| *field)
                .filter(|field| wanted.contains(field) && !provenance.of(*field).is_present())
                .collect();
            if open.is_empty() {
                continue;
            }
            if let Err(error) = self.ask(enrichment, &open, activity, provenance).await {
                if matches!(error.disposition(), crate::call::Disposition::Retry(_)) {
                    return Err(error);
                }
                for field in open {
                    let reason = format!("could not be asked for: {error}");
                    provenance.set(field, FieldSource::Absent(reason.into()));
                }
            }
        }
        Ok(())
    }

    async fn ask(
        &self,
        enrichment: &Enrichment,
        open: &[Field],
        activity: &mut Activity,
        provenance: &mut Provenance,
    ) -> Result<(), CallError> {
        let step = &enrichment.step;
        let body = {
            let scope = self.scope_of(activity);
            if step.when.as_ref().is_some_and(|when| !when.holds(&scope)) {
                return Ok(());
            }
            let mut run = Run::new(self).about(activity);
            run.must(&enrichment.before).await?;
            let scope = run.scope();
            let answer = self
                .send(&step.request, &scope, &[], ANSWER_BYTES_MAX)
                .await?;
            document(&accepted(answer, &step.ok)?)?
        };
        let mut draft = Draft::of(activity.clone(), provenance.clone());
        for (field, verb) in enrichment
            .fields
            .iter()
            .filter(|(field, _)| open.contains(field))
        {
            let found = {
                let scope = Scope {
                    activity: Some(&draft.activity),
                    ..self.scope().over(&body)
                };
                verb.find(&scope, self.0.clock.now()).detached()
            };
            let found = match found {
                Found::Absent(_) => Found::Absent("the service does not have it".into()),
                found => found,
            };
            if draft.put(*field, found) {
                draft.provenance.set(*field, FieldSource::Enriched);
            }
        }
        (*activity, *provenance) = (draft.activity, draft.provenance);
        Ok(())
    }
}
