use std::path::Path;

use anyhow::{Context, bail};
use inspect::DetectorSet;
use labels::{Labelling, Settings};

/// Largest settings or key file, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Reads the settings of labels; files that they name stand beside them.
///
/// # Errors
/// With every mistake.
pub(crate) fn load(file: &Path) -> anyhow::Result<Labelling> {
    let shown = file.display();
    let settings: Settings =
        toml::from_str(&text_of(file)?).with_context(|| format!("`{shown}` is not right"))?;
    let beside = file.parent().unwrap_or(Path::new(""));
    let read = |name: &str| text_of(&beside.join(name)).map_err(|error| format!("{error:#}"));
    let is_detector = |name: &str| DetectorSet::built_in().names().any(|known| known == name);
    Labelling::build(settings, &read, &is_detector).map_err(|mistakes| {
        let listed: String = mistakes
            .iter()
            .map(|mistake| format!("\n  {mistake}"))
            .collect();
        anyhow::anyhow!("`{shown}` has {} mistakes:{listed}", mistakes.len())
    })
}

/// The text of a small file.
pub(crate) fn text_of(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let cannot = || format!("`{shown}` cannot be read");
    if std::fs::metadata(file).with_context(cannot)?.len() > FILE_BYTES_MAX {
        bail!("`{shown}` is larger than {FILE_BYTES_MAX} bytes");
    }
    std::fs::read_to_string(file).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_detectors_stand_for_by_default_names_detectors_that_there_are() {
        let names: Vec<&str> = DetectorSet::built_in().names().collect();
        for detection in labels::default_detections() {
            assert!(
                names.contains(&detection.detector.as_str()),
                "{}",
                detection.detector
            );
        }
    }
}
