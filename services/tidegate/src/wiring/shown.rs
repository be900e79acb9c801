//! What the console is told of the configuration, to show it.

use labels::{Curve, Labelling, WhenAbsent};

use crate::config::Shown;

/// What the console shows of a setting.
pub(super) fn setting(shown: &Shown) -> console::Setting {
    console::Setting {
        name: shown.name.to_owned(),
        value: shown.value.clone(),
        is_secret: shown.is_secret,
        is_set: shown.is_set,
        origin: shown.origin.clone(),
        about: shown.help.to_owned(),
    }
}

/// What the console shows of the settings of labels.
pub(super) fn labels(labelling: &Labelling) -> console::LabelSettings {
    let takes = |when: &WhenAbsent| matches!(when, WhenAbsent::Take);
    let keys = labelling.trust.keys.iter();
    let detected = labelling.detections.iter();
    console::LabelSettings {
        keys: keys
            .map(|(id, key)| (id.clone(), curve(key.curve())))
            .collect(),
        signs_with: labelling.signer.as_ref().map(|(id, _)| id.clone()),
        takes_unsigned: takes(&labelling.trust.unsigned),
        takes_without_hash: takes(&labelling.trust.without_hash),
        detected: detected
            .map(|one| {
                (
                    one.label.clone(),
                    one.detector.clone(),
                    one.confidence.clone(),
                    one.at_least,
                )
            })
            .collect(),
    }
}

fn curve(curve: Curve) -> String {
    let mut words = Curve::WORDS.iter();
    let word = words.find(|(_, known)| *known == curve);
    word.map_or_else(String::new, |(word, _)| (*word).to_owned())
}
