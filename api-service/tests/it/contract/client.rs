//! The client in TypeScript: made of this document, compiled strictly, and run against the service.
//!
//! Needs Node and what `npm ci` installs in `client-ts`, so it is a step of `cargo xtask test`.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::support::Stack;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// Runs a program to its end; fails with all that it said unless it succeeds.
async fn run(command: &mut Command, what: &str) {
    let finished = command.kill_on_drop(true).output().await.unwrap();
    let said = [finished.stdout, finished.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(finished.status.success(), "{what}:\n{said}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a step of `cargo xtask test`"]
async fn the_client_in_typescript_is_of_this_document() {
    let mut npm = Command::new("npm");
    let npm = npm
        .args(["run", "check"])
        .current_dir(folder("client-ts/generator"));
    run(
        npm,
        "client-ts/src/schema.ts is old: `npm run generate` in client-ts/generator",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a step of `cargo xtask test`"]
async fn the_client_in_typescript_compiles_and_speaks_with_the_service() {
    let client = folder("client-ts");
    let mut npm = Command::new("npm");
    run(npm.args(["run", "build"]).current_dir(&client), "tsc").await;
    let stack = Stack::start().await;
    let mut node = Command::new("node");
    let node = node.arg("dist/test/served.js").current_dir(&client);
    let node = node
        .env("HUB_URL", stack.url(""))
        .env("HUB_TOKEN", stack.issuer.mint("ts", &[]));
    run(node, "test/served.ts").await;
}
