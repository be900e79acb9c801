//! `_user`: who acts.

use std::sync::LazyLock;

use event_model::Field;

use super::{EVERYWHERE, Entry, Example, Parameter, Reads, Type, domains, the_field, told};
use crate::reader::Reader;

const GROUPS: Reads = told("group membership is told with attempts only");

const BLANK: Entry = Entry {
    object: "_user",
    name: "",
    aliases: &[],
    parameters: &[],
    result: Type::String,
    actions: EVERYWHERE,
    effect: None,
    reads: Reads::Fields(&[Field::ActorEmail]),
    words: &[],
    ignores_case: false,
    doc: "",
    example: Example::new("", "", ""),
    build: the_field,
};

pub(super) static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    vec![
        Entry {
            name: "email",
            ignores_case: true,
            doc: "E-mail address of the user who acted.",
            example: Example::new(
                "_user.email == 'ann@example.com'",
                "actor_email=Ann@Example.com",
                "true",
            ),
            ..BLANK
        },
        Entry {
            name: "username",
            reads: Reads::Fields(&[Field::ActorName]),
            doc: "Name of the user who acted, as the service gives it. Names need not be unique: to mean one \
                  person use `_user.email` or `_activity.actor_id`.",
            example: Example::new("_user.username != 'Ann Lee'", "actor_name=Ann Lee", "false"),
            ..BLANK
        },
        Entry {
            name: "userType",
            reads: Reads::Fields(&[Field::ActorRole]),
            doc: "Role of the user who acted, in the service's words. FileCloud's are `Full Access`, `Limited Access`, \
                  `Guest Access` and `Master Admin`; to tell insiders from outsiders anywhere use `_activity.actor_type`.",
            example: Example::new(
                "_user.userType == 'Guest Access'",
                "actor_role=Guest Access",
                "true",
            ),
            ..BLANK
        },
        Entry {
            name: "isEmailInDomain",
            parameters: const { &[Parameter::many("domain")] },
            result: Type::Bool,
            doc: "Whether the user's e-mail address is of one of the domains.",
            example: Example::new(
                "_user.isEmailInDomain('email.com,email.net')",
                "actor_email=johndoe@email.net",
                "true",
            ),
            build: |_, given| domains(given).map(|set| Reader::InDomain(Field::ActorEmail, set)),
            ..BLANK
        },
        Entry {
            name: "inGroup",
            parameters: const { &[Parameter::one("group")] },
            result: Type::Bool,
            reads: GROUPS,
            doc: "Whether the user is a member of the group, whatever its case.",
            example: Example::new("_user.inGroup('Internal')", "group=internal", "true"),
            build: |_, given| Ok(Reader::InGroup(given[0].text.trim().to_owned())),
            ..BLANK
        },
        Entry {
            name: "groups",
            result: Type::List,
            reads: GROUPS,
            ignores_case: true,
            doc: "Groups that the user is a member of.",
            example: Example::new(
                "'Finance' in _user.groups",
                "group=Sales; group=Finance",
                "true",
            ),
            build: |_, _| Ok(Reader::Groups),
            ..BLANK
        },
        Entry {
            name: "isMasterAdmin",
            result: Type::Bool,
            reads: Reads::Fields(&[Field::ActorRole]),
            doc: "Whether the user's role is an administrator's: a word of it ends in `admin`, `administrator`, `owner` or \
                  `root`, as in `Master Admin` and `global-administrator`, and none is `no`, `non` or `not`.",
            example: Example::new("_user.isMasterAdmin", "actor_role=Master Admin", "true"),
            build: |_, _| Ok(Reader::MasterAdmin),
            ..BLANK
        },
        Entry {
            name: "anonymous",
            result: Type::Bool,
            reads: Reads::Told {
                otherwise: &[Field::ActorId],
                why: "it is not told whether anybody is logged in",
            },
            doc: "Whether nobody is logged in, as where a public link is used. Where that is not told: whether the service \
                  calls the user `anonymous`.",
            example: Example::new("_user.anonymous", "actor_id=anonymous", "true"),
            build: |_, _| Ok(Reader::Anonymous),
            ..BLANK
        },
    ]
});
