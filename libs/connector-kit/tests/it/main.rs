//! The kit against toy-cloud and against the connectors that come with Tidegate.

mod conformance;
mod connectors;
mod hostile;
mod reference;
mod world;
