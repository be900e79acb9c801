//! toy-cloud
