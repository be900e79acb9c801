use askama::Template;

/// Asks a user to grant a client access. The hidden fields are the parameters of the request, sent back by the form.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) redirect_origin: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) scopes: &'a [(&'static str, &'static str)],
    pub(crate) state: &'a str,
    pub(crate) code_challenge: &'a str,
    pub(crate) tenants: &'a [(String, String)],
    pub(crate) tenant: &'a str,
    pub(crate) user: &'a str,
    pub(crate) wrong_password: bool,
}
