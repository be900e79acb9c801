//! Policies: the rule language, and the verdict of policies on an activity and its content. Pure: no I/O, no clock.
//!
//! A rule is cut into tokens, read into an [`Expression`], checked against the [`catalogue`] of names and
//! compiled once. Evaluation is three-valued: what is absent is unknown, and a policy that cannot be
//! decided says so. `docs/rules.md` is the reference of the language, generated from the catalogue.
//!
//! - [`check`]: every mistake of a policy document, before it is saved.
//! - [`PolicySet`]: the policies in use; [`PolicySet::evaluate`] gives the verdict and what it still needs.
//! - [`Decision`]: what such a verdict decides of an attempt, with winner, losers and reasons.
//! - [`CompiledPolicy::explain`]: one policy's outcome with its trace.
//! - [`templates`]: policies to start from.

mod agent;
mod catalogue;
mod checker;
mod compiled;
mod decision;
mod document;
mod domain;
mod explain;
mod expression;
mod index;
mod input;
mod label;
mod metadata;
mod mistake;
mod network;
mod notification;
mod parser;
mod pattern;
mod program;
mod reader;
mod reasons;
mod set;
mod shared;
mod templates;
mod time;
mod token;
mod value;

pub use agent::agent_of;
pub use catalogue::{Arity, Entry, Example, Parameter, Reads, Takes, Type, catalogue};
pub use compiled::CompiledPolicy;
pub use decision::{Decision, Excepted};
pub use document::{check, check_response, detectors, reads_labels};
pub use explain::{TRACE_NODES_MAX, TRACE_TEXT_CHARS_MAX};
pub use expression::Expression;
pub use input::{
    COUNTRY_NOT_LOOKED_UP, Circumstances, Confidence, ContentFacts, ContentState, Coverage,
    FileAttributes, Input,
};
pub use label::MoreLabels;
pub use mistake::{MISTAKES_MAX, Mistake, MistakeCode, Position};
pub use notification::Message;
pub use parser::{LIST_ITEMS_MAX, RULE_DEPTH_MAX};
pub use reasons::REASONS_MAX;
pub use set::{Chain, Evaluation, Needs, PolicySet};
pub use templates::{Template, templates};
