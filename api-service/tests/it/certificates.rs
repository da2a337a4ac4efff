//! What is public: authorities, the revocation list, the document.

use certs::{Certificate, RevocationList, RevocationReason};
use serde_json::json;

use crate::support::{Answer, Stack, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_authorities_are_shown_to_everybody() {
    let stack = Stack::start().await;
    let answer = Answer::of(stack.http.get(stack.url("/api/v1/certificates/ca"))).await;
    assert_eq!(answer.status, 200);
    let read = |name: &str| Certificate::read_all(answer.body[name].as_str().unwrap().as_bytes());
    let (trust, chain) = (read("trust").unwrap(), read("chain").unwrap());
    assert!(trust[0].is_issued_by(&chain[1]), "one root for both");
    let issuer = &answer.body["issuer"];
    assert_eq!(issuer["fingerprint"], chain[0].fingerprint().to_string());
    assert!(!answer.body.to_string().contains("PRIVATE"));
}

async fn list(stack: &Stack) -> RevocationList {
    let get = || stack.http.get(stack.url("/crl/device.pem")).send();
    eventually("the first list is signed", async || {
        get().await.unwrap().status() == 200
    })
    .await;
    let answer = get().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/x-pem-file");
    RevocationList::parse(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_in_the_next_list() {
    let stack = Stack::start().await;
    stack.registered("tent-0").await;
    let made = stack.registered("tent-1").await;
    let before = list(&stack).await;
    assert_eq!(before.entries().count(), 0);
    stack
        .post(
            "/api/v1/devices/tent-1/revoke",
            &json!({"reason": "keyCompromise"}),
        )
        .await;

    eventually("the revoked certificate is listed", async || {
        list(&stack).await.entries().count() == 1
    })
    .await;
    let after = list(&stack).await;
    let entries: Vec<_> = after.entries().collect();
    assert_eq!(entries.len(), 1);
    assert_eq!(
        entries[0].serial.to_string(),
        made["serial"].as_str().unwrap()
    );
    assert_eq!(entries[0].reason, RevocationReason::KeyCompromise);
    assert!(after.number() > before.number());
    let valid = after.next_update().unwrap() - after.this_update();
    assert_eq!(valid.whole_hours(), 24);
    let authority = stack.pki.folder.path("device-ca.pem");
    let authority = Certificate::read_first(&std::fs::read(authority).unwrap()).unwrap();
    assert!(after.is_issued_by(&authority));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_forms_are_the_same_list_and_are_made_once() {
    let stack = Stack::start().await;
    let pem = list(&stack).await;
    let der = stack
        .http
        .get(stack.url("/crl/device.der"))
        .send()
        .await
        .unwrap();
    assert_eq!(der.headers()["content-type"], "application/pkix-crl");
    assert_eq!(der.bytes().await.unwrap(), pem.der());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_names_the_list_when_its_address_is_configured() {
    let stack = Stack::start_with(&[("API_CRL_BASE_URL", "http://api.example.com/")]).await;
    let made = stack.registered("tent-1").await;
    let pem = made["certificate"].as_str().unwrap();
    let certificate = Certificate::read_first(pem.as_bytes()).unwrap();
    let url = certificate.crl_url().unwrap();
    let issuer = "http://api.example.com/crl/".len();
    assert!(url.starts_with("http://api.example.com/crl/") && url.strip_suffix(".pem").is_some());
    assert_eq!(url[issuer..].find('/'), Some(40), "{url}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_committed_document_is_the_one_that_is_served() {
    let committed = include_str!("../../../docs/openapi.json");
    let regenerate =
        "docs/openapi.json is old: run `cargo run -p api-service -- openapi > docs/openapi.json`";
    assert!(committed == api_service::openapi::json(), "{regenerate}");
    let stack = Stack::start().await;
    let served = stack
        .http
        .get(stack.url("/api/v1/openapi.json"))
        .send()
        .await
        .unwrap();
    assert_eq!(served.text().await.unwrap(), committed);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_the_document_is_routed() {
    let stack = Stack::start().await;
    let document: serde_json::Value = serde_json::from_str(&api_service::openapi::json()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase().parse().unwrap();
            let path = path.replace("{id}", "1");
            let path = path.replace("{fingerprint}", "00").replace("{uuid}", "0");
            let url = stack.url(&path);
            let answer = Answer::of(stack.http.request(method, url)).await;
            assert_ne!(answer.status, 405, "{path}");
            assert_ne!(answer.body["code"], "route_not_found", "{path}");
        }
    }
    eventually("all of it was counted", async || {
        stack
            .metrics()
            .await
            .contains("/api/v1/manufacturing/devices")
    })
    .await;
}
