//! Labels that a classifying system beside the service gives to objects. They are told to who asks, and make no activity.

use serde::{Deserialize, Serialize};

use super::objects::Reach;
use super::{By, Model, Refusal};

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

impl Model {
    /// The labels of an object.
    pub(crate) fn labels(&self, by: &By, id: &str) -> Result<Vec<LabelView>, Refusal> {
        let tenant = self.tenant(&by.tenant_id)?;
        Ok(tenant.reach(by, id, Reach::Read)?.labels.clone())
    }

    /// Gives an object these labels and no others.
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
        object.labels.clone_from(&labels);
        Ok(labels)
    }
}
