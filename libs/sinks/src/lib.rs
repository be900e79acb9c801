//! Sinks: incidents handed on to what a SOC works with, as they happen.
//!
//! Each sink reads the topic `tidegate.incidents` as a consumer group of its own, so its place is durable, and
//! one that is away holds nobody else up. What it promises: none is lost, the versions of one incident arrive
//! in their order, and what arrives twice has the same id. What a receiver refuses for good is logged and
//! counted, and does not hold up the rest.
//!
//! - [`SinkSettings`]: what a file of sinks says, checked.
//! - [`Sinks`]: the sinks at work. [`Sinks::try_out`] sends a test event to one.
//! - [`Desk`]: how far each has come, for who looks at it.
//! - `format`: OCSF, CEF, LEEF. `destination`: file, webhook, syslog, Splunk, chat, e-mail, Kafka.

mod board;
mod desk;
mod destination;
mod event;
mod format;
mod gather;
mod pump;
mod settings;
mod stream;

pub use desk::Desk;
pub use destination::{DeliveryError, Reach};
pub use event::{Severity, Told};
pub use format::Format;
pub use pump::{Sinks, SinksPorts};
pub use settings::{SettingsError, SinkSettings};
