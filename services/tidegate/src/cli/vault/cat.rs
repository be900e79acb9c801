//! `tidegate vault cat`, `tidegate vault send`: an item read or written through the socket, as whoever asks
//! may: as it is, or as it is stored.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::PathBuf;

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use guard::{Client, DATA_BYTES_MAX, Listed, Shown};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::show::visible;
use super::transfer::standard;
use crate::cli::Stream;
use crate::say;

/// `tidegate vault cat`
#[derive(Debug, Args)]
pub(crate) struct Cat {
    /// Which item: its id, or its name where no other has it. Without one, what is held is listed.
    #[arg(value_name = "ITEM")]
    item: Option<String>,
    /// Where the vault is served.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// JSON instead of words, for a list: one document a line.
    #[arg(long)]
    json: bool,
}

/// `tidegate vault send`
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// What the new item is called; for who may write ciphertext only, the item whose ciphertext comes back.
    #[arg(value_name = "NAME")]
    name: String,
    /// Where the vault is served.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// JSON instead of words.
    #[arg(long)]
    json: bool,
}

async fn connected(socket: &std::path::Path) -> anyhow::Result<Client> {
    let client = Client::connect(socket).await;
    client.with_context(|| format!("nobody serves the vault at `{}`", socket.display()))
}

pub(super) async fn cat(cat: &Cat) -> anyhow::Result<()> {
    let mut client = connected(&cat.socket).await?;
    let Some(item) = &cat.item else {
        return list(&mut client, cat.json).await;
    };
    if std::io::stdout().is_terminal() {
        bail!("content is not written to a terminal: lead standard output somewhere");
    }
    let opened = client.open(item, false).await;
    let opened = opened.with_context(|| format!("`{}`", visible(item)))?;
    let (mut out, mut sent) = (standard(std::io::stdout().as_fd())?, 0);
    while sent < opened.bytes {
        let piece = client.read(opened.handle, sent, DATA_BYTES_MAX).await?;
        if piece.is_empty() {
            bail!("the content ended after {sent} of {} bytes", opened.bytes);
        }
        out.write_all(&piece).await?;
        sent += piece.len() as u64;
    }
    out.flush().await?;
    client.close(opened.handle).await?;
    Ok(())
}

async fn list(client: &mut Client, json: bool) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let (items, next) = client.list(&after).await?;
        for Listed { id, bytes, name } in items {
            let line = match json {
                true => json!({"id": id, "bytes": bytes, "name": name}).to_string(),
                false => format!("{id}  {bytes:>14}  {}", visible(&name)),
            };
            say(&line, Stream::Out);
        }
        match next.is_empty() {
            true => return Ok(()),
            false => after = next,
        }
    }
}

pub(super) async fn send(send: &Send) -> anyhow::Result<()> {
    let mut client = connected(&send.socket).await?;
    let opened = client.open(&send.name, true).await;
    let opened = opened.with_context(|| format!("`{}`", visible(&send.name)))?;
    let (mut input, mut sent) = (standard(std::io::stdin().as_fd())?, 0);
    input.set_max_buf_size(DATA_BYTES_MAX as usize);
    let mut buffer = vec![0; DATA_BYTES_MAX as usize];
    loop {
        let read = input.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        let data = Bytes::copy_from_slice(&buffer[..read]);
        sent = client.write(opened.handle, sent, data).await?;
    }
    let id = client.close(opened.handle).await?;
    let shown = match opened.shown {
        Shown::Plaintext => "plaintext",
        Shown::Ciphertext => "ciphertext",
    };
    let line = match send.json {
        true => json!({"id": id, "bytes": sent, "as": shown}).to_string(),
        false => format!("{id} has what was sent: {sent} bytes, as {shown}"),
    };
    say(&line, Stream::Out);
    Ok(())
}
