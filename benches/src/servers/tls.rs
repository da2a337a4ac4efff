//! A throw-away CA with a server's and a client's certificate, made by openssl for one run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, bail};
use hook_service::listener::TlsFiles;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::load::TlsClient;

/// Makes ca.pem, server.pem, client.pem and their keys, P-256, valid for two days.
pub(crate) fn make(folder: &Path) -> anyhow::Result<()> {
    std::fs::write(
        folder.join("server.ext"),
        "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1\n",
    )?;
    std::fs::write(
        folder.join("client.ext"),
        "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n",
    )?;
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(
        folder,
        &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=benches-ca"),
    )?;
    for name in ["server", "client"] {
        openssl(
            folder,
            &format!("req -new {key} -keyout {name}.key -out {name}.csr -subj /CN=benches-{name}"),
        )?;
        openssl(
            folder,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
                 -extfile {name}.ext -days 2 -out {name}.pem"
            ),
        )?;
    }
    Ok(())
}

fn openssl(folder: &Path, arguments: &str) -> anyhow::Result<()> {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments.split_ascii_whitespace())
        .stdin(Stdio::null())
        .output()
        .context("running openssl; install it with apt-get install openssl")?;
    if !output.status.success() {
        bail!(
            "openssl {arguments}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// The server's files, as hook-service's settings name them.
pub(crate) fn server_files(folder: &Path) -> TlsFiles {
    TlsFiles {
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
        client_ca: folder.join("ca.pem"),
    }
}

/// The client's side, as the broker has it.
pub(crate) fn client(folder: &Path) -> anyhow::Result<TlsClient> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.pem"))?)?;
    let certificate = CertificateDer::from_pem_file(folder.join("client.pem"))?;
    let key = PrivateKeyDer::from_pem_file(folder.join("client.key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)?;
    Ok(Arc::new(config))
}
