//! Room for what waits for acknowledgement. A call that finds none is refused at once: nobody sleeps
//! before a full queue. A call larger than the bounds gets in when nothing else is there, so that it
//! is not refused for ever.

use std::sync::{Arc, Mutex};

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Taken {
    bytes: usize,
    records: usize,
}

/// The bounds, and what is taken of them.
#[derive(Debug)]
pub(crate) struct Room {
    bytes_max: usize,
    records_max: usize,
    taken: Mutex<Taken>,
}

/// A call's share of the room, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    room: Arc<Room>,
    size: Taken,
}

impl Room {
    pub(crate) fn new(bytes_max: usize, records_max: usize) -> Self {
        Room {
            bytes_max,
            records_max,
            taken: Mutex::default(),
        }
    }

    /// A share of so much, or none while there is no room.
    pub(crate) fn enter(self: &Arc<Self>, bytes: usize, records: usize) -> Option<Share> {
        let mut taken = self.taken.lock().expect("no holder panics");
        let fits = taken.bytes.saturating_add(bytes) <= self.bytes_max
            && taken.records.saturating_add(records) <= self.records_max;
        if !fits && taken.records > 0 {
            return None;
        }
        taken.bytes += bytes;
        taken.records += records;
        drop(taken);
        Some(Share {
            room: Arc::clone(self),
            size: Taken { bytes, records },
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock().expect("no holder panics");
        taken.bytes -= self.size.bytes;
        taken.records -= self.size.records;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_get_in_while_there_is_room_and_a_huge_one_alone() {
        let room = Arc::new(Room::new(100, 10));
        // bytes | records => whether it gets in, while everything before it is still there
        let mut held = Vec::new();
        for (bytes, records, enters) in [
            (60, 1, true),
            (41, 1, false),
            (40, 9, true),
            (0, 1, false),
            (500, 50, false),
        ] {
            let share = room.enter(bytes, records);
            assert_eq!(share.is_some(), enters, "{bytes} bytes, {records} records");
            held.extend(share);
        }
        held.clear();
        assert_eq!(*room.taken.lock().unwrap(), Taken::default());
        assert!(room.enter(500, 50).is_some(), "alone, a huge call gets in");
    }
}
