//! What the platform says of itself: log lines and metrics.
//!
//! Metric names are an enum ([`Counter`], [`Gauge`], [`Timing`]): a name that is not in it cannot
//! be written, and the documentation and dashboards can be held against it.

mod collector;
pub mod journey;
mod logging;
mod metrics;
mod names;

pub use collector::{Collector, CollectorOptions};
pub use logging::{LogFormat, LogSetupError, start, start_logging};
pub use metrics::Metrics;
pub use names::{Counter, Gauge, Spec, Timing};
#[doc(hidden)]
pub use tracing;
