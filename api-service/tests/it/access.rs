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

/// Paths that answer by what the caller is to a thing, and not by their role.
const PERSONAL: &[(Method, &str)] = &[
    (
        Method::GET,
        "/api/v1/certificates/0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (Method::POST, "/api/v1/certificates/verify"),
    (Method::GET, "/api/v1/certificates/expiring"),
    (Method::POST, "/api/v1/manufacturing/devices/bulk"),
    (Method::GET, "/api/v1/devices/my"),
    (Method::PATCH, "/api/v1/devices/tent-1"),
    (Method::POST, "/api/v1/devices/bind"),
    (Method::POST, "/api/v1/devices/bind-qr"),
    (Method::POST, "/api/v1/devices/unbind"),
    (Method::GET, "/api/v1/devices/tent-1/binding"),
    (Method::DELETE, "/api/v1/devices/tent-1/binding"),
    (Method::POST, "/api/v1/devices/tent-1/unbind"),
    (Method::POST, "/api/v1/devices/tent-1/transfer"),
    (Method::POST, "/api/v1/devices/tent-1/offer"),
    (Method::DELETE, "/api/v1/devices/tent-1/offer"),
    (Method::POST, "/api/v1/devices/tent-1/qr"),
    (Method::GET, "/api/v1/devices/tent-1/history"),
    (Method::POST, "/api/v1/devices/tent-1/recovery"),
    (Method::DELETE, "/api/v1/devices/tent-1/recovery"),
    (Method::GET, "/api/v1/notifications"),
    (Method::POST, "/api/v1/notifications/1/read"),
    (Method::GET, "/api/v1/organizations"),
    (Method::POST, "/api/v1/organizations"),
    (
        Method::GET,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001",
    ),
    (
        Method::PATCH,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001",
    ),
    (
        Method::DELETE,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001",
    ),
    (
        Method::GET,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/deletion",
    ),
    (
        Method::GET,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/members",
    ),
    (
        Method::PUT,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/members/00000000-0000-0000-0000-000000000001",
    ),
    (
        Method::DELETE,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/members/00000000-0000-0000-0000-000000000001",
    ),
    (
        Method::GET,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/groups",
    ),
    (
        Method::POST,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/groups",
    ),
    (
        Method::GET,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/devices",
    ),
    (
        Method::GET,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/invitations",
    ),
    (
        Method::POST,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/invitations",
    ),
    (
        Method::DELETE,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/invitations/00000000-0000-0000-0000-000000000001",
    ),
    (Method::GET, "/api/v1/groups"),
    (
        Method::GET,
        "/api/v1/groups/00000000-0000-0000-0000-000000000001",
    ),
    (
        Method::PATCH,
        "/api/v1/groups/00000000-0000-0000-0000-000000000001",
    ),
    (
        Method::DELETE,
        "/api/v1/groups/00000000-0000-0000-0000-000000000001",
    ),
    (
        Method::GET,
        "/api/v1/groups/00000000-0000-0000-0000-000000000001/deletion",
    ),
    (
        Method::POST,
        "/api/v1/groups/00000000-0000-0000-0000-000000000001/move",
    ),
    (
        Method::GET,
        "/api/v1/groups/00000000-0000-0000-0000-000000000001/devices",
    ),
    (
        Method::GET,
        "/api/v1/groups/00000000-0000-0000-0000-000000000001/members",
    ),
    (
        Method::PUT,
        "/api/v1/groups/00000000-0000-0000-0000-000000000001/members/00000000-0000-0000-0000-000000000001",
    ),
    (
        Method::DELETE,
        "/api/v1/groups/00000000-0000-0000-0000-000000000001/members/00000000-0000-0000-0000-000000000001",
    ),
    (Method::POST, "/api/v1/invitations/accept"),
    (Method::POST, "/api/v1/access/explain"),
    (Method::GET, "/api/v1/auth/me"),
    (Method::DELETE, "/api/v1/auth/me"),
    (Method::GET, "/api/v1/auth/profile"),
    (Method::PATCH, "/api/v1/auth/profile"),
    (Method::POST, "/api/v1/auth/logout"),
    (Method::GET, "/api/v1/auth/plan"),
    (Method::GET, "/api/v1/auth/export"),
    (
        Method::GET,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/plan",
    ),
];

/// Further paths that are an admin's alone.
const ADMINS: &[(Method, &str)] = &[
    (Method::POST, "/api/v1/devices/tent-1/binding/confirm"),
    (Method::POST, "/api/v1/devices/tent-1/release"),
    (Method::GET, "/api/v1/audit"),
    (Method::GET, "/api/v1/audit/head"),
    (Method::GET, "/api/v1/audit/export"),
    (Method::GET, "/api/v1/users"),
    (
        Method::GET,
        "/api/v1/users/00000000-0000-0000-0000-000000000001",
    ),
    (
        Method::PATCH,
        "/api/v1/users/00000000-0000-0000-0000-000000000001",
    ),
    (
        Method::POST,
        "/api/v1/users/00000000-0000-0000-0000-000000000001/disable",
    ),
    (
        Method::POST,
        "/api/v1/users/00000000-0000-0000-0000-000000000001/enable",
    ),
    (
        Method::POST,
        "/api/v1/users/00000000-0000-0000-0000-000000000001/erase",
    ),
    (
        Method::GET,
        "/api/v1/users/00000000-0000-0000-0000-000000000001/export",
    ),
    (
        Method::GET,
        "/api/v1/users/00000000-0000-0000-0000-000000000001/plan",
    ),
    (
        Method::PUT,
        "/api/v1/users/00000000-0000-0000-0000-000000000001/plan",
    ),
    (
        Method::PUT,
        "/api/v1/organizations/00000000-0000-0000-0000-000000000001/plan",
    ),
    (
        Method::GET,
        "/api/v1/users/00000000-0000-0000-0000-000000000001/balance",
    ),
    (
        Method::GET,
        "/api/v1/users/00000000-0000-0000-0000-000000000001/balance/entries",
    ),
    (
        Method::POST,
        "/api/v1/users/00000000-0000-0000-0000-000000000001/balance/entries",
    ),
    (Method::GET, "/api/v1/plans"),
    (Method::POST, "/api/v1/plans"),
    (Method::GET, "/api/v1/plans/pro"),
    (Method::PATCH, "/api/v1/plans/pro"),
    (Method::DELETE, "/api/v1/plans/pro"),
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
    for (method, path) in GUARDED.iter().chain(PERSONAL).chain(ADMINS) {
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

/// A body that every path of [`ADMINS`] would read, or refuse only after the caller.
fn body_of(path: &str) -> Value {
    if path.ends_with("/plan") {
        json!({"plan": "enterprise"})
    } else if path.ends_with("/entries") {
        json!({"reference": "r", "kind": "top_up", "amountMinor": 1, "currency": "EUR"})
    } else if path.ends_with("/plans") {
        json!({"plan": "mine", "title": "Mine"})
    } else if path.ends_with("/release") {
        json!({"reason": "mine now"})
    } else {
        json!({})
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_an_admins_alone_is_refused_to_everybody_else() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    for (method, path) in ADMINS {
        for roles in [&[][..], &["user"], &["manufacturer"], &["Admin", "owner"]] {
            let request = stack.request(method.clone(), path, roles);
            let request = match *method {
                Method::GET | Method::DELETE => request,
                _ => request.json(&body_of(path)),
            };
            let answer = Answer::of(request).await;
            answer.is_problem(403, "forbidden");
        }
    }
    for untouched in [
        "ledger",
        "audit_entry WHERE outcome = 'done' AND action <> 'device.manufacture'",
    ] {
        let rows = format!("SELECT count(*) FROM {untouched}");
        assert_eq!(stack.count(&rows).await, 0, "{untouched}");
    }
    assert_eq!(stack.count("SELECT count(*) FROM plan").await, 4);
}

/// What belongs to somebody else is to a stranger as if it did not exist, whatever is asked of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_requests_about_things_find_nothing() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    for (method, path) in PERSONAL {
        let names_a_thing = ["tent-1", "0000", "/1/"]
            .iter()
            .any(|thing| path.contains(thing));
        if !names_a_thing {
            continue;
        }
        let request = stack.request(method.clone(), path, &["user"]);
        let request = match *method {
            Method::GET | Method::DELETE => request,
            _ => request.json(&json!({})),
        };
        let answer = Answer::of(request).await;
        // A body that lacks something is told before anything is looked for.
        assert!(
            matches!(answer.status, 404 | 422),
            "{method} {path}: {:?}",
            answer.body
        );
    }
    let untouched = "SELECT count(*) FROM device WHERE lifecycle = 'unbound' AND NOT suspended
                        AND owner_account_id IS NULL AND name IS NULL AND version = 1";
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
