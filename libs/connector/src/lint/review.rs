//! What `tidegate connector lint` says beyond what a manifest is refused for: what a reviewer would.
//!
//! A manifest that loads may still lose activity unnoticed, carry a secret, or have places that its
//! writer left open: those are mistakes too. What is right but could be better is advice.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use crate::connector::Connector;
use crate::mistake::{Mistake, Mistakes};
use crate::node::{self, Node};

/// Marks a place of a drafted manifest that its writer must fill in.
pub const OPEN_PLACE: &str = "FILL IN";
/// Shortest reason for an absent field, in characters: `n/a` is none.
const REASON_CHARS_MIN: usize = 8;
/// Parameters by which services are told how much of a list to give.
const PAGE_SIZES: [&str; 12] = [
    "limit",
    "per_page",
    "perpage",
    "page_size",
    "pagesize",
    "count",
    "max",
    "maxresults",
    "size",
    "top",
    "first",
    "rows",
];

/// What was found in a manifest.
#[derive(Debug, Default)]
pub struct Reviewed {
    /// What must be mended, in the order of the file.
    pub mistakes: Vec<Mistake>,
    /// What could be better, in the order of the file.
    pub advice: Vec<Mistake>,
}

impl Connector {
    /// Reads a manifest as [`Connector::parse`] does, and as a reviewer does. `origin` names it in
    /// complaints: a path.
    pub fn lint(yaml: &str, origin: &str) -> Reviewed {
        let mut mistakes = Connector::parse(yaml, origin).err().unwrap_or_default();
        let (strict, advice) = (Mistakes::of(origin), Mistakes::of(origin));
        // That it is no YAML is said already.
        if let Some(document) = node::load(yaml, &Mistakes::of(origin)) {
            mend(&Node::root(&document, &strict));
            open_places(yaml, &strict);
            advise(&Node::root(&document, &advice), yaml);
        }
        mistakes.extend(strict.all());
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        mistakes.dedup();
        Reviewed {
            mistakes,
            advice: advice.all(),
        }
    }
}

/// What must be mended.
fn mend(root: &Node<'_>) {
    for stream in streams(root) {
        if child(&stream, "retention").is_none() {
            let hint = "write how long the service keeps its activity: `retention: 90d`";
            let message = "`retention` is missing: nobody would be warned before activity is lost";
            stream.wrong_with::<()>(message, Some(hint.to_owned()));
        }
    }
    if let Some(fields) = child(root, "normalize").and_then(|node| child(&node, "fields")) {
        for (name, verb) in members(&fields) {
            let reason = child(&verb, "absent").and_then(|reason| reason.scalar());
            if reason.is_some_and(|reason| reason.trim().chars().count() < REASON_CHARS_MIN) {
                let hint = "say what the service lacks: an analyst reads it beside the empty field";
                verb.wrong_with::<()>(
                    format!("`{name}` is absent without a reason"),
                    Some(hint.to_owned()),
                );
            }
        }
    }
    if let Some(auth) = child(root, "auth") {
        for key in ["authorize", "token", "revoke"] {
            let address = child(&auth, key);
            let plain = |node: &Node<'_>| node.scalar().is_some_and(|at| at.starts_with("http://"));
            if let Some(node) = address.filter(plain) {
                node.wrong::<()>("secrets do not travel in the clear: `https://`");
            }
        }
    }
    each_text(root, &mut |key, node, text| {
        if let Some(what) = secret_in(key, text) {
            let hint = "a manifest is public: secrets belong to the connection";
            node.wrong_with::<()>(format!("this looks like {what}"), Some(hint.to_owned()));
        }
    });
}

/// In comments too: a draft marks there what is right only by chance.
fn open_places(yaml: &str, mistakes: &Mistakes) {
    for (index, line) in yaml.lines().enumerate() {
        if let Some(at) = line.find(OPEN_PLACE) {
            let column = line[..at].chars().count() + 1;
            mistakes.add((index + 1, column), "", "this place is still open", None);
        }
    }
}

/// What could be better.
fn advise(root: &Node<'_>, yaml: &str) {
    for stream in streams(root) {
        let request = child(&stream, "request");
        let bounded = request.as_ref().is_some_and(bounds_its_page);
        let full = child(&stream, "page").and_then(|page| child(&page, "next"));
        if !bounded && full.and_then(|next| child(&next, "full")).is_none() {
            stream.wrong::<()>("the request does not say how many events a page may have");
        }
        if child(&stream, "lag").is_none() {
            stream.wrong::<()>("`lag` is missing: how late an event may appear");
        }
    }
    let calls = child(root, "http").is_some();
    for (key, what) in [
        (
            "health",
            "nothing proves that a grant reaches the activity and content of all users",
        ),
        (
            "content",
            "nothing says where an object's content is: no policy can look into it",
        ),
        ("tenant", "a grant of another tenant would not be noticed"),
    ] {
        if calls && child(root, key).is_none() {
            root.wrong::<()>(format!("there is no `{key}`: {what}"));
        }
    }
    if let Some(verify) = child(root, "push").and_then(|push| child(&push, "verify")) {
        let kind = child(&verify, "kind").and_then(|kind| kind.scalar());
        if kind.as_deref() == Some("static_header") {
            verify.wrong::<()>("a static secret proves the sender only, not what was sent");
        }
    }
    for (name, param) in child(root, "params")
        .iter()
        .flat_map(|params| members(params))
    {
        let used = [format!("params.{name}"), format!("param: {name}")];
        if name != "webhook_secret" && !used.iter().any(|used| yaml.contains(used)) {
            param.wrong::<()>(format!("nothing uses the parameter `{name}`"));
        }
    }
}

/// Whether a request says how much it wants: a number, or a template that will be one.
fn bounds_its_page(request: &Node<'_>) -> bool {
    let given = ["query", "body", "form"].into_iter();
    let mut names = given
        .filter_map(|key| child(request, key))
        .flat_map(|pairs| members(&pairs))
        .map(|(name, _)| name.trim_start_matches('$').to_lowercase());
    names.any(|name| PAGE_SIZES.contains(&name.as_str()))
}

/// What a text looks like, when it looks like a secret.
fn secret_in(key: &str, text: &str) -> Option<&'static str> {
    static FORMS: LazyLock<RegexSet> = LazyLock::new(|| {
        RegexSet::new([
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
            r"\b(gh[opsu]|github_pat)_[A-Za-z0-9_]{16,}",
            r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
            r"\bAKIA[0-9A-Z]{16}\b",
            r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}",
            r"\bwhsec_[A-Za-z0-9+/=]{16,}",
            r"\bAIza[0-9A-Za-z_-]{30,}",
            r"\b[sr]k_live_[0-9A-Za-z]{12,}",
            r"(?i)^(bearer|basic|ssws|token) [A-Za-z0-9+/=._-]{12,}$",
            r"^[a-z]+://[^/{}@\s]+:[^/{}@\s]+@",
        ])
        .expect("the patterns are valid")
    });
    static NAMED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("(?i)(password|secret|api[_-]?key|token|credential)$")
            .expect("the pattern is valid")
    });
    if FORMS.is_match(text) {
        return Some("a secret");
    }
    let opaque = text.len() >= 16
        && !text.contains(['/', '{', ' ', ':'])
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    (opaque && NAMED.is_match(key)).then_some("a secret, under a key that is called one")
}

/// Every text below a node, with the key that it stands under.
fn each_text<'a>(node: &Node<'a>, see: &mut dyn FnMut(&str, &Node<'a>, &str)) {
    fn walk<'a>(key: &str, node: &Node<'a>, see: &mut dyn FnMut(&str, &Node<'a>, &str)) {
        if node.is_mapping() {
            for (key, value) in members(node) {
                walk(&key, &value, see);
            }
        } else if node.is_list() {
            node.list().iter().for_each(|item| walk(key, item, see));
        } else if let Some(text) = node.scalar() {
            see(key, node, &text);
        }
    }
    walk("", node, see);
}

fn child<'a>(node: &Node<'a>, key: &str) -> Option<Node<'a>> {
    let mut found = members(node).into_iter();
    found.find(|(name, _)| name == key).map(|(_, value)| value)
}

/// Every stream: those of `pull`, and those that places of labels have for themselves.
fn streams<'a>(root: &Node<'a>) -> Vec<Node<'a>> {
    let places = items(root, "labels").into_iter();
    let changes = places.filter_map(|place| child(&place, "changes"));
    let own = changes.filter_map(|changes| child(&changes, "pull"));
    let of_pull = items(root, "pull").into_iter();
    of_pull.chain(own.filter(Node::is_mapping)).collect()
}

fn items<'a>(node: &Node<'a>, key: &str) -> Vec<Node<'a>> {
    child(node, key).map_or_else(Vec::new, |found| found.list())
}

/// The keys and values of a mapping; none of anything else.
fn members<'a>(node: &Node<'a>) -> Vec<(String, Node<'a>)> {
    match node.is_mapping() {
        true => node.entries().unwrap_or_default(),
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
