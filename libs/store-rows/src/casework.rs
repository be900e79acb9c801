//! Figures about people's work, from the moments of closed incidents and the verdicts.

use std::collections::BTreeMap;

use event_model::{CaseVerdict, PolicyId};
use ports::{CaseTimes, PolicyVerdicts, Spread, StoreError};

use crate::failure::{corrupt, word};

/// The moments of a closed incident in microseconds: event, recorded, taken, qualified, closed.
pub type Worked = (Option<i64>, i64, Option<i64>, Option<i64>, Option<i64>);

/// How fast people worked on these. A time that would be negative, because a service's clock is ahead,
/// counts as none.
pub fn case_times(rows: &[Worked]) -> CaseTimes {
    let of = |span: fn(&Worked) -> Option<i64>| {
        let spans = rows.iter().filter_map(span);
        spread(spans.map(|micros| (micros / 1_000).max(0)).collect())
    };
    CaseTimes {
        to_detect_ms: of(|(event, created, ..)| Some(created - (*event)?)),
        to_triage_ms: of(|(_, created, taken, ..)| Some((*taken)? - created)),
        to_acknowledge_ms: of(|(event, _, taken, ..)| Some((*taken)? - (*event)?)),
        to_qualify_ms: of(|(_, created, _, qualified, _)| Some((*qualified)? - created)),
        to_resolve_ms: of(|(_, created, .., closed)| Some((*closed)? - created)),
    }
}

/// By the nearest rank; none of no values.
fn spread(mut values: Vec<i64>) -> Option<Spread> {
    values.sort_unstable();
    let rank = |percent: usize| {
        let rank = (values.len() * percent).div_ceil(100);
        values.get(rank.checked_sub(1)?).copied()
    };
    Some(Spread {
        p50: rank(50)?,
        p90: rank(90)?,
    })
}

/// Rows of policy, verdict and how many.
///
/// # Errors
/// `Corrupt` when one is no id or no verdict.
pub fn policy_verdicts(
    rows: Vec<(String, String, i64)>,
) -> Result<BTreeMap<PolicyId, PolicyVerdicts>, StoreError> {
    let mut all: BTreeMap<PolicyId, PolicyVerdicts> = BTreeMap::new();
    for (policy, verdict, count) in rows {
        let policy = policy.parse().map_err(corrupt("policy id"))?;
        let verdict = word("verdict", CaseVerdict::from_word(&verdict))?;
        let of = all.entry(policy).or_default();
        of.0.insert(verdict, count as u64);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_measured_from_where_its_definition_says() {
        let row = (Some(1_000), 3_000, Some(10_000), Some(20_000), Some(50_000));
        let times = case_times(&[row]);
        let p50 = |spread: Option<Spread>| spread.unwrap().p50;
        assert_eq!(p50(times.to_detect_ms), 2);
        assert_eq!(p50(times.to_triage_ms), 7);
        assert_eq!(p50(times.to_acknowledge_ms), 9);
        assert_eq!(p50(times.to_qualify_ms), 17);
        assert_eq!(p50(times.to_resolve_ms), 47);
        let ahead = (Some(9_000), 3_000, None, None, Some(4_000));
        let times = case_times(&[ahead]);
        assert_eq!(p50(times.to_detect_ms), 0, "a clock that is ahead");
        assert_eq!(times.to_triage_ms, None, "nobody took it");
        assert_eq!(case_times(&[]), CaseTimes::default());
    }
}
