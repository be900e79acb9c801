//! Reads what is told with an attempt; of recorded activity, the fields that stand in its place.

use std::borrow::Cow;

use event_model::{Field, Visibility};

use super::{Read, Reader, text, visibility};
use crate::domain::{Domains, same_letters};
use crate::input::Input;
use crate::value::{Items, Lack, List, Value};

/// Words of an administrator's role; a word may end in one, as `superadmin` does.
const ADMIN_WORDS: &[&str] = &["admin", "administrator", "owner", "root"];
/// Words that say that the role is not the one that follows.
const DENIALS: &[&str] = &["no", "non", "not"];
/// What services call a user who is not logged in.
const ANONYMOUS: &str = "anonymous";

pub(super) fn read<'a>(reader: &'a Reader, input: &Input<'a>) -> Read<'a> {
    let told = &input.circumstances;
    match reader {
        Reader::Agent => {
            let agent = told
                .agent
                .ok_or(Lack::Untold("the 24 fields carry no user agent"))?;
            Ok(Value::Text(Cow::Borrowed(agent)))
        }
        Reader::Country => {
            let country = told.country.map_err(Lack::Untold)?;
            Ok(Value::Text(Cow::Borrowed(country)))
        }
        Reader::AdminLogin => flag(told.admin_login, || is_admin(input)),
        Reader::MasterAdmin => is_admin(input).map(Value::Flag),
        Reader::Anonymous => flag(told.anonymous, || {
            Ok(text(input, Field::ActorId)?.eq_ignore_ascii_case(ANONYMOUS))
        }),
        Reader::InGroup(group) => {
            let mut groups = groups(told.groups)?.iter();
            Ok(Value::Flag(groups.any(|known| same_letters(known, group))))
        }
        Reader::AllowedGroups => {
            let groups = told.shared_with_groups;
            let groups = groups.ok_or(Lack::Untold("the 24 fields name no groups"))?;
            Ok(Value::List(whole(Items::Many(groups))))
        }
        Reader::AllowedUsers => allowed_users(input).map(|users| Value::List(whole(users))),
        Reader::AnyFrom(domains) => any_from(input, domains),
        Reader::OnlyFrom(domains) => only_from(input, domains),
        _ => groups(told.groups).map(|groups| Value::List(whole(Items::Many(groups)))),
    }
}

fn groups<'a>(told: Option<&'a [String]>) -> Read<'a, &'a [String]> {
    told.ok_or(Lack::Untold("group membership is told with attempts only"))
}

fn flag<'a>(told: Option<bool>, otherwise: impl FnOnce() -> Read<'a, bool>) -> Read<'a> {
    match told {
        Some(told) => Ok(Value::Flag(told)),
        None => otherwise().map(Value::Flag),
    }
}

fn whole(items: Items<'_>) -> List<'_> {
    List {
        items,
        unread: None,
    }
}

fn is_admin<'a>(input: &Input<'a>) -> Read<'a, bool> {
    let role = text(input, Field::ActorRole)?;
    let words = || role.split(|letter: char| !letter.is_alphanumeric());
    let ends = |word: &str, known: &str| {
        let start = word.len().checked_sub(known.len());
        let tail = start.and_then(|start| word.get(start..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(known))
    };
    let names_one = words().any(|word| ADMIN_WORDS.iter().any(|known| ends(word, known)));
    let denies = words().any(|word| DENIALS.iter().any(|known| same_letters(known, word)));
    Ok(names_one && !denies)
}

fn allowed_users<'a>(input: &Input<'a>) -> Read<'a, Items<'a>> {
    match input.circumstances.shared_with_users {
        Some(users) => Ok(Items::Many(users)),
        None => text(input, Field::TargetUserEmail).map(Items::One),
    }
}

/// Which side the allowed users are on.
struct Sides {
    /// Someone is of the domains.
    within: bool,
    /// Someone is not.
    outside: bool,
    /// Someone has no address.
    unclear: bool,
}

fn sides<'a>(input: &Input<'a>, domains: &Domains) -> Read<'a, Sides> {
    let users = allowed_users(input)?;
    let mut sides = Sides {
        within: false,
        outside: false,
        unclear: false,
    };
    for user in users.iter() {
        match domains.hold(user) {
            Some(true) => sides.within = true,
            Some(false) => sides.outside = true,
            None => sides.unclear = true,
        }
    }
    Ok(sides)
}

/// Someone whom the object is shared with has no address that could be looked at.
fn unclear<'a>(input: &Input<'a>) -> Lack<'a> {
    match input.circumstances.shared_with_users {
        Some(_) => Lack::Untold("one of the allowed users is no e-mail address"),
        None => Lack::Malformed(Field::TargetUserEmail, "an e-mail address"),
    }
}

fn any_from<'a>(input: &Input<'a>, domains: &Domains) -> Read<'a> {
    match sides(input, domains)? {
        Sides { within: true, .. } => Ok(Value::Flag(true)),
        Sides { unclear: true, .. } => Err(unclear(input)),
        _ => Ok(Value::Flag(false)),
    }
}

/// False for a public link, whoever is named: anyone can use it.
fn only_from<'a>(input: &Input<'a>, domains: &Domains) -> Read<'a> {
    if input.activity.visibility == Some(Visibility::Public) {
        return Ok(Value::Flag(false));
    }
    match sides(input, domains)? {
        // A stranger among those named decides, whoever can use the link.
        Sides { outside: true, .. } => Ok(Value::Flag(false)),
        Sides { unclear: true, .. } => Err(unclear(input)),
        _ => visibility(input).map(|_| Value::Flag(true)),
    }
}
