//! The client library that services and simulated devices use, through the whole of it.

use reqwest::StatusCode;
use rumqttc::{
    AsyncClient, Broker, ConnectionError, Event, EventLoop, Incoming, LastWill, MqttOptions,
    PublishOptions, QoS, TlsConfiguration, Transport,
};
use tokio::time::timeout;

use crate::support::PATIENCE;
use crate::support::hook::Reply;
use crate::support::lab::Lab;
use crate::support::pki::{client_config, pki};

fn open(lab: &Lab, id: &str) -> (AsyncClient, EventLoop) {
    let port = lab.address("devices").port();
    let mut options = MqttOptions::new(id, Broker::tcp("localhost".to_owned(), port));
    let tls = client_config(Some(&pki().device));
    options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
    options.set_clean_start(false);
    options.set_session_expiry_interval(Some(600));
    options.set_last_will(LastWill::new(
        "dev-1/status",
        "offline",
        QoS::AtLeastOnce,
        true,
        None,
    ));
    AsyncClient::builder(options).capacity(16).build()
}

async fn next(events: &mut EventLoop, wanted: impl Fn(&Incoming) -> bool) -> Incoming {
    let waiting = async {
        loop {
            if let Event::Incoming(packet) = events.poll().await.expect("the connection stays")
                && wanted(&packet)
            {
                return packet;
            }
        }
    };
    timeout(PATIENCE, waiting).await.expect("the packet comes")
}

#[tokio::test]
async fn rumqttc_connects_reports_listens_and_is_kicked() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let (client, mut events) = open(&lab, "dev-1");
    let answer = next(&mut events, |packet| matches!(packet, Incoming::ConnAck(_))).await;
    assert!(matches!(answer, Incoming::ConnAck(answer) if !answer.session_present));
    client
        .subscribe("dev-1/rpc/request", QoS::AtLeastOnce)
        .await
        .expect("queued");
    next(&mut events, |packet| matches!(packet, Incoming::SubAck(_))).await;
    let online = PublishOptions::new(QoS::AtLeastOnce).retain(true);
    client
        .publish("dev-1/status", "online", online)
        .await
        .expect("queued");
    next(&mut events, |packet| matches!(packet, Incoming::PubAck(_))).await;
    let body = serde_json::json!({ "topic": "dev-1/rpc/request", "payload": "go", "qos": 1 });
    let sent = lab
        .api
        .call(reqwest::Method::POST, "/publish", Some(body))
        .await;
    assert_eq!(sent.0, StatusCode::OK);
    let message = next(&mut events, |packet| matches!(packet, Incoming::Publish(_))).await;
    assert!(matches!(message, Incoming::Publish(message) if &message.payload[..] == b"go"));
    assert_eq!(lab.api.kick("dev-1").await, StatusCode::NO_CONTENT);
    let ended = timeout(PATIENCE, async {
        loop {
            if let Err(error) = events.poll().await {
                return error;
            }
        }
    });
    let ended = ended.await.expect("the kick is noticed").to_string();
    assert!(!ended.is_empty());
}

#[tokio::test]
async fn rumqttc_is_told_why_it_is_refused() {
    let lab = Lab::start(|_| Reply::deny()).await;
    let (_client, mut events) = open(&lab, "dev-1");
    let refused = timeout(PATIENCE, events.poll()).await.expect("an answer");
    assert!(
        matches!(refused, Err(ConnectionError::ConnectionRefused(_))),
        "{refused:?}"
    );
}
