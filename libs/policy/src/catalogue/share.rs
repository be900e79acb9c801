//! `_share`: what is shared, and with whom.

use std::sync::LazyLock;

use event_model::{Effect, Field};

use super::{Entry, Example, Parameter, Reads, SHARING, Type, domains, file, the_field, told};
use crate::reader::Reader;

const TARGET: Reads = Reads::Told {
    otherwise: &[Field::TargetUserEmail],
    why: "it is not told whom the object is shared with",
};
const DOMAINS: &[Parameter] = &[Parameter::many("domain")];

const BLANK: Entry = Entry {
    object: "_share",
    name: "",
    aliases: &[],
    parameters: &[],
    result: Type::Bool,
    actions: SHARING,
    effect: None,
    reads: Reads::Fields(&[Field::ObjectPath]),
    words: &[],
    ignores_case: false,
    doc: "",
    example: Example::new("", "", ""),
    build: |_, _| Ok(Reader::Public),
};

pub(super) static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    vec![
        Entry {
            name: "public",
            reads: Reads::Fields(&[Field::Visibility]),
            doc: "Whether anyone who has the link can use it.",
            example: Example::new("_share.public", "visibility=public", "true"),
            build: |_, _| Ok(Reader::Public),
            ..BLANK
        },
        Entry {
            name: "path",
            result: Type::String,
            ignores_case: true,
            doc: "Where the shared object is.",
            example: Example::new(
                "_share.path == '/team/plan.docx'",
                "object_path=/Team/plan.docx",
                "true",
            ),
            build: the_field,
            ..BLANK
        },
        Entry {
            name: "allowedUsers",
            result: Type::List,
            reads: TARGET,
            ignores_case: true,
            doc: "E-mail addresses of those that may reach the share. Where these are not told: of whom this activity shares \
                  with.",
            example: Example::new(
                "'bob@partner.com' in _share.allowedUsers",
                "target_user_email=bob@partner.com",
                "true",
            ),
            build: |_, _| Ok(Reader::AllowedUsers),
            ..BLANK
        },
        Entry {
            name: "allowedGroups",
            result: Type::List,
            reads: told("the 24 fields name no groups"),
            ignores_case: true,
            doc: "Groups that may reach the share.",
            example: Example::new(
                "'Company' in _share.allowedGroups",
                "to_group=Company",
                "true",
            ),
            build: |_, _| Ok(Reader::AllowedGroups),
            ..BLANK
        },
        Entry {
            name: "hasUsersFromDomain",
            parameters: DOMAINS,
            effect: Some(Effect::Deny),
            reads: TARGET,
            doc: "Whether anyone of the allowed users is of one of the domains. Only with effect DENY.",
            example: Example::new(
                "_share.hasUsersFromDomain('rival.com, *.rival.org')",
                "target_user_email=eve@mail.rival.org",
                "true",
            ),
            build: |_, given| domains(given).map(Reader::AnyFrom),
            ..BLANK
        },
        Entry {
            name: "onlyUsersFromDomain",
            parameters: DOMAINS,
            effect: Some(Effect::Allow),
            reads: Reads::Fields(&[Field::Visibility, Field::TargetUserEmail]),
            doc: "Whether all of the allowed users are of the domains; false for a public link, which anyone can use, and \
                  true where it is told that there are none. Only with effect ALLOW.",
            example: Example::new(
                "_share.onlyUsersFromDomain('company.com')",
                "visibility=restricted; target_user_email=bob@partner.com",
                "false",
            ),
            build: |_, given| domains(given).map(Reader::OnlyFrom),
            ..BLANK
        },
        Entry {
            name: "pathStartsWith",
            parameters: file::PATH,
            doc: "Whether the shared object's path starts with the text. End it with `/` to mean a folder.",
            example: Example::new(
                "_share.pathStartsWith('/team/')",
                "object_path=/Team/plan.docx",
                "true",
            ),
            build: file::starts_with,
            ..BLANK
        },
        Entry {
            name: "pathContains",
            parameters: file::TEXT,
            doc: "Whether the shared object's path has the text somewhere.",
            example: Example::new(
                "_share.pathContains('secret')",
                "object_path=/a/Top Secret/b",
                "true",
            ),
            build: file::contains,
            ..BLANK
        },
        Entry {
            name: "pathMatches",
            parameters: file::PATTERN,
            doc: "Whether the whole path is of that form: `*` is any run of characters, `#` is exactly one.",
            example: Example::new(
                "_share.pathMatches('/team#/*.docx')",
                "object_path=/team7/a/plan.docx",
                "true",
            ),
            build: file::matches,
            ..BLANK
        },
    ]
});
