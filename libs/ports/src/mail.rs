use std::sync::Mutex;

use async_trait::async_trait;
use thiserror::Error;

/// An e-mail to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Stable over retries: becomes the Message-ID, so that a mail server can drop a repetition.
    pub id: String,
    /// Addresses.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// The same as HTML, where there is such a part.
    pub html: Option<String>,
    /// What it is about: messages about the same are one thread.
    pub thread: Option<String>,
    /// The list by which a reader can sort it: letters, digits and `-`.
    pub list: Option<String>,
}

/// Why an e-mail was not sent.
#[derive(Debug, Error)]
pub enum MailError {
    /// Try again later.
    #[error("the mail server did not take the message now")]
    Later(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It will never be taken.
    #[error("the mail server refuses the message")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No mail server is configured.
    #[error("no mail server is configured: set `smtp_url`")]
    NotConfigured,
}

/// Sends e-mail.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands the message to a mail server.
    ///
    /// # Errors
    /// See [`MailError`].
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// Keeps what was sent, for tests.
#[derive(Default)]
pub struct MemoryMailer(Mutex<Vec<Mail>>);

impl MemoryMailer {
    /// Everything sent so far.
    pub fn sent(&self) -> Vec<Mail> {
        self.0.lock().expect("no holder panics").clone()
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.0.lock().expect("no holder panics").push(mail.clone());
        Ok(())
    }
}
