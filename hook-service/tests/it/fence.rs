//! The lease between real processes: whoever waits for a change by the leases' rows may rely on it,
//! whatever becomes of a replica. The waiter is the crate `lease`, as in api-service.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use dev_postgres::{Cluster, Options};
use lease::{History, How, Judge, Look, Row, Wait};
use rustix::process::{Pid, Signal, kill_process};
use schema::testing::MigratedDatabase;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::Client;

use crate::support::{
    PATIENCE, allowed, connect, connect_body, der_of, execute, newest, read_answer, registered,
    request, until,
};

/// The shortest bound that can be set.
const BOUND_MS: &str = "5000";

/// A hook-service of its own.
struct Process {
    child: Child,
    hooks: std::net::SocketAddr,
    _state: tempfile::TempDir,
}

impl Process {
    async fn start(url: &str, name: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let addresses = state.path().join("addresses.json");
        let child = Command::new(env!("CARGO_BIN_EXE_hook-service"))
            .env_clear()
            .env("HOOK_DATABASE_URL", url)
            .env("HOOK_LISTEN", "127.0.0.1:0")
            .env("HOOK_OPS_LISTEN", "127.0.0.1:0")
            .env("HOOK_ADDRESS_FILE", &addresses)
            .env("HOOK_STALENESS_MS", BOUND_MS)
            .env("HOOK_POLL_MS", "50")
            .env("HOOK_SHED_LATE_MS", "1000")
            .env("HOOK_REPLICA_NAME", name)
            .env("HOOK_LOG", "error")
            .spawn()
            .unwrap();
        until("the process tells its addresses", async || {
            addresses.exists()
        })
        .await;
        let told: Value = serde_json::from_slice(&std::fs::read(&addresses).unwrap()).unwrap();
        let hooks = told["hooks"].as_str().unwrap().parse().unwrap();
        let process = Self {
            child,
            hooks,
            _state: state,
        };
        until("the process is live", async || {
            process.lets_in("dev-0").await
        })
        .await;
        process
    }

    async fn lets_in(&self, id: &str) -> bool {
        let body = connect_body(id, &der_of(id));
        allowed(&crate::support::post(self.hooks, "/authn/device", &body).await)
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Stops it in the midst of whatever it does, and waits until the kernel says so.
    async fn freeze(&self) {
        self.signal(Signal::STOP);
        let stat = format!("/proc/{}/task", self.child.id());
        until("every thread stands still", async || {
            std::fs::read_dir(&stat).unwrap().flatten().all(|thread| {
                let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
                stat.rsplit_once(')')
                    .is_none_or(|(_, rest)| rest.starts_with(" T"))
            })
        })
        .await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the leases as api-service does.
struct Waiter {
    client: Client,
    judge: Judge,
}

impl Waiter {
    async fn at(url: &str) -> Self {
        Self {
            client: connect(url).await,
            judge: Judge::default(),
        }
    }

    /// Waits for a change. Gives what became of each replica, by name, and how many looks it took.
    async fn fence(&mut self, number: i64) -> (Vec<(String, How)>, u32) {
        let begun = Instant::now();
        let mut wait = Wait::new(number, begun);
        let mut names = std::collections::BTreeMap::new();
        for looks in 1.. {
            assert!(
                begun.elapsed() < PATIENCE,
                "the fence never ended: {wait:?}"
            );
            let sent = Instant::now();
            let found = self.client.query(
                "SELECT (SELECT max(number) FROM change) AS newest,
                        (SELECT epoch FROM feed_state) AS epoch,
                        substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline,
                        l.process_uuid, l.replica_name, l.applied, l.renewals, l.length_ms
                   FROM (SELECT) AS always LEFT JOIN hook_lease l ON true",
                &[],
            );
            let found = found.await.unwrap();
            let received = Instant::now();
            let mut rows = Vec::new();
            for row in &found {
                if let Some(process) = row.get("process_uuid") {
                    names.insert(process, row.get::<_, String>("replica_name"));
                    rows.push(Row {
                        process,
                        applied: row.get("applied"),
                        renewals: row.get("renewals"),
                        length_ms: row.get("length_ms"),
                    });
                }
            }
            let history = History {
                epoch: found[0].get("epoch"),
                system_identifier: 0,
                timeline: found[0].get("timeline"),
            };
            let look = Look {
                sent,
                received,
                newest: found[0].get("newest"),
                history: &history,
                rows: &rows,
            };
            self.judge.look(&look);
            if wait.look(&self.judge, &look) {
                let mut hows: Vec<_> = wait
                    .leases()
                    .map(|(process, verdict)| (names[&process].clone(), verdict.unwrap().how))
                    .collect();
                hows.sort_by(|a, b| a.0.cmp(&b.0));
                return (hows, looks);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        unreachable!("the loop ends by a return")
    }
}

async fn revoke(client: &Client, id: &str) -> i64 {
    let sql = format!(
        "UPDATE device SET lifecycle = 'revoked', revoked_at = now() WHERE device_id = '{id}'"
    );
    execute(client, &sql).await;
    newest(client).await
}

fn hows(told: &[(&str, How)]) -> Vec<(String, How)> {
    told.iter()
        .map(|(name, how)| ((*name).to_owned(), *how))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_killed_delays_one_fence_until_it_lapsed_and_no_other() {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    registered(&client, &["dev-0", "dev-1", "dev-2"]).await;
    let url = database.hook_url();
    let one = Process::start(&url, "one").await;
    let mut two = Process::start(&url, "two").await;
    let mut waiter = Waiter::at(&database.api_url()).await;
    two.child.kill().unwrap();
    two.child.wait().unwrap();
    let number = revoke(&client, "dev-1").await;
    let (told, looks) = waiter.fence(number).await;
    assert_eq!(told, hows(&[("one", How::Applied), ("two", How::Lapsed)]));
    assert!(looks > 1);
    assert!(!one.lets_in("dev-1").await);
    assert!(one.lets_in("dev-2").await);
    let number = revoke(&client, "dev-2").await;
    until("the other has applied it", async || {
        !one.lets_in("dev-2").await
    })
    .await;
    let (told, looks) = waiter.fence(number).await;
    assert_eq!(told, hows(&[("one", How::Applied), ("two", How::Lapsed)]));
    assert!(
        looks < 100,
        "the dead one is known to be dead: {looks} looks"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_stopped_amid_its_answers_and_across_its_lapse_lets_no_allow_out_afterwards() {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    registered(&client, &["dev-0", "dev-1"]).await;
    let process = Process::start(&database.hook_url(), "one").await;
    let mut waiter = Waiter::at(&database.api_url()).await;
    let asked = request("/authn/device", &connect_body("dev-1", &der_of("dev-1"))).repeat(200);
    let mut brokers = Vec::new();
    for _ in 0..16 {
        let stream = TcpStream::connect(process.hooks).await.unwrap();
        let (mut read, mut write) = stream.into_split();
        let asked = asked.clone();
        let writes =
            tokio::spawn(async move { while write.write_all(asked.as_bytes()).await.is_ok() {} });
        let mut rest = Vec::new();
        assert!(allowed(&read_answer(&mut read, &mut rest).await.unwrap().1));
        brokers.push((read, rest, writes));
    }
    process.freeze().await;
    // What the kernel has in its hands left in time; the process stands still, so that is bounded.
    for (read, rest, _) in &mut brokers {
        while drain(read, rest) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let number = revoke(&client, "dev-1").await;
    assert_eq!(waiter.fence(number).await.0, hows(&[("one", How::Lapsed)]));
    for (read, rest, _) in &mut brokers {
        drain(read, rest);
    }
    process.signal(Signal::CONT);
    let mut denied = 0;
    for (mut read, mut rest, writes) in brokers {
        let had_left = rest.len();
        // Until it was answered a while, or its connection was closed rather than let an allow out.
        while rest.len() < had_left + 20_000 {
            match tokio::time::timeout(PATIENCE, read.read_buf(&mut rest))
                .await
                .unwrap()
            {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        writes.abort();
        for (end, allow) in answers(&rest) {
            assert!(end <= had_left || !allow, "an allow left after the fence");
            denied += u32::from(end > had_left);
        }
    }
    println!("{denied} answers came after the stop, all of them denies");
    until("it serves again", async || process.lets_in("dev-0").await).await;
    assert!(!process.lets_in("dev-1").await);
}

/// Takes what has come already, and says how much that was.
fn drain(read: &tokio::net::tcp::OwnedReadHalf, rest: &mut Vec<u8>) -> usize {
    let before = rest.len();
    while let Ok(1..) = read.try_read_buf(rest) {}
    rest.len() - before
}

/// Where each whole answer ends, and whether it allows.
fn answers(bytes: &[u8]) -> Vec<(usize, bool)> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(head) = text[at..].find("\r\n\r\n") {
        let fields = text[at..at + head].to_lowercase();
        let length = fields
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let body = at + head + 4;
        let end = body + length.map_or(0, |length| length.parse::<usize>().unwrap());
        let Some(answer) = text.get(body..end) else {
            break;
        };
        found.push((end, allowed(answer)));
        at = end;
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_cut_off_with_an_old_primary_allows_for_its_lease_and_no_longer() {
    let primary = cluster().await;
    let admin = connect(&primary.url("postgres", "postgres")).await;
    registered(&admin, &["dev-0", "dev-1"]).await;
    let standby = tokio::task::block_in_place(|| primary.standby().unwrap());
    execute(&admin, "ALTER SYSTEM SET synchronous_standby_names = '*'").await;
    execute(&admin, "SELECT pg_reload_conf()").await;
    until("commits wait for the standby", async || {
        let sync = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        admin.query_one(sync, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    let process = Process::start(&primary.url("postgres", "test_hook"), "one").await;
    let lease = "SELECT count(*) FROM hook_lease";
    let copied = connect(&standby.url("postgres", "postgres")).await;
    until("the standby has the lease", async || {
        copied.query_one(lease, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    standby.stop_receiving().await.unwrap();
    standby.promote().await.unwrap();
    // The process still reads and is answered by the old primary; it cannot renew there any more.
    let client = connect(&standby.url("postgres", "postgres")).await;
    execute(&client, "ALTER SYSTEM SET synchronous_standby_names = ''").await;
    execute(&client, "SELECT pg_reload_conf()").await;
    let unsynced = "SET synchronous_commit = local";
    execute(&client, unsynced).await;
    let mut waiter = Waiter::at(&standby.url("postgres", "test_api")).await;
    let number = revoke(&client, "dev-1").await;
    assert_eq!(waiter.fence(number).await.0, hows(&[("one", How::Lapsed)]));
    assert!(!process.lets_in("dev-1").await);
    assert!(!process.lets_in("dev-0").await, "it allows nobody");
}

async fn cluster() -> Cluster {
    let options = Options {
        // The lease rests on what a commit promises.
        durable: true,
        ..Options::default()
    };
    let cluster = tokio::task::spawn_blocking(|| Cluster::start(options).unwrap())
        .await
        .unwrap();
    schema::testing::prepare(cluster.url("postgres", "postgres"))
        .await
        .unwrap();
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_of_one_name_during_a_handover_are_two_leases() {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    registered(&client, &["dev-0", "dev-1", "dev-2"]).await;
    let url = database.hook_url();
    let mut old = Process::start(&url, "one").await;
    let new = Process::start(&url, "one").await;
    let mut waiter = Waiter::at(&database.api_url()).await;
    // The new one follows; that must not hide that the old one does not.
    old.freeze().await;
    let number = revoke(&client, "dev-1").await;
    let (told, _) = waiter.fence(number).await;
    let mut kinds: Vec<_> = told.iter().map(|(_, how)| *how).collect();
    kinds.sort_by_key(|how| *how != How::Applied);
    assert_eq!(kinds, [How::Applied, How::Lapsed]);
    old.signal(Signal::CONT);
    until("the old one follows again", async || {
        old.lets_in("dev-2").await
    })
    .await;
    old.signal(Signal::TERM);
    let ended = tokio::task::spawn_blocking(move || old.child.wait().unwrap());
    assert!(ended.await.unwrap().success());
    let number = revoke(&client, "dev-2").await;
    let (told, _) = waiter.fence(number).await;
    assert_eq!(
        told,
        hows(&[("one", How::Applied)]),
        "it gave its lease back"
    );
    assert!(!new.lets_in("dev-2").await);
}
