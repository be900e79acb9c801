//! Labels that a classifying system beside the service gives to objects. They are told to who asks, and make no activity:
//! that they changed is in a log of its own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::activity::ActedOn;
use super::log::Logged;
use super::objects::Reach;
use super::{By, Model, Refusal};
use crate::clock::Moment;

/// Most labels of one object.
pub const LABELS_MAX: usize = 100;
/// Longest id or name of a label, in bytes.
pub const LABEL_BYTES_MAX: usize = 256;

/// A label of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelView {
    /// What the classifying system calls it.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// What the log of changed labels calls each of its entries.
const CHANGED: &str = "labels.changed";

/// That an object has other labels than before. Which ones is told to who asks.
#[derive(Debug, Clone, Serialize)]
pub struct LabelChange {
    /// Unique in the whole service, ascending in the order of changing.
    pub id: String,
    /// Where it was changed.
    pub tenant_id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    occurred_at: Moment,
    logged_at: Moment,
    /// What has other labels now.
    pub object: ActedOn,
}

impl Logged for LabelChange {
    fn logged_at(&self) -> Moment {
        self.logged_at
    }
}

impl Model {
    /// The labels of an object.
    pub(crate) fn labels(&self, by: &By, id: &str) -> Result<Vec<LabelView>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        Ok(tenant.reach(by, id, Reach::Read)?.labels.clone())
    }

    /// Gives an object these labels and no others. Those that it has already are no change.
    pub(crate) fn set_labels(
        &mut self,
        by: &By,
        id: &str,
        labels: Vec<LabelView>,
    ) -> Result<Vec<LabelView>, Refusal> {
        let is_sound = |text: &str| (1..=LABEL_BYTES_MAX).contains(&text.len());
        let sound = |label: &LabelView| is_sound(&label.id) && is_sound(&label.name);
        if labels.len() > LABELS_MAX || !labels.iter().all(sound) {
            return Err(Refusal::Invalid("a label has an id and a name"));
        }
        let tenant = self.tenant(&by.tenant_id)?;
        let number = tenant.reach(by, id, Reach::Write)?.number;
        let tenant = self.tenant_mut(&by.tenant_id)?;
        let object = tenant.objects.get_mut(&number).ok_or(Refusal::NotFound)?;
        if object.labels != labels {
            object.labels.clone_from(&labels);
            self.log_labels(&by.tenant_id, number)?;
        }
        Ok(labels)
    }

    fn log_labels(&mut self, tenant_id: &str, object: u64) -> Result<(), Refusal> {
        self.label_changes_made += 1;
        let number = self.label_changes_made;
        let tenant = self.tenant(tenant_id)?;
        let object = tenant.objects.get(&object).ok_or(Refusal::NotFound)?;
        let object = self.acted_on(tenant, object);
        let occurred_at = self.ground.clock.now();
        let wait_ms = self.ground.faults.of_logging(number).wait_ms;
        let change = LabelChange {
            id: format!("lch_{number:014x}"),
            tenant_id: tenant_id.to_owned(),
            kind: CHANGED,
            occurred_at,
            logged_at: occurred_at.plus_ms(wait_ms),
            object,
        };
        let log = &mut self.tenant_mut(tenant_id)?.label_log;
        log.append(number, Arc::new(change));
        log.settle(occurred_at);
        Ok(())
    }
}
