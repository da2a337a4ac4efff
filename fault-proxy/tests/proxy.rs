//! The proxy against real sockets. Only lower bounds of time are asserted: they never depend on how
//! busy the machine is.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use fault_proxy::{Delay, Direction, Entry, Faults, Proxy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// No wait of a test takes longer.
const BOUND: Duration = Duration::from_secs(20);
/// Long enough for what is not held back to arrive, on a busy machine too.
const SILENCE: Duration = Duration::from_millis(150);

/// Answers every byte with the same byte, and the first one of a connection with `name`.
async fn echo(name: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut bytes = vec![0; 64 * 1024];
                let mut first = true;
                while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                    if std::mem::take(&mut first) {
                        bytes[0] = name;
                    }
                    if stream.write_all(&bytes[..count]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

async fn through(proxy: &Proxy) -> TcpStream {
    timeout(BOUND, TcpStream::connect(proxy.address()))
        .await
        .unwrap()
        .unwrap()
}

async fn say(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).await.unwrap();
    let mut heard = vec![0; bytes.len()];
    timeout(BOUND, stream.read_exact(&mut heard))
        .await
        .expect("an answer in time")
        .unwrap();
    heard
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + BOUND;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn bytes_pass_both_ways_in_order_and_the_end_passes_too() {
    let proxy = Proxy::start(vec![echo(b'a').await], 1).unwrap();
    let mut stream = through(&proxy).await;
    let sent: Vec<u8> = (0..200_000_u32).map(|index| (index % 251) as u8).collect();
    let (mut reader, mut writer) = stream.split();
    let write = async {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut heard = Vec::new();
    let read = timeout(BOUND, reader.read_to_end(&mut heard));
    let (_, read) = tokio::join!(write, read);
    assert_eq!(read.expect("the end in time").unwrap(), sent.len());
    assert_eq!(heard[0], b'a');
    assert_eq!(heard[1..], sent[1..]);
    let totals = proxy.totals();
    assert_eq!((totals.accepted, totals.bytes_up), (1, 200_000));
    assert_eq!(totals.bytes_down, 200_000);
    until("the end", || proxy.totals().open == 0).await;
}

#[tokio::test]
async fn upstreams_take_turns_and_a_dead_one_is_passed_over() {
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = Proxy::start(vec![echo(b'a').await, dead, echo(b'b').await], 1).unwrap();
    let mut names = Vec::new();
    for _ in 0..6 {
        names.extend(say(&mut through(&proxy).await, b"?").await);
    }
    names.sort_unstable();
    assert_eq!(names, b"aabbbb");
    proxy.set_upstreams(vec![dead]);
    let mut stream = through(&proxy).await;
    assert!(
        stream.read_u8().await.is_err(),
        "nobody is there: it is closed"
    );
    assert_eq!(proxy.totals().without_upstream, 1);
}

#[tokio::test]
async fn a_closed_entry_is_refused_by_the_kernel_and_opens_again_on_the_same_port() {
    let proxy = Proxy::start(vec![echo(b'a').await], 1).unwrap();
    let mut old = through(&proxy).await;
    assert_eq!(say(&mut old, b"1").await, b"a");
    for _ in 0..3 {
        proxy.set(Faults::refuse()).await;
        let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert_eq!(say(&mut old, b"2").await, b"2", "an open one lives on");
        proxy.heal().await;
        assert_eq!(say(&mut through(&proxy).await, b"3").await, b"a");
    }
}

#[tokio::test]
async fn a_cut_resets_open_connections_and_not_later_ones() {
    let proxy = Proxy::start(vec![echo(b'a').await], 1).unwrap();
    let mut streams = vec![through(&proxy).await, through(&proxy).await];
    for stream in &mut streams {
        say(stream, b"?").await;
    }
    proxy.cut();
    for stream in &mut streams {
        let end = timeout(BOUND, stream.read_u8()).await.expect("an end");
        assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    }
    assert_eq!(say(&mut through(&proxy).await, b"?").await, b"a");
    assert_eq!(proxy.totals().cut, 2);
}

#[tokio::test]
async fn silence_holds_everything_back_and_loses_nothing() {
    let proxy = Proxy::start(vec![echo(b'a').await], 1).unwrap();
    let mut stream = through(&proxy).await;
    say(&mut stream, b"?").await;
    proxy.set(Faults::black_hole()).await;
    stream.write_all(b"held back").await.unwrap();
    let mut heard = [0; 9];
    let nothing = timeout(SILENCE, stream.read_exact(&mut heard)).await;
    assert!(nothing.is_err(), "something came through");
    let mut newcomer = through(&proxy).await;
    newcomer.write_all(b"?").await.unwrap();
    assert!(timeout(SILENCE, newcomer.read_u8()).await.is_err());
    proxy.heal().await;
    let healed = timeout(BOUND, stream.read_exact(&mut heard)).await;
    healed.expect("what was held back").unwrap();
    assert_eq!(&heard, b"held back");
    let answered = timeout(BOUND, newcomer.read_u8()).await;
    assert_eq!(answered.expect("an answer").unwrap(), b'a');
}

#[tokio::test]
async fn only_one_direction_may_be_silent() {
    let proxy = Proxy::start(vec![echo(b'a').await], 1).unwrap();
    let mut stream = through(&proxy).await;
    let down = Direction {
        silent: true,
        ..Direction::default()
    };
    let faults = Faults {
        down,
        ..Faults::default()
    };
    proxy.set(faults).await;
    stream.write_all(b"?").await.unwrap();
    until("the question upstream", || proxy.totals().bytes_down == 1).await;
    assert!(timeout(SILENCE, stream.read_u8()).await.is_err());
}

#[tokio::test]
async fn the_end_of_a_silent_connection_is_not_told_either() {
    let proxy = Proxy::start(vec![echo(b'a').await], 1).unwrap();
    let mut stream = through(&proxy).await;
    say(&mut stream, b"?").await;
    proxy.set(Faults::black_hole()).await;
    stream.shutdown().await.unwrap();
    assert!(timeout(SILENCE, stream.read_u8()).await.is_err());
    proxy.heal().await;
    let end = timeout(BOUND, stream.read(&mut [0; 1])).await;
    assert_eq!(end.expect("the end").unwrap(), 0);
}

#[tokio::test]
async fn a_delay_is_at_least_as_long_as_it_says_and_keeps_the_order() {
    let proxy = Proxy::start(vec![echo(b'a').await], 7).unwrap();
    let mut stream = through(&proxy).await;
    say(&mut stream, b"?").await;
    let least = Duration::from_millis(40);
    let delay = Delay::between(least, Duration::from_millis(60));
    proxy.set(Faults::slow(delay, Delay::of(least))).await;
    let start = Instant::now();
    assert_eq!(say(&mut stream, b"late").await, b"late");
    assert!(start.elapsed() >= 2 * least);
    for number in 0..20_u8 {
        stream.write_all(&[number]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut heard = [0; 20];
    timeout(BOUND, stream.read_exact(&mut heard))
        .await
        .expect("all of them")
        .unwrap();
    assert!(heard.is_sorted(), "{heard:?}");
}

#[tokio::test]
async fn a_throttled_line_passes_no_more_than_it_says() {
    let proxy = Proxy::start(vec![echo(b'a').await], 1).unwrap();
    let mut stream = through(&proxy).await;
    say(&mut stream, b"?").await;
    let rate = NonZeroU32::new(10_000).unwrap();
    proxy.set(Faults::throttled(rate)).await;
    let start = Instant::now();
    let sent = vec![7; 3000];
    assert_eq!(say(&mut stream, &sent).await, sent);
    // 3,000 bytes in parts of 1,000: the pause after the last part is nobody's delay.
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_dropped_proxy_resets_what_is_open_and_frees_its_port() {
    let proxy = Proxy::start(vec![echo(b'a').await], 1).unwrap();
    let address = proxy.address();
    let mut stream = through(&proxy).await;
    say(&mut stream, b"?").await;
    assert_eq!(Faults::default().entry, Entry::Forward);
    drop(proxy);
    assert!(
        timeout(BOUND, stream.read_u8())
            .await
            .expect("an end")
            .is_err()
    );
    let deadline = Instant::now() + BOUND;
    while TcpStream::connect(address).await.is_ok() {
        assert!(Instant::now() < deadline, "it still listens");
    }
}
