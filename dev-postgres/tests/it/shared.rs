//! The shared cluster ends when nobody uses it, in whatever way its users ended.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use dev_postgres::{Folder, RunningServer, TestDatabase};

use crate::support::{process_exists, until};

/// A test process of its own that uses the shared cluster of `state` until it is killed.
struct User(Child);

impl User {
    fn start(state: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "shared::uses_the_shared_cluster_until_killed",
                "--ignored",
            ])
            .env("DEV_POSTGRES_STATE", state)
            .env("DEV_POSTGRES_IDLE_SECONDS", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
#[ignore = "run as a process of its own by the tests of this file"]
async fn uses_the_shared_cluster_until_killed() {
    let database = TestDatabase::empty().await.unwrap();
    let folder = std::path::PathBuf::from(std::env::var_os("DEV_POSTGRES_STATE").unwrap());
    std::fs::write(
        folder.join(format!("in-use-{}", std::process::id())),
        database.name(),
    )
    .unwrap();
    std::future::pending::<()>().await;
}

async fn until_in_use(state: &Path, user: &User) -> (Folder, RunningServer) {
    let mark = state.join(format!("in-use-{}", user.0.id()));
    until("the process has its database", || mark.exists()).await;
    let versions = std::fs::read_dir(state)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let folder = versions.into_iter().find(|path| path.is_dir()).unwrap();
    let folder = Folder::open(&folder).unwrap();
    let server = folder.running().unwrap();
    (folder, server)
}

#[tokio::test]
async fn the_server_lives_while_one_process_uses_it_and_ends_after_the_last_was_killed() {
    let state = tempfile::tempdir().unwrap();
    let (first, second) = (User::start(state.path()), User::start(state.path()));
    let (_, server) = until_in_use(state.path(), &first).await;
    let (_, same) = until_in_use(state.path(), &second).await;
    assert_eq!(server, same, "both processes use one server");

    first.kill();
    let third = User::start(state.path());
    let (_, same) = until_in_use(state.path(), &third).await;
    assert_eq!(server, same);

    second.kill();
    third.kill();
    until("the server ended", || !process_exists(server.pid)).await;

    let again = User::start(state.path());
    let (_, other) = until_in_use(state.path(), &again).await;
    assert_ne!(server.pid, other.pid, "the next user starts it again");
    again.kill();
    until("the server ended again", || !process_exists(other.pid)).await;
}

#[tokio::test]
async fn a_killed_server_is_started_again_for_the_next_user() {
    let state = tempfile::tempdir().unwrap();
    let first = User::start(state.path());
    let (_, server) = until_in_use(state.path(), &first).await;
    let pid = rustix::process::Pid::from_raw(server.pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::QUIT).unwrap();
    until("the server ended", || !process_exists(server.pid)).await;

    let second = User::start(state.path());
    let (_, other) = until_in_use(state.path(), &second).await;
    first.kill();
    second.kill();
    until("the second server ended", || !process_exists(other.pid)).await;
}
