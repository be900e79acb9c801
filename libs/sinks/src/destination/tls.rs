//! Whom we believe: the machine's authorities, or those of a file and no other.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::ConfigVerifierExt;

/// The client's side of TLS 1.2 and 1.3.
pub(super) fn config(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let Some(path) = ca_file else {
        // Already there, or now.
        let _ = ring::default_provider().install_default();
        return ClientConfig::with_platform_verifier().map_err(|error| error.to_string());
    };
    let wrong = |why: String| {
        format!(
            "the authorities in `{}` cannot be used: {why}",
            path.display()
        )
    };
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    for one in found {
        let one = one.map_err(|error| wrong(error.to_string()))?;
        roots.add(one).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("there is no certificate in it".into()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
