//! A remedy as it would be: looked at, and nothing changed.
//!
//! Only what the manifest calls `snapshot` and, where nothing must be set up first, `verify` is asked of the
//! service: both read. The steps are written out, not made.

use event_model::Snapshot;
use serde::Serialize;
use serde_json::Value;

use crate::call::CallError;
use crate::client::ServiceClient;
use crate::client::remedy::Ask;
use crate::client::run::Run;
use crate::condition::Condition;
use crate::manifest::step::Step;
use crate::scope::{Keep, Ref, Scope};

/// Most calls that are written out.
const CALLS_MAX: usize = 100;

/// What a remedy would do.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    /// Whether it is so already; none when that cannot be seen without setting something up.
    pub in_effect: Option<bool>,
    /// What it would put back.
    pub snapshot: Snapshot,
    /// What it would ask of the service, in order; at most 100.
    pub calls: Vec<RehearsedCall>,
    /// How many more there would be.
    pub calls_more: usize,
}

/// One call that would be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RehearsedCall {
    /// `DELETE`.
    pub method: String,
    /// Where; what only an earlier answer will tell stands in braces.
    pub address: String,
    /// What of the object it is about, such as a link's address.
    pub about: Option<String>,
    /// Whether it depends on an answer that is not known yet.
    pub depends: bool,
}

impl ServiceClient {
    /// What the remedy would do, on what, with which snapshot. Nothing is changed.
    ///
    /// # Errors
    /// As [`ServiceClient::snapshot`].
    pub async fn rehearse(&self, ask: &Ask<'_>) -> Result<Rehearsal, CallError> {
        let action = self.action_of(ask)?;
        let snapshot = self.snapshot(ask).await?;
        let in_effect = match action.setup.is_empty() && action.unseen.is_none() {
            true => Some(self.in_effect(ask, Some(&snapshot)).await?),
            false => None,
        };
        let run = self.run(ask, action, Some(&snapshot));
        let mut calls = Vec::new();
        let steps = action.close.iter().chain(&action.setup);
        for step in steps.chain(&action.steps) {
            calls.extend(foreseen(&run, step));
        }
        let calls_more = calls.len().saturating_sub(CALLS_MAX);
        calls.truncate(CALLS_MAX);
        Ok(Rehearsal {
            in_effect,
            snapshot,
            calls,
            calls_more,
        })
    }
}

/// The calls of a step, as far as can be known before anything was answered.
fn foreseen(run: &Run<'_>, step: &Step) -> Vec<RehearsedCall> {
    let depends = step.when.as_ref().is_some_and(is_open);
    let call = |item: Option<&Value>| {
        let scope = Scope {
            item,
            ..run.scope()
        };
        let skipped = step.when.as_ref().is_some_and(|when| !when.holds(&scope));
        if skipped && !depends {
            return None;
        }
        let label = step.for_each.as_ref().and_then(|each| each.label.as_ref());
        Some(RehearsedCall {
            method: step.request.method.to_string(),
            address: step.request.url.shown(&scope),
            about: label.and_then(|label| label.text(&scope).ok()),
            depends,
        })
    };
    match &step.for_each {
        None => call(None).into_iter().collect(),
        Some(each) => match run.elements(each) {
            Ok(items) => items.iter().filter_map(|item| call(Some(item))).collect(),
            // The list comes with an answer: one call stands for those that there will be.
            Err(_) => call(None)
                .map(|call| RehearsedCall {
                    depends: true,
                    ..call
                })
                .into_iter()
                .collect(),
        },
    }
}

/// Whether what holds is known only with an earlier answer.
fn is_open(condition: &Condition) -> bool {
    let mut names = Vec::new();
    condition.reads(&mut names);
    let of_step = |name: &Ref| matches!(name, Ref::Kept(Keep::Step, _));
    names.iter().any(of_step)
}
