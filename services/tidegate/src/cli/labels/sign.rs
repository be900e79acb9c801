use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use labels::{MANIFEST_BYTES_MAX, Manifest, ManifestDraft};

use super::super::Stream;
use super::{file, key_id, signing_key};
use crate::say;

/// `tidegate labels sign`
#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The manifest. A signature that it has is replaced.
    file: PathBuf,
    /// Private key in PEM.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What the key is called where signatures are checked [default: the file's name without its ending].
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// Only print the text that a signature is over, and change nothing.
    #[arg(long)]
    print: bool,
}

impl Sign {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let shown = self.file.display();
        let bytes = file::read(&self.file, MANIFEST_BYTES_MAX);
        let bytes = bytes.with_context(|| format!("`{shown}` cannot be read"))?;
        let manifest =
            Manifest::read(&bytes).with_context(|| format!("`{shown}` is not a manifest"))?;
        let key = signing_key(&self.key)?;
        let id = key_id(self.key_id, &self.key);
        let signed = ManifestDraft::of(&manifest).write(Some((&id, &key)));
        if self.print {
            let signed =
                Manifest::read(signed.as_bytes()).context("what was written does not read")?;
            say(&signed.signed_text(), Stream::Out);
            return Ok(());
        }
        file::replace(&self.file, &signed)
            .with_context(|| format!("`{shown}` cannot be written"))?;
        say(
            &format!("signed `{shown}` with the key `{id}`"),
            Stream::Out,
        );
        Ok(())
    }
}
