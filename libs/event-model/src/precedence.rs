//! Which remedy prevails when several are meant for one object: a total order, and what it means.
//!
//! A remedy supersedes another when having done it leaves the other nothing to do, or makes it
//! impossible. Whether it does is decided where the other is carried out, and only of what was done
//! after the other was planned: what was done before did not help.

use crate::remedy::{Remedy, RemedyKind, RemedyState};

impl RemedyKind {
    /// Its place in the order: the lower, the stronger. Setting aside goes before deleting, for nothing is
    /// lost by it; what takes everybody's access goes before what takes some of it.
    pub fn rank(self) -> u8 {
        match self {
            RemedyKind::Restore => 0,
            RemedyKind::Purge => 1,
            RemedyKind::Quarantine => 2,
            RemedyKind::QuarantineToVault => 3,
            RemedyKind::Delete => 4,
            RemedyKind::MakePrivate => 5,
            RemedyKind::RemoveLink => 6,
            RemedyKind::RemoveExternalCollaborators => 7,
            RemedyKind::RemoveCollaborator => 8,
            RemedyKind::SetLinkScope => 9,
            RemedyKind::ExpireLink => 10,
            RemedyKind::DowngradeRole => 11,
            RemedyKind::TransferOwner => 12,
            RemedyKind::ApplyLabel => 13,
            RemedyKind::SuspendUser => 14,
            RemedyKind::EndSessions => 15,
            RemedyKind::Notify => 16,
        }
    }

    /// Whether it acts on the object of the activity: not on a user, and not only in our own mail.
    pub fn is_about_object(self) -> bool {
        !matches!(
            self,
            RemedyKind::Notify | RemedyKind::SuspendUser | RemedyKind::EndSessions
        )
    }

    /// Whether, once it is done, the other has nothing left to do or cannot be done. None supersedes its
    /// own kind: the second finds it done.
    pub fn supersedes(self, other: RemedyKind) -> bool {
        let away = [
            RemedyKind::Purge,
            RemedyKind::Quarantine,
            RemedyKind::QuarantineToVault,
            RemedyKind::Delete,
        ];
        if self == other || !other.is_about_object() || other == RemedyKind::Restore {
            return false;
        }
        match self {
            kind if away.contains(&kind) => other != RemedyKind::Purge,
            RemedyKind::MakePrivate => {
                let beside = [RemedyKind::TransferOwner, RemedyKind::ApplyLabel];
                other.rank() > self.rank() && !beside.contains(&other)
            }
            _ => false,
        }
    }
}

impl Remedy {
    /// Why this remedy is left out for that one, which was done to the same object; none when it is not.
    pub fn superseded_by(&self, done: &Remedy) -> Option<String> {
        let meanwhile = done.done_at.is_some_and(|at| at >= self.created_at);
        let same = self.connection_id == done.connection_id && self.id != done.id;
        if done.state != RemedyState::Done || !meanwhile || !same {
            return None;
        }
        let rival = self.kind == RemedyKind::TransferOwner
            && done.kind == RemedyKind::TransferOwner
            && self.particulars.new_owner != done.particulars.new_owner;
        let what = done.kind.word().replace('_', " ");
        (rival || done.kind.supersedes(self.kind))
            .then(|| format!("{what} was done to the same object ({})", done.id))
    }

    /// Whether this one lets that one, which is still to be done to the same object, go first: deleting
    /// waits for setting aside.
    pub fn lets_go_first(&self, open: &Remedy) -> bool {
        let to_be_done = [
            RemedyState::Planned,
            RemedyState::SnapshotTaken,
            RemedyState::Executing,
            RemedyState::Failed,
        ];
        self.kind == RemedyKind::Delete
            && open.kind.sets_aside()
            && open.incident_id != self.incident_id
            && to_be_done.contains(&open.state)
    }
}

#[cfg(test)]
mod tests {
    use super::RemedyKind;

    #[test]
    fn the_order_is_total_and_nothing_supersedes_what_is_stronger_but_what_is_gone() {
        let mut ranks: Vec<u8> = RemedyKind::ALL.iter().map(|kind| kind.rank()).collect();
        ranks.sort_unstable();
        ranks.dedup();
        assert_eq!(ranks.len(), RemedyKind::ALL.len(), "no two share a place");
        for a in RemedyKind::ALL.iter().copied() {
            for b in RemedyKind::ALL.iter().copied().filter(|b| a.supersedes(*b)) {
                // Each takes the object away, so whichever was done leaves the others nothing to do.
                let gone = |kind: RemedyKind| kind.sets_aside() || kind == RemedyKind::Delete;
                assert!(
                    a.rank() < b.rank() || (gone(a) && gone(b)),
                    "{a} supersedes {b}"
                );
                assert!(!b.supersedes(a) || (gone(a) && gone(b)), "{a} and {b}");
            }
            assert!(!a.supersedes(a), "{a}");
        }
    }

    #[test]
    fn what_supersedes_what() {
        let rows = [
            ("quarantine", "delete", true),
            ("delete", "quarantine", true),
            ("quarantine", "quarantine_to_vault", true),
            ("quarantine_to_vault", "delete", true),
            ("quarantine_to_vault", "purge", false),
            ("quarantine", "remove_link", true),
            ("make_private", "expire_link", true),
            ("make_private", "transfer_owner", false),
            ("make_private", "apply_label", false),
            ("quarantine", "apply_label", true),
            ("make_private", "quarantine", false),
            ("remove_link", "expire_link", false),
            ("quarantine", "suspend_user", false),
            ("delete", "notify", false),
            ("purge", "restore", false),
        ];
        for (a, b, expected) in rows {
            let kind = |word| RemedyKind::from_word(word).unwrap();
            assert_eq!(kind(a).supersedes(kind(b)), expected, "{a} over {b}");
        }
    }
}
