//! Policies: the rule language, and the verdict of policies on an activity and its content. Pure: no I/O, no clock.
//!
//! A rule is cut into tokens, read into an [`Expression`], checked against the [`catalogue`] of names and
//! compiled once. Evaluation is three-valued: what is absent is unknown, and a policy that cannot be
//! decided says so. `docs/rules.md` is the reference of the language, generated from the catalogue.
//!
//! - [`check`]: every mistake of a policy document, before it is saved.
//! - [`PolicySet`]: the policies in use; [`PolicySet::evaluate`] gives the verdict and what it still needs.
//! - [`CompiledPolicy::explain`]: one policy's outcome with its trace.

mod catalogue;
mod checker;
mod compiled;
mod document;
mod domain;
mod explain;
mod expression;
mod input;
mod mistake;
mod network;
mod notification;
mod parser;
mod pattern;
mod program;
mod reader;
mod set;
mod token;
mod value;

pub use catalogue::{Arity, Entry, Example, Parameter, Reads, Type, catalogue};
pub use compiled::CompiledPolicy;
pub use document::{check, check_response};
pub use explain::{TRACE_NODES_MAX, TRACE_TEXT_CHARS_MAX};
pub use expression::Expression;
pub use input::{Confidence, ContentFacts, ContentState, Coverage, Input};
pub use mistake::{MISTAKES_MAX, Mistake, MistakeCode, Position};
pub use parser::{LIST_ITEMS_MAX, RULE_DEPTH_MAX};
pub use set::{Chain, Evaluation, Needs, PolicySet};
