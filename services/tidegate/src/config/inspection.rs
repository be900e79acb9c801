use std::thread::available_parallelism;

use super::source::Reading;

/// Most processes that inspect, and most of them when nobody says how many: the evaluator has no
/// more contents at a time.
const WORKERS_MAX: usize = 256;
const WORKERS_BY_ITSELF_MAX: usize = 6;

/// How content is inspected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Processes at a time; none inspects within the evaluator's own.
    pub workers: usize,
    /// Address space of one of them, in MiB.
    pub memory_mb: u64,
    /// Longest that one content may take, in seconds.
    pub seconds: u64,
}

impl Inspection {
    pub(super) fn read(reading: &mut Reading) -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Inspection {
            workers: reading
                .take("inspect_workers", |text| {
                    within(text, 0, WORKERS_MAX, "processes")
                })
                .unwrap_or(processors.min(WORKERS_BY_ITSELF_MAX)),
            memory_mb: reading
                .take("inspect_memory_mb", |text| within(text, 256, 65_536, "MiB"))
                .unwrap_or(1_024),
            seconds: reading
                .take("inspect_seconds", |text| within(text, 1, 600, "seconds"))
                .unwrap_or(30),
        }
    }
}

fn within<N: std::str::FromStr + PartialOrd + std::fmt::Display>(
    text: &str,
    least: N,
    most: N,
    unit: &str,
) -> Result<N, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| *number >= least && *number <= most);
    number.ok_or_else(|| format!("`{text}` is not a number of {unit} from {least} to {most}"))
}
