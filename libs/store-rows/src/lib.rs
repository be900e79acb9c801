//! What every relational store does alike, whatever its database: how rows read, not where they are.
//!
//! Cursors, conditions of lists, the sealed forms of secrets, and what follows from
//! a document that was read. Nothing here knows a table; each store writes its own statements.

pub mod accounts;
pub mod board;
pub mod casework;
pub mod cursor;
pub mod detectors;
pub mod failure;
pub mod found;
pub mod incidents;
pub mod instants;
pub mod jobs;
pub mod latency;
pub mod members;
pub mod narrow;
pub mod remedies;
pub mod scoped;
pub mod sealed;
pub mod transfer;
