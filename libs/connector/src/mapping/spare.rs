//! Texts that the next activity is written into: of an activity that was lent and given back, the memory
//! of its texts is used again.

use std::cell::Cell;

use event_model::{Activity, Field};

/// Most texts that are kept: an activity has fewer.
const TEXTS_MAX: usize = 32;
/// A longer text is not kept, in bytes: most are much shorter.
const TEXT_BYTES_MAX: usize = 1024;

thread_local! {
    /// What a mapping on this thread left: at most [`TEXTS_MAX`] of [`TEXT_BYTES_MAX`].
    static LEFT: Cell<Spare> = const { Cell::new(Spare(Vec::new())) };
}

/// Texts that nobody reads any more.
#[derive(Default)]
pub(crate) struct Spare(Vec<String>);

impl Spare {
    /// What is left on this thread. Whoever comes meanwhile begins with nothing.
    pub(super) fn take() -> Self {
        LEFT.take()
    }

    /// Leaves it for the next.
    pub(super) fn leave(self) {
        LEFT.set(self);
    }

    /// A copy of a text.
    pub(crate) fn copy(&mut self, text: &str) -> String {
        let mut own = self.0.pop().unwrap_or_default();
        own.push_str(text);
        own
    }

    /// Takes the texts of an activity.
    pub(super) fn gather(&mut self, mut activity: Activity) {
        for field in Field::ALL {
            let text = activity.text_mut(field).and_then(Option::take);
            text.into_iter().for_each(|text| self.keep(text));
        }
        self.keep(activity.event_id.into());
    }

    fn keep(&mut self, mut text: String) {
        if self.0.len() < TEXTS_MAX && text.capacity() <= TEXT_BYTES_MAX {
            text.clear();
            self.0.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_model::{EventId, EventType};

    #[test]
    fn of_an_activity_the_texts_are_used_again_and_large_ones_are_not_kept() {
        let mut spare = Spare::default();
        let mut activity = Activity::bare(EventId::new("e1").unwrap(), EventType::Other);
        activity.object_name = Some("q3.docx".into());
        activity.object_path = Some("x".repeat(TEXT_BYTES_MAX + 1));
        spare.gather(activity);
        let kept: Vec<usize> = spare.0.iter().map(String::capacity).collect();
        assert_eq!(kept, [7, 2]);
        assert_eq!(spare.copy("a"), "a");
        for _ in 0..TEXTS_MAX + 1 {
            spare.keep("y".into());
        }
        assert_eq!(spare.0.len(), TEXTS_MAX);
    }
}
