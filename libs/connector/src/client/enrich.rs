//! Asks other APIs of the service for fields that the event left absent.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use event_model::{Activity, Field, FieldSource, Provenance};

use crate::call::CallError;
use crate::client::run::Run;
use crate::client::{ANSWER_BYTES_MAX, ServiceClient, accepted, document};
use crate::manifest::action::Enrichment;
use crate::mapping::Draft;
use crate::mapping::spare::Spare;
use crate::mapping::verb::Found;
use crate::scope::Scope;

mod cache;

pub(crate) use cache::AnswerCache;

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
            // What the answer has besides is taken too: it was asked for anyway.
            let absent: Vec<Field> = enrichment
                .fields
                .iter()
                .map(|(field, _)| *field)
                .filter(|field| !provenance.of(*field).is_present())
                .collect();
            if let Err(error) = self.ask(enrichment, &absent, activity, provenance).await {
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

    /// What the service answers, or answered of late to the same question.
    async fn answer_to(
        &self,
        enrichment: &Enrichment,
        activity: &Activity,
    ) -> Result<Arc<Value>, CallError> {
        let step = &enrichment.step;
        let mut run = Run::new(self).about(activity);
        run.must(&enrichment.before).await?;
        let scope = run.scope();
        let (asked_at, monotonic) = (self.0.clock.now(), self.0.clock.monotonic());
        let url = self.address(&step.request, &scope, &[])?;
        // What is asked for with a body, headers of its own, or other steps before is asked each time.
        let request = &step.request;
        let plain = request.method == Method::GET && request.headers.is_empty();
        let plain = plain && enrichment.before.is_empty();
        let question = plain.then(|| url.to_string());
        if let (Some(question), Some(happened)) = (&question, activity.event_timestamp)
            && let Some(answer) = self.0.answers.get(question, happened, monotonic)
        {
            return Ok(answer);
        }
        let sent = self.send_to(url, &step.request, &scope, ANSWER_BYTES_MAX);
        let answer = accepted(sent.await?, &step.ok)?;
        let body = Arc::new(document(&answer)?);
        if let Some(question) = question {
            let until = monotonic + enrichment.ttl;
            let kept = (Arc::clone(&body), answer.body.len());
            self.0.answers.put(question, asked_at, until, kept);
        }
        Ok(body)
    }

    async fn ask(
        &self,
        enrichment: &Enrichment,
        open: &[Field],
        activity: &mut Activity,
        provenance: &mut Provenance,
    ) -> Result<(), CallError> {
        let step = &enrichment.step;
        let when = step.when.as_ref();
        if when.is_some_and(|when| !when.holds(&self.scope_of(activity))) {
            return Ok(());
        }
        let body = self.answer_to(enrichment, activity).await?;
        let mut draft = Draft::of(activity.clone(), provenance.clone());
        for (field, verb) in enrichment
            .fields
            .iter()
            .filter(|(field, _)| open.contains(field))
        {
            let found = {
                let scope = Scope {
                    activity: Some(&draft.activity),
                    ..self.scope().over(body.as_ref())
                };
                verb.find(&scope, self.0.clock.now())
                    .detached(*field, &mut Spare::default())
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
