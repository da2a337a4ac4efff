//! Who may call what.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, REGISTER, Stack, nobody, registration};

const GUARDED: &[(Method, &str)] = &[
    (Method::POST, REGISTER),
    (Method::GET, "/api/v1/devices"),
    (Method::GET, "/api/v1/devices/tent-1"),
    (Method::POST, "/api/v1/devices/tent-1/revoke"),
    (Method::GET, "/api/v1/operations/1"),
    (Method::GET, "/api/v1/devices/tent-1/certificates"),
    (Method::GET, "/api/v1/revocations/1"),
    (Method::GET, "/api/v1/operations"),
    (Method::GET, "/api/v1/hook-replicas"),
    (Method::POST, "/api/v1/devices/tent-1/suspend"),
    (Method::POST, "/api/v1/devices/tent-1/resume"),
    (Method::POST, RETIRE),
    (Method::POST, REVOKE_CERTIFICATE),
    (Method::POST, "/api/v1/revocations"),
    (Method::POST, "/api/v1/operations/1/retry"),
    (Method::POST, "/api/v1/operations/1/abandon"),
    (Method::POST, DECLARE_DEAD),
];

const RETIRE: &str =
    "/api/v1/certificates/0000000000000000000000000000000000000000000000000000000000000000/retire";
const REVOKE_CERTIFICATE: &str =
    "/api/v1/certificates/0000000000000000000000000000000000000000000000000000000000000000/revoke";
const DECLARE_DEAD: &str =
    "/api/v1/hook-replicas/00000000-0000-0000-0000-000000000001/declare-dead";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nothing_is_told() {
    let stack = Stack::start().await;
    for (method, path) in GUARDED {
        let token = stack.issuer.mint("x", &["admin"]);
        let plain = || stack.http.request(method.clone(), stack.url(path));
        for request in [
            plain(),
            plain().header("authorization", "Basic YWRtaW46YWRtaW4="),
            plain().header("authorization", "Bearer"),
            stack.http.request(
                method.clone(),
                stack.url(&format!("{path}?access_token={token}")),
            ),
        ] {
            let answer = Answer::of(request).await;
            answer.is_problem(401, "token_missing");
            assert_eq!(
                answer.headers["www-authenticate"],
                r#"Bearer realm="iot-hub""#
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_token_is_refused() {
    let stack = Stack::start().await;
    let stranger = dev_issuer::DevIssuer::start(dev_issuer::Options::default())
        .await
        .unwrap();
    let spoilt = |name: &str, value: Value| {
        let mut claims = stack.issuer.claims("x", &["admin"]);
        claims[name] = value;
        stack.issuer.sign(&stack.issuer.header(), &claims)
    };
    let none = json!({"alg": "none", "typ": "at+jwt", "kid": stack.issuer.header()["kid"]});
    for token in [
        "nonsense".to_owned(),
        "a".repeat(20_000),
        stranger.mint("x", &["admin"]),
        spoilt("aud", json!("account")),
        spoilt("exp", json!(1_000_000_000)),
        spoilt("typ", json!("ID")),
        stack
            .issuer
            .sign(&none, &stack.issuer.claims("x", &["admin"])),
    ] {
        let request = stack
            .http
            .get(stack.url("/api/v1/devices"))
            .bearer_auth(&token);
        let answer = Answer::of(request).await;
        answer.is_problem(401, "token_invalid");
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("invalid_token"), "{challenge}");
        assert!(
            !answer.body.to_string().contains(&token),
            "the token is repeated"
        );
    }
    assert!(
        stack
            .metrics()
            .await
            .contains(r#"api_tokens_refused_total{reason="expired"} 1"#)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_its_own() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    for (roles, path, method, expected) in [
        (
            &["manufacturer"][..],
            "/api/v1/devices/tent-1",
            Method::GET,
            200,
        ),
        (&["admin"][..], "/api/v1/devices/tent-1", Method::GET, 200),
        (&["user"][..], "/api/v1/devices/tent-1", Method::GET, 404),
        (&[][..], "/api/v1/devices", Method::GET, 200),
        (&["user"][..], "/api/v1/operations/1", Method::GET, 403),
        (
            &["manufacturer"][..],
            "/api/v1/devices/tent-1/revoke",
            Method::POST,
            403,
        ),
        // What is not theirs does not exist for them.
        (&["user"][..], "/api/v1/devices/nothing", Method::GET, 404),
    ] {
        let answer = Answer::of(stack.request(method, path, roles)).await;
        assert_eq!(answer.status, expected, "{roles:?} {path}");
        if expected == 403 {
            answer.is_problem(403, "forbidden");
            let challenge = answer.headers["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains("insufficient_scope"), "{challenge}");
        }
    }
    let request = stack.request(Method::POST, REGISTER, &["user"]);
    Answer::of(request.json(&registration("tent-2")))
        .await
        .is_problem(403, "forbidden");
    assert_eq!(stack.count("SELECT count(*) FROM device").await, 1);
}

/// A factory may look at devices; what takes rights away, or tells of the machinery, is an admin's.
#[tokio::test(flavor = "multi_thread")]
async fn lower_roles_are_kept_from_what_is_an_admins() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    for (method, path) in GUARDED {
        let factory = match *method {
            Method::GET => *path == "/api/v1/hook-replicas",
            _ => *path != REGISTER,
        };
        for (roles, refused) in [(&["manufacturer"][..], factory), (&["user"][..], true)] {
            let request = stack.request(method.clone(), path, roles);
            // The one path with a body that must be there.
            let request = if *path == "/api/v1/revocations" {
                request.json(&json!({"ids": ["tent-1"]}))
            } else if *method == Method::POST {
                request.json(&json!({}))
            } else {
                request
            };
            let answer = Answer::of(request).await;
            // The list of what one may see is for everybody; what is another's does not exist.
            let refused = refused && *path != "/api/v1/devices";
            let is_hidden = answer.body["code"] == "device_not_found";
            let is_refused = answer.status == 403 || is_hidden;
            assert_eq!(is_refused, refused, "{roles:?} {method} {path}");
        }
    }
    let untouched = "SELECT count(*) FROM device WHERE lifecycle = 'unbound' AND NOT suspended";
    assert_eq!(stack.count(untouched).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_authorization_headers_are_none() {
    let stack = Stack::start().await;
    let token = stack.issuer.mint("x", &["admin"]);
    let request = stack.http.get(stack.url("/api/v1/devices"));
    let request = request
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", format!("Bearer {token}"));
    Answer::of(request).await.is_problem(401, "token_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_does_not_answer_is_no_fault_of_the_caller() {
    let gone = format!("http://{}", nobody().await);
    let database = schema::testing::MigratedDatabase::create().await.unwrap();
    let settings = [("API_TOKEN_ISSUERS", gone.as_str())];
    let stack = Stack::start_at(&database.api_url(), &settings).await;
    let mut claims = stack.issuer.claims("x", &["admin"]);
    claims["iss"] = json!(gone);
    let token = stack.issuer.sign(&stack.issuer.header(), &claims);
    let answer = Answer::of(
        stack
            .http
            .get(stack.url("/api/v1/devices"))
            .bearer_auth(token),
    )
    .await;
    answer.is_problem(503, "issuer_unavailable");
    assert!(answer.headers.contains_key("retry-after"));
    crate::support::eventually("readiness names the issuer", async || {
        let (status, reason) = stack.readiness().await;
        status == 503 && reason.contains(&gone)
    })
    .await;
}
