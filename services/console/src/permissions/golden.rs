//! The tables as an administrator reads them: `docs/authorisation.md`, generated from what decides.

use std::fmt::Write;

use event_model::{Permission, Role};

use super::{Needs, ROWS};

const HEAD: &str = "\
# Who may do what

Generated from the tables that decide; `make generated` writes it anew. A path that stands here nowhere is the
administrators' only. Who is bound to some connections sees and does all of this within them only, and has none of
the permissions marked “whole”. A token has what it was made for, of what its owner has.

";

/// `docs/authorisation.md`.
pub fn authorisation() -> String {
    let mut text = HEAD.to_owned();
    permissions(&mut text);
    endpoints(&mut text);
    text
}

fn permissions(text: &mut String) {
    text.push_str("## Permissions of the roles\n\n");
    heading(text, &["permission", "whole"]);
    for permission in Permission::ALL {
        let whole = if permission.is_whole() { "whole" } else { "" };
        let cells = Role::ALL.iter().map(|role| role.has(*permission));
        line(text, &[&format!("`{permission}`"), whole], cells);
    }
}

fn endpoints(text: &mut String) {
    text.push_str("\n## Paths\n\n");
    heading(text, &["method", "path", "needs"]);
    for row in ROWS.iter() {
        let needs = match row.needs {
            Needs::Nothing => "nothing".to_owned(),
            Needs::Known => "to be signed in".to_owned(),
            Needs::May(permission) => format!("`{permission}`"),
        };
        let cells = Role::ALL.iter().map(|role| row.needs.met_by_role(*role));
        let path = format!("`{}`", row.path);
        line(text, &[row.method.as_str(), &path, &needs], cells);
    }
}

fn heading(text: &mut String, first: &[&str]) {
    let roles = Role::ALL.iter().map(|role| role.word());
    let names: Vec<&str> = first.iter().copied().chain(roles).collect();
    let rules = vec!["---"; names.len()];
    for cells in [names, rules] {
        writeln!(text, "| {} |", cells.join(" | ")).expect("a text takes everything");
    }
}

fn line(text: &mut String, first: &[&str], cells: impl Iterator<Item = bool>) {
    let cells = cells.map(|may| if may { "yes" } else { "no" });
    let all: Vec<&str> = first.iter().copied().chain(cells).collect();
    writeln!(text, "| {} |", all.join(" | ")).expect("a text takes everything");
}
