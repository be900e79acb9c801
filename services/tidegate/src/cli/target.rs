//! A running platform, asked over its API.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use crate::demo::Api;

/// Where the platform is, and the token for it.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// Where the platform listens.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        env = "TIDEGATE_PUBLIC_URL"
    )]
    url: String,
    /// Its data folder: the administrator's token is read from there.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "./data",
        env = "TIDEGATE_DATA"
    )]
    data: PathBuf,
    /// File with a token, instead of the one in the data folder.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_ADMIN_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// One JSON document a line instead of words.
    #[arg(long)]
    pub(super) json: bool,
}

impl Target {
    pub(super) fn api(&self) -> anyhow::Result<Api> {
        let beside = || self.data.join("admin-token");
        let path = self.token_file.clone().unwrap_or_else(beside);
        let token = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "`{}` cannot be read: give --data or --token-file",
                path.display()
            )
        })?;
        Ok(Api::new(self.url.clone(), token.trim().to_owned()))
    }
}

/// The text of a field, without control characters: services write what they like.
pub(super) fn text(item: &Value, field: &str) -> String {
    let text = item[field].as_str().unwrap_or("-");
    text.chars().filter(|c| !c.is_control()).collect()
}
