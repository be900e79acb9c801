use std::fmt;

/// What a grant is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    ActivityRead,
    ContentRead,
    ContentWrite,
    WebhooksManage,
    UsersRead,
    UsersManage,
}

const SCOPES: [(Scope, &str, &str); 6] = [
    (
        Scope::ActivityRead,
        "activity:read",
        "See what every user does",
    ),
    (
        Scope::ContentRead,
        "content:read",
        "Read files, and see who may read them",
    ),
    (
        Scope::ContentWrite,
        "content:write",
        "Change, move, share and remove files",
    ),
    (
        Scope::WebhooksManage,
        "webhooks:manage",
        "Be told of every activity as it happens",
    ),
    (Scope::UsersRead, "users:read", "See the tenant's users"),
    (
        Scope::UsersManage,
        "users:manage",
        "Suspend users, and sign them out",
    ),
];

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scopes(u8);

impl Scopes {
    /// Reads a space-separated list; absent or empty means all. None when one is unknown.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut scopes = Self(0);
        for name in text.split_ascii_whitespace() {
            let (scope, ..) = SCOPES.iter().find(|row| row.1 == name)?;
            scopes.0 |= scope.bit();
        }
        Some(if scopes.0 == 0 { Self::all() } else { scopes })
    }

    pub(crate) fn all() -> Self {
        Self(SCOPES.iter().fold(0, |bits, row| bits | row.0.bit()))
    }

    pub(crate) fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// What a person reads on the consent page, with the scope's name.
    pub(crate) fn explained(self) -> Vec<(&'static str, &'static str)> {
        self.rows().map(|row| (row.1, row.2)).collect()
    }

    fn rows(self) -> impl Iterator<Item = &'static (Scope, &'static str, &'static str)> {
        SCOPES.iter().filter(move |row| self.has(row.0))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.rows().map(|row| row.1).collect();
        formatter.write_str(&names.join(" "))
    }
}

impl Scope {
    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}
