//! The management API (contract 4; times and answers from the 5.8.9 run).

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::hook::Reply;
use crate::support::lab::Lab;
use crate::support::mqtt::{Connect, Message, Said};

#[tokio::test]
async fn without_the_key_every_call_is_401_and_status_is_open() {
    let lab = Lab::start(|_| Reply::allow()).await;
    for key in [
        None,
        Some(("key", "wrong")),
        Some(("", "")),
        Some(("key", "secret2")),
    ] {
        for path in ["/clients", "/banned", "/nodes", "/clients/x"] {
            let (status, body) = lab.api.call_as(key, Method::GET, path, None).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path} with {key:?}");
            assert_eq!(body["code"], "BAD_API_KEY_OR_SECRET");
        }
    }
    let (status, _) = lab.api.call_as(None, Method::GET, "/status", None).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_is_shown_with_its_attributes() {
    let lab = Lab::start(|_| {
        Reply::Json(json!({ "result": "allow", "client_attrs": { "fingerprint": "AB" } }))
    })
    .await;
    let mut client = lab.device(&Connect::v5("dev-1")).await;
    client.subscribe("t").await;
    let (status, shown) = lab.api.get("/clients/dev-1").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(shown["clientid"], "dev-1");
    assert_eq!(shown["connected"], true);
    assert_eq!(shown["client_attrs"]["fingerprint"], "AB");
    assert_eq!(shown["ip_address"], "127.0.0.1");
    assert_eq!(shown["listener"], "ssl:default");
    assert_eq!(shown["proto_ver"], 5);
    assert_eq!(shown["subscriptions_cnt"], 1);
    let (status, body) = lab.api.get("/clients/nobody").await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::NOT_FOUND, &json!("CLIENTID_NOT_FOUND"))
    );
}

#[tokio::test]
async fn clients_come_in_pages() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let mut clients = Vec::new();
    for index in 0..5 {
        clients.push(lab.device(&Connect::v5(&format!("dev-{index}"))).await);
    }
    let (_, page) = lab.api.get("/clients?page=2&limit=2").await;
    assert_eq!(
        page["meta"],
        json!({ "page": 2, "limit": 2, "count": 5, "hasnext": true })
    );
    assert_eq!(page["data"][0]["clientid"], "dev-2");
    let (_, page) = lab.api.get("/clients?like_clientid=-4").await;
    assert_eq!(page["meta"]["count"], 1);
    let (status, _) = lab.api.get("/clients?limit=10001").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_second_ban_is_already_exists_and_does_not_extend_the_first() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let ban =
        |until: serde_json::Value| json!({ "as": "clientid", "who": "dev-1", "until": until });
    let post = |body| lab.api.call(Method::POST, "/banned", Some(body));
    let (status, shown) = post(ban(json!("2099-01-01T00:00:00Z"))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(shown["until"], "2099-01-01T00:00:00Z");
    let (status, body) = post(ban(json!(4_102_444_900_i64))).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::BAD_REQUEST, &json!("ALREADY_EXISTS"))
    );
    let (_, list) = lab.api.get("/banned").await;
    assert_eq!(list["data"][0]["until"], "2099-01-01T00:00:00Z");
    assert_eq!(list["meta"]["count"], 1);
    let (_, other) = lab.api.get("/banned?clientid=dev-2").await;
    assert_eq!(other["data"], json!([]));
    let (_, same) = lab.api.get("/banned?clientid=dev-1").await;
    assert_eq!(same["data"][0]["who"], "dev-1");
    for bad in [json!(1), json!("soon"), json!([])] {
        let (status, _) = post(json!({ "as": "clientid", "who": "x", "until": bad })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    let path = "/banned/clientid/dev-1";
    assert_eq!(
        lab.api.call(Method::DELETE, path, None).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        lab.api.call(Method::DELETE, path, None).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_published_message_reaches_its_subscribers_and_stays_if_retained() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let mut client = lab.device(&Connect::v5("dev-1")).await;
    client.subscribe("dev-1/in").await;
    let post = |body| lab.api.call(Method::POST, "/publish", Some(body));
    let (status, body) = post(
        json!({ "topic": "dev-1/in", "payload": "aGVsbG8=", "qos": 1,
                                      "payload_encoding": "base64" }),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    assert!(body["id"].is_string());
    let hello = Message {
        topic: "dev-1/in".to_owned(),
        payload: "hello".to_owned(),
        retain: false,
    };
    assert_eq!(client.message().await, hello);
    let (status, body) = post(json!({ "topic": "nobody", "payload": "x", "retain": true })).await;
    assert_eq!(
        (status, &body["reason_code"]),
        (StatusCode::ACCEPTED, &json!(16))
    );
    assert_eq!(client.subscribe("nobody").await, Said::Answer(1));
    let kept = Message {
        topic: "nobody".to_owned(),
        payload: "x".to_owned(),
        retain: true,
    };
    assert_eq!(client.message().await, kept);
    for bad in [
        json!({ "topic": "a/#", "payload": "x" }),
        json!({ "topic": "", "payload": "x" }),
        json!({ "topic": "t", "payload": "x", "qos": 3 }),
        json!({ "topic": "t", "payload": "?", "payload_encoding": "base64" }),
        json!({ "payload": "x" }),
    ] {
        assert_eq!(post(bad.clone()).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
}

/// only read: the node cache and its reset came with 5.9; 5.8 has no such path.
#[tokio::test]
async fn the_node_cache_reset_does_not_exist_on_5_8() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let path = "/authentication/node_cache/reset";
    let (status, body) = lab.api.call(Method::POST, path, None).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::NOT_FOUND, &json!("NOT_FOUND"))
    );
    let (_, nodes) = lab.api.get("/nodes").await;
    assert_eq!(nodes[0]["version"], dev_broker::VERSION);
}
