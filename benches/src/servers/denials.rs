//! What a server counted, for whoever connects: one line of JSON, the denies of CONNECTs of devices by
//! reason. A stand-in for the operators' listener, which these servers do not have.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hook_service::decide::Deny;
use hook_service::endpoints::Hook;
use hook_service::metrics::Metrics;
use serde_json::{Map, Value};

/// A server answers within this time.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// Serves in a thread of its own, until the process ends.
pub(crate) fn serve(address: SocketAddr, metrics: Arc<Metrics>) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(address).context("binding")?;
    let bound = listener.local_addr()?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let counts: Map<String, Value> = Deny::ALL
                .iter()
                .map(|reason| {
                    let count = metrics.denials(Hook::AuthnDevice, *reason);
                    (reason.as_str().to_owned(), count.into())
                })
                .collect();
            // Who asks and leaves is not told.
            let _ = writeln!(stream, "{}", Value::Object(counts));
        }
    });
    Ok(bound)
}

/// Asks a server.
pub(crate) fn ask(address: SocketAddr) -> anyhow::Result<Value> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIME_MAX)
        .with_context(|| format!("connecting to {address}"))?;
    stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
    let mut text = String::new();
    stream
        .read_to_string(&mut text)
        .with_context(|| format!("asking {address} what it counted"))?;
    serde_json::from_str(&text).context("a server counts in JSON")
}
