//! An event's way to its effect as a drawing: each stretch with what it took. Widths are logarithmic,
//! because a service's minutes and our milliseconds must both be seen.

use chrono::{DateTime, Utc};
use event_model::Latency;

use super::wording;

/// Width of the drawing's bars, in its own units.
const WIDTH: f64 = 560.0;
/// Narrowest bar, so that nothing vanishes.
const NARROWEST: f64 = 3.0;
/// Height of a stretch.
const ROW: f64 = 26.0;

/// A stretch of the way.
pub(super) struct Stretch {
    pub(super) label: &'static str,
    pub(super) took: String,
    /// `theirs` for what the service took, `ours` for what Tidegate took.
    pub(super) whose: &'static str,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) text_y: String,
}

/// The stretches between the moments that are known, and the drawing's height.
pub(super) fn waterfall(latency: &Latency) -> (Vec<Stretch>, String) {
    let moments: [(&str, &str, Option<DateTime<Utc>>); 7] = [
        ("", "", latency.event_at),
        ("logged by the service", "theirs", latency.logged_at),
        ("received", "theirs", latency.received_at),
        ("in the activity log", "ours", latency.appended_at),
        ("evaluated", "ours", latency.evaluated_at),
        ("incident recorded", "ours", latency.recorded_at),
        ("effect verified", "ours", latency.effect_at),
    ];
    let known: Vec<_> = moments
        .into_iter()
        .filter_map(|(label, whose, at)| Some((label, whose, at?)))
        .collect();
    let spans: Vec<_> = known
        .windows(2)
        .map(|pair| {
            (
                pair[1].0,
                pair[1].1,
                (pair[1].2 - pair[0].2).num_milliseconds(),
            )
        })
        .collect();
    let weight = |ms: i64| (ms.max(0) as f64).ln_1p();
    let whole: f64 = spans.iter().map(|(.., ms)| weight(*ms)).sum();
    let free = WIDTH - NARROWEST * spans.len() as f64;
    let mut x = 0.0;
    let mut stretches = Vec::new();
    for (row, (label, whose, ms)) in spans.into_iter().enumerate() {
        let share = if whole > 0.0 { weight(ms) / whole } else { 0.0 };
        let (width, y) = (NARROWEST + free * share, row as f64 * ROW);
        stretches.push(Stretch {
            label,
            took: wording::duration(ms),
            whose,
            x: format!("{:.1}", 170.0 + x),
            y: format!("{:.1}", y + 5.0),
            width: format!("{width:.1}"),
            text_y: format!("{:.1}", y + 18.0),
        });
        x += width;
    }
    let height = format!("{:.0}", stretches.len() as f64 * ROW + 4.0);
    (stretches, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bars_follow_each_other_and_fill_the_width() {
        let at = |ms: i64| DateTime::from_timestamp_millis(1_700_000_000_000 + ms);
        let latency = Latency {
            event_at: at(0),
            logged_at: None,
            received_at: at(60_000),
            appended_at: at(60_004),
            evaluated_at: at(60_004),
            recorded_at: at(60_020),
            effect_at: None,
        };
        let (stretches, _) = waterfall(&latency);
        let took: Vec<&str> = stretches
            .iter()
            .map(|stretch| stretch.took.as_str())
            .collect();
        assert_eq!(took, ["1.0 min", "4 ms", "0 ms", "16 ms"]);
        let number = |text: &str| text.parse::<f64>().unwrap();
        for pair in stretches.windows(2) {
            let end = number(&pair[0].x) + number(&pair[0].width);
            assert!((end - number(&pair[1].x)).abs() < 0.3);
        }
        let last = stretches.last().unwrap();
        let end = number(&last.x) + number(&last.width);
        assert!((end - 170.0 - WIDTH).abs() < 0.3);
    }

    #[test]
    fn nothing_known_is_nothing_drawn() {
        assert!(waterfall(&Latency::default()).0.is_empty());
    }
}
