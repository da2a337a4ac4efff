//! One connection's trouble is nobody else's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::hook::Reply;
use crate::support::lab::{Lab, tls};
use crate::support::mqtt::{Client, Connect, Said, packet};
use crate::support::pki::pki;
use crate::support::{PATIENCE, until};

#[tokio::test]
async fn nonsense_ends_only_its_own_connection() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let mut good = lab.device(&Connect::v5("dev-1")).await;
    let devices = lab.address("devices");
    for nonsense in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0x16, 3, 1, 0xFF, 0xFF, 0],
        &[0; 4096],
    ] {
        let mut stream = TcpStream::connect(devices).await.expect("open");
        let _ = stream.write_all(nonsense).await;
        let mut rest = Vec::new();
        // A TLS alert, a reset or an end: anything but waiting.
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest))
            .await
            .expect("ends");
    }
    let connect = Connect::v5("x").bytes();
    let broken: Vec<Vec<u8>> = vec![
        vec![0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        vec![0x30, 0x02, 0, 0],
        packet(0x10, b"\0\x04MQTX\x05\x02\0\x3c\0\0\x01x"),
        packet(0x10, b"\0\x04MQTT\x09\x02\0\x3c\0\0\x01x"),
        packet(0x10, b"\0\x04MQTT\x05\x02\0\x3c\0\0\xFFx"),
        packet(0x10, &vec![b'x'; 70_000]),
    ];
    for bytes in broken {
        let mut stream = lab.tls("devices", &pki().device).await;
        // The broker may close before the last byte.
        let _ = stream.write_all(&bytes).await;
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest))
            .await
            .expect("ends");
        assert!(rest.is_empty(), "{rest:?}");
    }
    let mut second = lab.tls("devices", &pki().device).await;
    let twice = [connect.clone(), connect].concat();
    second.write_all(&twice).await.expect("sent");
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, second.read_to_end(&mut rest))
        .await
        .expect("ends");
    assert_eq!(
        rest.last_chunk::<4>().map(|end| end[0]),
        Some(0xE0),
        "{rest:?}"
    );
    assert_eq!(good.publish("t", "x").await, Said::Answer(0));
}

#[tokio::test]
async fn a_slow_answer_for_one_client_does_not_hold_up_another() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let patient = [("request_timeout = 2s", "request_timeout = 30s")];
    let lab = Lab::with(&patient, move |request| match request.field("clientid") {
        "slow" => Reply::When(Arc::clone(&held), Box::new(Reply::allow())),
        _ => Reply::allow(),
    })
    .await;
    let slow = Connect::v5("slow");
    let connecting = lab.try_device(&slow);
    let meanwhile = async {
        until("the slow one waits", async || {
            lab.hook.asked_for("slow").len() == 1
        })
        .await;
        for index in 0..20 {
            let mut quick = lab.device(&Connect::v5(&format!("quick-{index}"))).await;
            assert_eq!(quick.publish("t", "x").await, Said::Answer(0));
        }
        gate.add_permits(1);
    };
    let ((_, code), ()) = tokio::join!(connecting, meanwhile);
    assert_eq!(code, Some(0));
}

/// 5.8.9 wire/README: "Pipelining is real"; 5.8.9 run: "Eight stalled clients on a pool of 8 held
/// up a ninth" (here a pool of 1 and one stalled client).
#[tokio::test]
async fn requests_are_pipelined_and_answered_in_order() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let lab = Lab::with(
        &[("pool_size = 16", "pool_size = 1")],
        move |request| match request.field("clientid") {
            "dev-0" => Reply::When(Arc::clone(&held), Box::new(Reply::allow())),
            "dev-7" => Reply::deny(),
            _ => Reply::allow(),
        },
    )
    .await;
    let first = Connect::v5("dev-0");
    let first = lab.try_device(&first);
    let others = async {
        until("the first one waits", async || {
            lab.hook.requests().len() == 1
        })
        .await;
        let mut streams = Vec::new();
        for index in 1..20 {
            let mut stream = lab.tls("devices", &pki().device).await;
            stream
                .write_all(&Connect::v5(&format!("dev-{index}")).bytes())
                .await
                .expect("sent");
            streams.push(stream);
        }
        // All are sent on the one connection while the first answer is missing.
        until("all wait behind the first", async || {
            lab.hook.buffered() == 19
        })
        .await;
        assert_eq!(lab.hook.requests().len(), 1, "the stub answers in order");
        gate.add_permits(1);
        let mut codes = Vec::new();
        for mut stream in streams {
            let mut answer = [0; 4];
            tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer))
                .await
                .expect("in time")
                .expect("CONNACK");
            codes.push(answer[3]);
        }
        codes
    };
    let ((_, code), codes) = tokio::join!(first, others);
    assert_eq!(code, Some(0));
    let wanted: Vec<u8> = (1..20)
        .map(|index| if index == 7 { 0x87 } else { 0 })
        .collect();
    assert_eq!(codes, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_clients_are_served_at_once() {
    // A busy machine must not turn this into a test of time-outs.
    let patient = [("request_timeout = 2s", "request_timeout = 30s")];
    let lab = Arc::new(Lab::with(&patient, |_| Reply::allow()).await);
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..500 {
        let lab = Arc::clone(&lab);
        tasks.spawn(async move {
            let mut client = lab.device(&Connect::v5(&format!("dev-{index}"))).await;
            assert_eq!(client.publish("t", "x").await, Said::Answer(0));
            client
        });
    }
    let clients: Vec<Client> = tasks.join_all().await;
    let (_, page) = lab.api.get("/clients?limit=1").await;
    assert_eq!(page["meta"]["count"], 500);
    drop(clients);
    until("all have left", async || {
        lab.api.get("/clients").await.1["meta"]["count"] == 0
    })
    .await;
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_stopping_broker_says_so() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let mut client = lab.device(&Connect::v5("dev-1")).await;
    let address = lab.address("devices");
    lab.broker.stop().await;
    assert_eq!(client.ended().await, Said::Disconnect(0x8B));
    until("the port is closed", async || {
        tls(address, None).await.is_err()
    })
    .await;
}
