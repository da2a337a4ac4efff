//! The lists' own listener: what it answers, to whom, and what caches are told.

use reqwest::{Method, StatusCode};

use crate::support::{Answer, Stack, eventually};

const ONE: [(&str, &str); 2] = [
    ("API_CRL_BASE_URL", "http://crl.example.com"),
    ("API_CRL_SHARDS", "1"),
];

async fn with_a_list() -> (Stack, String) {
    let stack = Stack::start_with(&ONE).await;
    let url = stack.device("tent-1").await.crl_url().unwrap();
    stack.list_at(&url).await;
    let path = url["http://crl.example.com".len()..].to_owned();
    (stack, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_comes_in_both_forms_with_what_caches_need() {
    let (stack, path) = with_a_list().await;
    let pem = stack.crl(&path).await;
    assert_eq!(pem.headers()["content-type"], "application/x-pem-file");
    assert_eq!(pem.headers()["x-content-type-options"], "nosniff");
    let control = pem.headers()["cache-control"].to_str().unwrap().to_owned();
    let age: u64 = control
        .strip_prefix("public, max-age=")
        .unwrap()
        .parse()
        .unwrap();
    // Half of a day at most, and it was made a moment ago.
    assert!((11 * 3600..=12 * 3600).contains(&age), "{control}");
    assert!(pem.headers().contains_key("last-modified"));
    let list = certs::RevocationList::parse(&pem.bytes().await.unwrap()).unwrap();

    let der = stack.crl(&path.replace(".pem", ".crl")).await;
    assert_eq!(der.headers()["content-type"], "application/pkix-crl");
    assert_eq!(der.bytes().await.unwrap(), list.der());
    let whole = stack.crl("/crl/device.der").await;
    let whole = certs::RevocationList::parse(&whole.bytes().await.unwrap()).unwrap();
    assert_eq!(whole.shard_url(), None, "it covers all of the authority");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_list_is_told_so_without_it() {
    let (stack, path) = with_a_list().await;
    let url = format!("http://{}{path}", stack.addresses.crl.unwrap());
    let first = stack.crl(&path).await;
    for (condition, known) in [
        ("if-none-match", "etag"),
        ("if-modified-since", "last-modified"),
    ] {
        let request = stack.http.get(&url);
        let request = request.header(condition, first.headers()[known].clone());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{condition}");
        assert_eq!(answer.headers()["etag"], first.headers()["etag"]);
        assert!(answer.bytes().await.unwrap().is_empty());
    }
    let der = stack.crl(&path.replace(".pem", ".crl")).await;
    assert_ne!(
        der.headers()["etag"],
        first.headers()["etag"],
        "other bytes"
    );
    let head = stack.http.head(&url).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(
        head.headers()["content-length"],
        first.headers()["content-length"]
    );
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_lists_can_be_had_there_and_only_by_get_and_head() {
    let (stack, path) = with_a_list().await;
    let base = format!("http://{}", stack.addresses.crl.unwrap());
    let get = |path: &str| Answer::of(stack.http.get(format!("{base}{path}")));
    for unknown in ["/", "/api/v1/devices", "/readyz", "/crl/x"] {
        get(unknown).await.is_problem(404, "route_not_found");
    }
    for unknown in [
        "/crl/device/1.pem".to_owned(),
        path.replace(".pem", ".der"),
        path.to_uppercase(),
        path.replace(".pem", "0000000000.pem"),
        format!("/crl/{}/0.pem", "00".repeat(20)),
        path.replace("/crl/", "/crl/%ff"),
    ] {
        get(&unknown).await.is_problem(
            404,
            if unknown.starts_with("/CRL") {
                "route_not_found"
            } else {
                "list_not_found"
            },
        );
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let request = stack.http.request(method, format!("{base}{path}"));
        let answer = Answer::of(request.body("x")).await;
        answer.is_problem(405, "method_not_allowed");
        assert_eq!(answer.headers["allow"], "GET,HEAD");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_served_while_the_database_is_away_and_before_it_was_there_not() {
    let nobody = crate::support::nobody().await;
    let stack = Stack::start_at(&format!("postgres://api@{nobody}/x"), &ONE).await;
    let answer = Answer::of(stack.http.get(format!(
        "http://{}/crl/device.pem",
        stack.addresses.crl.unwrap()
    )))
    .await;
    answer.is_problem(503, "database_unavailable");
    assert!(answer.headers.contains_key("retry-after"));

    let (mut stack, path) = with_a_list().await;
    drop(stack.database.take());
    eventually("the database is gone", async || {
        stack.readiness().await.0 == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    assert_eq!(stack.crl(&path).await.status(), 200);
}
