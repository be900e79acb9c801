use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use labels::{Curve, SigningKey};
use ports::{Entropy, SystemEntropy};

use super::super::Stream;
use crate::say;

/// `tidegate labels keygen`
#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// Where the private key goes; the public one goes beside it, with `.pub` at the end. Neither may be there yet.
    file: PathBuf,
    /// The curve: secp256k1, p256 or p384.
    #[arg(long, default_value = "secp256k1", value_parser = curve)]
    curve: Curve,
}

fn curve(text: &str) -> Result<Curve, String> {
    let found = Curve::WORDS.iter().find(|(word, _)| *word == text);
    found
        .map(|(_, curve)| *curve)
        .ok_or_else(|| "a curve is `secp256k1`, `p256` or `p384`".to_owned())
}

impl Keygen {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let key = fresh(self.curve)?;
        let mut public = self.file.clone().into_os_string();
        public.push(".pub");
        let public = PathBuf::from(public);
        write_new(&self.file, &key.to_pem(), 0o600)?;
        write_new(&public, &key.public_key().to_pem(), 0o644)?;
        let (private, public) = (self.file.display(), public.display());
        let told = format!(
            "made `{private}`: whoever has it can sign, keep it where manifests are made\nmade `{public}`: give it to whoever is to believe them"
        );
        say(&told, Stream::Out);
        Ok(())
    }
}

/// Nearly every secret is a key: one that is not comes once in 2^127 at most.
fn fresh(curve: Curve) -> anyhow::Result<SigningKey> {
    const TRIES_MAX: usize = 8;
    for _ in 0..TRIES_MAX {
        let mut secret = vec![0; curve.secret_bytes()];
        SystemEntropy.fill(&mut secret);
        if let Some(key) = SigningKey::from_secret(curve, &secret) {
            return Ok(key);
        }
    }
    bail!("chance gave no key in {TRIES_MAX} tries")
}

fn write_new(path: &PathBuf, text: &str, mode: u32) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode);
    }
    let cannot = || format!("`{}` cannot be made", path.display());
    let mut file = options.open(path).with_context(cannot)?;
    file.write_all(text.as_bytes()).with_context(cannot)?;
    file.sync_all().with_context(cannot)
}
