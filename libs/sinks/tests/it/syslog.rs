use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use syslog_loose::{ProcId, Protocol, Variant, parse_message};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::stage::{Got, Stage, id, ids};

/// Reads octet-counted messages until the connection ends, or so many came: then it is cut.
async fn read(wire: impl AsyncRead + Unpin, got: Got, at_most: usize) {
    let mut wire = BufReader::new(wire);
    for _ in 0..at_most {
        let mut length = 0usize;
        loop {
            match wire.read_u8().await {
                Ok(b' ') => break,
                Ok(digit) => length = length * 10 + usize::from(digit - b'0'),
                Err(_) => return,
            }
        }
        let mut message = vec![0; length];
        if wire.read_exact(&mut message).await.is_err() {
            return;
        }
        let message = String::from_utf8(message).unwrap();
        let parsed = parse_message(&message, Variant::RFC5424);
        assert_eq!(parsed.protocol, Protocol::RFC5424(1));
        assert_eq!(parsed.appname, Some("tidegate"));
        assert_eq!(parsed.procid, None::<ProcId<&str>>);
        assert_eq!(
            parsed.facility,
            Some(syslog_loose::SyslogFacility::LOG_AUDIT)
        );
        let event: serde_json::Value = serde_json::from_str(parsed.msg).unwrap();
        got.note(event["metadata"]["uid"].as_str().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_dies_again_and_again_misses_nothing_with_tls_and_without() {
    for with_tls in [false, true] {
        let mut stage = Stage::set().await;
        let (authority, config) = server();
        let authority = stage.write("authority", &authority);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let got = Got::default();
        let acceptor = with_tls.then(|| TlsAcceptor::from(config));
        let collecting = tokio::spawn(dying(listener, acceptor, got.clone()));
        stage.start(&match with_tls {
            true => sheet(address, &format!("tls = true, ca_file = '{authority}'")),
            false => sheet(address, "tls = false"),
        });
        stage.tell(0, 500).await;
        got.are(500).await;
        assert_eq!(got.all(), ids(0, 500), "TLS: {with_tls}");
        collecting.abort();
    }
}

/// Each life reads a few more and then forgets what it has not read.
async fn dying(listener: TcpListener, acceptor: Option<TlsAcceptor>, got: Got) {
    for life in 1.. {
        let (stream, _) = listener.accept().await.unwrap();
        let at_most = if life < 5 { life * 30 } else { usize::MAX };
        match &acceptor {
            None => read(stream, got.clone(), at_most).await,
            Some(acceptor) => {
                if let Ok(stream) = acceptor.accept(stream).await {
                    read(stream, got.clone(), at_most).await;
                }
            }
        }
    }
}

fn sheet(address: SocketAddr, tls: &str) -> String {
    format!(
        "[[sink]]\nname = 'syslog'\nsyslog = {{host = 'localhost', port = {}, hostname = 'casb', {tls}}}",
        address.port()
    )
}

/// An authority, a server's certificate of it, and the key: all of them as PEM.
pub(crate) fn certificates() -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

/// An authority, and a server that it knows.
fn server() -> (String, Arc<ServerConfig>) {
    let (authority, chain, key) = certificates();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    (authority, Arc::new(config))
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_believed_by_the_authority_that_is_named_and_by_no_other() {
    let mut stage = Stage::set().await;
    let (authority, config) = server();
    let (stranger, _) = server();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let got = Got::default();
    let collecting = {
        let got = got.clone();
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(config);
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if let Ok(stream) = acceptor.accept(stream).await {
                    read(stream, got.clone(), usize::MAX).await;
                }
            }
        })
    };
    let [authority, stranger] = [("authority", authority), ("stranger", stranger)]
        .map(|(name, pem)| stage.write(name, &pem));
    let settings = stage.settings(&sheet(
        address,
        &format!("tls = true, ca_file = '{stranger}'"),
    ));
    let tried = sinks::Sinks::try_out(&settings[0], &stage.ports.reach).await;
    assert!(
        tried.unwrap_err().to_string().contains("certificate"),
        "a stranger's authority is not believed"
    );
    stage.start(&sheet(
        address,
        &format!("tls = true, ca_file = '{authority}'"),
    ));
    stage.tell(0, 3).await;
    got.are(3).await;
    assert_eq!(got.all(), [id(0), id(1), id(2)]);
    collecting.abort();
}
