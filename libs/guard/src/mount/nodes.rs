//! Which number the kernel knows what by. A file has a number for those who see its plaintext and another
//! for those who see its ciphertext: the kernel keeps pages by number.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use event_model::VaultId;

use crate::wire::Shown;

/// Most numbers that the kernel knows at a time.
const NODES_MAX: usize = 1_000_000;
/// The number of the mount itself. Source: `FUSE_ROOT_ID`.
pub(super) const ROOT: u64 = 1;

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The mount itself.
    Root,
    /// The folder of items.
    Vault,
    /// An item.
    Item(VaultId),
    /// In the folder of that number, at that path below it; the folder itself when that is empty.
    Folder(usize, PathBuf),
}

struct Node {
    place: Place,
    shown: Shown,
    /// How often the kernel was told the number, and has not forgotten it.
    known: u64,
}

pub(super) struct Nodes {
    nodes: HashMap<u64, Node>,
    numbers: HashMap<(Place, Shown), u64>,
    next: u64,
}

impl Nodes {
    pub(super) fn new() -> Self {
        let root = Node {
            place: Place::Root,
            shown: Shown::Plaintext,
            known: 1,
        };
        Nodes {
            nodes: HashMap::from([(ROOT, root)]),
            numbers: HashMap::new(),
            next: ROOT + 1,
        }
    }

    /// The number that the kernel is told; none when it knows too many.
    pub(super) fn tell(&mut self, place: Place, shown: Shown) -> Option<u64> {
        let key = (place, shown);
        if let Some(number) = self.numbers.get(&key) {
            self.nodes.get_mut(number)?.known += 1;
            return Some(*number);
        }
        if self.nodes.len() >= NODES_MAX {
            return None;
        }
        let number = self.next;
        self.next += 1;
        let node = Node {
            place: key.0.clone(),
            shown,
            known: 1,
        };
        self.nodes.insert(number, node);
        self.numbers.insert(key, number);
        Some(number)
    }

    pub(super) fn get(&self, number: u64) -> Option<(Place, Shown)> {
        let node = self.nodes.get(&number)?;
        Some((node.place.clone(), node.shown))
    }

    pub(super) fn forget(&mut self, number: u64, times: u64) {
        let Some(node) = self.nodes.get_mut(&number).filter(|_| number != ROOT) else {
            return;
        };
        node.known = node.known.saturating_sub(times);
        if node.known > 0 {
            return;
        }
        let Some(Node { place, shown, .. }) = self.nodes.remove(&number) else {
            return;
        };
        let key = (place, shown);
        // Another may have the place since.
        if self.numbers.get(&key) == Some(&number) {
            self.numbers.remove(&key);
        }
    }

    /// What is at that path is gone: what comes there gets other numbers.
    pub(super) fn gone(&mut self, folder: usize, path: &Path) {
        for shown in [Shown::Plaintext, Shown::Ciphertext] {
            let key = (Place::Folder(folder, path.to_owned()), shown);
            self.numbers.remove(&key);
        }
    }

    /// What was at one path, and all below it, is at the other.
    pub(super) fn renamed(&mut self, folder: usize, from: &Path, to: &Path) {
        self.gone(folder, to);
        for (number, node) in &mut self.nodes {
            let Place::Folder(of, path) = &node.place else {
                continue;
            };
            let Some(below) = path.strip_prefix(from).ok().filter(|_| *of == folder) else {
                continue;
            };
            let moved = match below.as_os_str().is_empty() {
                true => to.to_owned(),
                false => to.join(below),
            };
            let before = (node.place.clone(), node.shown);
            if self.numbers.get(&before) == Some(number) {
                self.numbers.remove(&before);
                let after = (Place::Folder(folder, moved.clone()), node.shown);
                self.numbers.insert(after, *number);
            }
            node.place = Place::Folder(folder, moved);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Place {
        Place::Folder(0, PathBuf::from(path))
    }

    #[test]
    fn each_view_of_a_file_has_a_number_of_its_own_until_it_is_forgotten() {
        let mut nodes = Nodes::new();
        let plain = nodes.tell(file("a"), Shown::Plaintext).unwrap();
        let cipher = nodes.tell(file("a"), Shown::Ciphertext).unwrap();
        assert_ne!(plain, cipher);
        assert_eq!(nodes.tell(file("a"), Shown::Plaintext), Some(plain));
        nodes.forget(plain, 1);
        assert_eq!(nodes.get(plain), Some((file("a"), Shown::Plaintext)));
        nodes.forget(plain, 1);
        assert_eq!(nodes.get(plain), None);
        assert_ne!(nodes.tell(file("a"), Shown::Plaintext), Some(plain));
        nodes.forget(ROOT, 9);
        assert_eq!(nodes.get(ROOT), Some((Place::Root, Shown::Plaintext)));
    }

    #[test]
    fn numbers_go_where_their_files_go() {
        let mut nodes = Nodes::new();
        let mut tell = |path: &str| nodes.tell(file(path), Shown::Plaintext).unwrap();
        let (folder, inside, beside, target) = (tell("a"), tell("a/b"), tell("ab"), tell("c"));
        nodes.renamed(0, Path::new("a"), Path::new("c"));
        let at = |nodes: &Nodes, number| nodes.get(number).unwrap().0;
        assert_eq!(at(&nodes, folder), file("c"));
        assert_eq!(at(&nodes, inside), file("c/b"));
        assert_eq!(at(&nodes, beside), file("ab"));
        assert_eq!(nodes.tell(file("c"), Shown::Plaintext), Some(folder));
        assert_ne!(folder, target);
        nodes.forget(target, 1);
        assert_eq!(nodes.tell(file("c"), Shown::Plaintext), Some(folder));
        nodes.gone(0, Path::new("c/b"));
        assert_ne!(nodes.tell(file("c/b"), Shown::Plaintext), Some(inside));
    }
}
