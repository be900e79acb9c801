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
            RemedyKind::Delete => 3,
            RemedyKind::MakePrivate => 4,
            RemedyKind::RemoveLink => 5,
            RemedyKind::RemoveExternalCollaborators => 6,
            RemedyKind::RemoveCollaborator => 7,
            RemedyKind::SetLinkScope => 8,
            RemedyKind::ExpireLink => 9,
            RemedyKind::DowngradeRole => 10,
            RemedyKind::TransferOwner => 11,
            RemedyKind::ApplyLabel => 12,
            RemedyKind::SuspendUser => 13,
            RemedyKind::EndSessions => 14,
            RemedyKind::Notify => 15,
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
            && open.kind == RemedyKind::Quarantine
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
                let gone = a == RemedyKind::Delete && b == RemedyKind::Quarantine;
                assert!(a.rank() < b.rank() || gone, "{a} supersedes {b}");
                assert!(
                    !b.supersedes(a) || gone || b == RemedyKind::Delete,
                    "{a} and {b}"
                );
            }
            assert!(!a.supersedes(a), "{a}");
        }
    }

    #[test]
    fn what_supersedes_what() {
        let rows = [
            ("quarantine", "delete", true),
            ("delete", "quarantine", true),
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
