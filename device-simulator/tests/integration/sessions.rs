//! Life on a broker that accepts the device.

use std::collections::HashSet;

use rumqttc::{DisconnectReasonCode, QoS};
use serde_json::Value;

use crate::broker::{FakeBroker, Seen, is_connect, is_telemetry};
use crate::factory::Factory;
use crate::fleets::run_until;

const BOTH: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

fn messages(broker: &FakeBroker, device: &str, topic: &str) -> Vec<(Value, bool)> {
    let wanted = format!("{device}/{topic}");
    broker
        .seen()
        .into_iter()
        .filter_map(|seen| match seen {
            Seen::Publish {
                topic,
                payload,
                retain,
                ..
            } if topic == wanted => Some((serde_json::from_str(&payload).unwrap(), retain)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_fleet_connects_by_its_certificates_reports_and_says_goodbye() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let broker = FakeBroker::start(factory.pki.broker_tls(BOTH)).await;
    let summary = run_until(&factory, state.path(), 3, &broker, |broker| {
        (1..=3).all(|n| messages(broker, &format!("grow-000{n}"), "telemetry").len() >= 3)
    })
    .await;
    let goodbye = |seen: &Seen| matches!(seen, Seen::Disconnect { .. });
    broker.until(|broker| broker.count(goodbye) == 3).await;
    assert_eq!(
        (summary.enrolled, summary.connected, summary.ever_connected),
        (3, 3, 3)
    );
    assert!(
        summary.acked >= 6 && summary.acked <= summary.published,
        "{summary:?}"
    );
    assert_eq!(
        (summary.lost, summary.denied, summary.reconnects),
        (0, 0, 0)
    );
    assert!(summary.refused_by_reason.is_empty() && summary.disconnected_by_reason.is_empty());

    for device in ["grow-0001", "grow-0002", "grow-0003"] {
        let record = std::fs::read(state.path().join(device).join("device.json")).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        let seen: Vec<_> = broker
            .seen()
            .into_iter()
            .filter(|seen| match seen {
                Seen::Connect { client, .. }
                | Seen::Publish { client, .. }
                | Seen::Subscribe { client, .. }
                | Seen::Disconnect { client, .. } => client == device,
                Seen::PubAck | Seen::Gone => false,
            })
            .collect();
        let Seen::Connect {
            username,
            password,
            clean_start,
            session_expiry_s,
            will,
            fingerprint,
            ..
        } = &seen[0]
        else {
            panic!("{seen:?}")
        };
        assert_eq!(username, device);
        assert_eq!(record["fingerprint"], *fingerprint);
        assert_eq!(password, fingerprint);
        assert!(!clean_start);
        assert_eq!(*session_expiry_s, Some(3_600));
        let (topic, payload, retain) = will.clone().unwrap();
        assert_eq!((topic, retain), (format!("{device}/status"), true));
        assert!(payload.contains(r#""status":"offline""#), "{payload}");
        assert!(
            seen.iter()
                .any(|seen| matches!(seen, Seen::Subscribe { filters, .. }
            if filters.len() == 5 && filters.iter().all(|filter| filter.starts_with(device))))
        );

        let status = messages(&broker, device, "status");
        assert_eq!(status.len(), 2, "{status:?}");
        assert!(status.iter().all(|(_, retain)| *retain));
        assert_eq!(status[0].0["status"], "online");
        assert_eq!(status[0].0["firmwareVersion"], "1.0.0");
        assert_eq!(status[1].0["status"], "offline");
        let Some(Seen::Disconnect { code, .. }) = seen.last() else {
            panic!("{seen:?}")
        };
        assert_eq!(
            *code,
            DisconnectReasonCode::NormalDisconnection,
            "so that no will is sent"
        );
        for seen in seen.iter().filter(|seen| is_telemetry(seen)) {
            let Seen::Publish { retain, qos, .. } = seen else {
                unreachable!()
            };
            assert_eq!((*retain, *qos), (false, QoS::AtLeastOnce));
        }
    }
}

#[tokio::test]
async fn the_element_signs_tls_12_handshakes_too() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let broker = FakeBroker::start(factory.pki.broker_tls(&[&rustls::version::TLS12])).await;
    let summary = run_until(&factory, state.path(), 1, &broker, |broker| {
        broker.count(is_telemetry) > 0
    })
    .await;
    assert_eq!(summary.ever_connected, 1);
}

#[tokio::test]
async fn a_restarted_device_goes_on_in_the_session_that_the_broker_kept() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let broker = FakeBroker::start(factory.pki.broker_tls(BOTH)).await;
    let some = |broker: &FakeBroker| broker.count(is_telemetry) >= 3;
    run_until(&factory, state.path(), 1, &broker, some).await;
    broker.keep_sessions();
    let before = broker.count(is_telemetry);
    let more = |broker: &FakeBroker| broker.count(is_telemetry) >= before + 3;
    let summary = run_until(&factory, state.path(), 1, &broker, more).await;
    assert_eq!((summary.ever_connected, summary.lost), (1, 0));
    assert!(summary.acked >= 2, "{summary:?}");

    let messages = messages(&broker, "grow-0001", "telemetry");
    let ids: HashSet<_> = messages
        .iter()
        .map(|(message, _)| message["messageId"].to_string())
        .collect();
    assert_eq!(
        ids.len(),
        messages.len(),
        "no message id comes twice, restarts included"
    );
}

#[tokio::test]
async fn a_message_from_a_service_is_acknowledged_and_counted_and_not_answered() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let broker = FakeBroker::start(factory.pki.broker_tls(BOTH)).await;
    broker.send(
        "grow-0001/rpc/request",
        r#"{"id":"1","method":"getSensors"}"#,
    );
    let summary = run_until(&factory, state.path(), 1, &broker, |broker| {
        broker.count(|seen| matches!(seen, Seen::PubAck)) == 1
    })
    .await;
    assert_eq!(summary.received, 1);
    assert_eq!(summary.received_by_category["rpc/request"], 1);
    let answers = broker.count(
        |seen| matches!(seen, Seen::Publish { topic, .. } if topic.ends_with("/rpc/response")),
    );
    assert_eq!(answers, 0);
}

#[tokio::test]
async fn readings_are_skipped_when_the_broker_stops_acknowledging() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let broker = FakeBroker::start(factory.pki.broker_tls(BOTH)).await;
    broker.stop_acknowledging();
    // Sixteen in flight, the online message among them, and then no more.
    let full =
        |broker: &FakeBroker| broker.count(|seen| matches!(seen, Seen::Publish { .. })) >= 16;
    let mut connection = crate::fleets::connection(&factory, broker.port);
    connection.goodbye = std::time::Duration::from_millis(50);
    connection.interval = std::time::Duration::from_millis(2);
    let stop = tokio_util::sync::CancellationToken::new();
    let fleet = crate::fleets::fleet(&factory, state.path(), 1);
    let board = tempfile::NamedTempFile::new().unwrap();
    let fleet = device_simulator::fleet::Fleet {
        status_file: Some(board.path().into()),
        ..fleet
    };
    let running = tokio::spawn(device_simulator::fleet::run(
        fleet,
        Some(connection),
        stop.clone(),
    ));
    broker.until(full).await;
    let skipped = || -> u64 {
        let bytes = std::fs::read(board.path()).unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        value["devices"]["grow-0001"]["skipped"].as_u64().unwrap()
    };
    crate::fleets::within(async {
        while skipped() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    stop.cancel();
    let summary = crate::fleets::within(running).await.unwrap().unwrap();
    assert_eq!((summary.published, summary.acked), (16, 0), "{summary:?}");
    assert!(summary.skipped >= 3);
    assert_eq!(broker.count(is_connect), 1);
}
