//! The binary as a supervisor starts it: exit codes, sentences, events, signals.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::broker::{FakeBroker, Seen, is_telemetry};
use crate::factory::Factory;
use crate::fleets::within;

/// A child that does not outlive a failed test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn simulator() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_device-simulator"));
    command.stdin(Stdio::null());
    command
}

async fn output(mut command: Command) -> Output {
    within(tokio::task::spawn_blocking(move || {
        command.output().unwrap()
    }))
    .await
    .unwrap()
}

fn sentence(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn bad_usage_exits_64_and_bad_files_78_with_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let state = state.to_str().unwrap();
    let api = "http://127.0.0.1:1";
    let none = "/none/token";
    let cases: [(&[&str], i32, &str); 8] = [
        (&["run"], 64, "--api"),
        (&["fly"], 64, "fly"),
        (
            &["enrol", "--api", "nonsense", "--state", state],
            64,
            "--api",
        ),
        (
            &["enrol", "--api", api, "--state", state, "--count", "0"],
            64,
            "--count",
        ),
        (
            &["enrol", "--api", api, "--state", state, "--prefix", "a/b"],
            64,
            "device id",
        ),
        (
            &[
                "enrol",
                "--api",
                api,
                "--state",
                state,
                "--token-file",
                none,
            ],
            78,
            "--token-file",
        ),
        (
            &["run", "--api", api, "--state", state, "--mqtts", "h"],
            64,
            "--mqtts",
        ),
        (
            &["qr", "--device", "grow-0001", "--state", state],
            78,
            "not enrolled",
        ),
    ];
    for (arguments, code, words) in cases {
        let mut command = simulator();
        command.args(arguments);
        let output = output(command).await;
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            sentence(&output)
        );
        assert!(
            sentence(&output).contains(words),
            "{arguments:?}: {}",
            sentence(&output)
        );
        assert!(output.stdout.is_empty());
    }
    let mut help = simulator();
    help.arg("--help");
    assert_eq!(output(help).await.status.code(), Some(0));
}

fn enrol(factory: &Factory, state: &Path, count: &str) -> Command {
    let mut command = simulator();
    command
        .args([
            "enrol",
            "--json",
            "--api",
            &factory.url,
            "--count",
            count,
            "--state",
        ])
        .arg(state);
    command
}

#[tokio::test]
async fn enrol_tells_each_device_and_a_summary_and_qr_draws_the_code() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let output_ = output(enrol(&factory, state.path(), "2")).await;
    assert_eq!(output_.status.code(), Some(0), "{}", sentence(&output_));
    let lines: Vec<Value> = String::from_utf8(output_.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let enrolled = lines
        .iter()
        .filter(|line| line["event"] == "enrolled")
        .count();
    assert_eq!(enrolled, 2, "{lines:?}");
    let summary = lines.last().unwrap();
    assert_eq!(summary["event"], "summary");
    assert_eq!(
        (&summary["devices"], &summary["enrolled"]),
        (&2.into(), &2.into())
    );

    let mut qr = simulator();
    qr.args(["qr", "--device", "grow-0002", "--state"])
        .arg(state.path());
    let drawn = output(qr).await;
    let text = String::from_utf8(drawn.stdout).unwrap();
    assert!(
        text.contains('\u{2588}') && text.contains(r#""deviceId":"grow-0002""#),
        "{text}"
    );

    let key = state.path().join("grow-0001/key.pem");
    fs::write(&key, "garbage").unwrap();
    let damaged = output(enrol(&factory, state.path(), "1")).await;
    assert_eq!(damaged.status.code(), Some(78));
    assert!(
        sentence(&damaged).contains("is not a P-256 key"),
        "{}",
        sentence(&damaged)
    );
}

#[tokio::test]
async fn a_refused_enrolment_makes_the_exit_code_1() {
    let factory = Factory::start().await;
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!(
        output(enrol(&factory, first.path(), "1"))
            .await
            .status
            .code(),
        Some(0)
    );
    assert_eq!(
        output(enrol(&factory, second.path(), "1"))
            .await
            .status
            .code(),
        Some(1)
    );
}

#[tokio::test]
async fn sigterm_ends_a_run_in_good_order_with_the_summary_last() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let status = state.path().join("status.json");
    let broker = FakeBroker::start(factory.pki.broker_tls(&[&rustls::version::TLS13])).await;
    let mut command = simulator();
    command
        .args([
            "run",
            "--json",
            "--count",
            "2",
            "--interval",
            "50ms",
            "--api",
            &factory.url,
        ])
        .args(["--mqtts", &format!("127.0.0.1:{}", broker.port), "--state"])
        .arg(state.path().join("state"))
        .arg("--status-file")
        .arg(&status)
        .stdout(Stdio::piped());
    // Without --server-trust: the API is asked whom to trust.
    let mut child = Killed(command.spawn().unwrap());
    let stdout = child.0.stdout.take().unwrap();
    let reports = |id: &'static str| {
        move |seen: &Seen| {
            is_telemetry(seen) && matches!(seen, Seen::Publish { client, .. } if client == id)
        }
    };
    for id in ["grow-0001", "grow-0002"] {
        broker.until(|broker| broker.count(reports(id)) >= 2).await;
    }
    // The shell's own `kill`: a small machine has no program of that name.
    let kill = Command::new("sh")
        .args(["-c", "kill -TERM \"$0\"", &child.0.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let (code, lines) = within(tokio::task::spawn_blocking(move || {
        let lines: Vec<_> = BufReader::new(stdout).lines().map(Result::unwrap).collect();
        (child.0.wait().unwrap().code(), lines)
    }))
    .await
    .unwrap();
    assert_eq!(code, Some(0), "{lines:?}");
    let summary: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(summary["event"], "summary");
    assert_eq!(summary["connected"], 2);
    assert!(summary["acked"].as_u64().unwrap() >= 2, "{summary}");
    let goodbye = |seen: &Seen| matches!(seen, Seen::Disconnect { .. });
    broker.until(|broker| broker.count(goodbye) == 2).await;
    let status: Value = serde_json::from_slice(&fs::read(&status).unwrap()).unwrap();
    assert_eq!(status["state"], "done");
    assert_eq!(status["totals"]["connected"], 0);
    assert_eq!(status["devices"]["grow-0002"]["connects"], 1);
}
