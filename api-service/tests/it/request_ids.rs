//! A request's id in its answer and in every line of the log that it caused.

use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{Answer, Stack, eventually, program};

#[tokio::test(flavor = "multi_thread")]
async fn every_line_that_a_request_causes_has_its_id_and_no_secret() {
    let stack = Stack::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (file, log) = (folder.path().join("addresses"), folder.path().join("log"));
    let mut settings = stack.pki.settings();
    let database = stack.database.as_ref().unwrap().api_url();
    settings.insert("API_DATABASE_URL".to_owned(), database);
    settings.insert(
        "API_TOKEN_ISSUERS".to_owned(),
        stack.issuer.issuer().to_owned(),
    );
    let mut child = Command::new(program())
        .env_clear()
        .envs(&settings)
        .env("API_ADDRESS_FILE", &file)
        .env("API_LOG", "info,api_service=trace")
        .env("API_LOG_FORMAT", "json")
        .stdin(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut url = String::new();
    eventually("it serves", async || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let addresses: Value = serde_json::from_str(&text).unwrap_or_default();
        let Some(ops) = addresses["ops"].as_str() else {
            return false;
        };
        url = format!("http://{}", addresses["api"].as_str().unwrap());
        let ready = stack.http.get(format!("http://{ops}/readyz")).send().await;
        ready.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    let token = stack.issuer.mint("ann", &["admin"]);
    let secret = "s3cret-value";
    for (id, method, path, body, status) in [
        (
            "request-list",
            Method::GET,
            "/api/v1/devices?search=s3cret-value",
            Value::Null,
            200,
        ),
        (
            "request-make",
            Method::POST,
            "/api/v1/organizations",
            json!({"name": secret}),
            201,
        ),
        (
            "request-none",
            Method::POST,
            "/api/v1/devices/tent-1/unbind",
            Value::Null,
            404,
        ),
        (
            "request-odd1",
            Method::POST,
            "/api/v1/devices/bind",
            json!({"qr": secret}),
            422,
        ),
        (
            "request-path",
            Method::GET,
            "/s3cret-value",
            Value::Null,
            404,
        ),
    ] {
        let request = stack.http.request(method, format!("{url}{path}"));
        let request = request.bearer_auth(&token).header("x-request-id", id);
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, status, "{id} {:?}", answer.body);
        assert_eq!(answer.headers["x-request-id"], id);
        // Its last line is written before its answer leaves.
        let lines = lines(&log);
        let line = lines
            .iter()
            .find(|line| line["message"] == "answered" && line["span"]["id"] == id);
        let line = line.unwrap_or_else(|| panic!("{id} is not in the log"));
        assert_eq!(line["status"], status, "{line}");
    }
    child.kill().await.unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(!text.contains(secret) && !text.contains(&token), "{text}");
    let of_requests = lines(&log)
        .into_iter()
        .filter(|line| line["spans"][0]["name"] == "request");
    let of_requests: Vec<_> = of_requests.collect();
    assert!(of_requests.len() > 5, "more than the last lines: {text}");
    for line in of_requests {
        let id = line["spans"][0]["id"].as_str().unwrap();
        assert!(id.starts_with("request-"), "{line}");
    }
}

/// The whole lines so far.
fn lines(log: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}
