//! The limits of the zones (5.8.9 run: "Limits: QoS 0x9B, retain 0x9A, topic levels 0x90 and 0x8F,
//! size 0x95, subscriptions 0x97, wildcard 0xA2, shared 0x9E, client id length 0x85").

use crate::support::hook::Reply;
use crate::support::lab::Lab;
use crate::support::mqtt::{Connect, Said};

const DEEP: &str = "1/2/3/4/5/6/7/8/9";

#[tokio::test]
async fn subscriptions_beyond_the_zone_have_their_codes() {
    let lab = Lab::start(|request| match request.field("topic") {
        "denied/#" => Reply::deny(),
        _ => Reply::allow(),
    })
    .await;
    let mut device = lab.device(&Connect::v5("dev-1")).await;
    assert_eq!(device.subscribe("a/#").await, Said::Answer(0xA2));
    assert_eq!(device.subscribe("$share/g/a").await, Said::Answer(0x9E));
    assert_eq!(device.subscribe(DEEP).await, Said::Answer(0x8F));
    // Rights come before limits (only read: the order of EMQX's pipeline).
    assert_eq!(device.subscribe("denied/#").await, Said::Answer(0x87));
    for index in 0..20 {
        assert_eq!(
            device.subscribe(&format!("t/{index}")).await,
            Said::Answer(1)
        );
    }
    assert_eq!(device.subscribe("t/20").await, Said::Answer(0x97));
    assert_eq!(
        device.subscribe("t/3").await,
        Said::Answer(1),
        "a known one is no new one"
    );
    let mut service = lab.service(&Connect::v5("svc.gateway.1")).await;
    assert_eq!(service.subscribe("a/#").await, Said::Answer(1));
    assert_eq!(service.subscribe("$share/g/+/a").await, Said::Answer(1));
}

#[tokio::test]
async fn publishes_beyond_the_zone_end_the_connection_with_their_codes() {
    let no_retain = [("retain_available = true", "retain_available = false")];
    let lab = Lab::with(&no_retain, |_| Reply::allow()).await;
    let mut client = lab.device(&Connect::v5("qos")).await;
    client.send_publish("t", b"x", 2, false).await;
    assert_eq!(client.ended().await, Said::Disconnect(0x9B));
    let mut client = lab.device(&Connect::v5("retain")).await;
    client.send_publish("t", b"x", 1, true).await;
    assert_eq!(client.ended().await, Said::Disconnect(0x9A));
    let mut client = lab.device(&Connect::v5("deep")).await;
    assert_eq!(client.publish(DEEP, "x").await, Said::Disconnect(0x90));
    let mut client = lab.device(&Connect::v5("large")).await;
    client
        .send_publish("t", &vec![b'x'; 70_000], 1, false)
        .await;
    assert_eq!(client.ended().await, Said::Disconnect(0x95));
}

#[tokio::test]
async fn a_client_id_that_is_too_long_is_0x85_and_nobody_is_asked() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let id = "x".repeat(129);
    assert_eq!(lab.try_device(&Connect::v5(&id)).await.1, Some(0x85));
    assert_eq!(lab.try_device(&Connect::v3(&id)).await.1, Some(2));
    assert!(lab.hook.requests().is_empty());
    lab.device(&Connect::v5(&"x".repeat(128))).await;
}
