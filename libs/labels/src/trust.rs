//! Whom to believe. Only [`Manifest::judge`] makes a [`TrustedManifest`], and only that has labels.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::canonical::Form;
use crate::key::PublicKey;
use crate::label::{Assurance, Ignored, Label, Labels, Source, Why};
use crate::manifest::{Manifest, NameMatch};
use crate::md5::Md5;
use crate::reader::shown;
use crate::settings::WhenAbsent;
use crate::signature;

/// Most keys of one installation.
pub(crate) const KEYS_MAX: usize = 16;

/// Which manifests are believed.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Keys that sign manifests, by id.
    pub keys: Vec<(String, PublicKey)>,
    /// Manifests that nobody signed.
    pub unsigned: WhenAbsent,
    /// Entries that do not say which content they are about.
    pub without_hash: WhenAbsent,
}

/// What speaks for a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seal {
    /// A signature by the key of that id.
    Signed(String),
    /// Nobody signed it.
    Unsigned,
    /// Somebody signed it, and there is no key to check that with: worth no more than unsigned.
    Unchecked,
}

/// Why a manifest is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Distrust {
    /// Nobody signed it.
    #[error("it is not signed")]
    Unsigned,
    /// There is no key to check the signature with.
    #[error("it is signed, but there is no key to check the signature with")]
    NoKey,
    /// What stands in the place of the signature is none.
    #[error("its signature is not one: {0}")]
    NotASignature(String),
    /// The key that it names did not make the signature, or the manifest is another since.
    #[error("its signature is not of the key `{0}`, or it was changed after it was signed")]
    NotOfKey(String),
    /// No key made the signature, or the manifest is another since.
    #[error("its signature is of none of the known keys, or it was changed after it was signed")]
    OfNoKey,
}

/// A manifest that is believed.
#[derive(Debug, Clone)]
pub struct TrustedManifest {
    manifest: Manifest,
    seal: Seal,
    without_hash: WhenAbsent,
}

impl Manifest {
    /// Looks whether the manifest is to be believed. A signature that does not hold is never
    /// passed over, whatever becomes of manifests without one.
    ///
    /// # Errors
    /// With why it is not.
    pub fn judge(self, trust: &Trust) -> Result<TrustedManifest, Distrust> {
        let seal = match &self.signature {
            None if trust.unsigned == WhenAbsent::Refuse => return Err(Distrust::Unsigned),
            None => Seal::Unsigned,
            Some(_) if trust.keys.is_empty() && trust.unsigned == WhenAbsent::Refuse => {
                return Err(Distrust::NoKey);
            }
            Some(_) if trust.keys.is_empty() => Seal::Unchecked,
            Some(signature) => Seal::Signed(self.signed_by(signature, &trust.keys)?),
        };
        Ok(TrustedManifest {
            manifest: self,
            seal,
            without_hash: trust.without_hash,
        })
    }

    /// The id of the key that signed. When the manifest names a known key only that one is tried.
    fn signed_by(&self, signature: &str, keys: &[(String, PublicKey)]) -> Result<String, Distrust> {
        let candidates = signature::decode(signature).map_err(Distrust::NotASignature)?;
        let texts = Form::texts(&self.members);
        let named = keys
            .iter()
            .find(|(id, _)| Some(id.as_str()) == self.key_id());
        let tried = named.map_or(keys, std::slice::from_ref);
        let holds = |key: &PublicKey| {
            let pairs = texts
                .iter()
                .flat_map(|text| candidates.iter().map(move |bytes| (text, bytes)));
            pairs
                .into_iter()
                .any(|(text, bytes)| key.verifies(text.as_bytes(), bytes))
        };
        match tried.iter().find(|(_, key)| holds(key)) {
            Some((id, _)) => Ok(id.clone()),
            None => Err(match named {
                Some((id, _)) => Distrust::NotOfKey(shown(id)),
                None => Distrust::OfNoKey,
            }),
        }
    }
}

impl TrustedManifest {
    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What speaks for it.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Whether it says anything of the object.
    pub fn mentions(&self, name: &str, matching: NameMatch) -> bool {
        !self.manifest.about(name, matching).is_empty()
    }

    /// The labels of the object of that name. `content` is asked for the hash of what the object
    /// holds, if it is needed; none when that cannot be had.
    pub fn labels_of(
        &self,
        name: &str,
        matching: NameMatch,
        content: impl FnOnce() -> Option<Md5>,
    ) -> Labels {
        let entries = self.manifest.about(name, matching);
        let is_hashed = entries.iter().any(|entry| entry.hash.is_some());
        let content = is_hashed.then(content).flatten();
        let mut found = Labels::default();
        for entry in entries {
            let why = match (entry.hash, content) {
                (None, _) if self.without_hash == WhenAbsent::Refuse => Some(Why::WithoutHash),
                (None, _) => None,
                (Some(_), None) => Some(Why::ContentUnknown),
                (Some(said), Some(is)) => (said != is).then_some(Why::Stale),
            };
            match why {
                Some(_) if entry.labels.is_empty() => {}
                Some(why) => found.ignored.push(Ignored {
                    names: entry.labels.clone(),
                    why,
                }),
                None => found
                    .labels
                    .extend(entry.labels.iter().map(|name| self.label(name))),
            }
        }
        found
    }

    fn label(&self, name: &str) -> Label {
        Label {
            name: name.to_owned(),
            id: None,
            source: Source::Manifest,
            assurance: match &self.seal {
                Seal::Signed(key) => Assurance::Signed(key.clone()),
                Seal::Unsigned | Seal::Unchecked => Assurance::Said,
            },
        }
    }
}
