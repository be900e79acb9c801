//! Where values come from, and what was wrong with them.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use super::key::KEYS;
use super::{ConfigError, ConfigMistake, Shown};

/// What was given: flags, environment and file, not yet understood.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Flags by key.
    pub flags: BTreeMap<&'static str, String>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// The configuration file that was named.
    pub file: Option<PathBuf>,
}

struct Value {
    place: String,
    text: String,
}

/// A configuration being read: values are taken key by key, mistakes are collected.
pub(super) struct Reading {
    values: BTreeMap<String, Value>,
    mistakes: Vec<ConfigMistake>,
}

impl Reading {
    pub(super) fn of(given: &Given) -> Self {
        let mut reading = Reading {
            values: BTreeMap::new(),
            mistakes: Vec::new(),
        };
        if let Some(path) = &given.file {
            reading.read_file(path);
        }
        reading.read_environment(&given.environment);
        for (key, text) in &given.flags {
            let place = format!("--{}", key.replace('_', "-"));
            reading.values.insert(
                (*key).to_owned(),
                Value {
                    place,
                    text: text.clone(),
                },
            );
        }
        reading
    }

    /// Every key, with its value and where that was written. Secrets are left out.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let keys = KEYS.iter();
        keys.map(|key| {
            let value = self.values.get(key.name);
            let given = value.map(|value| (value.place.as_str(), value.text.as_str()));
            Shown::of(key, given)
        })
        .collect()
    }

    /// The key's value, understood; none when not given or not understood.
    pub(super) fn take<T>(
        &mut self,
        key: &str,
        understand: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.values.remove(key)?;
        match understand(&value.text) {
            Ok(understood) => Some(understood),
            Err(message) => {
                self.mistakes.push(ConfigMistake {
                    place: value.place,
                    message,
                });
                None
            }
        }
    }

    pub(super) fn finish(self) -> Result<(), ConfigError> {
        if self.mistakes.is_empty() {
            Ok(())
        } else {
            Err(ConfigError(self.mistakes))
        }
    }

    pub(super) fn mistake(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.mistakes.push(ConfigMistake {
            place: place.into(),
            message: message.into(),
        });
    }

    fn read_file(&mut self, path: &std::path::Path) {
        let name = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.mistake(name, format!("cannot be read: {error}")),
        };
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().map(|span| line_of(&text, span.start));
                let place = line.map_or(name.clone(), |line| format!("{name}, line {line}"));
                return self.mistake(place, error.message().to_owned());
            }
        };
        for (key, value) in table {
            let place = match text.lines().position(|line| starts_with_key(line, &key)) {
                Some(line) => format!("{name}, line {}", line + 1),
                None => name.clone(),
            };
            if !is_known(&key) {
                self.mistake(place, unknown(&key));
                continue;
            }
            match value {
                toml::Value::String(text) => {
                    self.values.insert(key, Value { place, text });
                }
                toml::Value::Integer(number) => {
                    let text = number.to_string();
                    self.values.insert(key, Value { place, text });
                }
                other => self.mistake(
                    place,
                    format!("`{key}` must be a string or a number, not {other}"),
                ),
            }
        }
    }

    fn read_environment(&mut self, environment: &BTreeMap<String, String>) {
        let mut set = HashSet::new();
        for key in KEYS {
            let name = format!("TIDEGATE_{}", key.name.to_uppercase());
            if let Some(text) = environment.get(&name) {
                set.insert(key.name);
                let value = Value {
                    place: name.clone(),
                    text: text.clone(),
                };
                self.values.insert(key.name.to_owned(), value);
            }
            let file_name = format!("{name}_FILE");
            if let (true, Some(path)) = (key.secret, environment.get(&file_name)) {
                if set.contains(key.name) {
                    self.mistake(file_name, format!("give either this or `{name}`"));
                    continue;
                }
                match std::fs::read_to_string(path) {
                    Ok(text) => {
                        let value = Value {
                            place: file_name,
                            text: text.trim().to_owned(),
                        };
                        self.values.insert(key.name.to_owned(), value);
                    }
                    Err(error) => {
                        self.mistake(file_name, format!("`{path}` cannot be read: {error}"))
                    }
                }
            }
        }
    }
}

fn is_known(key: &str) -> bool {
    KEYS.iter().any(|known| known.name == key)
}

fn unknown(key: &str) -> String {
    let close = KEYS.iter().min_by_key(|known| distance(known.name, key));
    let hint = close.filter(|known| distance(known.name, key) <= 3);
    match hint {
        Some(known) => format!("there is no key `{key}`, did you mean `{}`?", known.name),
        None => format!("there is no key `{key}`; `tidegate config` shows them all"),
    }
}

/// Edit distance (Levenshtein) of two short names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

fn starts_with_key(line: &str, key: &str) -> bool {
    let rest = line.trim_start().trim_start_matches('"').strip_prefix(key);
    rest.is_some_and(|rest| rest.trim_start_matches('"').trim_start().starts_with('='))
}
