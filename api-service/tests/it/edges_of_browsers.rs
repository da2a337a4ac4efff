//! Browsers: pages of other origins, and sessions that a proxy turned into tokens.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Stack};

const PROFILE: &str = "/api/v1/auth/profile";
const CONSOLE: &str = "https://console.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_may_bring_the_token_and_nobody_else() {
    let trusting = Stack::start_with(&[("API_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let plain = Stack::start().await;
    for (stack, status) in [(&trusting, 200), (&plain, 401)] {
        let token = stack.issuer.mint("ada", &[]);
        let request = stack.http.get(stack.url(PROFILE));
        let request = request.header("x-auth-request-access-token", &token);
        assert_eq!(Answer::of(request).await.status, status);
    }
    // It is verified as any other: a name beside it, or a token of nobody, opens nothing.
    let stranger = dev_issuer::DevIssuer::start(dev_issuer::Options::default());
    let foreign = stranger.await.unwrap().mint("root", &["admin"]);
    let request = trusting.http.get(trusting.url(PROFILE));
    let request = request
        .header("x-auth-request-access-token", foreign)
        .header("x-auth-request-user", "root")
        .header("x-auth-request-email", "root@example.com");
    Answer::of(request).await.is_problem(401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_page_cannot_use_a_browsers_session() {
    let stack = Stack::start_with(&[("API_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let patch = |headers: &[(&'static str, &str)]| {
        let token = stack.issuer.mint("ada", &[]);
        let mut request = stack.http.request(Method::PATCH, stack.url(PROFILE));
        request = request.header("x-auth-request-access-token", token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.json(&json!({"name": "Ada"})))
    };
    for headers in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.example")],
        &[
            ("sec-fetch-site", "cross-site"),
            ("cookie", "_oauth2_proxy=x"),
        ],
    ] {
        patch(headers).await.is_problem(403, "cross_site");
    }
    assert_eq!(
        stack
            .count("SELECT count(*) FROM account_profile WHERE name = 'Ada'")
            .await,
        0
    );
    assert_eq!(
        patch(&[("sec-fetch-site", "same-origin")]).await.status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn listed_origins_alone_may_call_from_a_page() {
    let stack = Stack::start_with(&[("API_CORS_ORIGINS", CONSOLE)]).await;
    let preflight = async |origin: &str| {
        let request = stack.http.request(Method::OPTIONS, stack.url(PROFILE));
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "PATCH")
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            );
        Answer::of(request).await
    };
    let allow = "access-control-allow-origin";
    let ours = preflight(CONSOLE).await;
    assert_eq!(
        (ours.status, &ours.headers[allow]),
        (200, &CONSOLE.parse().unwrap())
    );
    let methods = ours.headers["access-control-allow-methods"]
        .to_str()
        .unwrap();
    assert!(methods.contains("PATCH"), "{methods}");
    assert!(
        !ours
            .headers
            .contains_key("access-control-allow-credentials")
    );
    for other in [
        "https://evil.example",
        "null",
        "https://console.example.com.evil.example",
    ] {
        assert!(
            !preflight(other).await.headers.contains_key(allow),
            "{other}"
        );
    }
    // A refusal is readable to a listed page too.
    let request = stack.http.get(stack.url(PROFILE)).header("origin", CONSOLE);
    let refused = Answer::of(request).await;
    refused.is_problem(401, "token_missing");
    assert_eq!(refused.headers[allow], CONSOLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_has_the_callers_address_and_not_the_proxys() {
    let stack = Stack::start_with(&[("API_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let request = stack.request(Method::POST, "/api/v1/auth/logout", &[]);
    let request = request.header("x-forwarded-for", "6.6.6.6, 192.0.2.7");
    assert_eq!(Answer::of(request).await.status, 204);
    let addresses = "SELECT count(*) FROM audit_personal WHERE fields->>'address' = '192.0.2.7'";
    assert_eq!(stack.count(addresses).await, 1);
}
