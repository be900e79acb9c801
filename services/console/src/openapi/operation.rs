//! One operation as the table has it.

use event_model::Permission;

use crate::permissions::Needs;

/// The parameters of every list.
pub(super) const PAGED: &[&str] = &["limit", "cursor"];

/// One operation.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: &'static [&'static str],
    pub(super) body: Option<&'static str>,
    pub(super) answer: (u16, &'static str),
    pub(super) media_type: &'static str,
    pub(super) if_match: bool,
    /// What it needs. Every operation says so: a test holds it.
    pub(super) needs: Option<Needs>,
}

impl Operation {
    pub(super) const fn new(
        method: &'static str,
        path: &'static str,
        summary: &'static str,
        answer: (u16, &'static str),
    ) -> Self {
        Operation {
            method,
            path,
            summary,
            query: &[],
            body: None,
            answer,
            media_type: "application/json",
            if_match: false,
            needs: None,
        }
    }

    pub(super) const fn needs(mut self, permission: Permission) -> Self {
        self.needs = Some(Needs::May(permission));
        self
    }

    /// For everybody who is known.
    pub(super) const fn known(mut self) -> Self {
        self.needs = Some(Needs::Known);
        self
    }

    pub(super) const fn query(mut self, query: &'static [&'static str]) -> Self {
        self.query = query;
        self
    }

    pub(super) const fn body(mut self, schema: &'static str) -> Self {
        self.body = Some(schema);
        self
    }

    pub(super) const fn media_type(mut self, media_type: &'static str) -> Self {
        self.media_type = media_type;
        self
    }

    pub(super) const fn if_match(mut self) -> Self {
        self.if_match = true;
        self
    }

    /// Whether it can be asked to be carried out once.
    pub(super) fn takes_key(&self) -> bool {
        self.method == "post"
    }

    pub(super) fn tag(&self) -> &'static str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    pub(super) fn id(&self) -> String {
        let path = self
            .path
            .replace(['{', '}'], "")
            .replace(['/', '-', '.'], "_");
        format!("{}{path}", self.method)
    }

    pub(super) fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        let segments = self.path.split('/');
        segments.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

pub(super) const fn get(
    path: &'static str,
    summary: &'static str,
    answer: &'static str,
) -> Operation {
    Operation::new("get", path, summary, (200, answer))
}

pub(super) const fn post(
    path: &'static str,
    summary: &'static str,
    answer: (u16, &'static str),
) -> Operation {
    Operation::new("post", path, summary, answer)
}
