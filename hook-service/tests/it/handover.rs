//! One process takes over from another on the same address, and the broker does not see it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use schema::testing::MigratedDatabase;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{
    allowed, config, connect, connect_body, der_of, execute, read_answer, registered, request,
    start, until,
};

/// What a broker saw: how many answers, and how many requests it had to send again because a
/// connection was closed, as EMQX does too.
#[derive(Debug, Default)]
struct Seen {
    answers: u64,
    wrong: u64,
    refused_connects: u64,
    repeated: u64,
}

/// Asks for a known and an unknown device in turn, eight deep, until told to stop.
async fn broker(address: SocketAddr, stop: Arc<AtomicBool>) -> Seen {
    let known = request("/authn/device", &connect_body("dev-1", &der_of("dev-1")));
    let unknown = request("/authn/device", &connect_body("nobody", &der_of("nobody")));
    let eight = [known.as_str(), unknown.as_str()].concat().repeat(4);
    let mut seen = Seen::default();
    while !stop.load(Ordering::SeqCst) {
        let Ok(mut stream) = TcpStream::connect(address).await else {
            seen.refused_connects += 1;
            continue;
        };
        let mut rest = Vec::new();
        'connection: while !stop.load(Ordering::SeqCst) {
            if stream.write_all(eight.as_bytes()).await.is_err() {
                seen.repeated += 8;
                break;
            }
            for n in 0..8 {
                let Some((status, body)) = read_answer(&mut stream, &mut rest).await else {
                    seen.repeated += 8 - n;
                    break 'connection;
                };
                seen.answers += 1;
                seen.wrong += u64::from(status != 200 || allowed(&body) != (n % 2 == 0));
            }
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_under_load_refuses_nobody_and_answers_nothing_wrong() {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    registered(&client, &["dev-1"]).await;
    let url = database.hook_url();
    let reuse = ("HOOK_REUSE_PORT", "true");
    let mut current = start(config(&url, &[reuse])).await;
    let address = current.hooks;
    let listen = address.to_string();
    let stop = Arc::new(AtomicBool::new(false));
    let brokers: Vec<_> = (0..4)
        .map(|_| tokio::spawn(broker(address, Arc::clone(&stop))))
        .collect();
    for _ in 0..5 {
        let taking_over = start(config(&url, &[reuse, ("HOOK_LISTEN", &listen)])).await;
        assert!(
            taking_over.metrics.applied.get() > 0,
            "it was live before it was bound"
        );
        current.stop().await.unwrap();
        current = taking_over;
        let connections = current.metrics.connections.clone();
        until("every broker came over", async || connections.get() == 4).await;
    }
    stop.store(true, Ordering::SeqCst);
    for broker in brokers {
        let seen = broker.await.unwrap();
        assert!(seen.answers > 0);
        assert_eq!((seen.wrong, seen.refused_connects), (0, 0), "{seen:?}");
        // A broker that comes back may meet the old process once more in its last moment.
        assert!(
            seen.repeated <= 2 * 5 * 8,
            "at most what was in flight: {seen:?}"
        );
    }
    let leases = "SELECT count(*) FROM hook_lease";
    let left: i64 = client.query_one(leases, &[]).await.unwrap().get(0);
    assert_eq!(left, 1, "each process gave its lease back");
}

#[tokio::test]
async fn a_process_that_takes_over_is_not_bound_before_it_is_live() {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    execute(&client, "BEGIN; LOCK TABLE device IN ACCESS EXCLUSIVE MODE").await;
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let listen = free.to_string();
    let url = database.hook_url();
    let starting = tokio::spawn(async move {
        start(config(
            &url,
            &[("HOOK_REUSE_PORT", "true"), ("HOOK_LISTEN", &listen)],
        ))
        .await
    });
    let waits = "SELECT count(*) FROM pg_locks
                  WHERE relation = 'device'::regclass AND NOT granted AND database =
                        (SELECT oid FROM pg_database WHERE datname = current_database())";
    until("the load waits for the lock", async || {
        client.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    assert!(TcpStream::connect(free).await.is_err());
    execute(&client, "COMMIT").await;
    let service = starting.await.unwrap();
    assert_eq!(service.hooks, free);
    assert!(TcpStream::connect(free).await.is_ok());
}
