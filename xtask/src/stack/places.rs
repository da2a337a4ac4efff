//! Where the running stack can be reached.

use std::net::SocketAddr;

use anyhow::Context;
use serde_json::Value;

/// Addresses of a running stack, as its processes told them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// PostgreSQL's TCP port on loopback.
    pub(crate) postgres_port: u16,
    /// The issuer of access tokens, a URL.
    pub(crate) issuer: String,
    /// Its token endpoint, a URL.
    pub(crate) token_endpoint: String,
    /// The hooks that the broker calls, `host:port`.
    pub(crate) hooks: String,
    /// Health and metrics of the hooks, `host:port`.
    pub(crate) hooks_ops: String,
    /// MQTT over mTLS for devices.
    pub(crate) devices_port: u16,
    /// MQTT over mTLS for services.
    pub(crate) services_port: u16,
    /// MQTT over WebSocket for people.
    pub(crate) people: String,
    /// The broker's management API, `host:port`.
    pub(crate) management: String,
    /// The API, `host:port`.
    pub(crate) api: String,
    /// Health and metrics of the API, `host:port`.
    pub(crate) api_ops: String,
}

/// A text of an address file.
pub(super) fn text(file: &Value, name: &str) -> anyhow::Result<String> {
    let value = file[name]
        .as_str()
        .with_context(|| format!("the address file lacks `{name}`: {file}"))?;
    Ok(value.to_owned())
}

/// A port of an address file: a number, or the last part of an address.
pub(super) fn port(file: &Value, name: &str) -> anyhow::Result<u16> {
    if let Some(port) = file[name].as_u64() {
        return u16::try_from(port).with_context(|| format!("`{name}` is no port"));
    }
    let address: SocketAddr = text(file, name)?
        .parse()
        .with_context(|| format!("`{name}` is no address"))?;
    Ok(address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ports_are_read_from_numbers_and_addresses() {
        let file = json!({"a": 5432, "b": "127.0.0.1:8883"});
        assert_eq!(
            (port(&file, "a").unwrap(), port(&file, "b").unwrap()),
            (5432, 8883)
        );
        let error = port(&file, "c").unwrap_err().to_string();
        assert!(error.contains("lacks `c`"), "{error}");
    }
}
