use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use connector::{Egress, ProviderCalls};
use event_model::Secret;
use ports::Clock;
use sign_on::{Provider, SignOnSettings};

use crate::labelling::text_of;

/// Where browsers come back to, behind the public URL.
const CALLBACK: &str = "/login/sso/callback";

/// The provider of a file of settings; the client's secret stands beside it.
///
/// # Errors
/// With every mistake of the file.
pub(crate) fn load(
    file: &Path,
    public_url: &str,
    egress: Egress,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Provider> {
    let shown = file.display();
    let settings: SignOnSettings =
        toml::from_str(&text_of(file)?).with_context(|| format!("`{shown}` is not right"))?;
    let mistakes = settings.mistakes();
    if !mistakes.is_empty() {
        let listed: String = mistakes.iter().map(|one| format!("\n  {one}")).collect();
        bail!("`{shown}` has {} mistakes:{listed}", mistakes.len());
    }
    let beside = file.parent().unwrap_or(Path::new(""));
    let secret = match &settings.client_secret_file {
        None => None,
        Some(name) => {
            let text = text_of(&beside.join(name))?;
            Some(Secret::new(text.trim().to_owned()))
        }
    };
    let redirect = format!("{}{CALLBACK}", public_url.trim_end_matches('/'));
    let calls = ProviderCalls::new(egress, settings.issuer.clone());
    Ok(Provider::new(settings, secret, redirect, calls, clock))
}
