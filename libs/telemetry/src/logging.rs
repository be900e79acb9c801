use opentelemetry::trace::TracerProvider;
use thiserror::Error;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::collector::{Collector, CollectorOptions};
use crate::journey;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, Error)]
pub enum LogSetupError {
    /// The filter cannot be read.
    #[error("`{filter}` is not a log filter: write `info`, or `info,connector=debug`")]
    Filter {
        /// As given.
        filter: String,
    },
    /// Another subscriber is there already.
    #[error("logging was set up before")]
    Twice,
    /// Traces cannot be sent there.
    #[error("traces cannot be sent to `{endpoint}`: {detail}")]
    Collector {
        /// As given.
        endpoint: String,
        /// Why.
        detail: String,
    },
}

/// Starts writing log lines to standard error.
///
/// # Errors
/// When the filter is malformed, or logging was started before.
pub fn start_logging(filter: &str, format: LogFormat) -> Result<(), LogSetupError> {
    start(filter, format, None).map(drop)
}

/// Starts writing log lines to standard error, and sending journeys to a collector where one is
/// named. Call it within the runtime then, and keep what it gives until the end.
///
/// # Errors
/// When the filter is malformed, logging was started before, or the collector's address is none.
pub fn start(
    filter: &str,
    format: LogFormat,
    collector: Option<&CollectorOptions>,
) -> Result<Option<Collector>, LogSetupError> {
    let filter = EnvFilter::try_new(filter).map_err(|_| LogSetupError::Filter {
        filter: filter.to_owned(),
    })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => lines.with_target(false).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let sending = match collector {
        Some(options) => Some((Collector::new(options)?, options.ratio)),
        None => None,
    };
    let stages = sending.as_ref().map(|(collector, _)| {
        tracing_opentelemetry::layer()
            .with_tracer(collector.0.tracer("tidegate"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(journey::TARGET, tracing::Level::INFO))
    });
    let set = tracing_subscriber::registry()
        .with(lines)
        .with(stages)
        .try_init();
    set.map_err(|_| LogSetupError::Twice)?;
    Ok(sending.map(|(collector, ratio)| {
        journey::trace(ratio);
        collector
    }))
}
