//! What the address of a list asks for: the links that change one thing of it, and the chips that take one
//! thing away.

use crate::query::Query;

use super::links::link;

/// What an address asks for.
pub(super) struct Asked {
    path: &'static str,
    pairs: Vec<(&'static str, String)>,
}

/// A filter that is set, with a link without it.
pub(super) struct Chip {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) without: String,
}

/// A choice that is a link.
pub(super) struct Tab {
    pub(super) label: &'static str,
    pub(super) href: String,
    pub(super) chosen: bool,
}

/// A choice of a form: its value, how it reads, whether it is chosen.
pub(super) type Choice = (String, String, bool);

impl Asked {
    /// What a query asks of the list at that path.
    pub(super) fn of(path: &'static str, names: &[&'static str], query: &Query) -> Self {
        let names = names.iter();
        Asked {
            path,
            pairs: names
                .filter_map(|name| Some((*name, query.text(name)?)))
                .collect(),
        }
    }

    /// The value of that name; empty where there is none.
    pub(super) fn value(&self, name: &str) -> &str {
        let mut pairs = self.pairs.iter();
        pairs
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// Whether nothing is asked.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The same with another value; an empty one takes it away.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let others = self.pairs.iter().filter(|(key, _)| *key != name);
        let others = others.map(|(key, value)| (*key, value.as_str()));
        link(self.path, others.chain([(name, value)]))
    }

    /// The same of another path.
    pub(super) fn at<'v>(&'v self, path: &str, more: &[(&'v str, &'v str)]) -> String {
        let pairs = self.pairs.iter();
        let pairs = pairs.map(|(key, value)| (*key, value.as_str()));
        link(path, pairs.chain(more.iter().copied()))
    }

    /// The query as it stands behind the question mark.
    pub(super) fn query(&self) -> String {
        self.at("", &[]).trim_start_matches('?').to_owned()
    }

    /// What a form must carry that has not these fields.
    pub(super) fn besides(&self, fields: &[&str]) -> Vec<(&'static str, String)> {
        let pairs = self.pairs.iter();
        pairs
            .filter(|(name, _)| !fields.contains(name))
            .cloned()
            .collect()
    }

    /// What is asked, each with a link that takes it away.
    pub(super) fn chips(&self, said: impl Fn(&str, &str) -> String) -> Vec<Chip> {
        let pairs = self.pairs.iter();
        pairs
            .map(|(name, value)| Chip {
                name: name.replace('_', " "),
                value: said(name, value),
                without: self.with(name, ""),
            })
            .collect()
    }

    /// The values of a name as links, one of them chosen.
    pub(super) fn tabs(&self, name: &str, all: &[(&'static str, &str)]) -> Vec<Tab> {
        let now = self.value(name);
        let tab = |(label, value): &(&'static str, &str)| Tab {
            label,
            href: self.with(name, value),
            chosen: now == *value,
        };
        all.iter().map(tab).collect()
    }
}

/// The choices of a form, of which the one with that value is chosen.
pub(super) fn choices(
    all: impl IntoIterator<Item = (String, String)>,
    chosen: &str,
) -> Vec<Choice> {
    let all = all.into_iter();
    all.map(|(value, label)| {
        let is_chosen = value == chosen;
        (value, label, is_chosen)
    })
    .collect()
}
