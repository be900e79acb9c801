//! Incidents by day as a drawing of stacked bars, made on the server: it needs no script.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use event_model::{IncidentDelta, ReplayAsk};

/// Width of the drawing, in its own units.
const WIDTH: f64 = 720.0;
/// Height of the highest bar.
const HEIGHT: f64 = 120.0;
/// Least height of what is there, so that nothing vanishes.
const LOWEST: f64 = 2.0;

/// A part of a day's bar.
pub(super) struct Part {
    /// `added`, `gone`, `same` or `undecided`.
    pub(super) class: &'static str,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) height: String,
    pub(super) title: String,
    /// The list that it counts, where there is one.
    pub(super) href: String,
}

/// The drawing.
#[derive(Default)]
pub(super) struct Chart {
    pub(super) parts: Vec<Part>,
    pub(super) first: String,
    pub(super) last: String,
    /// Incidents of the highest bar.
    pub(super) highest: u64,
}

/// One bar a day from the first day to the last, as long as a trial may be.
pub(super) fn chart(
    days: &BTreeMap<String, IncidentDelta>,
    first: NaiveDate,
    last: NaiveDate,
) -> Chart {
    let count = (last - first).num_days().clamp(0, ReplayAsk::DAYS_MAX) as u64 + 1;
    let whole = |delta: &IncidentDelta| delta.added + delta.gone + delta.same + delta.undecided;
    let highest = days.values().map(whole).max().unwrap_or_default();
    if highest == 0 {
        return Chart::default();
    }
    let step = WIDTH / count as f64;
    let mut parts = Vec::new();
    for place in 0..count {
        let Some(day) = first.checked_add_days(Days::new(place)) else {
            break;
        };
        let name = day.format("%Y-%m-%d").to_string();
        if let Some(delta) = days.get(&name) {
            stack(
                &mut parts,
                &name,
                *delta,
                place as f64 * step,
                step,
                highest,
            );
        }
    }
    Chart {
        parts,
        first: first.to_string(),
        last: last.to_string(),
        highest,
    }
}

/// A layer of every bar, the lowest first.
pub(super) struct Layer {
    /// Its class, which gives the colour.
    pub(super) class: &'static str,
    /// What it counts.
    pub(super) said: &'static str,
}

/// One bar a day from the first day to the last: of each layer so many. Each part leads to the incidents of its day.
pub(super) fn stacked(
    counts: &BTreeMap<String, Vec<u64>>,
    layers: &[Layer],
    first: NaiveDate,
    last: NaiveDate,
) -> Chart {
    let days: Vec<NaiveDate> = first.iter_days().take_while(|day| *day <= last).collect();
    let highest = counts.values().map(|of| of.iter().sum()).max().unwrap_or(0);
    if highest == 0 || days.is_empty() {
        return Chart::default();
    }
    let step = WIDTH / days.len() as f64;
    let mut parts = Vec::new();
    for (place, day) in days.iter().enumerate() {
        let of_day = counts.get(&day.to_string()).map_or(&[][..], Vec::as_slice);
        let mut y = HEIGHT;
        for (layer, number) in layers.iter().zip(of_day).filter(|(_, number)| **number > 0) {
            let height = (HEIGHT * *number as f64 / highest as f64).max(LOWEST);
            y -= height;
            parts.push(Part {
                class: layer.class,
                x: format!("{:.1}", place as f64 * step),
                y: format!("{:.1}", y.max(0.0)),
                width: format!("{:.1}", step * 0.85),
                height: format!("{height:.1}"),
                title: format!("{day}: {number} {}", layer.said),
                href: of_one_day(*day, layer.class),
            });
        }
    }
    Chart {
        parts,
        first: first.to_string(),
        last: last.to_string(),
        highest,
    }
}

/// The incidents of a day and a severity.
fn of_one_day(day: NaiveDate, severity: &str) -> String {
    let (from, to) = (day.to_string(), (day + Days::new(1)).to_string());
    let every = "new,in_progress,reopened,resolved,false_positive,suppressed";
    let asked = [
        ("status", every),
        ("repeats", "true"),
        ("severity", severity),
    ];
    super::links::link(
        "/",
        asked
            .into_iter()
            .chain([("from", from.as_str()), ("to", to.as_str())]),
    )
}

fn stack(parts: &mut Vec<Part>, day: &str, delta: IncidentDelta, x: f64, step: f64, highest: u64) {
    let mut y = HEIGHT;
    for (class, said, number) in [
        ("same", "as before", delta.same),
        ("undecided", "cannot be told", delta.undecided),
        ("gone", "gone", delta.gone),
        ("added", "added", delta.added),
    ] {
        if number == 0 {
            continue;
        }
        let height = (HEIGHT * number as f64 / highest as f64).max(LOWEST);
        y -= height;
        parts.push(Part {
            class,
            x: format!("{x:.1}"),
            y: format!("{:.1}", y.max(0.0)),
            width: format!("{:.1}", (step * 0.85).max(0.8)),
            height: format!("{height:.1}"),
            title: format!("{day}: {number} {said}"),
            href: String::new(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_stand_where_they_are_in_the_range_and_are_as_high_as_they_are_many() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let delta = |added, same| IncidentDelta {
            added,
            same,
            ..IncidentDelta::default()
        };
        let days = BTreeMap::from([
            ("2026-01-01".to_owned(), delta(1, 3)),
            ("2026-01-10".to_owned(), delta(2, 0)),
            ("2025-12-31".to_owned(), delta(1, 0)),
        ]);
        let drawn = chart(&days, day("2026-01-01"), day("2026-01-10"));
        let told: Vec<(&str, &str, &str)> = drawn
            .parts
            .iter()
            .map(|part| (part.title.as_str(), part.x.as_str(), part.height.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("2026-01-01: 3 as before", "0.0", "90.0"),
                ("2026-01-01: 1 added", "0.0", "30.0"),
                ("2026-01-10: 2 added", "648.0", "60.0"),
            ]
        );
        assert_eq!(drawn.highest, 4);
        assert!(
            chart(&BTreeMap::new(), day("2026-01-01"), day("2026-01-02"))
                .parts
                .is_empty()
        );
    }
}
