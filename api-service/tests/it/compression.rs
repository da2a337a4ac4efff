//! What is compressed, and what never is.

use reqwest::Method;
use serde_json::json;

use crate::support::{REGISTER, Stack, registration};

const ENCODING: &str = "content-encoding";

#[tokio::test(flavor = "multi_thread")]
async fn long_answers_of_queries_are_compressed_for_who_asks_so() {
    let stack = Stack::start().await;
    let ask = |path: &'static str| stack.request(Method::GET, path, &["admin"]);
    let plain = ask("/api/v1/openapi.json").send().await.unwrap();
    assert!(!plain.headers().contains_key(ENCODING));
    let plain = plain.bytes().await.unwrap();
    let gzip = ask("/api/v1/openapi.json").header("accept-encoding", "gzip");
    let gzip = gzip.send().await.unwrap();
    assert_eq!(gzip.headers()[ENCODING], "gzip");
    assert!(
        gzip.headers()["vary"]
            .to_str()
            .unwrap()
            .contains("accept-encoding")
    );
    assert_eq!(gzip.headers()["x-content-type-options"], "nosniff");
    assert!(gzip.headers().contains_key("x-request-id"));
    let gzip = gzip.bytes().await.unwrap();
    // RFC 1952 section 2.3.1.
    assert_eq!(gzip[..3], [0x1f, 0x8b, 8]);
    assert!(
        gzip.len() * 4 < plain.len(),
        "{} of {}",
        gzip.len(),
        plain.len()
    );
    let short = ask("/api/v1/devices").header("accept-encoding", "gzip");
    assert!(!short.send().await.unwrap().headers().contains_key(ENCODING));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_holds_a_secret_is_never_compressed() {
    let stack = Stack::start().await;
    let mut body = registration("tent-1");
    body["qrType"] = json!("token");
    let roles = ["admin", "manufacturer"];
    for (path, body) in [(REGISTER, body), ("/api/v1/devices/tent-1/qr", json!({}))] {
        let request = stack.request(Method::POST, path, &roles).json(&body);
        let answer = request
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 201, "{path}");
        assert!(!answer.headers().contains_key(ENCODING), "{path}");
        assert_eq!(answer.headers()["cache-control"], "no-store, no-transform");
        assert!(
            answer.text().await.unwrap().len() > 2048,
            "too short to tell"
        );
    }
}
