//! How long it took from receiving to effect.

/// Incidents that the latency is computed over.
pub const EFFECTS_MAX: i64 = 1_000;

/// Median and 99th percentile, by the nearest rank; none of no values.
pub fn percentiles(mut values: Vec<i64>) -> Option<(i64, i64)> {
    values.sort_unstable();
    let rank = |percent: usize| {
        let rank = (values.len() * percent).div_ceil(100);
        values.get(rank.checked_sub(1)?).copied()
    };
    Some((rank(50)?, rank(99)?))
}

#[cfg(test)]
mod tests {
    use super::percentiles;

    #[test]
    fn percentiles_are_values_that_occurred() {
        for (values, expected) in [
            (vec![], None),
            (vec![7], Some((7, 7))),
            (vec![3, 1, 2], Some((2, 3))),
            ((1..=200).rev().collect(), Some((100, 198))),
        ] {
            assert_eq!(percentiles(values), expected);
        }
    }
}
