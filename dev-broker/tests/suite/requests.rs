//! What the hook is asked, byte for byte where it was recorded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;

use crate::support::hook::Reply;
use crate::support::lab::Lab;
use crate::support::mqtt::{Connect, Said};
use crate::support::pki::pki;

/// 5.8.9 wire/authn-mtls: header order, key order, absent values, `cert_pem`.
#[tokio::test]
async fn an_authn_request_has_the_recorded_form() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let connect = Connect {
        username: Some("user \"1\" ü/é".to_owned()),
        password: Some(b"p".to_vec()),
        ..Connect::v5("dev-1")
    };
    lab.device(&connect).await;
    let leaf = CertificateDer::from_pem_slice(pki().device.chain.as_bytes()).expect("PEM");
    let pem = STANDARD.encode(&leaf);
    let body = format!(
        r#"{{"username":"user \"1\" ü/é","peerhost":"127.0.0.1","clientid":"dev-1","cert_pem":"{pem}","cert_common_name":"dev-1"}}"#
    );
    let wanted = format!(
        "POST /authn/device HTTP/1.1\r\ncontent-length: {}\r\nhost: {}\r\ncontent-type: application/json\r\n\r\n{body}",
        body.len(),
        lab.hook.address,
    );
    assert_eq!(lab.hook.requests()[0].raw, wanted);
}

/// 5.8.9 wire/authz-*: one request for each filter and publish, flags as text, no certificate.
#[tokio::test]
async fn an_authz_request_has_the_recorded_form() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let mut client = lab.service(&Connect::v5("svc.gateway.1")).await;
    assert_eq!(client.subscribe("$share/g/up/#").await, Said::Answer(1));
    client.send_publish("up/t \"q\"/ü", b"x", 1, true).await;
    assert_eq!(client.puback().await, Said::Answer(0));
    let asked: Vec<_> = lab
        .hook
        .requests()
        .into_iter()
        .filter(|r| r.path == "/authz")
        .collect();
    let common = |action: &str, topic: &str, retain: &str| {
        json!({ "clientid": "svc.gateway.1", "username": "", "cert_common_name": "svc.gateway",
                "peerhost": "127.0.0.1", "action": action, "topic": topic, "qos": "1",
                "retain": retain })
    };
    // 5.8.9 run: #7, the shared prefix is not shown.
    assert_eq!(asked[0].body, common("subscribe", "up/#", "false"));
    assert_eq!(asked[1].body, common("publish", "up/t \"q\"/ü", "true"));
}

/// 5.8.9 wire/README: `cert_pem` is always `""` in authz, absent values are `""`; contract 1.2:
/// a placeholder that the place does not allow is sent as it is written.
#[tokio::test]
async fn placeholders_are_rendered_once_and_unknown_ones_are_sent_literally() {
    let changes = [
        (
            "qos = \"${qos}\"",
            "qos = \"${cert_pem}|${mountpoint}|${zone}|${access}|${proto_name}\"",
        ),
        (
            "peerhost = \"${peerhost}\"",
            "peerhost = \"${listener}|${zone}|${username}\"",
        ),
    ];
    let lab = Lab::with(&changes, |_| Reply::allow()).await;
    let connect = Connect {
        username: Some("${password}".to_owned()),
        ..Connect::v5("dev-1")
    };
    let mut client = lab.device(&connect).await;
    client.publish("t", "x").await;
    let requests = lab.hook.requests();
    assert_eq!(
        requests[0].field("peerhost"),
        "${listener}|device|${password}"
    );
    assert_eq!(requests[1].field("qos"), "||${zone}|2|mqtt");
}

/// 5.8.9 wire/authn-default-headers, wire/authz-get-query.
#[tokio::test]
async fn default_headers_and_get_queries_have_the_recorded_form() {
    let headers = "headers {\n        \"content-type\" = \"application/json\"\n        # \"x-hook-secret\" = \"the value of HOOK_SHARED_SECRET\"\n      }";
    let changes = [
        (headers, ""),
        ("method = post", "method = get"),
        (
            "/authn/device\"",
            "/authn/device/${clientid}?u=${username}\"",
        ),
    ];
    let lab = Lab::with(&changes, |_| Reply::status(204, "")).await;
    let connect = Connect {
        username: Some("a b".to_owned()),
        ..Connect::v5("c 1&x")
    };
    let mut client = lab.device(&connect).await;
    client.publish("a/ü c", "x").await;
    let requests = lab.hook.requests();
    let head = "HTTP/1.1\r\ncontent-length: 0\r\nhost: ";
    assert!(
        requests[0]
            .raw
            .starts_with("GET /authn/device/c+1%26x?u=a+b&cert_common_name=dev-1&cert_pem="),
        "{}",
        requests[0].raw
    );
    let tail = "\r\naccept: application/json\r\ncache-control: no-cache\r\nconnection: keep-alive\r\nkeep-alive: timeout=30, max=1000\r\n\r\n";
    assert!(requests[1].raw.contains(head), "{}", requests[1].raw);
    assert!(
        requests[1].raw.contains("&topic=a%2F%C3%BC+c"),
        "{}",
        requests[1].raw
    );
    assert!(requests[1].raw.ends_with(tail), "{}", requests[1].raw);
}

/// 5.8.9 run: per-listener authenticators; a listener without its own chain asks the global one
/// (#4), and an empty global chain lets everybody in without asking.
#[tokio::test]
async fn each_listener_asks_its_own_chain_and_the_global_one_stands_behind() {
    let orphan = "\nlisteners.tcp.default.enable = false";
    let plain = "\nlisteners.tcp.plain { enable = true, zone = plain }\nlisteners.tcp.default.enable = false";
    let lab = Lab::with(&[(orphan, plain)], |request| match request.path.as_str() {
        "/authn" => Reply::deny(),
        _ => Reply::allow(),
    })
    .await;
    lab.device(&Connect::v5("dev-1")).await;
    lab.service(&Connect::v5("svc.gateway.1")).await;
    let stream = tokio::net::TcpStream::connect(lab.address("tcp:plain"))
        .await
        .expect("open");
    let (_, code) =
        crate::support::mqtt::Client::connect(Box::new(stream), &Connect::v5("plain")).await;
    assert_eq!(code, Some(0x87));
    let paths: Vec<_> = lab
        .hook
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(paths, ["/authn/device", "/authn/service", "/authn"]);
}

/// 5.8.9 run: #4.
#[tokio::test]
async fn an_empty_chain_lets_everybody_in_without_asking() {
    let text = emqx_config::EMQX_5_8;
    let start = text.find("\nauthentication = [").expect("the global chain");
    let end = start + text[start..].find("\n]").expect("its end") + 2;
    let plain = "\nlisteners.tcp.plain { enable = true, zone = plain }\nlisteners.tcp.default.enable = false";
    let changes = [
        ("\nlisteners.tcp.default.enable = false", plain),
        (&text[start..end], "\nauthentication = []"),
    ];
    let lab = Lab::with(&changes, |_| Reply::deny()).await;
    let stream = tokio::net::TcpStream::connect(lab.address("tcp:plain"))
        .await
        .expect("open");
    let (_, code) =
        crate::support::mqtt::Client::connect(Box::new(stream), &Connect::v5("plain")).await;
    assert_eq!(code, Some(0));
    assert!(lab.hook.requests().is_empty());
}

/// 5.8.9 run: "a non-UTF-8 password closes the connection without asking".
#[tokio::test]
async fn a_password_that_is_no_text_closes_without_asking() {
    let changes = [(
        "username = \"${username}\"\n        peerhost",
        "username = \"${password}\"\n        peerhost",
    )];
    let lab = Lab::with(&changes, |_| Reply::allow()).await;
    let connect = Connect {
        username: Some("u".to_owned()),
        password: Some(vec![0xFF, 0xFE]),
        ..Connect::v5("dev-1")
    };
    assert_eq!(lab.try_device(&connect).await.1, None);
    assert!(lab.hook.requests().is_empty());
}

/// only read: EMQX names a client without an id before it asks.
#[tokio::test]
async fn a_client_without_an_id_is_given_one_before_the_hook_is_asked() {
    let lab = Lab::start(|_| Reply::allow()).await;
    lab.device(&Connect::v5("")).await;
    lab.device(&Connect::v3("")).await;
    for request in lab.hook.requests() {
        assert!(
            request.field("clientid").starts_with("emqx_"),
            "{}",
            request.raw
        );
    }
}
