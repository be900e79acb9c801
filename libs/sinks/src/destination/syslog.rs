//! Syslog over TCP or TLS. Source: RFC 5424 (the message), RFC 6587 3.4.1 and RFC 5425 4.3 (octet counting).
//!
//! Syslog has no answer. A collector that dies takes with it what it had received and not yet worked on; so
//! events count as taken only when the connection is still whole a moment after they were written, and
//! otherwise all of them are sent again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{DeliveryError, Destination, Taken, tls};
use crate::{Format, Severity, Told, settings};

/// Longest that connecting, with TLS, may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Longest that writing a batch may take.
const WRITE_MAX: Duration = Duration::from_secs(30);
/// How long the connection must be whole after the events were written.
const SETTLED: Duration = Duration::from_millis(300);

trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Wire for T {}

pub(super) struct Collector {
    address: (String, u16),
    tls: Option<(TlsConnector, ServerName<'static>)>,
    format: Format,
    facility: u8,
    hostname: String,
    wire: Option<Box<dyn Wire>>,
}

impl Collector {
    pub(super) fn new(settings: &settings::Syslog) -> Result<Self, String> {
        let secure = || {
            let name = ServerName::try_from(settings.host.clone())
                .map_err(|_| format!("`{}` is not a host's name", settings.host))?;
            let config = tls::config(settings.ca_file.as_deref())?;
            Ok::<_, String>((TlsConnector::from(Arc::new(config)), name))
        };
        Ok(Collector {
            address: (settings.host.clone(), settings.port),
            tls: settings.tls.then(secure).transpose()?,
            format: settings.format,
            facility: settings.facility,
            hostname: printable(settings.hostname.as_deref().unwrap_or("-"), 255),
            wire: None,
        })
    }

    async fn connect(&self) -> std::io::Result<Box<dyn Wire>> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await?),
            None => Box::new(stream),
        })
    }

    /// `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`, with its length before it.
    fn framed(&self, event: &Told) -> String {
        let message = format!(
            "<{}>1 {} {} tidegate - {} - {}",
            u16::from(self.facility) * 8 + u16::from(severity(event.severity())),
            event.time().format("%Y-%m-%dT%H:%M:%S%.3fZ"),
            self.hostname,
            printable(event.text("/unmapped/number").unwrap_or("-"), 32),
            self.format.line(event),
        );
        format!("{} {message}", message.len())
    }

    async fn hand_over(&mut self, events: &[Told]) -> std::io::Result<()> {
        let bytes: String = events.iter().map(|event| self.framed(event)).collect();
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => within(CONNECT_MAX, self.connect()).await?,
        };
        let write = async {
            wire.write_all(bytes.as_bytes()).await?;
            wire.flush().await
        };
        within(WRITE_MAX, write).await?;
        still_whole(wire.as_mut()).await?;
        self.wire = Some(wire);
        Ok(())
    }
}

async fn within<T>(
    time: Duration,
    work: impl Future<Output = std::io::Result<T>>,
) -> std::io::Result<T> {
    match tokio::time::timeout(time, work).await {
        Ok(done) => done,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

/// A collector says nothing; whatever can be read is its end.
async fn still_whole(wire: &mut dyn Wire) -> std::io::Result<()> {
    let mut byte = [0];
    match tokio::time::timeout(SETTLED, wire.read(&mut byte)).await {
        Err(_) => Ok(()),
        Ok(Ok(0)) => Err(std::io::ErrorKind::UnexpectedEof.into()),
        // Some collectors greet.
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error),
    }
}

/// Printable ASCII without spaces, as RFC 5424 has it in the header.
fn printable(text: &str, chars_max: usize) -> String {
    let clean: String = text
        .chars()
        .filter(char::is_ascii_graphic)
        .take(chars_max)
        .collect();
    if clean.is_empty() {
        "-".to_owned()
    } else {
        clean
    }
}

/// Source: RFC 5424, table 2.
fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
        Severity::Informational => 6,
    }
}

#[async_trait]
impl Destination for Collector {
    async fn deliver(&mut self, events: &[Told]) -> Taken {
        match self.hand_over(events).await {
            Ok(()) => (events.len(), Ok(())),
            Err(error) => {
                self.wire = None;
                let (host, port) = &self.address;
                (
                    0,
                    Err(DeliveryError::later(format!("`{host}:{port}`: {error}"))),
                )
            }
        }
    }
}
