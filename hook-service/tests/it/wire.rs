//! Requests recorded from a real EMQX 5.8.9, replayed byte for byte behind the request line.
//!
//! Paths are the laboratory's own, so the request line is ours; a device of the recorded name and
//! certificate exists, so that what must be denied is denied for its contents.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schema::testing::MigratedDatabase;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Running, allowed, connect, connect_body, read_answer, start_ready};

fn recorded(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/wire")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Sends the recording to `path`, keeping method, headers and body.
async fn replay(service: &Running, name: &str, path: &str) -> bool {
    let recording = recorded(name);
    let (line, rest) = recording.split_once("\r\n").unwrap();
    let method = line.split(' ').next().unwrap();
    let mut stream = TcpStream::connect(service.hooks).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\n{rest}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let (status, body) = read_answer(&mut stream, &mut Vec::new()).await.unwrap();
    assert_eq!(status, 200, "{name}");
    allowed(&body)
}

fn body_of(name: &str) -> Value {
    let recording = recorded(name);
    serde_json::from_str(recording.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn every_recorded_request_is_answered_with_an_explicit_result() {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    // The recorded device, with the recorded certificate.
    let sent = body_of("authn-mtls.http");
    let der = STANDARD.decode(sent["cert_pem"].as_str().unwrap()).unwrap();
    let fingerprint = certs::Fingerprint::of_der(&der);
    client
        .batch_execute(
            "INSERT INTO device (device_id, model, public_key) VALUES ('dev-0001', 'm', '\\x00')",
        )
        .await
        .unwrap();
    client
        .execute(
            "INSERT INTO certificate (fingerprint, device_id, serial, not_before, not_after, der)
             VALUES ($1, 'dev-0001', '\\x01', now(), now() + interval '1 day', $2)",
            &[&fingerprint.as_bytes().as_slice(), &der],
        )
        .await
        .unwrap();
    let service = start_ready(&database.hook_url()).await;

    for name in [
        "authn-mtls",
        "authn-no-credentials",
        "authn-escaped-dn",
        "authn-default-headers",
    ] {
        // Client id and user name are not the common name, or nothing is proven at all.
        for path in ["/authn/device", "/authn/service", "/authn/person", "/authn"] {
            assert!(
                !replay(&service, &format!("{name}.http"), path).await,
                "{name} {path}"
            );
        }
    }
    for name in [
        "authz-subscribe",
        "authz-publish",
        "authz-publish-retain",
        "authz-get-query",
    ] {
        assert!(
            !replay(&service, &format!("{name}.http"), "/authz").await,
            "{name}"
        );
    }
    let files =
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire")).unwrap();
    assert_eq!(files.count(), 8, "each recording is replayed above");

    // The control: the recorded certificate is the right one, and with it the device's own name in
    // all places is let in.
    assert!(service.lets_in_with("dev-0001", &der).await);
    let as_sent = connect_body("dev-0001", &der);
    let ours: Value = serde_json::from_str(&as_sent).unwrap();
    assert_eq!(
        ours["cert_pem"], sent["cert_pem"],
        "base64 is rendered as EMQX renders it"
    );
    assert_eq!(ours["cert_common_name"], sent["cert_common_name"]);
}
