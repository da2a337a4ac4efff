//! The hooks over TLS: a broker without a certificate of the given CA gets nothing.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use schema::testing::MigratedDatabase;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::{
    allowed, config, connect, connect_body, der_of, read_answer, registered, request, start,
};

/// A CA with a server and a client certificate, and a foreign client, made by openssl.
fn make(folder: &Path) {
    let script = r#"
        set -e
        key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
        ca() { key "$1"; openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 2 -out "$1.pem"; }
        leaf() { key "$2"
            openssl req -new -key "$2.key" -subj "/CN=$2" -out "$2.csr"
            printf '%s\n' "$3" > "$2.ext"
            openssl x509 -req -in "$2.csr" -CA "$1.pem" -CAkey "$1.key" -CAcreateserial -days 1 \
                -extfile "$2.ext" -out "$2.pem"; }
        ca ca; ca foreign
        leaf ca server "subjectAltName=DNS:hook"
        leaf ca client "extendedKeyUsage=clientAuth"
        leaf foreign stranger "extendedKeyUsage=clientAuth"
    "#;
    let done = Command::new("bash")
        .args(["-c", script])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

fn client(folder: &Path, name: Option<&str>) -> TlsConnector {
    let pem = |file: String| folder.join(file);
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(pem("ca.pem".into())).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match name {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let chain = vec![CertificateDer::from_pem_file(pem(format!("{name}.pem"))).unwrap()];
            let key = PrivateKeyDer::from_pem_file(pem(format!("{name}.key"))).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn only_a_broker_with_a_certificate_of_the_ca_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let database = MigratedDatabase::create().await.unwrap();
    registered(&connect(&database.url()).await, &["dev-1"]).await;
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let settings = [
        ("HOOK_TLS_CERT_FILE", path("server.pem")),
        ("HOOK_TLS_KEY_FILE", path("server.key")),
        ("HOOK_TLS_CLIENT_CA_FILE", path("ca.pem")),
    ];
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let service = start(config(&database.hook_url(), &settings)).await;
    service.ready().await;

    let ask = async |name: Option<&str>| {
        let tcp = TcpStream::connect(service.hooks).await.unwrap();
        let hook = ServerName::try_from("hook").unwrap();
        let mut tls = client(folder.path(), name).connect(hook, tcp).await.ok()?;
        let one = request("/authn/device", &connect_body("dev-1", &der_of("dev-1")));
        tls.write_all(one.as_bytes()).await.ok()?;
        read_answer(&mut tls, &mut Vec::new()).await
    };
    let (status, body) = ask(Some("client")).await.unwrap();
    assert!(status == 200 && allowed(&body));
    assert_eq!(ask(None).await, None, "no certificate");
    assert_eq!(
        ask(Some("stranger")).await,
        None,
        "a certificate of another CA"
    );

    // Plain HTTP on the TLS port is closed.
    let mut plain = TcpStream::connect(service.hooks).await.unwrap();
    let one = request("/authn/device", &connect_body("dev-1", &der_of("dev-1")));
    plain.write_all(one.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    let _ = plain.read_to_end(&mut seen).await;
    assert!(!String::from_utf8_lossy(&seen).contains("HTTP/1.1 200"));
}
