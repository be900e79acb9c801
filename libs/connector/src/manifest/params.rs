//! `params`: what an administrator fills in for a connection.

use std::collections::BTreeMap;

use event_model::Connection;
use regex::Regex;
use serde::Serialize;

use crate::condition::read_regex;
use crate::mistake::{Mistake, Mistakes, did_you_mean};
use crate::node::Node;

/// One parameter of a connection.
#[derive(Debug, Clone, Serialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What a form calls it.
    pub title: String,
    /// Whether a connection must have it.
    pub required: bool,
    /// Whether its value must not be shown.
    pub secret: bool,
    /// Its value when none is given.
    pub default: Option<String>,
    /// What it is for.
    pub description: String,
    /// What its whole value must match.
    #[serde(skip)]
    pub(crate) pattern: Option<Regex>,
}

impl Param {
    /// A choice of words, with a default.
    pub(crate) fn one_of(name: &str, words: &[&str], default: &str, told: &str) -> Self {
        let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
        Param {
            name: name.to_owned(),
            title: "Authorization".to_owned(),
            required: false,
            secret: false,
            default: Some(default.to_owned()),
            description: format!("One of: {told}."),
            pattern: Regex::new(&words.join("|")).ok(),
        }
    }
}

/// Longest value of a parameter, in bytes.
const VALUE_BYTES_MAX: usize = 8 * 1024;

pub(crate) fn read(node: &Node<'_>) -> Option<Vec<Param>> {
    let entries = node.entries()?;
    let params: Vec<Option<Param>> = entries
        .iter()
        .map(|(name, node)| read_one(name, node))
        .collect();
    params.into_iter().collect()
}

fn read_one(name: &str, node: &Node<'_>) -> Option<Param> {
    let fields = node.fields()?;
    let title = fields.read("title", name.to_owned(), Node::text);
    let required = fields.read("required", false, Node::boolean);
    let secret = fields.read("secret", false, Node::boolean);
    let default = fields.maybe("default", Node::text);
    let description = fields.read("description", String::new(), Node::text);
    let pattern = fields.maybe("pattern", read_regex);
    Some(Param {
        name: name.to_owned(),
        title: title?,
        required: required?,
        secret: secret?,
        default: default?,
        description: description?,
        pattern: pattern?,
    })
}

/// The values in force: those given, and defaults for the others.
pub(crate) fn in_force(params: &[Param], connection: &Connection) -> BTreeMap<String, String> {
    params
        .iter()
        .filter_map(|param| {
            let given = connection.params.get(&param.name);
            let given = given.filter(|value| !value.is_empty());
            let value = given.or(param.default.as_ref())?;
            Some((param.name.clone(), value.clone()))
        })
        .collect()
}

/// What is wrong with the values given.
pub(crate) fn check(params: &[Param], given: &BTreeMap<String, String>) -> Vec<Mistake> {
    let mistakes = Mistakes::of("connection");
    let wrong = |name: &str, message: String, hint: Option<String>| {
        mistakes.add((0, 0), &format!("/params/{name}"), message, hint);
    };
    for param in params {
        let value = given.get(&param.name).filter(|value| !value.is_empty());
        match value {
            None if param.required && param.default.is_none() => {
                wrong(&param.name, format!("`{}` is required", param.name), None);
            }
            Some(value) if value.len() > VALUE_BYTES_MAX => {
                let message = format!("a value has at most {VALUE_BYTES_MAX} bytes");
                wrong(&param.name, message, None);
            }
            Some(value)
                if !param
                    .pattern
                    .as_ref()
                    .is_none_or(|regex| matches_whole(regex, value)) =>
            {
                let message = format!(
                    "`{}` does not have the form that the service uses",
                    param.name
                );
                wrong(&param.name, message, Some(param.description.clone()));
            }
            _ => {}
        }
    }
    for name in given.keys() {
        if !params.iter().any(|param| param.name == *name) {
            let hint = did_you_mean(name, params.iter().map(|param| param.name.as_str()));
            wrong(name, format!("the service has no parameter `{name}`"), hint);
        }
    }
    mistakes.all()
}

fn matches_whole(regex: &Regex, value: &str) -> bool {
    regex
        .find(value)
        .is_some_and(|found| found.len() == value.len())
}
