//! Far more is asked than can be decided in time.

use std::time::{Duration, Instant};

use hook_service::decide::Deny;
use hook_service::endpoints::Hook;
use hook_service::overload::Overload;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::in_memory::{NOW, serve};
use crate::support::{allowed, connect_body, der_of, read_answer, request};

/// Who asks, in turn, and whether it may be let in at all.
const ASKED: [(&str, &str, bool); 5] = [
    ("dev-1", "dev-1", true),
    ("dev-2", "dev-2", true),
    ("dev-3", "dev-3", false),
    ("nobody", "nobody", false),
    ("dev-1", "dev-2", false),
];

/// EMQX's own limit on one connection.
const DEPTH: usize = 100;

const BROKERS: usize = 4;

/// A clock that takes a quarter of a millisecond to read: decisions read it, and nothing else does.
fn slow_clock() -> i64 {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(250) {
        std::hint::spin_loop();
    }
    NOW
}

/// One request in seven is written as EMQX never does.
fn written(n: usize) -> String {
    let (id, der, _) = ASKED[n % ASKED.len()];
    let body = connect_body(id, &der_of(der));
    if n % 7 == 3 {
        let length = body.len();
        format!(
            "POST /authn/device HTTP/1.1\r\nhost: hook\r\ntransfer-encoding: chunked\r\n\r\n\
             {length:x}\r\n{body}\r\n0\r\n\r\n"
        )
    } else {
        request("/authn/device", &body)
    }
}

/// Sends [`DEPTH`] requests, several times over, in pieces of so many bytes. Gives how many that may
/// were let in, and how many were not.
async fn broker(address: std::net::SocketAddr, piece: usize) -> (u64, u64) {
    let all: String = (0..DEPTH).map(written).collect();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut let_in, mut shed) = (0, 0);
    let mut rest = Vec::new();
    for _ in 0..3 {
        for piece in all.as_bytes().chunks(piece) {
            stream.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        for n in 0..DEPTH {
            let (id, _, may) = ASKED[n % ASKED.len()];
            let (status, body) = read_answer(&mut stream, &mut rest).await.unwrap();
            assert_eq!(status, 200, "answer {n}");
            if allowed(&body) {
                assert!(may, "answer {n}: {id} must never be let in");
                // The rights carry the name, so an answer out of its place would show.
                let rights = format!("{id}/telemetry");
                assert!(body.contains(&rights), "answer {n}: {body}");
                let_in += 1;
            } else {
                assert_eq!(body, r#"{"result":"deny"}"#, "answer {n}");
                shed += u64::from(may);
            }
        }
    }
    (let_in, shed)
}

// One thread, which every decision blocks: what is asked at once is a tenth of a second of work.
#[tokio::test]
async fn in_overload_answers_stay_in_order_and_what_is_shed_is_a_deny() {
    let late_max = Duration::from_millis(5);
    let served = serve(
        &["dev-1", "dev-2", "!dev-3"],
        Overload::watched(late_max),
        slow_clock,
    );
    let brokers: Vec<_> = (0..BROKERS)
        .map(|number| {
            let piece = if number % 2 == 0 { usize::MAX } else { 997 };
            tokio::spawn(broker(served.address, piece))
        })
        .collect();
    let (mut let_in, mut shed) = (0, 0);
    for broker in brokers {
        let (more_let_in, more_shed) = broker.await.unwrap();
        let_in += more_let_in;
        shed += more_shed;
    }
    assert!(let_in > 0, "some are decided all the while");
    assert!(shed > 0, "not all can be decided in time");
    let denied = |reason| served.metrics.denials(Hook::AuthnDevice, reason);
    let looked_at: u64 = [Deny::Revoked, Deny::Unknown, Deny::CertificateNotActive]
        .map(denied)
        .into_iter()
        .sum();
    let must_be_denied = u64::try_from(BROKERS * 3 * DEPTH * 3 / ASKED.len()).unwrap();
    assert_eq!(
        denied(Deny::Overload),
        shed + must_be_denied - looked_at,
        "every request is counted as shed or for what was seen, never as both"
    );
}
