//! E-mail by SMTP.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use ports::{Mail, MailError, Mailer};

/// Longest that handing over one message may take.
const SEND_MAX: Duration = Duration::from_secs(30);
/// Longest subject, in characters.
const SUBJECT_CHARS_MAX: usize = 200;

/// Hands messages to a mail server.
pub(crate) struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// A mailer for `smtp://[user:password@]host[:port]` or `smtps://…`.
    pub(crate) fn new(url: &str, from: &str) -> anyhow::Result<Self> {
        // A server without STARTTLS is taken only when the URL says `smtp://`; `smtps://` is TLS from the start.
        let url = match url.strip_prefix("smtp://") {
            Some(rest) if !url.contains("tls=") => {
                let separator = if rest.contains('?') { '&' } else { '?' };
                format!("{url}{separator}tls=opportunistic")
            }
            _ => url.to_owned(),
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url)
            .map_err(|_| anyhow::anyhow!("`smtp_url` is not a mail server's URL"))?
            .timeout(Some(SEND_MAX))
            .build();
        let from = from
            .parse()
            .map_err(|_| anyhow::anyhow!("`mail_from` is not an address"))?;
        Ok(SmtpMailer { transport, from })
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let refused = |error: Box<dyn std::error::Error + Send + Sync>| MailError::Refused(error);
        let subject: String = mail
            .subject
            .chars()
            .filter(|c| !c.is_control())
            .take(SUBJECT_CHARS_MAX)
            .collect();
        let id = format!("<{}@{}>", mail.id, self.from.email.domain());
        let mut message = Message::builder()
            .from(self.from.clone())
            .message_id(Some(id));
        for to in &mail.to {
            message = message.to(to
                .parse()
                .map_err(|error: lettre::address::AddressError| refused(error.into()))?);
        }
        message
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body.clone())
            .map_err(|error| refused(error.into()))
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if is_for_good(&error) => Err(MailError::Refused(error.into())),
            Err(error) => Err(MailError::Later(error.into())),
        }
    }
}

fn is_for_good(error: &SmtpError) -> bool {
    error.is_permanent()
}

/// Where no mail server is configured: says so.
pub(crate) struct NoMailer;

#[async_trait]
impl Mailer for NoMailer {
    async fn send(&self, _: &Mail) -> Result<(), MailError> {
        Err(MailError::NotConfigured)
    }
}
