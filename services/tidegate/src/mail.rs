//! E-mail by SMTP.
//!
//! What it promises: a password leaves over TLS only, unless the address says otherwise; no text of a cloud
//! service becomes a header; the same message has the same `Message-ID`, however often it is sent.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use ports::{Mail, MailError, Mailer};
use url::Url;

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
    /// A mailer for `smtp://[user:password@]host[:port]` or `smtps://…`. With a file of authorities no
    /// other is believed.
    pub(crate) fn new(url: &str, from: &str, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let wrong = || anyhow::anyhow!("`smtp_url` is not a mail server's URL");
        let mut url = Url::parse(url).map_err(|_| wrong())?;
        let says = url.query_pairs().any(|(name, _)| name == "tls");
        if url.scheme() == "smtp" && !says {
            // A server without STARTTLS is taken where there is no password to lose.
            let tls = match url.password() {
                Some(_) => "required",
                None => "opportunistic",
            };
            url.query_pairs_mut().append_pair("tls", tls);
        }
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
            .map_err(|_| wrong())?
            .timeout(Some(SEND_MAX));
        if let Some(path) = ca_file {
            builder = builder.tls(believing(path, &url)?);
        }
        let transport = builder.build();
        let from = from
            .parse()
            .map_err(|_| anyhow::anyhow!("`mail_from` is not an address"))?;
        Ok(SmtpMailer { transport, from })
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let refused = |error: Box<dyn std::error::Error + Send + Sync>| MailError::Refused(error);
        let mut message = self.addressed(mail);
        for to in &mail.to {
            message = message.to(to
                .parse()
                .map_err(|error: lettre::address::AddressError| refused(error.into()))?);
        }
        let built = match &mail.html {
            Some(html) => message.multipart(MultiPart::alternative_plain_html(
                mail.body.clone(),
                html.clone(),
            )),
            None => message
                .header(ContentType::TEXT_PLAIN)
                .body(mail.body.clone()),
        };
        built.map_err(|error| refused(error.into()))
    }

    /// Everything before the receivers.
    fn addressed(&self, mail: &Mail) -> MessageBuilder {
        let here = self.from.email.domain();
        let subject: String = mail
            .subject
            .chars()
            .filter(|c| !c.is_control())
            .take(SUBJECT_CHARS_MAX)
            .collect();
        let raw = |name, value| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
        let mut message = Message::builder()
            .from(self.from.clone())
            .message_id(Some(format!("<{}@{here}>", mail.id)))
            .subject(subject)
            // No holiday answers, please. Source: RFC 3834, section 5.
            .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()));
        if let Some(thread) = &mail.thread {
            let root = format!("<{thread}@{here}>");
            message = message.in_reply_to(root.clone()).references(root);
        }
        match &mail.list {
            // Source: RFC 2919.
            Some(list) => message.raw_header(raw("List-Id", format!("<{list}.tidegate.{here}>"))),
            None => message,
        }
    }
}

/// TLS as the address asks for it, with the authorities of the file and no other.
fn believing(path: &Path, url: &Url) -> anyhow::Result<Tls> {
    let unusable = || format!("the authorities in `{}` cannot be used", path.display());
    let pem = std::fs::read(path).with_context(unusable)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let parameters = TlsParameters::builder(host)
        .certificate_store(CertificateStore::None)
        .add_root_certificate(Certificate::from_pem(&pem).with_context(unusable)?)
        .build()
        .with_context(unusable)?;
    let opportunistic = url
        .query_pairs()
        .any(|(name, value)| name == "tls" && value == "opportunistic");
    Ok(match url.scheme() {
        "smtps" => Tls::Wrapper(parameters),
        _ if opportunistic => Tls::Opportunistic(parameters),
        _ => Tls::Required(parameters),
    })
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

#[cfg(test)]
mod tests;
