//! The binary: results, exit codes, and that no password is ever shown.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use dev_postgres::{Cluster, Options, TestDatabase};

use crate::support::{connect, database, number};

fn schema(url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schema"));
    command
        .args(args)
        .env_clear()
        .env("SCHEMA_DATABASE_URL", url)
        .stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(both).unwrap()
}

fn ends(command: &mut Command, code: i32, with: &str) -> String {
    let output = command.output().unwrap();
    let text = text(&output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(with), "{text}");
    text
}

#[tokio::test]
async fn migrate_check_bump_epoch_and_trim_do_their_work() {
    let empty = TestDatabase::empty().await.unwrap();
    let url = empty.url("postgres");
    ends(&mut schema(&url, &["check"]), 78, "run `schema migrate`");
    let newest = format!("schema version {}", ::schema::SCHEMA_VERSION);
    ends(&mut schema(&url, &["migrate"]), 0, &newest);
    let again = ends(&mut schema(&url, &["migrate"]), 0, &newest);
    assert!(!again.contains("applied V"), "{again}");
    ends(&mut schema(&url, &["check"]), 0, "fits this release");
    ends(&mut schema(&url, &["bump-epoch"]), 0, "new epoch");
    let client = connect(&url).await;
    for id in ["a", "b", "c"] {
        crate::support::add_device(&client, id).await;
    }
    ends(
        &mut schema(&url, &["trim", "--keep", "1"]),
        0,
        "trimmed 2 changes",
    );
}

#[test]
fn bad_usage_ends_with_64() {
    for args in [
        &["dance"][..],
        &["trim"],
        &["trim", "--keep", "0"],
        &["migrate", "--login", "eve=f"],
        &["migrate", "--login", "hook"],
        &["check", "--wait-seconds", "never"],
    ] {
        ends(&mut schema("postgres://u@127.0.0.1:1/d", args), 64, "");
    }
    ends(&mut schema("", &["--help"]), 0, "Usage");
}

#[test]
fn bad_configuration_ends_with_78_and_shows_no_password() {
    let url = "postgres://owner:hunter2@127.0.0.1:1/d";
    let bad_urls = [
        "postgres://owner:hunter2@[::1/d",
        "mysql://owner:hunter2@h/d",
        "hunter2",
    ];
    for bad in bad_urls {
        let shown = ends(&mut schema(bad, &["check"]), 78, "SCHEMA_DATABASE_URL");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let mut without = schema(url, &["check"]);
    ends(
        without.env_remove("SCHEMA_DATABASE_URL"),
        78,
        "no database named",
    );
    let mut password = schema(url, &["check"]);
    password.env("SCHEMA_DATABASE_PASSWORD_FILE", "/no/such/file");
    ends(&mut password, 78, "/no/such/file");
    let mut ca = schema(url, &["check"]);
    ca.env("SCHEMA_DATABASE_CA_FILE", "/dev/null");
    ends(&mut ca, 78, "CA file");
    let tls = format!("{url}?sslmode=require");
    ends(&mut schema(&tls, &["check"]), 78, "SCHEMA_DATABASE_CA_FILE");
    ends(
        &mut schema(url, &["migrate", "--login", "hook=/no/such/file"]),
        78,
        "/no/such/file",
    );
}

#[tokio::test]
async fn a_database_that_is_not_there_is_waited_for_and_then_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("postgres://owner:hunter2@127.0.0.1:{port}/d");
    let shown = ends(
        &mut schema(&url, &["check", "--wait-seconds", "1"]),
        1,
        "did not answer within 1 s",
    );
    assert!(
        shown.contains("not up yet"),
        "it tried more than once: {shown}"
    );
    assert!(!shown.contains("hunter2"), "{shown}");

    let server = TestDatabase::empty().await.unwrap();
    let missing = server
        .url("postgres")
        .replace(server.name(), "no_such_database");
    ends(
        &mut schema(&missing, &["check"]),
        78,
        "create the database first",
    );
}

#[tokio::test]
async fn a_server_that_comes_up_later_is_used() {
    let mut cluster = Cluster::start(Options::default()).unwrap();
    let url = cluster.url("postgres", "postgres");
    cluster.stop(dev_postgres::Stop::Fast);
    let mut waiting = schema(&url, &["migrate"]);
    let waiting = waiting
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    cluster.start_again().unwrap();
    let output = waiting.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

/// A server that asks TCP clients for passwords; its Unix socket stays open for the test.
fn strict_cluster() -> Cluster {
    let mut cluster = Cluster::start(Options::default()).unwrap();
    let rules = cluster.folder().data().join("pg_hba.conf");
    std::fs::write(
        rules,
        "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
    )
    .unwrap();
    cluster.restart(dev_postgres::Stop::Fast).unwrap();
    cluster
}

fn write(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn logins_get_their_role_and_a_password_that_the_server_never_saw() {
    let cluster = strict_cluster();
    let folder = tempfile::tempdir().unwrap();
    let socket = cluster.folder().socket_folder().unwrap();
    let url = format!(
        "postgres://postgres@/postgres?host={}&port={}",
        socket.display(),
        cluster.port()
    );
    let hook = format!(
        "hook={}",
        write(folder.path(), "hook", "first it's \"quoted\"\n")
    );
    let api = format!("api={}", write(folder.path(), "api", "another\n"));
    let shown = ends(
        &mut schema(&url, &["migrate", "--login", &hook, "--login", &api]),
        0,
        "login user hook has the role iot_hub_hook",
    );
    assert!(
        !shown.contains("quoted") && !shown.contains("another"),
        "{shown}"
    );

    let tcp = |user: &str| cluster.url("postgres", user);
    let mut as_hook = schema(&tcp("hook"), &["check"]);
    as_hook.env("SCHEMA_DATABASE_PASSWORD_FILE", folder.path().join("hook"));
    ends(&mut as_hook, 0, "fits this release");

    write(folder.path(), "hook", "second");
    let refused = ends(&mut as_hook, 78, "refused the user \"hook\"");
    assert!(
        refused.contains("SCHEMA_DATABASE_PASSWORD_FILE"),
        "{refused}"
    );
    ends(&mut schema(&url, &["migrate", "--login", &hook]), 0, "hook");
    ends(&mut as_hook, 0, "fits this release");

    let client = connect(&url).await;
    let verifiers = "SELECT count(*) FROM pg_authid WHERE rolpassword LIKE 'SCRAM-SHA-256$%'";
    assert_eq!(number(&client, verifiers).await, 2);
    let log = std::fs::read_to_string(cluster.folder().log()).unwrap();
    assert!(!log.contains("quoted") && !log.contains("another"));
}

#[tokio::test]
async fn a_login_is_moved_to_its_one_role_and_a_powerful_one_is_refused() {
    let (database, mut client) = database().await;
    let login = format!("moved_{}", database.database().name());
    for role in [schema::ServiceRole::Hook, schema::ServiceRole::Api] {
        schema::ensure_login(&mut client, role, &login, None)
            .await
            .unwrap();
        let sql = format!(
            "SELECT count(*) FROM pg_auth_members WHERE member = '{login}'::regrole
                AND roleid = '{}'::regrole",
            role.role()
        );
        assert_eq!(number(&client, &sql).await, 1);
        let all = format!("SELECT count(*) FROM pg_auth_members WHERE member = '{login}'::regrole");
        assert_eq!(number(&client, &all).await, 1);
    }
    client
        .batch_execute(&format!("DROP ROLE {login}"))
        .await
        .unwrap();
    let refused =
        schema::ensure_login(&mut client, schema::ServiceRole::Hook, "postgres", None).await;
    assert!(refused.unwrap_err().to_string().contains("superuser"));
}
