//! `schemathesis`, a program that is not ours, reads the served document and sends what it allows and
//! what it forbids: no answer may be a failure, of an undocumented status, or of another shape.
//!
//! It wants the machine for three minutes, so it is no part of a plain `cargo test`: `cargo xtask test`
//! runs it as a step of its own and says in `IOT_HUB_SCHEMATHESIS` where the program is.

mod served;
mod told;

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use self::served::Served;
use super::world::World;

/// Where `schemathesis.toml` and its hooks are.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/contract");

/// The beginning of everything that is drawn: the same requests in every run.
const SEED: &str = "20261122";

/// What is held against every answer. Who may do what is tried by the table of rights instead, and a
/// request that the document allows may meet any refusal that it tells.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance,negative_data_rejection,\
                      missing_required_header,unsupported_method,allow_header_conformance,ignored_auth";

/// The document's examples, its bounds, and a few random requests for each operation; the same in every
/// run, so nothing is kept from one to the next.
const HOW: [&str; 9] = [
    "--phases",
    "examples,coverage,fuzzing",
    "--max-examples",
    "6",
    "--generation-database",
    "none",
    "--workers",
    "1",
    "--no-color",
];

/// These end what the other operations are about, so they are tried after them.
const ENDINGS: [&str; 8] = [
    "resumeDevice",
    "unbindDevice",
    "unbindDeviceById",
    "releaseDevice",
    "revokeDevice",
    "revokeDevices",
    "deleteGroup",
    "eraseUser",
];

/// Signing out ends the token that everything else is sent with.
const LAST: [&str; 1] = ["logout"];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a step of `cargo xtask test`"]
async fn schemathesis_finds_nothing_as_an_administrator() {
    finds_nothing_as("root", &["admin"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a step of `cargo xtask test`"]
async fn schemathesis_finds_nothing_as_a_factory() {
    finds_nothing_as("factory", &["manufacturer"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a step of `cargo xtask test`"]
async fn schemathesis_finds_nothing_as_an_ordinary_person() {
    finds_nothing_as("owner", &[]).await;
}

#[expect(
    clippy::print_stdout,
    reason = "the step says how much was tried, and from which seed"
)]
async fn finds_nothing_as(who: &str, roles: &[&str]) {
    let fuzzer = std::env::var_os("IOT_HUB_SCHEMATHESIS");
    let fuzzer = PathBuf::from(fuzzer.expect("IOT_HUB_SCHEMATHESIS names the program"));
    let world = World::make().await;
    let folder = tempfile::tempdir().unwrap();
    let service = Served::start(&world, folder.path()).await;
    let mut told = service.document(&world).await;
    told::tell(&mut told, &world).await;
    let document = folder.path().join("openapi.json");
    std::fs::write(&document, told.to_string()).unwrap();
    let token = world.stack.issuer.mint(who, roles);
    let before = [ENDINGS.as_slice(), &LAST].concat();
    for (only, these) in [
        ("exclude", &*before),
        ("include", &ENDINGS),
        ("include", &LAST),
    ] {
        let only = format!("--{only}-operation-id");
        let finished = Command::new(&fuzzer)
            .current_dir(folder.path())
            .args(["--config-file", &format!("{HERE}/schemathesis.toml"), "run"])
            .arg(&document)
            .args(["--url", &service.url])
            .args(these.iter().flat_map(|id| [only.as_str(), id]))
            .args(["--header", &format!("Authorization: Bearer {token}")])
            .args(["--checks", CHECKS, "--seed", SEED])
            .args(HOW)
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .env("PYTHONPATH", HERE)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let told = String::from_utf8_lossy(&finished.stdout);
        let error = String::from_utf8_lossy(&finished.stderr);
        assert!(
            finished.status.success(),
            "as {who}, seed {SEED}:\n{told}\n{error}"
        );
        let sum = told.lines().find(|line| line.contains(" generated, "));
        let sum = sum.expect("it says how much it tried").trim();
        println!("schemathesis as {who}, seed {SEED}: {sum}");
    }
}
