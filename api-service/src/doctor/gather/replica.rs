//! Replicas of hook-service, asked where operators look.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use reqwest::Client;

use super::{Looked, answer};
use crate::doctor::facts::{Missing, Replica};

/// Longest time for one call.
const CALL_TIME_MAX: Duration = Duration::from_secs(5);

/// The metrics of a replica have some 12 kB.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Asks every replica at once.
pub(super) async fn ask_all(addresses: &[String]) -> Looked<Replica> {
    let mut looked = Looked::nothing();
    if addresses.is_empty() {
        let reason = "give the operators' addresses of hook-service with --replica HOST:PORT or \
                      API_DOCTOR_REPLICAS";
        looked.miss(Missing::NoReplica, "API_DOCTOR_REPLICAS", reason);
        return looked;
    }
    let http = Client::builder()
        .connect_timeout(Duration::from_secs(3))
        .timeout(CALL_TIME_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let http = match http {
        Ok(http) => http,
        Err(error) => {
            looked.miss(Missing::Replica, "", answer::sentence(&error));
            return looked;
        }
    };
    let asked = join_all(addresses.iter().map(|address| ask(&http, address))).await;
    for (address, asked) in addresses.iter().zip(asked) {
        match asked {
            Ok(replica) => looked.found.push(replica),
            Err(reason) => looked.miss(Missing::Replica, address.as_str(), reason),
        }
    }
    looked
}

async fn ask(http: &Client, address: &str) -> Result<Replica, String> {
    let (ready, reason) = get(http, address, "readyz").await?;
    let (answered, text) = get(http, address, "metrics").await?;
    if !answered {
        return Err("/metrics does not answer 200".to_owned());
    }
    let mut replica = Replica {
        address: address.to_owned(),
        not_ready: (!ready).then(|| reason.trim().chars().take(200).collect()),
        metrics: BTreeMap::new(),
        denied: BTreeMap::new(),
    };
    text.lines().for_each(|line| take(line, &mut replica));
    Ok(replica)
}

/// Whether the answer was a success, and its text.
async fn get(http: &Client, address: &str, page: &str) -> Result<(bool, String), String> {
    let request = http.get(format!("http://{address}/{page}"));
    let answer = request
        .send()
        .await
        .map_err(|error| answer::sentence(&error.without_url()))?;
    let success = answer.status().is_success();
    Ok((success, answer::text(answer, ANSWER_BYTES_MAX).await?))
}

/// A line of the Prometheus text format: `name{label="value"} number`.
fn take(line: &str, replica: &mut Replica) {
    if line.starts_with('#') {
        return;
    }
    let Some((series, number)) = line.rsplit_once(' ') else {
        return;
    };
    let Ok(number) = number.parse::<f64>() else {
        return;
    };
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    *replica.metrics.entry(name.to_owned()).or_default() += number;
    let denied = name == "hook_decisions_total" && labels.contains("outcome=\"deny\"");
    if let Some(reason) = label(labels, "reason").filter(|_| denied) {
        *replica.denied.entry(reason.to_owned()).or_default() += number;
    }
}

fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = labels.split_once(&format!("{name}=\""))?;
    after.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_with_and_without_labels() {
        let mut replica = Replica {
            address: String::new(),
            not_ready: None,
            metrics: BTreeMap::new(),
            denied: BTreeMap::new(),
        };
        let text = "# HELP hook_connections x\nhook_connections 3\n\
                    hook_decisions_total{hook=\"device\",outcome=\"deny\",reason=\"overload\"} 2\n\
                    hook_decisions_total{hook=\"authz\",outcome=\"deny\",reason=\"overload\"} 5\n\
                    hook_decisions_total{hook=\"authz\",outcome=\"allow\",reason=\"allowed\"} 7\n\
                    nonsense\nalso nonsense\n";
        text.lines().for_each(|line| take(line, &mut replica));
        assert_eq!(replica.metric("hook_connections"), Some(3.0));
        assert_eq!(replica.metric("hook_decisions_total"), Some(14.0));
        assert_eq!(replica.denied.get("overload"), Some(&7.0));
        assert_eq!(replica.denied.get("allowed"), None);
        assert_eq!(replica.metric("also"), None);
    }
}
