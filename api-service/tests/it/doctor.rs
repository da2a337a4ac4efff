//! `api-service doctor` against a broker, databases and replicas that really run.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::process::Command;

use crate::support::{PATIENCE, program};

mod broker;
mod offline;
mod rights;
mod shipped;
mod unreachable;

type Settings = BTreeMap<String, String>;

async fn doctor(settings: &Settings, arguments: &[&str]) -> Output {
    let output = Command::new(program())
        .arg("doctor")
        .args(arguments)
        .env_clear()
        .envs(settings)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(PATIENCE, output)
        .await
        .unwrap()
        .unwrap()
}

/// The report, and its codes that are more than notes.
fn read(output: &Output) -> (Value, Vec<String>) {
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let findings = report["findings"].as_array().unwrap().iter();
    let bad = findings.filter(|found| found["severity"] != "note");
    let codes = bad.map(|found| found["code"].as_str().unwrap().to_owned());
    let codes = codes.collect();
    (report, codes)
}

fn set(settings: &mut Settings, more: &[(&str, &str)]) {
    for (name, value) in more {
        settings.insert((*name).to_owned(), (*value).to_owned());
    }
}
