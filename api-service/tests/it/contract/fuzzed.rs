//! `schemathesis`, a program that is not ours, reads the served document and sends what it allows and
//! what it forbids: no answer may be a failure, of an undocumented status, or of another shape.
//!
//! It has the whole machine for a minute, so it is no part of a plain `cargo test`: `cargo xtask test`
//! runs it as a step of its own and says in `IOT_HUB_SCHEMATHESIS` where the program is.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use super::reader::{Operation, operations};
use super::world::World;
use crate::support::{eventually, program};

/// Where `schemathesis.toml` and its hooks are.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/contract");

/// The beginning of everything that is drawn: the same requests in every run.
const SEED: &str = "20261122";

/// What is held against every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance,negative_data_rejection";

/// Random requests for each operation, beside those of the document's examples and bounds.
const EXAMPLES: &str = "6";

/// Signing out ends the token that everything else is sent with.
const LAST: &str = "logout";

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

async fn finds_nothing_as(who: &str, roles: &[&str]) {
    let fuzzer = std::env::var_os("IOT_HUB_SCHEMATHESIS");
    let fuzzer = PathBuf::from(fuzzer.expect("IOT_HUB_SCHEMATHESIS names the program"));
    let world = World::make().await;
    let folder = tempfile::tempdir().unwrap();
    let service = Served::start(&world, folder.path()).await;
    let document = folder.path().join("openapi.json");
    std::fs::write(&document, service.document(&world).await).unwrap();
    let token = world.stack.issuer.mint(who, roles);
    for only in ["--exclude-operation-id", "--include-operation-id"] {
        let finished = Command::new(&fuzzer)
            .current_dir(folder.path())
            .args(["--config-file", &format!("{HERE}/schemathesis.toml"), "run"])
            .arg(&document)
            .args([
                "--url",
                &service.url,
                "--header",
                &format!("Authorization: Bearer {token}"),
            ])
            .args([
                "--checks",
                CHECKS,
                "--seed",
                SEED,
                "--generation-deterministic",
            ])
            .args([
                "--phases",
                "examples,coverage,fuzzing",
                "--max-examples",
                EXAMPLES,
            ])
            .args([
                "--generation-database",
                "none",
                "--workers",
                "1",
                "--no-color",
            ])
            .args([only, LAST])
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
        println!("schemathesis as {who}, seed {SEED}:\n{told}");
        assert!(
            finished.status.success(),
            "{}",
            String::from_utf8_lossy(&finished.stderr)
        );
    }
}

/// The program itself, as a process beside the world's own service, at the same database.
struct Served {
    url: String,
    _child: tokio::process::Child,
}

impl Served {
    async fn start(world: &World, folder: &Path) -> Self {
        let stack = &world.stack;
        let file = folder.join("addresses.json");
        let child = Command::new(program())
            .env_clear()
            .envs(stack.pki.settings())
            .env(
                "API_DATABASE_URL",
                stack.database.as_ref().unwrap().api_url(),
            )
            .env("API_TOKEN_ISSUERS", stack.issuer.issuer())
            .env("API_ADDRESS_FILE", &file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut addresses = Value::Null;
        eventually("the process is ready", async || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            addresses = serde_json::from_str(&text).unwrap_or_default();
            let Some(ops) = addresses["ops"].as_str() else {
                return false;
            };
            let ready = stack.http.get(format!("http://{ops}/readyz")).send().await;
            ready.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        let url = format!("http://{}", addresses["api"].as_str().unwrap());
        Self { url, _child: child }
    }

    /// The document as it is served, but that half of what is drawn for a path is there, and that the
    /// examples are about what is there: a document can't know what is in somebody's database.
    async fn document(&self, world: &World) -> String {
        let served = world
            .stack
            .http
            .get(format!("{}/api/v1/openapi.json", self.url));
        let text = served.send().await.unwrap().text().await.unwrap();
        let mut document: Value = serde_json::from_str(&text).unwrap();
        for operation in operations(&document) {
            let place = |name: &str| {
                let path = operation.path.replace('~', "~0").replace('/', "~1");
                let method = operation.method.as_str().to_lowercase();
                format!("/paths/{path}/{method}/{name}")
            };
            let parameters = document.pointer_mut(&place("parameters"));
            let parameters = parameters.and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                if parameter["in"] == "path" {
                    let there = there(world, &operation, &parameter["name"]);
                    let any = [json!({"enum": [there]}), parameter["schema"].clone()];
                    parameter["schema"] = json!({"anyOf": any});
                    parameter["example"] = there;
                }
            }
            if let Some(example) = world.body(&document, &operation, &world.device) {
                let content = document.pointer_mut(&place("requestBody/content"));
                content.unwrap()["application/json"]["example"] = example;
            }
        }
        document.to_string()
    }
}

/// What is there for a variable part of an operation's path.
fn there(world: &World, operation: &Operation, name: &Value) -> Value {
    let variable = format!("{{{}}}", name.as_str().unwrap());
    let at = operation
        .path
        .split('/')
        .position(|segment| segment == variable);
    let path = world.path(operation);
    let path = path.split('?').next().unwrap();
    let text = path.split('/').nth(at.unwrap()).unwrap();
    text.parse::<i64>()
        .map_or_else(|_| json!(text), |number| json!(number))
}
