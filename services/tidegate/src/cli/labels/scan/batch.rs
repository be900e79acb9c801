use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use labels::Labelling;

use super::super::classify::{self, Classified};
use super::super::walk::Folder;

/// A file, and what a look at it came to.
pub(super) struct Looked {
    pub(super) path: PathBuf,
    pub(super) found: Result<Classified, String>,
}

/// Looks at the files of the folders, `jobs` at a time; the results are in the order of the folders.
pub(super) fn classify(
    folders: &[Folder],
    jobs: usize,
    labelling: &Labelling,
    each: impl Fn() + Sync,
) -> Vec<Vec<Looked>> {
    let files: Vec<&PathBuf> = folders.iter().flat_map(|folder| &folder.files).collect();
    let (next, found) = (
        AtomicUsize::new(0),
        Mutex::new(Vec::with_capacity(files.len())),
    );
    let look = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = files.get(place) else {
                return;
            };
            let looked = Looked {
                path: (*path).clone(),
                found: classify::classify(path, labelling).map_err(|error| format!("{error:#}")),
            };
            found
                .lock()
                .expect("no holder panics")
                .push((place, looked));
            each();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(files.len()) {
            scope.spawn(look);
        }
    });
    let mut found = found.into_inner().expect("no holder panics");
    found.sort_unstable_by_key(|(place, _)| *place);
    let mut found = found.into_iter().map(|(_, looked)| looked);
    let of_folder = |folder: &Folder| found.by_ref().take(folder.files.len()).collect();
    folders.iter().map(of_folder).collect()
}
