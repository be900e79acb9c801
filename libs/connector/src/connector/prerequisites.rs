//! What the manifest alone tells of a service's prerequisites.

use event_model::Field;

use super::Connector;
use crate::mapping::verb::Verb;

impl Connector {
    /// The fields that no event of the service has, each with the reason.
    pub fn never_in_events(&self) -> Vec<(Field, &str)> {
        let fields = self.mapping.fields.iter();
        let absent = fields.filter_map(|(field, verb)| match verb {
            Verb::Absent(reason) => Some((*field, &**reason)),
            _ => None,
        });
        absent.collect()
    }

    /// The fields that other APIs of the service are asked for.
    pub fn enriches(&self) -> Vec<Field> {
        let all = self.enrichments.iter().flat_map(|one| &one.fields);
        let mut fields: Vec<Field> = all.map(|(field, _)| *field).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// Whether the manifest says where an object's content is.
    pub fn gives_content(&self) -> bool {
        !self.content.is_empty()
    }

    /// Whether the manifest can make an object to try actions on.
    pub fn makes_trial_objects(&self) -> bool {
        !self.trial.make.is_empty()
    }
}
