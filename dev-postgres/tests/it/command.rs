//! The binary: what it announces, and that nothing outlives it.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{connect, number, process_exists, until};

const DEV_POSTGRES: &str = env!("CARGO_BIN_EXE_dev-postgres");

/// Ends the program when a test fails before it does so itself.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(folder: &Path) -> Command {
    let mut command = Command::new(DEV_POSTGRES);
    command
        .args(["run", "--data"])
        .arg(folder.join("pg"))
        .arg("--address-file");
    command
        .arg(folder.join("address.json"))
        .stdin(Stdio::null());
    command
}

async fn address(folder: &Path) -> serde_json::Value {
    let file = folder.join("address.json");
    until("the address file is written", || file.exists()).await;
    serde_json::from_slice(&std::fs::read(&file).unwrap()).expect("the file is whole JSON")
}

fn pid_of(address: &serde_json::Value) -> i32 {
    i32::try_from(address["pid"].as_i64().unwrap()).unwrap()
}

fn terminate(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
}

#[tokio::test]
async fn run_announces_its_address_and_sigterm_ends_it_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running(run(folder.path()).spawn().unwrap());
    let address = address(folder.path()).await;
    let client = connect(address["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(
        number(&client, "SELECT inet_server_port()::bigint").await,
        address["port"]
    );

    terminate(running.0.id());
    assert!(running.0.wait().unwrap().success());
    assert!(!process_exists(pid_of(&address)));
    assert!(!folder.path().join("address.json").exists());
}

#[tokio::test]
async fn a_killed_run_leaves_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running(run(folder.path()).spawn().unwrap());
    let server = pid_of(&address(folder.path()).await);
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    until("the server ended", || !process_exists(server)).await;
}

#[tokio::test]
async fn run_ends_with_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    // The shell stays the parent, because a command follows.
    shell
        .args(["-c", "\"$@\"; true", "sh"])
        .arg(DEV_POSTGRES)
        .args(run(folder.path()).get_args());
    let mut shell = Running(shell.stdin(Stdio::null()).spawn().unwrap());
    let server = pid_of(&address(folder.path()).await);
    shell.0.kill().unwrap();
    shell.0.wait().unwrap();
    until("the server ended", || !process_exists(server)).await;
    until("the program ended", || {
        !folder.path().join("address.json").exists()
    })
    .await;
}

#[tokio::test]
async fn restart_brings_the_server_back_on_the_same_port() {
    let folder = tempfile::tempdir().unwrap();
    let _running = Running(run(folder.path()).spawn().unwrap());
    let before = address(folder.path()).await;
    for mode in ["fast", "immediate"] {
        let status = Command::new(DEV_POSTGRES)
            .args(["restart", "--mode", mode, "--data"])
            .arg(folder.path().join("pg"))
            .status();
        assert!(status.unwrap().success());
        let client = connect(before["url"].as_str().unwrap()).await.unwrap();
        assert_eq!(number(&client, "SELECT 1::bigint").await, 1);
    }
    let file = folder.path().join("address.json");
    until("the new process is announced", || {
        let text = std::fs::read(&file).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()["pid"] != before["pid"]
    })
    .await;
}

#[tokio::test]
async fn restart_without_a_run_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(DEV_POSTGRES)
        .args(["restart", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("no `dev-postgres run` is active"), "{text}");
}

#[tokio::test]
async fn bad_usage_ends_with_64_and_missing_binaries_with_a_mend() {
    let usage = Command::new(DEV_POSTGRES).arg("dance").output().unwrap();
    assert_eq!(usage.status.code(), Some(64));

    let nothing = tempfile::tempdir().unwrap();
    let found = Command::new(DEV_POSTGRES)
        .arg("find")
        .env("DEV_POSTGRES_BIN", nothing.path())
        .output()
        .unwrap();
    assert_eq!(found.status.code(), Some(1));
    let text = String::from_utf8(found.stderr).unwrap();
    assert!(
        text.contains("install the system package `postgresql`"),
        "{text}"
    );
}
