//! Life on a broker that says no.

use rumqttc::{ConnectReturnCode, DisconnectReasonCode, PubAckReason, SubscribeReasonCode};

use crate::broker::{FakeBroker, Seen, is_connect, is_telemetry};
use crate::factory::Factory;
use crate::fleets::{connection, fleet, run_until, within};
use device_simulator::trust::ServerTrust;
use tokio_util::sync::CancellationToken;

const TLS13: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];

#[tokio::test]
async fn a_refused_connect_is_a_reason_to_wait_and_not_to_die() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let broker = FakeBroker::start(factory.pki.broker_tls(TLS13)).await;
    broker.refuse_connects([
        ConnectReturnCode::NotAuthorized,
        ConnectReturnCode::Banned,
        ConnectReturnCode::NotAuthorized,
        ConnectReturnCode::ServerUnavailable,
    ]);
    let summary = run_until(&factory, state.path(), 1, &broker, |broker| {
        broker.count(is_telemetry) > 0
    })
    .await;
    let reasons: Vec<_> = summary
        .refused_by_reason
        .iter()
        .map(|(r, n)| (r.as_str(), *n))
        .collect();
    assert_eq!(
        reasons,
        [
            ("connack_banned", 1),
            ("connack_not_authorized", 2),
            ("connack_server_unavailable", 1)
        ]
    );
    assert_eq!((summary.connected, summary.reconnects), (1, 0));
    assert_eq!(broker.count(is_connect), 5);
}

#[tokio::test]
async fn a_kicked_device_comes_back() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let broker = FakeBroker::start(factory.pki.broker_tls(TLS13)).await;
    broker.kick(DisconnectReasonCode::AdministrativeAction);
    broker.kick(DisconnectReasonCode::SessionTakenOver);
    let summary = run_until(&factory, state.path(), 1, &broker, |broker| {
        broker.count(is_telemetry) > 0
    })
    .await;
    assert_eq!(
        summary.disconnected_by_reason["disconnect_administrative_action"],
        1
    );
    assert_eq!(
        summary.disconnected_by_reason["disconnect_session_taken_over"],
        1
    );
    assert_eq!((summary.connected, summary.reconnects), (1, 2));
}

#[tokio::test]
async fn a_broker_that_does_not_know_our_authority_refuses_in_tls() {
    let (factory, other) = (Factory::start().await, Factory::start().await);
    let state = tempfile::tempdir().unwrap();
    // The other broker's certificate is trusted here; our device certificate is not trusted there.
    let broker = FakeBroker::start(other.pki.broker_tls(TLS13)).await;
    let mut connection = connection(&factory, broker.port);
    connection.trust = ServerTrust::from_file(&other.pki.server_trust()).unwrap();
    connection.duration = Some(std::time::Duration::from_millis(300));
    let fleet = fleet(&factory, state.path(), 1);
    let run = device_simulator::fleet::run(fleet, Some(connection), CancellationToken::new());
    let summary = within(run).await.unwrap();
    assert_eq!((summary.enrolled, summary.ever_connected), (1, 0));
    let (reason, count) = summary.refused_by_reason.iter().next().unwrap();
    assert!(reason.starts_with("tls_"), "{summary:?}");
    assert!(*count > 1, "it is tried again: {summary:?}");
    assert_eq!(broker.seen().len(), 0);
}

#[tokio::test]
async fn a_device_refuses_a_broker_that_its_trust_does_not_name() {
    let (factory, other) = (Factory::start().await, Factory::start().await);
    let state = tempfile::tempdir().unwrap();
    let broker = FakeBroker::start(other.pki.broker_tls(TLS13)).await;
    let mut connection = connection(&factory, broker.port);
    connection.duration = Some(std::time::Duration::from_millis(300));
    let fleet = fleet(&factory, state.path(), 1);
    let run = device_simulator::fleet::run(fleet, Some(connection), CancellationToken::new());
    let summary = within(run).await.unwrap();
    let reasons: Vec<_> = summary.refused_by_reason.keys().collect();
    assert_eq!(reasons, ["server_unknown_issuer"]);
}

#[tokio::test]
async fn a_broker_that_is_away_is_waited_for() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let port = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap().port()
    };
    let mut connection = connection(&factory, port);
    connection.duration = Some(std::time::Duration::from_millis(300));
    let fleet = fleet(&factory, state.path(), 2);
    let run = device_simulator::fleet::run(fleet, Some(connection), CancellationToken::new());
    let summary = within(run).await.unwrap();
    assert!(
        summary.refused_by_reason["io_connection_refused"] > 2,
        "{summary:?}"
    );
}

#[tokio::test]
async fn refused_publishes_and_subscribes_are_counted_and_not_taken_for_sent() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let broker = FakeBroker::start(factory.pki.broker_tls(TLS13)).await;
    broker.refuse_publishes(PubAckReason::NotAuthorized);
    broker.refuse_subscribes(SubscribeReasonCode::NotAuthorized);
    let summary = run_until(&factory, state.path(), 1, &broker, |broker| {
        broker.count(is_telemetry) >= 3
            && broker.count(|seen| matches!(seen, Seen::Subscribe { .. })) == 1
    })
    .await;
    assert_eq!(summary.acked, 0);
    // Five filters, the online message and two or more readings at least.
    assert!(summary.denied >= 8, "{summary:?}");
}
