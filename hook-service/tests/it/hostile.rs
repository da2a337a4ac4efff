//! Peers that send slowly, too much, or never read: each ends alone, within its limit, and costs the
//! others nothing.
//!
//! Where a test waits for a limit, time is the runtime's own and jumps ahead whenever everybody waits,
//! so minutes pass in an instant and the limit is seen exactly.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::in_memory::{NOW, Serving, serve};
use crate::support::{allowed, connect_body, der_of, read_answer, request};

/// A request must be whole after 5 seconds; a connection looks at that every 5 seconds.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);

/// A connection may be idle this long.
const IDLE_TIME_MAX: Duration = Duration::from_secs(600);

/// A service that takes nothing for this long has stopped reading.
const STALLED_AFTER: Duration = Duration::from_secs(10);

/// What timers are late by.
const LATE: Duration = Duration::from_millis(20);

fn service() -> Serving {
    serve(&["dev-1"], Arc::default(), || NOW)
}

fn one() -> String {
    request("/authn/device", &connect_body("dev-1", &der_of("dev-1")))
}

async fn dial(served: &Serving) -> TcpStream {
    TcpStream::connect(served.address).await.unwrap()
}

/// Asks on this connection, and must be let in.
async fn ask(stream: &mut TcpStream) {
    stream.write_all(one().as_bytes()).await.unwrap();
    let (status, body) = read_answer(stream, &mut Vec::new()).await.unwrap();
    assert!(status == 200 && allowed(&body), "{status} {body}");
}

/// How long the peer keeps this connection; whatever it still says is dropped.
async fn closed_after(stream: &mut TcpStream) -> Duration {
    tokio::time::pause();
    let start = Instant::now();
    let mut dropped = vec![0; 4096];
    let closed = timeout(2 * IDLE_TIME_MAX, async {
        while !matches!(stream.read(&mut dropped).await, Ok(0) | Err(_)) {}
    });
    closed.await.unwrap();
    let kept = start.elapsed();
    tokio::time::resume();
    kept
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_ten_minutes_and_no_longer() {
    let served = service();
    let mut never_used = dial(&served).await;
    let mut used = dial(&served).await;
    ask(&mut used).await;
    let first = closed_after(&mut never_used).await;
    assert!(
        first + LATE >= IDLE_TIME_MAX,
        "it is needed again: {first:?}"
    );
    let both = first + closed_after(&mut used).await;
    assert!(both <= IDLE_TIME_MAX + 2 * LATE, "{both:?}");
}

#[tokio::test]
async fn a_thousand_idle_connections_cost_the_others_nothing() {
    let served = service();
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(dial(&served).await);
    }
    ask(&mut dial(&served).await).await;
    ask(&mut idle[999]).await;
    assert_eq!(served.metrics.connections_refused.get(), 0);
}

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_closed_and_others_are_served_meanwhile() {
    let served = service();
    let request = one();
    let body_at = request.find("\r\n\r\n").unwrap() + 4;
    // In its head, and in its body.
    for begun in [1, body_at + 1] {
        let (mut reader, mut writer) = dial(&served).await.into_split();
        let mut other = dial(&served).await;
        let start = Instant::now();
        let (first, slow) = request.as_bytes().split_at(begun);
        writer.write_all(first).await.unwrap();
        let mut closed = false;
        for byte in slow {
            let read = timeout(Duration::from_millis(100), reader.read_u8()).await;
            if read.is_ok() {
                closed = true;
                break;
            }
            ask(&mut other).await;
            if writer.write_all(&[*byte]).await.is_err() {
                closed = true;
                break;
            }
        }
        assert!(closed, "it was read to the end");
        assert!(
            start.elapsed() <= REQUEST_TIME_MAX + LATE,
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn half_a_request_and_then_silence_is_closed_wherever_it_stops() {
    let served = service();
    let request = one();
    let chunked = "POST /authn/device HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"cli";
    let after_a_whole_one = format!("{request}{}", &request[..request.len() - 1]);
    for begun in [
        "P",
        "POST /authn/device HTTP/1.1\r\ncontent-len",
        &request[..request.len() - 1],
        chunked,
        &after_a_whole_one,
    ] {
        let mut stream = dial(&served).await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        let kept = closed_after(&mut stream).await;
        assert!(kept <= REQUEST_TIME_MAX + LATE, "{kept:?}: {begun}");
        ask(&mut dial(&served).await).await;
    }
}

#[tokio::test]
async fn a_body_without_an_end_is_denied_or_closed_and_takes_no_memory() {
    let served = service();
    let mut other = dial(&served).await;
    let endless = "POST /authn/device HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    let (mut reader, mut writer) = dial(&served).await.into_split();
    writer.write_all(endless.as_bytes()).await.unwrap();
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let mut sent = 0;
    while writer.write_all(chunk.as_bytes()).await.is_ok() {
        sent += chunk.len();
        ask(&mut other).await;
        // What the kernel buffers of both sides take is not the service's.
        assert!(sent < 64 << 20, "it reads on and on");
    }
    let answer = read_answer(&mut reader, &mut Vec::new()).await;
    assert!(answer.is_none_or(|(status, body)| status == 200 && !allowed(&body)));
    ask(&mut other).await;
}

#[tokio::test]
async fn a_head_without_an_end_is_refused_and_takes_no_memory() {
    let served = service();
    let mut other = dial(&served).await;
    let mut stream = dial(&served).await;
    let begun = "POST /authn/device HTTP/1.1\r\nx: ";
    stream.write_all(begun.as_bytes()).await.unwrap();
    let filler = "y".repeat(0x4000);
    let mut sent = 0;
    while stream.write_all(filler.as_bytes()).await.is_ok() {
        sent += filler.len();
        ask(&mut other).await;
        assert!(sent < 64 << 20, "it reads on and on");
    }
    ask(&mut other).await;
}

#[tokio::test]
async fn a_peer_that_never_reads_its_answers_is_closed_before_they_fill_the_memory() {
    let served = service();
    let mut other = dial(&served).await;
    let many = one().repeat(100);
    // Whole requests, and ones that always end in the middle of the next, so that the service never
    // finds a moment in which nothing waits.
    for skew in [0, many.len() / 200] {
        let mut stream = dial(&served).await;
        stream.write_all(&many.as_bytes()[..skew]).await.unwrap();
        let shifted = [&many.as_bytes()[skew..], &many.as_bytes()[..skew]].concat();
        let mut sent = 0;
        while let Ok(Ok(())) = timeout(STALLED_AFTER, stream.write_all(&shifted)).await {
            sent += shifted.len();
            ask(&mut other).await;
            assert!(
                sent < 64 << 20,
                "it answers on and on, {sent} bytes were taken"
            );
        }
        // Closed, and not merely held up by the peer's full buffers.
        let kept = closed_after(&mut stream).await;
        assert!(kept <= LATE, "{kept:?}");
    }
    ask(&mut other).await;
}
