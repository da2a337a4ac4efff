//! What every request meets: paths, methods, bodies, headers.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, REGISTER, Stack, registration};

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_problems_too() {
    let stack = Stack::start().await;
    for path in [
        "/",
        "/api/v1/nothing",
        "/api/v1/devices/a/b",
        "/api/v2/devices",
    ] {
        stack.get(path).await.is_problem(404, "route_not_found");
    }
    let answer =
        Answer::of(stack.request(Method::DELETE, "/api/v1/devices/tent-1", &["admin"])).await;
    answer.is_problem(405, "method_not_allowed");
    assert!(answer.headers["allow"].to_str().unwrap().contains("GET"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_one_json_object_is_refused() {
    let stack = Stack::start().await;
    let send = async |media_type: &str, body: &str| {
        let request = stack.request(Method::POST, REGISTER, &["manufacturer"]);
        let request = request
            .header("content-type", media_type)
            .body(body.to_owned());
        Answer::of(request).await
    };
    for bad in [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{} {}",
        r#"{"model":"a","model":"b"}"#,
        "\u{0}",
    ] {
        send("application/json", bad)
            .await
            .is_problem(400, "json_malformed");
    }
    for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        send(media_type, "{}")
            .await
            .is_problem(415, "media_type_unsupported");
    }
    send("application/json; charset=utf-8", "{}")
        .await
        .is_problem(422, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused() {
    let stack = Stack::start().await;
    let fits = format!(r#"{{"model":"{}"}}"#, "x".repeat(65_536 - 12));
    assert_eq!(fits.len(), 65_536);
    let send = async |body: String| {
        let request = stack.request(Method::POST, REGISTER, &["manufacturer"]);
        Answer::of(
            request
                .header("content-type", "application/json")
                .body(body),
        )
        .await
    };
    send(fits.clone()).await.is_problem(422, "invalid_request");
    send(format!("{fits} "))
        .await
        .is_problem(413, "body_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_field_is_named_but_cut() {
    let stack = Stack::start().await;
    let mut body = registration("tent-1");
    body["x".repeat(1_000)] = json!(1);
    let answer = stack.register(&body).await;
    answer.is_problem(422, "invalid_request");
    assert_eq!(answer.wrong_fields(), ["x".repeat(64)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_safe_headers_and_a_request_id() {
    let stack = Stack::start().await;
    for path in ["/api/v1/devices", "/nothing", "/api/v1/openapi.json"] {
        let answer = stack.get(path).await;
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"));
        assert!(answer.headers.contains_key("x-request-id"));
    }
    let with_id = |id: &str| {
        let request = stack.request(Method::GET, "/api/v1/devices", &["admin"]);
        Answer::of(request.header("x-request-id", id))
    };
    let kept = with_id("order-4711-abc").await;
    assert_eq!(kept.headers["x-request-id"], "order-4711-abc");
    for odd in ["short", "with space in it", &"x".repeat(65)] {
        assert_ne!(with_id(odd).await.headers["x-request-id"], odd);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_no_id_is_an_invalid_request() {
    let stack = Stack::start().await;
    for path in [
        "/api/v1/devices/a%2Fb",
        "/api/v1/devices/svc.x",
        "/api/v1/operations/x",
        "/api/v1/operations/0",
    ] {
        let answer = stack.get(path).await;
        answer.is_problem(422, "invalid_request");
        assert_eq!(answer.wrong_fields(), ["id"], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_headers_do_not_reach_the_service() {
    let stack = Stack::start().await;
    let address = stack.addresses.api;
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut head = "GET /api/v1/devices HTTP/1.1\r\nhost: x\r\n".to_owned();
        for n in 0..5_000 {
            write!(head, "h{n}: x\r\n").unwrap();
        }
        // The service may close before it has read all of it.
        let _ = stream.write_all(format!("{head}\r\n").as_bytes());
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    });
    let answer = answer.await.unwrap();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    assert_eq!(stack.get("/api/v1/devices").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_route_and_code_and_never_by_path() {
    let stack = Stack::start().await;
    stack.get("/api/v1/devices/secret-name").await;
    stack.get("/secret-path").await;
    let metrics = stack.metrics().await;
    let expected = r#"api_requests_total{code="device_not_found",method="GET",route="/api/v1/devices/{id}",status="404"} 1"#;
    assert!(metrics.contains(expected), "{metrics}");
    assert!(metrics.contains(r#"route="unmatched""#));
    assert!(!metrics.contains("secret"));
}
