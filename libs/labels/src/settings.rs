//! What an administrator says of labels: whom to believe, what detectors stand for, which fields
//! are labels. [`Labelling::build`] reports every mistake at once.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::document;
use crate::key::{PublicKey, SigningKey};
use crate::label::{Assurance, Label, Source};
use crate::manifest::{NameMatch, not_a_label};
use crate::trust::{KEYS_MAX, Trust};

/// Most rules of each kind.
const RULES_MAX: usize = 1_000;
/// Longest regular expression, in bytes.
const REGEX_BYTES_MAX: usize = 1_000;
/// Largest compiled regular expression, in bytes.
const REGEX_COMPILED_MAX: usize = 1 << 20;

/// What becomes of that which lacks its proof.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenAbsent {
    /// It is taken.
    #[default]
    Take,
    /// It does not count.
    Refuse,
}

/// The settings as they are written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Manifests without a signature. By default they are taken as long as there is no key.
    unsigned: Option<WhenAbsent>,
    /// Entries without a hash.
    without_hash: WhenAbsent,
    /// How names are compared.
    names: NameMatch,
    keys: Vec<KeySetting>,
    sign: Option<SignSetting>,
    detected: Option<Vec<Detection>>,
    mip_names: BTreeMap<String, String>,
    fields: Vec<FieldSetting>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySetting {
    id: String,
    public_key: Option<String>,
    public_key_file: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignSetting {
    id: String,
    private_key_file: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldSetting {
    field: String,
    value: String,
    label: String,
}

/// What a detector, or a group of detectors, stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detection {
    /// The label.
    pub label: String,
    /// The detector, or the group, by name.
    pub detector: String,
    /// How sure it must be: `low`, `medium` or `high`.
    #[serde(default = "Detection::default_confidence")]
    pub confidence: String,
    /// How many distinct values there must be, from 1.
    #[serde(default = "Detection::default_at_least")]
    pub at_least: usize,
}

impl Detection {
    /// Words of the confidences, from low to high.
    pub const CONFIDENCES: [&'static str; 3] = ["low", "medium", "high"];

    fn default_confidence() -> String {
        Self::CONFIDENCES[1].to_owned()
    }

    fn default_at_least() -> usize {
        1
    }

    fn level(&self) -> Option<usize> {
        Self::CONFIDENCES
            .iter()
            .position(|word| *word == self.confidence)
    }
}

/// What detectors stand for when nobody says so.
pub fn default_detections() -> Vec<Detection> {
    const DEFAULT: [(&str, &str); 11] = [
        ("Credit Cards", "credit-card"),
        ("Bank Accounts", "iban"),
        ("US SSN", "us-ssn"),
        ("US Passport", "us-passport"),
        ("UK National Insurance", "uk-nino"),
        ("Canadian SIN", "ca-sin"),
        ("French NIR", "fr-nir"),
        ("German Tax ID", "de-steuer-id"),
        ("Health", "uk-nhs-number"),
        ("Cloud Keys", "cloud-access-key"),
        ("Private Keys", "private-key"),
    ];
    let detection = |(label, detector): (&str, &str)| Detection {
        label: label.to_owned(),
        detector: detector.to_owned(),
        confidence: Detection::default_confidence(),
        at_least: 1,
    };
    DEFAULT.map(detection).into()
}

/// A mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {what}")]
pub struct LabellingMistake {
    /// Which setting.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

/// Fields of a document's metadata that are labels.
#[derive(Debug, Clone)]
struct FieldRule {
    field: Regex,
    value: Regex,
    label: String,
}

/// Pairs of a field's name and its value.
pub type Fields = [(String, String)];

/// What an administrator said, ready for use.
#[derive(Debug, Default)]
pub struct Labelling {
    /// Which manifests are believed.
    pub trust: Trust,
    /// How the names of files are compared.
    pub names: NameMatch,
    /// What manifests are signed with, and its id; none leaves them unsigned.
    pub signer: Option<(String, SigningKey)>,
    /// What detectors stand for.
    pub detections: Vec<Detection>,
    mip_names: BTreeMap<String, String>,
    fields: Vec<FieldRule>,
}

impl Labelling {
    /// What holds when nobody says anything: unsigned manifests are taken.
    pub fn built_in() -> Self {
        Labelling {
            detections: default_detections(),
            ..Labelling::default()
        }
    }

    /// Makes the settings ready. `read` gives the text of a file that they name, `is_detector`
    /// tells whether there is a detector, or a group, of a name.
    ///
    /// # Errors
    /// With every mistake.
    pub fn build(
        settings: Settings,
        read: &dyn Fn(&str) -> Result<String, String>,
        is_detector: &dyn Fn(&str) -> bool,
    ) -> Result<Self, Vec<LabellingMistake>> {
        let mut building = Building {
            read,
            mistakes: Vec::new(),
        };
        let keys = building.keys(settings.keys);
        let otherwise = match keys.is_empty() {
            true => WhenAbsent::Take,
            false => WhenAbsent::Refuse,
        };
        let labelling = Labelling {
            trust: Trust {
                keys,
                unsigned: settings.unsigned.unwrap_or(otherwise),
                without_hash: settings.without_hash,
            },
            names: settings.names,
            signer: settings.sign.and_then(|sign| building.signer(sign)),
            detections: building.detections(settings.detected, is_detector),
            mip_names: building.mip_names(settings.mip_names),
            fields: building.fields(settings.fields),
        };
        match building.mistakes.is_empty() {
            true => Ok(labelling),
            false => Err(building.mistakes),
        }
    }

    /// The labels that a document carries itself.
    pub fn of_document(&self, metadata: &Fields) -> Vec<Label> {
        let mut labels = document::labels(metadata, &self.mip_names);
        for rule in &self.fields {
            for (field, value) in metadata {
                labels.extend(
                    rule.label(field, value)
                        .filter(|label| !labels.contains(label)),
                );
            }
        }
        labels
    }

    /// A label that a classifying system, or the service itself, told when it was asked; none when it
    /// has neither a name nor an id that could be one.
    pub fn of_told(&self, name: Option<&str>, id: Option<&str>) -> Option<Label> {
        let known = id.and_then(|id| self.mip_names.get(&id.to_ascii_lowercase()));
        let known = known.map(String::as_str).or(name).or(id)?;
        not_a_label(known).is_none().then(|| Label {
            name: known.to_owned(),
            id: id.map(str::to_owned),
            source: Source::Api,
            assurance: Assurance::Said,
        })
    }

    /// The labels that findings stand for. `count` is asked how many distinct values a detector
    /// found with at least that place of [`Detection::CONFIDENCES`].
    pub fn of_findings(&self, count: impl Fn(&str, usize) -> usize) -> Vec<Label> {
        let mut labels: Vec<Label> = Vec::new();
        for detection in &self.detections {
            let level = detection
                .level()
                .unwrap_or(Detection::CONFIDENCES.len() - 1);
            let is_there = count(&detection.detector, level) >= detection.at_least.max(1);
            if is_there && labels.iter().all(|label| label.name != detection.label) {
                labels.push(Label {
                    name: detection.label.clone(),
                    id: None,
                    source: Source::Detector,
                    assurance: Assurance::Seen,
                });
            }
        }
        labels
    }
}

impl FieldRule {
    fn label(&self, field: &str, value: &str) -> Option<Label> {
        if !self.field.is_match(field) {
            return None;
        }
        let mut name = String::new();
        self.value.captures(value)?.expand(&self.label, &mut name);
        let name = name.trim();
        not_a_label(name).is_none().then(|| Label {
            name: name.to_owned(),
            id: None,
            source: Source::Field,
            assurance: Assurance::Said,
        })
    }
}

struct Building<'a> {
    read: &'a dyn Fn(&str) -> Result<String, String>,
    mistakes: Vec<LabellingMistake>,
}

impl Building<'_> {
    fn wrong<T>(&mut self, place: impl Into<String>, what: impl Into<String>) -> Option<T> {
        self.mistakes.push(LabellingMistake {
            place: place.into(),
            what: what.into(),
        });
        None
    }

    /// At most so many; what is too much is a mistake.
    fn bounded<T>(&mut self, place: &str, given: Vec<T>, most: usize) -> Vec<T> {
        if given.len() > most {
            let _: Option<T> = self.wrong(place, format!("there are more than {most}"));
        }
        given.into_iter().take(most).collect()
    }

    fn keys(&mut self, given: Vec<KeySetting>) -> Vec<(String, PublicKey)> {
        let mut keys: Vec<(String, PublicKey)> = Vec::new();
        for (number, key) in self
            .bounded("keys", given, KEYS_MAX)
            .into_iter()
            .enumerate()
        {
            let place = format!("keys[{number}]");
            if key.id.is_empty() || keys.iter().any(|(id, _)| *id == key.id) {
                let _: Option<()> = self.wrong(place, "each key has an `id` of its own");
                continue;
            }
            keys.extend(self.public_key(&place, key));
        }
        keys
    }

    fn public_key(&mut self, place: &str, key: KeySetting) -> Option<(String, PublicKey)> {
        let text = match (key.public_key, key.public_key_file) {
            (Some(text), None) => text,
            (None, Some(file)) => match (self.read)(&file) {
                Ok(text) => text,
                Err(why) => return self.wrong(place, why),
            },
            _ => return self.wrong(place, "one of `public_key` and `public_key_file` is needed"),
        };
        match PublicKey::from_pem(&text) {
            Ok(read) => Some((key.id, read)),
            Err(error) => self.wrong(place, error.to_string()),
        }
    }

    fn signer(&mut self, sign: SignSetting) -> Option<(String, SigningKey)> {
        let read = (self.read)(&sign.private_key_file);
        let key =
            read.and_then(|text| SigningKey::from_pem(&text).map_err(|error| error.to_string()));
        match key {
            Ok(key) => Some((sign.id, key)),
            Err(why) => self.wrong("sign", why),
        }
    }

    fn detections(
        &mut self,
        given: Option<Vec<Detection>>,
        is_detector: &dyn Fn(&str) -> bool,
    ) -> Vec<Detection> {
        let Some(given) = given else {
            return default_detections();
        };
        let given = self.bounded("detected", given, RULES_MAX);
        for (number, detection) in given.iter().enumerate() {
            let place = format!("detected[{number}]");
            let what = not_a_label(&detection.label).map(str::to_owned);
            let what = what.or_else(|| {
                let unknown = !is_detector(&detection.detector);
                unknown.then(|| format!("there is no detector `{}`", detection.detector))
            });
            let what = what.or_else(|| {
                let unknown = detection.level().is_none();
                unknown.then(|| "a confidence is `low`, `medium` or `high`".to_owned())
            });
            let what = what.or_else(|| {
                (detection.at_least == 0).then(|| "`at_least` is 1 or more".to_owned())
            });
            if let Some(what) = what {
                let _: Option<()> = self.wrong(place, what);
            }
        }
        given
    }

    fn mip_names(&mut self, given: BTreeMap<String, String>) -> BTreeMap<String, String> {
        if let Some((id, what)) = given
            .iter()
            .find_map(|(id, name)| Some((id, not_a_label(name)?)))
        {
            let _: Option<()> = self.wrong(format!("mip_names.{id}"), what);
        }
        let lower = |(id, name): (String, String)| (id.to_ascii_lowercase(), name);
        given.into_iter().map(lower).collect()
    }

    fn fields(&mut self, given: Vec<FieldSetting>) -> Vec<FieldRule> {
        let given = self.bounded("fields", given, RULES_MAX);
        let mut rules = Vec::new();
        for (number, rule) in given.into_iter().enumerate() {
            let field = self.regex(&format!("fields[{number}].field"), &rule.field);
            let value = self.regex(&format!("fields[{number}].value"), &rule.value);
            if rule.label.is_empty() {
                let _: Option<()> =
                    self.wrong(format!("fields[{number}].label"), "a label has a name");
            }
            if let (Some(field), Some(value)) = (field, value) {
                rules.push(FieldRule {
                    field,
                    value,
                    label: rule.label,
                });
            }
        }
        rules
    }

    /// No expression can take longer than a pass over the text: there is no backtracking.
    fn regex(&mut self, place: &str, text: &str) -> Option<Regex> {
        if text.len() > REGEX_BYTES_MAX {
            return self.wrong(place, format!("it has more than {REGEX_BYTES_MAX} bytes"));
        }
        let built = RegexBuilder::new(text)
            .size_limit(REGEX_COMPILED_MAX)
            .build();
        match built {
            Ok(regex) => Some(regex),
            Err(error) => {
                let last = error.to_string();
                let last = last.lines().last().unwrap_or_default().trim().to_owned();
                self.wrong(place, last)
            }
        }
    }
}

#[cfg(test)]
mod tests;
