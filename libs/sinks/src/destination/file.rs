//! Lines at the end of a file. Taken is what the disk has. A file that was moved away is made anew, so that
//! whatever rotates logs can rotate it.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use async_trait::async_trait;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::{DeliveryError, Destination, Taken};
use crate::{Format, Told, settings};

pub(super) struct FileEnd {
    path: PathBuf,
    format: Format,
    open: Option<File>,
}

impl FileEnd {
    pub(super) fn new(settings: &settings::File) -> Self {
        FileEnd {
            path: settings.path.clone(),
            format: settings.format,
            open: None,
        }
    }

    async fn append(&mut self, lines: &str) -> std::io::Result<()> {
        let mut file = match self.open.take() {
            Some(file) if self.is_in_place(&file).await => file,
            _ => {
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .mode(0o640)
                    .open(&self.path)
                    .await?
            }
        };
        let length = file.metadata().await?.len();
        let written = async {
            file.write_all(lines.as_bytes()).await?;
            file.flush().await?;
            file.sync_data().await
        };
        if let Err(error) = written.await {
            // Half a batch, or half a line, must not stand before the whole one.
            let _ = file.set_len(length).await;
            return Err(error);
        }
        self.open = Some(file);
        Ok(())
    }

    async fn is_in_place(&self, file: &File) -> bool {
        let (Ok(open), Ok(there)) = (file.metadata().await, fs::metadata(&self.path).await) else {
            return false;
        };
        (open.dev(), open.ino()) == (there.dev(), there.ino())
    }
}

#[async_trait]
impl Destination for FileEnd {
    async fn deliver(&mut self, events: &[Told]) -> Taken {
        let mut lines = String::new();
        for event in events {
            lines.push_str(&self.format.line(event));
            lines.push('\n');
        }
        match self.append(&lines).await {
            Ok(()) => (events.len(), Ok(())),
            Err(error) => {
                let reason = format!("`{}` cannot be written: {error}", self.path.display());
                (0, Err(DeliveryError::later(reason)))
            }
        }
    }
}
