//! The services that this Tidegate knows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::connector::Connector;
use crate::mistake::{Mistake, Mistakes};

/// The manifests that come with Tidegate. A new one is a line here.
const BUILT_IN: [(&str, &str); 10] = [
    (
        "connectors/toy-cloud",
        include_str!("../../../connectors/toy-cloud/connector.yaml"),
    ),
    (
        "connectors/generic",
        include_str!("../../../connectors/generic/connector.yaml"),
    ),
    (
        "connectors/nextcloud",
        include_str!("../../../connectors/nextcloud/connector.yaml"),
    ),
    (
        "connectors/github",
        include_str!("../../../connectors/github/connector.yaml"),
    ),
    (
        "connectors/okta",
        include_str!("../../../connectors/okta/connector.yaml"),
    ),
    (
        "connectors/box",
        include_str!("../../../connectors/box/connector.yaml"),
    ),
    (
        "connectors/dropbox",
        include_str!("../../../connectors/dropbox/connector.yaml"),
    ),
    (
        "connectors/slack",
        include_str!("../../../connectors/slack/connector.yaml"),
    ),
    (
        "connectors/google-workspace",
        include_str!("../../../connectors/google-workspace/connector.yaml"),
    ),
    (
        "connectors/microsoft-365",
        include_str!("../../../connectors/microsoft-365/connector.yaml"),
    ),
];

/// The connectors, by id.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    connectors: BTreeMap<String, Arc<Connector>>,
}

impl Catalogue {
    /// Those that come with Tidegate.
    pub fn built_in() -> Self {
        let mut catalogue = Catalogue::default();
        for (origin, yaml) in BUILT_IN {
            let connector = Connector::parse(yaml, origin).unwrap_or_else(|mistakes| {
                let list: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
                panic!(
                    "a manifest that comes with Tidegate is wrong: {}",
                    list.join("; ")
                )
            });
            catalogue.add(connector);
        }
        catalogue
    }

    /// With those of a folder too: `<dir>/<service>/connector.yaml` or `<dir>/<service>.yaml`. One
    /// with the id of another takes its place.
    ///
    /// # Errors
    /// Every mistake of every manifest in it; a folder that cannot be read is one.
    pub fn with_dir(mut self, dir: &Path) -> Result<Self, Vec<Mistake>> {
        let unreadable = |path: &Path, error: std::io::Error| {
            let mistakes = Mistakes::of(&path.display().to_string());
            mistakes.add((0, 0), "", format!("cannot be read: {error}"), None);
            mistakes.all()
        };
        let entries = std::fs::read_dir(dir).map_err(|error| unreadable(dir, error))?;
        let mut mistakes = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| unreadable(dir, error))?.path();
            let file = path.join("connector.yaml");
            let is_yaml = path
                .extension()
                .is_some_and(|extension| extension == "yaml");
            let file = match (file.is_file(), is_yaml) {
                (true, _) => file,
                (false, true) => path,
                (false, false) => continue,
            };
            let origin = file.display().to_string();
            match std::fs::read_to_string(&file) {
                Ok(yaml) => match Connector::parse(&yaml, &origin) {
                    Ok(connector) => self.add(connector),
                    Err(found) => mistakes.extend(found),
                },
                Err(error) => mistakes.extend(unreadable(&file, error)),
            }
        }
        if mistakes.is_empty() {
            Ok(self)
        } else {
            Err(mistakes)
        }
    }

    fn add(&mut self, connector: Connector) {
        self.connectors
            .insert(connector.id.clone(), Arc::new(connector));
    }

    /// The connector of that id.
    pub fn get(&self, id: &str) -> Option<Arc<Connector>> {
        self.connectors.get(id).cloned()
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Connector>> {
        self.connectors.values()
    }
}

#[cfg(test)]
mod tests;
