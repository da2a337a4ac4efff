//! Kicks, bans, take-over, expiry and wills: what happens over a connection's life.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::StatusCode;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::support::hook::Reply;
use crate::support::lab::Lab;
use crate::support::mqtt::{Connect, Said};
use crate::support::until;

fn in_seconds(seconds: u64) -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
        + seconds
}

/// 5.8.9 run: "All closes carry DISCONNECT 0x98"; #10: "a kick publishes the will".
#[tokio::test]
async fn a_kick_says_0x98_publishes_the_will_and_ends_the_session() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let mut ear = lab.listener("wills/#").await;
    let connect = Connect::persistent("dev-1").with_will("wills/dev-1", "gone");
    let mut client = lab.device(&connect).await;
    assert_eq!(lab.api.kick("dev-1").await, StatusCode::NO_CONTENT);
    assert_eq!(client.ended().await, Said::Disconnect(0x98));
    assert_eq!(ear.message().await.payload, "gone");
    assert_eq!(lab.api.get("/clients/dev-1").await.0, StatusCode::NOT_FOUND);
    let again = lab.device(&Connect::persistent("dev-1")).await;
    assert!(!again.session_present);
}

/// 5.8.9 run: "DELETE removes an offline persistent session too".
#[tokio::test]
async fn a_kick_removes_an_offline_session_too() {
    let lab = Lab::start(|_| Reply::allow()).await;
    lab.device(&Connect::persistent("dev-1"))
        .await
        .disconnect()
        .await;
    until("the session is shown as offline", async || {
        lab.api.get("/clients/dev-1").await.1["connected"] == false
    })
    .await;
    assert_eq!(lab.api.kick("dev-1").await, StatusCode::NO_CONTENT);
    assert_eq!(lab.api.kick("dev-1").await, StatusCode::NOT_FOUND);
}

/// 5.8.9 run: a ban ends the live session (0x98) and deletes it; #10: it does not publish the will;
/// reconnect while banned: 0x8A, hook not asked; after it is lifted: in at once.
#[tokio::test]
async fn a_ban_says_0x98_keeps_the_will_and_refuses_before_the_hook_is_asked() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let mut ear = lab.listener("wills/#").await;
    let connect = Connect::persistent("dev-1").with_will("wills/dev-1", "gone");
    let mut client = lab.device(&connect).await;
    assert_eq!(lab.api.ban("dev-1").await, StatusCode::OK);
    assert_eq!(client.ended().await, Said::Disconnect(0x98));
    let asked = lab.hook.asked_for("dev-1").len();
    assert_eq!(lab.try_device(&connect).await.1, Some(0x8A));
    assert_eq!(lab.try_device(&Connect::v3("dev-1")).await.1, Some(5));
    assert_eq!(
        lab.hook.asked_for("dev-1").len(),
        asked,
        "the hook was asked"
    );
    assert!(ear.hears_nothing().await, "the will was published");
    let lifted = lab
        .api
        .call(reqwest::Method::DELETE, "/banned/clientid/dev-1", None)
        .await;
    assert_eq!(lifted.0, StatusCode::NO_CONTENT);
    assert!(!lab.device(&connect).await.session_present);
}

/// 5.8.9 run: #2. The order is ban check, authentication, registration.
#[tokio::test]
async fn a_kick_or_ban_while_the_hook_thinks_is_lost_until_it_is_repeated() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let lab = Lab::start(move |request| match request.path.as_str() {
        "/authn/device" => Reply::When(Arc::clone(&held), Box::new(Reply::allow())),
        _ => Reply::allow(),
    })
    .await;
    let connect = Connect::v5("dev-1");
    let connecting = lab.try_device(&connect);
    let meanwhile = async {
        until("the hook is asked", async || {
            lab.hook.asked_for("dev-1").len() == 1
        })
        .await;
        assert_eq!(lab.api.kick("dev-1").await, StatusCode::NOT_FOUND);
        assert_eq!(lab.api.ban("dev-1").await, StatusCode::OK);
        gate.add_permits(1);
    };
    let ((mut client, code), ()) = tokio::join!(connecting, meanwhile);
    assert_eq!(code, Some(0), "the banned client is let in");
    assert_eq!(
        client.publish("t", "x").await,
        Said::Answer(0),
        "and publishes"
    );
    assert_eq!(lab.api.kick("dev-1").await, StatusCode::NO_CONTENT);
    assert_eq!(client.ended().await, Said::Disconnect(0x98));
    assert_eq!(lab.try_device(&connect).await.1, Some(0x8A));
}

/// 5.8.9 run: "the hook is asked for the second client; denied: the first stays; allowed: the
/// first gets 0x8E".
#[tokio::test]
async fn a_take_over_needs_the_hook_and_says_0x8e_to_the_first() {
    let lab = Lab::start(|request| match request.field("username") {
        "stranger" => Reply::deny(),
        _ => Reply::allow(),
    })
    .await;
    let mut first = lab.device(&Connect::v5("dev-1")).await;
    let stranger = Connect {
        username: Some("stranger".to_owned()),
        ..Connect::v5("dev-1")
    };
    assert_eq!(lab.try_device(&stranger).await.1, Some(0x87));
    assert_eq!(first.publish("t", "x").await, Said::Answer(0));
    let mut second = lab.device(&Connect::v5("dev-1")).await;
    assert_eq!(first.ended().await, Said::Disconnect(0x8E));
    assert_eq!(second.publish("t", "x").await, Said::Answer(0));
}

/// 5.8.9 run: "`expire_at`: DISCONNECT 0x87 at the second; a persistent session keeps its queue and
/// delivers it after the next allowed connect"; #10: no will where the answer had an acl.
#[tokio::test]
async fn an_expired_client_hears_0x87_at_its_second_and_keeps_its_queue() {
    let acl = json!([{ "permission": "allow", "action": "all", "topics": ["#"] }]);
    let lab = Lab::start(move |request| match request.field("username") {
        "short" => {
            Reply::Json(json!({ "result": "allow", "expire_at": in_seconds(2), "acl": acl }))
        }
        _ => Reply::allow(),
    })
    .await;
    let mut ear = lab.listener("wills/#").await;
    let connect = Connect {
        username: Some("short".to_owned()),
        ..Connect::persistent("dev-1").with_will("wills/dev-1", "gone")
    };
    let mut client = lab.device(&connect).await;
    assert_eq!(client.subscribe("dev-1/in").await, Said::Answer(1));
    let started = Instant::now();
    assert_eq!(client.ended().await, Said::Disconnect(0x87));
    assert!(
        started.elapsed() < Duration::from_millis(2_500),
        "{:?}",
        started.elapsed()
    );
    let mut sender = lab.service(&Connect::v5("svc.sender.1")).await;
    assert_eq!(sender.publish("dev-1/in", "queued").await, Said::Answer(0));
    assert!(ear.hears_nothing().await, "the will was published");
    let mut again = lab.device(&Connect::persistent("dev-1")).await;
    assert!(again.session_present);
    assert_eq!(again.message().await.payload, "queued");
}

/// only read: contract 2.3: "Will messages are also authorised", when they fire.
#[tokio::test]
async fn a_will_is_authorized_when_it_fires() {
    let lab = Lab::start(
        |request| match (request.path.as_str(), request.field("topic")) {
            ("/authz", "wills/denied") => Reply::deny(),
            _ => Reply::allow(),
        },
    )
    .await;
    let mut ear = lab.listener("wills/#").await;
    for topic in ["wills/denied", "wills/allowed"] {
        let client = lab
            .device(&Connect::v5("dev-1").with_will(topic, topic))
            .await;
        drop(client);
        until("the will was asked for", async || {
            let asked = lab.hook.asked_for("dev-1");
            asked.iter().any(|request| {
                request.field("topic") == topic && request.field("action") == "publish"
            })
        })
        .await;
    }
    assert_eq!(ear.message().await.payload, "wills/allowed");
    let asked = lab.hook.asked_for("dev-1");
    assert_eq!(
        asked
            .iter()
            .filter(|request| request.path == "/authz")
            .count(),
        2
    );
}

/// 5.8.9 wire/README: a denied publish is PUBACK 0x87 on MQTT 5, a normal PUBACK and a dropped
/// message on 3.1.1; QoS 0 is dropped silently.
#[tokio::test]
async fn a_denied_publish_is_0x87_on_v5_and_silently_dropped_on_v3() {
    let lab = Lab::start(|request| match request.field("topic") {
        "no/way" => Reply::deny(),
        _ => Reply::allow(),
    })
    .await;
    let mut ear = lab.listener("#").await;
    let mut five = lab.device(&Connect::v5("five")).await;
    assert_eq!(five.publish("no/way", "5").await, Said::Answer(0x87));
    five.send_publish("no/way", b"5", 0, false).await;
    five.ping().await;
    let mut three = lab.device(&Connect::v3("three")).await;
    assert_eq!(three.publish("no/way", "3").await, Said::Answer(0));
    assert_eq!(three.subscribe("no/way").await, Said::Answer(0x80));
    assert_eq!(three.publish("a/way", "3").await, Said::Answer(0));
    assert_eq!(ear.message().await.topic, "a/way");
}

/// 5.8.9 wire/README and run: `disconnect` sends DISCONNECT 0x87, or closes on 3.1.1.
#[tokio::test]
async fn deny_action_disconnect_ends_the_connection() {
    let lab = Lab::with(
        &[("deny_action = ignore", "deny_action = disconnect")],
        |request| match request.path.as_str() {
            "/authz" => Reply::deny(),
            _ => Reply::allow(),
        },
    )
    .await;
    let mut client = lab.device(&Connect::v5("pub")).await;
    assert_eq!(client.publish("t", "x").await, Said::Disconnect(0x87));
    let mut client = lab.device(&Connect::v5("sub")).await;
    assert_eq!(client.subscribe("t").await, Said::Disconnect(0x87));
    let mut client = lab.device(&Connect::v3("old")).await;
    assert_eq!(client.publish("t", "x").await, Said::Closed);
}

/// 5.8.9 run: "A client whose publish waits in a stalled authz call: the kick waits for it, 5.0 s
/// at most, then the client is killed without DISCONNECT".
#[tokio::test]
async fn a_kick_waits_five_seconds_for_a_stalled_client_and_then_cuts_it() {
    let lab = Lab::with(
        &[("request_timeout = 2s", "request_timeout = 20s")],
        |request| match request.path.as_str() {
            "/authz" => Reply::Silence,
            _ => Reply::allow(),
        },
    )
    .await;
    let mut client = lab.device(&Connect::v5("dev-1")).await;
    client.send_publish("t", b"x", 1, false).await;
    until("the publish is asked for", async || {
        lab.hook.asked_for("dev-1").len() == 2
    })
    .await;
    let started = Instant::now();
    assert_eq!(lab.api.kick("dev-1").await, StatusCode::NO_CONTENT);
    assert_eq!(client.ended().await, Said::Closed);
    let waited = started.elapsed();
    assert!(
        waited > Duration::from_secs(4) && waited < Duration::from_secs(7),
        "{waited:?}"
    );
}

/// 5.8.9 run: the bulk kick closes each.
#[tokio::test]
async fn a_bulk_kick_closes_every_client_it_names() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let mut clients = Vec::new();
    for index in 0..20 {
        clients.push(lab.device(&Connect::v5(&format!("dev-{index}"))).await);
    }
    let mut ids: Vec<_> = (0..20).map(|index| format!("dev-{index}")).collect();
    ids.push("unknown".to_owned());
    let path = "/clients/kickout/bulk";
    let kicked = lab
        .api
        .call(reqwest::Method::POST, path, Some(json!(ids)))
        .await;
    assert_eq!(kicked.0, StatusCode::NO_CONTENT);
    for mut client in clients {
        assert_eq!(client.ended().await, Said::Disconnect(0x98));
    }
}
