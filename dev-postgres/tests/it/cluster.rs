//! One server owned by this process.

use std::time::Duration;

use dev_postgres::{Cluster, Error, Options, Stop};

use crate::support::{connect, number, process_exists, until};

fn start() -> Cluster {
    Cluster::start(Options::default()).expect("a cluster starts")
}

#[tokio::test]
async fn a_dropped_cluster_leaves_no_process_and_no_folder() {
    let cluster = start();
    let (pid, folder) = (cluster.pid(), cluster.folder().path().to_path_buf());
    assert!(process_exists(pid) && folder.exists());
    drop(cluster);
    assert!(!process_exists(pid));
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_restart_keeps_the_port_and_what_was_committed() {
    let mut cluster = Cluster::start(Options {
        durable: true,
        ..Options::default()
    })
    .unwrap();
    let port = cluster.port();
    let client = connect(&cluster.url("postgres", "postgres")).await.unwrap();
    client
        .batch_execute("CREATE TABLE kept (n bigint); INSERT INTO kept VALUES (7)")
        .await
        .unwrap();

    for stop in [Stop::Fast, Stop::Immediate] {
        cluster.restart(stop).unwrap();
        assert_eq!(cluster.port(), port);
        let client = connect(&cluster.url("postgres", "postgres")).await.unwrap();
        assert_eq!(number(&client, "SELECT n FROM kept").await, 7);
    }
    cluster.kill();
    assert!(cluster.ended().is_some());
    cluster.start_again().unwrap();
    let client = connect(&cluster.url("postgres", "postgres")).await.unwrap();
    assert_eq!(number(&client, "SELECT n FROM kept").await, 7);
}

#[tokio::test]
async fn a_paused_server_answers_nothing_until_it_is_resumed() {
    let mut cluster = start();
    let client = connect(&cluster.url("postgres", "postgres")).await.unwrap();
    cluster.pause();
    let ask = client.query_one("SELECT 1", &[]);
    tokio::pin!(ask);
    assert!(
        tokio::time::timeout(Duration::from_millis(300), &mut ask)
            .await
            .is_err()
    );
    cluster.resume();
    ask.await
        .expect("the same statement is answered after the pause");
}

#[tokio::test]
async fn a_promoted_standby_misses_what_it_did_not_receive() {
    let primary = start();
    let client = connect(&primary.url("postgres", "postgres")).await.unwrap();
    client
        .batch_execute("CREATE TABLE t (n bigint); INSERT INTO t VALUES (1)")
        .await
        .unwrap();

    let standby = primary.standby().unwrap();
    let copy = connect(&standby.url("postgres", "postgres")).await.unwrap();
    assert_eq!(number(&copy, "SELECT count(*) FROM t").await, 1);
    standby.stop_receiving().await.unwrap();
    client
        .batch_execute("INSERT INTO t VALUES (2)")
        .await
        .unwrap();
    standby.promote().await.unwrap();

    assert_eq!(number(&copy, "SELECT count(*) FROM t").await, 1);
    copy.batch_execute("INSERT INTO t VALUES (3)")
        .await
        .expect("a promoted standby takes writes");
    let timeline =
        "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint";
    assert_eq!(number(&copy, timeline).await, 2);
    assert_eq!(number(&client, timeline).await, 1);
}

#[tokio::test]
async fn two_servers_on_one_folder_are_refused() {
    let first = start();
    let options = Options {
        data_dir: Some(first.folder().path().to_path_buf()),
        ..Options::default()
    };
    let refusal = Cluster::start(options).expect_err("the folder is taken");
    assert!(matches!(refusal, Error::AlreadyRunning { pid, .. } if pid == first.pid()));
}

#[tokio::test]
async fn a_setting_that_the_server_refuses_is_shown_in_the_error() {
    let settings = vec![("no_such_setting".to_owned(), "1".to_owned())];
    let refusal = Cluster::start(Options {
        settings,
        ..Options::default()
    })
    .expect_err("refused");
    assert!(refusal.to_string().contains("no_such_setting"), "{refusal}");
}

#[tokio::test]
async fn a_half_made_data_folder_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let half = folder.path().join("pgdata.building");
    std::fs::create_dir(&half).unwrap();
    std::fs::write(half.join("PG_VERSION"), "15\n").unwrap();
    let data_dir = Some(folder.path().to_path_buf());
    let mut cluster = Cluster::start(Options {
        data_dir,
        ..Options::default()
    })
    .unwrap();
    assert!(cluster.ended().is_none());
    assert!(!half.exists());
}

#[tokio::test]
async fn data_of_another_major_version_are_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("pgdata");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("PG_VERSION"), "9.6\n").unwrap();
    let data_dir = Some(folder.path().to_path_buf());
    let refusal = Cluster::start(Options {
        data_dir,
        ..Options::default()
    })
    .expect_err("another version");
    assert!(matches!(refusal, Error::OtherVersion { .. }), "{refusal}");
    assert!(data.join("PG_VERSION").exists());
}

#[tokio::test]
async fn a_folder_below_a_closed_one_works() {
    let closed = tempfile::tempdir().unwrap(); // 0700, owned by the user of this test
    let data_dir = Some(closed.path().join("checkout/.state/postgres"));
    let cluster = Cluster::start(Options {
        data_dir,
        ..Options::default()
    })
    .unwrap();
    let client = connect(&cluster.url("postgres", "postgres")).await.unwrap();
    client
        .batch_execute("CREATE TABLE t (n int); CHECKPOINT")
        .await
        .unwrap();
    until("the server runs", || process_exists(cluster.pid())).await;
}
