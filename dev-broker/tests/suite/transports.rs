//! TLS with client certificates and revocation lists, WebSocket, shared subscriptions.

use async_tungstenite::tokio::client_async;
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::client::IntoClientRequest as _;
use dev_broker::DevBroker;
use futures::StreamExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::support::PATIENCE;
use crate::support::hook::{Hook, Reply};
use crate::support::lab::{Lab, options, tls};
use crate::support::mqtt::{Client, Connect, Said};
use crate::support::pki::{Identity, pki};

async fn is_refused(broker: &DevBroker, listener: &str, identity: Option<&Identity>) -> bool {
    match tls(broker.addresses[listener], identity).await {
        Err(_) => true,
        // TLS 1.3 tells the client only after its handshake.
        Ok(mut stream) => stream.read_u8().await.is_err(),
    }
}

/// 5.8.9 run: another CA is refused, so is a client without a certificate.
#[tokio::test]
async fn tls_wants_a_certificate_of_the_listeners_own_ca() {
    let lab = Lab::start(|_| Reply::allow()).await;
    assert!(is_refused(&lab.broker, "devices", None).await);
    let service_on_its_own = Identity {
        chain: leaf_of(&pki().service.chain),
        key: pki().service.key.clone(),
    };
    assert!(is_refused(&lab.broker, "devices", Some(&service_on_its_own)).await);
    let broker_as_client = Identity {
        chain: std::fs::read_to_string(pki().folder.join("broker.pem")).expect("a file"),
        key: std::fs::read_to_string(pki().folder.join("broker.key")).expect("a file"),
    };
    assert!(is_refused(&lab.broker, "devices", Some(&broker_as_client)).await);
    assert!(lab.hook.requests().is_empty());
}

fn leaf_of(chain: &str) -> String {
    let end = "-----END CERTIFICATE-----\n";
    let at = chain.find(end).expect("PEM") + end.len();
    chain[..at].to_owned()
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_when_a_list_is_given() {
    let hook = Hook::start(|_| Reply::allow()).await;
    let mut with_list = options(&[], Some(hook.address));
    with_list.crl = Some(pki().crl.clone());
    let broker = DevBroker::start(with_list)
        .await
        .expect("the broker starts");
    assert!(is_refused(&broker, "devices", Some(&pki().revoked)).await);
    let good = tls(broker.addresses["devices"], Some(&pki().device))
        .await
        .expect("let in");
    assert_eq!(
        Client::connect(good, &Connect::v5("dev-1")).await.1,
        Some(0)
    );
    let lab = Lab::start(|_| Reply::allow()).await;
    let revoked = lab.tls("devices", &pki().revoked).await;
    assert_eq!(
        Client::connect(revoked, &Connect::v5("dev-revoked"))
            .await
            .1,
        Some(0)
    );
}

/// 5.8.9 run: people have their own authenticator; a WebSocket has no certificate fields.
#[tokio::test]
async fn people_come_by_websocket_and_are_asked_for_at_their_own_url() {
    let lab = Lab::start(|request| match request.field("password") {
        "token" => Reply::allow(),
        _ => Reply::deny(),
    })
    .await;
    let people = lab.address("people");
    for (password, code) in [("token", 0), ("wrong", 0x87)] {
        let mut request = format!("ws://{people}/mqtt")
            .into_client_request()
            .expect("a request");
        let protocol = "mqtt".parse().expect("a value");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let stream = TcpStream::connect(people).await.expect("open");
        let (mut socket, response) = client_async(request, stream).await.expect("upgraded");
        assert_eq!(response.headers()["sec-websocket-protocol"], "mqtt");
        let connect = Connect {
            username: Some("usr".to_owned()),
            password: Some(password.as_bytes().to_vec()),
            ..Connect::v5("usr.1.tab")
        };
        socket
            .send(Message::Binary(connect.bytes().into()))
            .await
            .expect("sent");
        let answer = socket
            .next()
            .await
            .expect("an answer")
            .expect("an answer")
            .into_data();
        assert_eq!((answer[0], answer[3]), (0x20, code));
    }
    let requests = lab.hook.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.path == "/authn/person")
    );
    assert_eq!(requests[0].field("clientid"), "usr.1.tab");
}

#[tokio::test]
async fn a_websocket_needs_the_path_and_the_sub_protocol() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let people = lab.address("people");
    for (path, protocol) in [
        ("/mqtt", None),
        ("/mqtt", Some("other")),
        ("/else", Some("mqtt")),
    ] {
        let mut request = format!("ws://{people}{path}")
            .into_client_request()
            .expect("a request");
        if let Some(protocol) = protocol {
            let value = protocol.parse().expect("a value");
            request
                .headers_mut()
                .insert("sec-websocket-protocol", value);
        }
        let stream = TcpStream::connect(people).await.expect("open");
        assert!(
            client_async(request, stream).await.is_err(),
            "{path} {protocol:?}"
        );
    }
}

/// rmqtt lacks them without a plug-in: shared subscriptions and retained messages.
#[tokio::test]
async fn shared_subscriptions_split_messages_and_retained_ones_are_kept() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let mut members = Vec::new();
    for index in 0..2 {
        let mut member = lab
            .service(&Connect::v5(&format!("svc.gateway.{index}")))
            .await;
        assert_eq!(
            member.subscribe("$share/g/+/telemetry").await,
            Said::Answer(1)
        );
        members.push(member);
    }
    let mut device = lab.device(&Connect::v5("dev-1")).await;
    for index in 0..20 {
        assert_eq!(
            device.publish("dev-1/telemetry", &index.to_string()).await,
            Said::Answer(0)
        );
    }
    let (sender, mut messages) = tokio::sync::mpsc::channel(32);
    let mut listening = tokio::task::JoinSet::new();
    for mut member in members {
        let sender = sender.clone();
        listening.spawn(async move { while sender.send(member.message().await).await.is_ok() {} });
    }
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let message = tokio::time::timeout(PATIENCE, messages.recv())
            .await
            .expect("in time");
        let payload = message.expect("the members listen").payload;
        seen.push(payload.parse::<u32>().expect("a number"));
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..20).collect::<Vec<_>>(), "each exactly once");
    device
        .send_publish("dev-1/status", b"online", 1, true)
        .await;
    assert_eq!(device.puback().await, Said::Answer(0));
    let mut late = lab.service(&Connect::v5("svc.late.1")).await;
    assert_eq!(late.subscribe("+/status").await, Said::Answer(1));
    let message = late.message().await;
    assert_eq!((message.payload.as_str(), message.retain), ("online", true));
}
