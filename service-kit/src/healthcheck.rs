//! Asks a running service whether it is ready, for container health checks without a shell or curl.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A reason why a service is not ready is one sentence; more is not read, in bytes.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Asks `GET /readyz` of the operators' listener of the service whose settings begin with `prefix`.
/// The address is the one in `<PREFIX>ADDRESS_FILE` (the port may have come from the kernel), else
/// `<PREFIX>OPS_LISTEN`, else `default`. No other setting is looked at.
///
/// `timeout` bounds the connect, the write and each read. The error is one sentence.
pub fn check(
    prefix: &str,
    default: &str,
    values: &BTreeMap<String, String>,
    timeout: Duration,
) -> Result<(), String> {
    let setting = format!("{prefix}OPS_LISTEN");
    let address = match address_in_file(values.get(&format!("{prefix}ADDRESS_FILE"))) {
        Some(address) => address,
        None => values
            .get(&setting)
            .map_or(default, String::as_str)
            .parse()
            .map_err(|_| format!("{setting} is not an address like {default}"))?,
    };
    let answer = ask(reachable(address), timeout)
        .map_err(|error| format!("{address} does not answer: {error}"))?;
    if answer.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    let reason = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Err(format!("not ready: {}", reason.trim()))
}

fn ask(address: SocketAddr, timeout: Duration) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn address_in_file(file: Option<&String>) -> Option<SocketAddr> {
    let text = std::fs::read_to_string(file?).ok()?;
    let addresses: serde_json::Value = serde_json::from_str(&text).ok()?;
    addresses["ops"].as_str()?.parse().ok()
}

/// A service that listens on every address is asked on loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::ops::Ops;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_service_is_asked_where_its_address_file_or_its_setting_says() {
        let ready = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&ready);
        let ops = Ops {
            registry: prometheus::Registry::new(),
            readiness: Arc::new(move || {
                let ready = asked.load(Ordering::SeqCst);
                ready.then_some(()).ok_or("the moon is wrong".to_owned())
            }),
            before_gather: Arc::new(|| ()),
        };
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, ops.router()).await });
        let file = tempfile::NamedTempFile::new().unwrap();
        crate::address_file::write(file.path(), &serde_json::json!({"ops": address})).unwrap();

        let setting = ("T_OPS_LISTEN".to_owned(), address.to_string());
        let path = file.path().to_str().unwrap().to_owned();
        for values in [
            BTreeMap::from([setting]),
            BTreeMap::from([("T_ADDRESS_FILE".to_owned(), path)]),
        ] {
            let check = async || {
                let values = values.clone();
                let asking = move || check("T_", "127.0.0.1:1", &values, SOON);
                tokio::task::spawn_blocking(asking).await.unwrap()
            };
            ready.store(true, Ordering::SeqCst);
            assert_eq!(check().await, Ok(()));
            ready.store(false, Ordering::SeqCst);
            let reason = check().await.unwrap_err();
            assert_eq!(reason, "not ready: the moon is wrong");
        }
    }

    #[test]
    fn nobody_there_and_a_wrong_address_are_told_apart() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let nobody = check("T_", &free.to_string(), &BTreeMap::new(), SOON).unwrap_err();
        assert!(nobody.contains("does not answer"), "{nobody}");
        let wrong = BTreeMap::from([("T_OPS_LISTEN".to_owned(), "here".to_owned())]);
        let wrong = check("T_", "127.0.0.1:1", &wrong, SOON).unwrap_err();
        assert!(wrong.contains("T_OPS_LISTEN"), "{wrong}");
    }
}
