//! Chance that repeats: every roll is a pure function of the seed, of what is rolled for, and of how often it was rolled before.
//! So the same seed and the same sequence of requests give the same faults.

/// What a roll is for; each has its own stream, so that one kind of fault does not disturb another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Rule(usize),
    Reorder,
    Repeat,
    ShortPage,
    EmptyPage,
    Drop,
    Duplicate,
    Jitter,
    Load,
    Large,
}

impl Stream {
    fn number(self) -> u64 {
        match self {
            Self::Reorder => 1,
            Self::Repeat => 2,
            Self::ShortPage => 3,
            Self::EmptyPage => 4,
            Self::Drop => 5,
            Self::Duplicate => 6,
            Self::Jitter => 7,
            Self::Load => 8,
            Self::Large => 9,
            Self::Rule(index) => 1000 + index as u64,
        }
    }
}

/// One roll: 64 well-mixed bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roll(u64);

impl Roll {
    pub(crate) fn new(seed: u64, stream: Stream, n: u64) -> Self {
        Self(mix(
            mix(mix(seed).wrapping_add(stream.number())).wrapping_add(n)
        ))
    }

    /// A further roll derived from this one.
    pub(crate) fn again(self) -> Self {
        Self(mix(self.0))
    }

    pub(crate) fn happens(self, probability: f64) -> bool {
        let unit = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        unit < probability
    }

    /// A number from 0 up to and including `most`.
    pub(crate) fn up_to(self, most: u64) -> u64 {
        most.checked_add(1).map_or(self.0, |sides| self.0 % sides)
    }
}

/// SplitMix64.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roll_depends_on_seed_stream_and_count_and_hits_about_its_probability() {
        let hits = |seed, stream| {
            (0..10_000)
                .filter(|n| Roll::new(seed, stream, *n).happens(0.3))
                .collect::<Vec<_>>()
        };
        assert_eq!(hits(1, Stream::Drop), hits(1, Stream::Drop));
        assert_ne!(hits(1, Stream::Drop), hits(2, Stream::Drop));
        assert_ne!(hits(1, Stream::Drop), hits(1, Stream::Duplicate));
        let share = hits(1, Stream::Drop).len();
        assert!((2_800..3_200).contains(&share), "{share} of 10000");
        assert!(!Roll::new(1, Stream::Drop, 1).happens(0.0));
        assert!(Roll::new(1, Stream::Drop, 1).happens(1.0));
    }
}
