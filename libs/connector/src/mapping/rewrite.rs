//! What a jaq program makes of an event before it is mapped.

use chrono::{DateTime, Utc};
use event_model::{DeadLetterReason, RawEvent};
use serde_json::value::to_raw_value;

use crate::jaq::{INPUT_BYTES_MAX, Program};
use crate::json::{self, NotMappable};
use crate::mapping::{EXPLODED_MAX, Lent, Mapper, Take, not_mappable};

impl Mapper {
    /// The activities of whatever the program gives, each with the event as it was sent: none, one or
    /// several.
    pub(super) fn each_rewritten(
        &self,
        program: &Program,
        event: &RawEvent,
        received_at: DateTime<Utc>,
        take: &mut Take<'_>,
    ) -> Result<(), NotMappable> {
        if event.json.get().len() > INPUT_BYTES_MAX {
            return not_mappable(format!(
                "the event has more than {INPUT_BYTES_MAX} bytes, and `rewrite` takes no more"
            ));
        }
        let whole = json::value(event.json.get().as_bytes())?;
        let parts = program
            .run(&whole, EXPLODED_MAX)
            .map_err(|detail| NotMappable::because(DeadLetterReason::NotMappable, detail))?;
        for part in parts {
            let json = to_raw_value(&part)
                .expect("a JSON value can be written")
                .into();
            let mut as_sent = |lent: Lent<'_>| {
                take(Lent {
                    raw: event.json.get(),
                    ..lent
                });
            };
            self.each_sent(&RawEvent { json }, received_at, &mut as_sent)?;
        }
        Ok(())
    }
}
