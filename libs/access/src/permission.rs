//! The six permissions, and what each allows.

use std::fmt;

pub use event_model::AccessPermission as Permission;

/// As what content is seen. Each shows more than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// Not at all.
    Nothing,
    /// Only as it is stored.
    Ciphertext,
    /// As it is.
    Plaintext,
}

/// How content may be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Allowed {
    /// Reading.
    pub read: View,
    /// Writing.
    pub write: View,
}

impl Allowed {
    /// Nothing at all.
    pub const NOTHING: Allowed = Allowed::of(Permission::NoAccess);
    /// Everything.
    pub const EVERYTHING: Allowed = Allowed::of(Permission::ReadWrite);

    /// What a permission allows.
    pub const fn of(permission: Permission) -> Self {
        let (read, write) = match permission {
            Permission::NoAccess => (View::Nothing, View::Nothing),
            Permission::Read => (View::Plaintext, View::Nothing),
            Permission::Write => (View::Nothing, View::Plaintext),
            Permission::ReadWrite => (View::Plaintext, View::Plaintext),
            Permission::ReadCipher => (View::Ciphertext, View::Nothing),
            Permission::ReadWriteCipher => (View::Ciphertext, View::Ciphertext),
        };
        Allowed { read, write }
    }

    /// What both allow.
    pub fn and(self, other: Allowed) -> Allowed {
        Allowed {
            read: self.read.min(other.read),
            write: self.write.min(other.write),
        }
    }

    /// Whether everything that it allows is allowed by the other, too.
    pub fn is_within(self, other: Allowed) -> bool {
        self.read <= other.read && self.write <= other.write
    }

    /// Whether that may be done.
    pub fn permits(self, operation: Operation) -> bool {
        use Operation::*;
        match operation {
            Read | Copy => self.read == View::Plaintext,
            Modify | Append | Overwrite | Create | Delete => self.write == View::Plaintext,
            ReadCiphertext => self.read == View::Ciphertext,
            WriteCiphertext => self.write == View::Ciphertext,
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |view: View| match view {
            View::Nothing => "nothing",
            View::Ciphertext => "ciphertext",
            View::Plaintext => "plaintext",
        };
        let (read, write) = (word(self.read), word(self.write));
        write!(f, "may read {read} and write {write}")
    }
}

/// What somebody does with protected content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Reads it.
    Read,
    /// Copies it, which reads it.
    Copy,
    /// Changes some of it.
    Modify,
    /// Adds to its end.
    Append,
    /// Replaces it.
    Overwrite,
    /// Makes a new file beside it.
    Create,
    /// Removes it.
    Delete,
    /// Reads it as it is stored.
    ReadCiphertext,
    /// Writes it as it was stored.
    WriteCiphertext,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Operation; 9] = [
        Operation::Read,
        Operation::Copy,
        Operation::Modify,
        Operation::Append,
        Operation::Overwrite,
        Operation::Create,
        Operation::Delete,
        Operation::ReadCiphertext,
        Operation::WriteCiphertext,
    ];
}
