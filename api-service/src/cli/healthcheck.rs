//! `api-service healthcheck`: for containers without curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use service_kit::{Exit, Settings};

use super::complain;
use crate::config::HealthcheckConfig;

/// Longest time to wait for an answer.
const WAIT_MAX: Duration = Duration::from_secs(3);

pub(super) async fn run(settings: Settings) -> Exit {
    let config = match HealthcheckConfig::read(settings) {
        Ok(config) => config,
        Err(errors) => return complain(Exit::Config, errors),
    };
    let address = config
        .address_file
        .as_deref()
        .and_then(address_in)
        .unwrap_or(config.ops_listen);
    match ask(reachable(address)).await {
        Ok(()) => Exit::Ok,
        Err(reason) => complain(Exit::Failed, reason),
    }
}

async fn ask(address: SocketAddr) -> Result<(), String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .timeout(WAIT_MAX)
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())?;
    let url = format!("http://{address}/readyz");
    let answer = http
        .get(&url)
        .send()
        .await
        .map_err(|_| format!("{url} does not answer"))?;
    if answer.status().is_success() {
        return Ok(());
    }
    let reason = answer.text().await.unwrap_or_default();
    Err(format!("not ready: {}", reason.trim()))
}

/// The port may have come from the kernel; then the service told it in its address file.
fn address_in(file: &Path) -> Option<SocketAddr> {
    let text = std::fs::read_to_string(file).ok()?;
    let addresses: serde_json::Value = serde_json::from_str(&text).ok()?;
    addresses["ops"].as_str()?.parse().ok()
}

/// A service that listens everywhere is asked on this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
