use std::time::{Duration, Instant};

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::Fingerprint;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::*;
use crate::decide::IdentityMode;
use crate::fleet::{Certificate, DeviceChange, DeviceEntry, Owner, Writer, pair};

const NOW: i64 = 1_800_000_000;
const DER: &[u8] = b"a certificate";

fn hooks(secret: Option<&str>) -> (Writer, Arc<Hooks>) {
    let (mut writer, fleet) = pair(Instant::now());
    let fingerprint = *Fingerprint::of_der(DER).as_bytes();
    writer.apply(&[DeviceChange::Put(DeviceEntry {
        id: "dev-1".to_owned(),
        revoked: false,
        suspended: false,
        certificates: vec![Certificate {
            fingerprint,
            not_after: NOW + 1000,
        }],
        owner: Owner::default(),
    })]);
    writer.allow_until(Instant::now() + Duration::from_secs(300));
    let policy = Policy {
        identity: IdentityMode::CertPem,
        session_ttl_s: 86_400,
        serve_known: false,
    };
    let hooks = Hooks {
        fleet,
        policy,
        secret: secret.map(|text| Secret::new(text.to_owned())),
        tokens: None,
        metrics: Arc::new(Metrics::new()),
        overload: Arc::default(),
        unix_now: || NOW,
    };
    (writer, Arc::new(hooks))
}

fn connect() -> Value {
    json!({
        "clientid": "dev-1", "username": "dev-1", "peerhost": "127.0.0.1",
        "cert_common_name": "dev-1", "cert_pem": STANDARD.encode(DER),
    })
}

fn publish() -> Value {
    json!({
        "clientid": "dev-1", "username": "dev-1", "cert_common_name": "dev-1",
        "action": "publish", "topic": "dev-1/telemetry", "qos": "1", "retain": "false",
    })
}

async fn send(hooks: &Arc<Hooks>, request: Request<Body>) -> Value {
    send_on(&Watch::new(Instant::now()), hooks, request).await
}

/// Sends on a connection that goes on.
async fn send_on(watch: &Watch, hooks: &Arc<Hooks>, request: Request<Body>) -> Value {
    let response = super::answer(hooks, watch, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert!(
        ["allow", "deny"].contains(&answer["result"].as_str().unwrap()),
        "{answer}"
    );
    answer
}

async fn post(hooks: &Arc<Hooks>, path: &str, body: impl Into<Body>) -> Value {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .body(body.into())
        .unwrap();
    send(hooks, request).await
}

async fn is_allowed(hooks: &Arc<Hooks>, path: &str, body: impl Into<Body>) -> bool {
    post(hooks, path, body).await["result"] == "allow"
}

#[tokio::test]
async fn an_allowed_device_gets_its_rights_an_end_and_its_fingerprint() {
    let (_writer, hooks) = hooks(None);
    let answer = post(&hooks, "/authn/device", connect().to_string()).await;
    assert_eq!(answer["result"], "allow");
    assert_eq!(answer["is_superuser"], false);
    assert_eq!(answer["expire_at"], NOW + 1000);
    let fingerprint = Fingerprint::of_der(DER).to_string();
    assert_eq!(
        answer["client_attrs"],
        json!({ "fingerprint": fingerprint })
    );
    assert!(answer["acl"].as_array().unwrap().len() >= 3);
    assert!(is_allowed(&hooks, "/authz", publish().to_string()).await);
}

#[tokio::test]
async fn which_kind_may_ask_comes_from_the_path() {
    let (_writer, hooks) = hooks(None);
    for path in [
        "/authn/service",
        "/authn/person",
        "/authn",
        "/authn/",
        "/",
        "/authz",
        "/x",
    ] {
        assert!(
            !is_allowed(&hooks, path, connect().to_string()).await,
            "{path}"
        );
    }
}

#[tokio::test]
async fn only_post_is_answered_with_more_than_a_deny() {
    let (_writer, hooks) = hooks(None);
    for method in [
        Method::GET,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
    ] {
        let request = Request::builder()
            .method(&method)
            .uri("/authn/device")
            .body(Body::from(connect().to_string()))
            .unwrap();
        assert_eq!(send(&hooks, request).await["result"], "deny", "{method}");
    }
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    let (_writer, hooks) = hooks(None);
    for kind in [
        None,
        Some("application/json; charset=utf-8"),
        Some("text/plain"),
        Some("x"),
    ] {
        let mut request = Request::builder().method(Method::POST).uri("/authn/device");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let request = request.body(Body::from(connect().to_string())).unwrap();
        assert_eq!(send(&hooks, request).await["result"], "allow", "{kind:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_the_templates_send_is_denied() {
    let (_writer, hooks) = hooks(None);
    let good = connect().to_string();
    let twice = good.replacen('{', r#"{"clientid":"dev-1","#, 1);
    let number = good.replace(r#""username":"dev-1""#, r#""username":1"#);
    let array = good.replace(r#""username":"dev-1""#, r#""username":["dev-1"]"#);
    let null = good.replace(r#""username":"dev-1""#, r#""username":null"#);
    let trailing = format!("{good}x");
    for body in [
        "", "{}", "[]", "null", "\"\"", "{", &twice, &number, &array, &null, &trailing,
    ] {
        assert!(
            !is_allowed(&hooks, "/authn/device", body.to_owned()).await,
            "{body:.80}"
        );
    }
    let mut invalid_utf8 = good.replacen('{', "{\"x\":\"?\",", 1).into_bytes();
    assert!(is_allowed(&hooks, "/authn/device", invalid_utf8.clone()).await);
    let place = invalid_utf8.iter().position(|byte| *byte == b'?').unwrap();
    invalid_utf8[place] = 0xff;
    assert!(!is_allowed(&hooks, "/authn/device", invalid_utf8).await);
}

#[tokio::test]
async fn unknown_keys_and_escapes_are_taken_as_they_are() {
    let (_writer, hooks) = hooks(None);
    let mut body = connect();
    body["tenant"] = json!({"any": [1, null]});
    let deep = format!(
        r#"{{"x":{}1{},{}"#,
        "[".repeat(4000),
        "]".repeat(4000),
        &body.to_string()[1..]
    );
    assert!(is_allowed(&hooks, "/authn/device", deep).await);
    let escaped = body.to_string().replace("\"dev-1\"", "\"d\\u0065v-1\"");
    assert!(is_allowed(&hooks, "/authn/device", escaped).await);
}

#[tokio::test]
async fn a_placeholder_that_the_broker_did_not_expand_counts_as_absent() {
    let (_writer, hooks) = hooks(None);
    for (key, literal) in [
        ("clientid", "${clientid}"),
        ("username", "${username}"),
        ("cert_common_name", "${cert_common_name}"),
        ("cert_pem", "${cert_pem}"),
        ("cert_pem", ""),
        ("clientid", ""),
    ] {
        let mut body = connect();
        body[key] = json!(literal);
        assert!(
            !is_allowed(&hooks, "/authn/device", body.to_string()).await,
            "{key}={literal}"
        );
    }
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_read_and_one_byte_more_is_denied() {
    let (_writer, hooks) = hooks(None);
    let good = connect().to_string();
    let padded = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
    assert!(is_allowed(&hooks, "/authn/device", padded(body::BODY_BYTES_MAX)).await);
    assert!(!is_allowed(&hooks, "/authn/device", padded(body::BODY_BYTES_MAX + 1)).await);
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together_and_bounded_too() {
    let (_writer, hooks) = hooks(None);
    let pieces = |text: String| {
        let pieces: Vec<Result<Bytes, std::io::Error>> = text
            .as_bytes()
            .chunks(7)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        Body::from_stream(futures::stream::iter(pieces))
    };
    let good = connect().to_string();
    assert!(is_allowed(&hooks, "/authn/device", pieces(good.clone())).await);
    let long = format!("{good}{}", " ".repeat(body::BODY_BYTES_MAX));
    assert!(!is_allowed(&hooks, "/authn/device", pieces(long)).await);
}

#[tokio::test]
async fn authz_refuses_what_it_cannot_read() {
    let (_writer, hooks) = hooks(None);
    for (key, value) in [
        ("action", json!("all")),
        ("action", json!("")),
        ("qos", json!("3")),
        ("qos", json!(1)),
        ("qos", json!("")),
        ("retain", json!("")),
        ("retain", json!(true)),
        ("topic", json!("")),
        ("topic", json!("${topic}")),
        ("username", json!("")),
        ("cert_common_name", json!("dev-2")),
        ("clientid", json!("dev-2")),
    ] {
        let mut body = publish();
        body[key] = value.clone();
        assert!(
            !is_allowed(&hooks, "/authz", body.to_string()).await,
            "{key}={value}"
        );
    }
}

#[tokio::test]
async fn the_shared_secret_is_required_where_one_is_set() {
    let (_writer, hooks) = hooks(Some("open sesame"));
    for (given, allowed) in [
        (None, "deny"),
        (Some("open sesam"), "deny"),
        (Some(""), "deny"),
        (Some("open sesame"), "allow"),
    ] {
        let mut request = Request::builder().method(Method::POST).uri("/authn/device");
        if let Some(given) = given {
            request = request.header(secret::HEADER, given);
        }
        let request = request.body(Body::from(connect().to_string())).unwrap();
        assert_eq!(send(&hooks, request).await["result"], allowed, "{given:?}");
    }
    assert_eq!(hooks.metrics.denials(Hook::AuthnDevice, Deny::Secret), 3);
}

#[tokio::test]
async fn a_table_that_may_be_out_of_date_allows_nothing() {
    let (mut writer, hooks) = hooks(None);
    writer.lapse();
    assert!(!is_allowed(&hooks, "/authn/device", connect().to_string()).await);
    assert!(!is_allowed(&hooks, "/authz", publish().to_string()).await);
    assert_eq!(hooks.metrics.denials(Hook::AuthnDevice, Deny::Stale), 1);
    assert_eq!(hooks.metrics.denials(Hook::Authz, Deny::Stale), 1);
}

#[tokio::test]
async fn what_a_turn_does_not_allow_is_an_explicit_deny_that_is_counted_apart() {
    let (_writer, hooks) = hooks(None);
    let watch = Watch::new(Instant::now());
    watch.turn_begins(1);
    let ask = |path: &str, body: Value| {
        let request = Request::post(path).body(Body::from(body.to_string()));
        send_on(&watch, &hooks, request.unwrap())
    };
    assert_eq!(ask("/authn/device", connect()).await["result"], "allow");
    assert_eq!(ask("/authn/device", connect()).await["result"], "deny");
    assert_eq!(ask("/authz", publish()).await["result"], "deny");
    assert_eq!(hooks.metrics.denials(Hook::AuthnDevice, Deny::Overload), 1);
    assert_eq!(hooks.metrics.denials(Hook::Authz, Deny::Overload), 1);
    watch.turn_begins(u32::MAX);
    assert_eq!(ask("/authz", publish()).await["result"], "allow");
}
