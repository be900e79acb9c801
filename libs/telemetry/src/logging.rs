use thiserror::Error;
use tracing_subscriber::EnvFilter;

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
}

/// Starts writing log lines to standard error.
///
/// # Errors
/// When the filter is malformed, or logging was started before.
pub fn start_logging(filter: &str, format: LogFormat) -> Result<(), LogSetupError> {
    let filter = EnvFilter::try_new(filter).map_err(|_| LogSetupError::Filter {
        filter: filter.to_owned(),
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let set = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    set.map_err(|_| LogSetupError::Twice)
}
