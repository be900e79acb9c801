//! The rule language seen from outside: tables, properties and the reference.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its own table must stop"
)]

mod decisions;
mod documents;
mod facts;
mod properties;
mod reference;
mod rules;
mod sets;
mod templates;
