//! The CONNECT of a device: identity, session, will, TLS.

use std::sync::Arc;

use rumqttc::{LastWill, MqttOptions, QoS, TlsConfiguration, Transport};
use rustls::ClientConfig;
use rustls::client::Resumption;

use super::amnesia::Amnesia;
use super::{Device, MAX_IN_FLIGHT};
use crate::failure::Failure;
use crate::secure_element::TlsIdentity;
use crate::telemetry;
use crate::topics;
use crate::trust::ServerTrust;

/// The largest packet a device takes, in bytes; a certificate answer comes to a few KiB.
const MAX_PACKET_BYTES: u32 = 64 * 1_024;
/// Messages a service may have under way to one device.
const RECEIVE_MAXIMUM: u16 = 16;
/// Time to TCP, TLS and CONNACK, in seconds. The broker may ask its hook for 2 s on the way.
const CONNECT_TIMEOUT_S: u64 = 15;

/// Where the devices connect, and how they hold the line.
#[derive(Clone, Debug)]
pub struct Broker {
    /// A DNS name or an IP address; the broker's certificate must name it.
    pub host: String,
    /// Of the listener for devices.
    pub port: u16,
    /// Seconds between signs of life.
    pub keep_alive_s: u16,
    /// Seconds that the broker keeps the session of an absent device.
    pub session_expiry_s: u32,
}

impl Broker {
    /// Reads `HOST:PORT` (an IPv6 address in brackets).
    pub fn parse(text: &str, keep_alive_s: u16, session_expiry_s: u32) -> Result<Self, Failure> {
        let bad = || {
            Failure::usage(format!(
                "--mqtts {text:?} is not HOST:PORT: it must be like broker.example:8883 or [::1]:8883"
            ))
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(bad)?;
        let host = match host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(inside) => inside,
            None if host.contains(':') => return Err(bad()),
            None => host,
        };
        rustls::pki_types::ServerName::try_from(host).map_err(|_| bad())?;
        Ok(Self {
            host: host.to_owned(),
            port,
            keep_alive_s,
            session_expiry_s,
        })
    }
}

/// Everything rumqttc needs to connect as this device.
pub(super) fn of(device: &Device, broker: &Broker, trust: &ServerTrust) -> MqttOptions {
    let id = device.id.as_str();
    let target = rumqttc::Broker::tcp(broker.host.clone(), broker.port);
    let mut options = MqttOptions::new(id, target);
    options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls(
        device, trust,
    ))));
    // The fingerprint is what brokers before EMQX 5.8 compare in place of the certificate itself
    // (design section 4, `cn_and_password`). It identifies and proves nothing, so it is no secret.
    options.set_credentials(id, device.fingerprint.clone());
    options.set_keep_alive(broker.keep_alive_s);
    options.set_clean_start(false);
    options.set_session_expiry_interval(Some(broker.session_expiry_s));
    options.set_receive_maximum(Some(RECEIVE_MAXIMUM));
    options.set_max_packet_size(Some(MAX_PACKET_BYTES));
    options.set_outgoing_inflight_upper_limit(MAX_IN_FLIGHT);
    options.set_connect_timeout(std::time::Duration::from_secs(CONNECT_TIMEOUT_S));
    options.set_session_store(Amnesia {
        in_flight: MAX_IN_FLIGHT,
    });
    options.set_last_will(LastWill::new(
        topics::status(&device.id),
        telemetry::will(&device.boot),
        QoS::AtLeastOnce,
        true,
        None,
    ));
    options
}

/// The verifier and the provider are shared by all devices; only the identity differs.
fn tls(device: &Device, trust: &ServerTrust) -> Arc<ClientConfig> {
    let identity = TlsIdentity::new(Arc::clone(&device.element), device.chain.clone());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&trust.provider))
        .with_safe_default_protocol_versions()
        .expect("ring supports TLS 1.2 and 1.3")
        .with_webpki_verifier(Arc::clone(&trust.verifier))
        .with_client_cert_resolver(Arc::new(identity));
    // Each connect proves the key again, as the broker's listener wants it; and a cache of tickets
    // for every one of thousands of devices would be the largest thing in the process.
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_host_and_a_port() {
        for (text, host, port) in [
            ("localhost:8883", "localhost", 8883),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:8883", "::1", 8883),
        ] {
            let broker = Broker::parse(text, 60, 0).unwrap();
            assert_eq!((broker.host.as_str(), broker.port), (host, port));
        }
        for bad in [
            "",
            "localhost",
            "localhost:",
            "localhost:0",
            ":8883",
            "::1:8883",
            "a b:1",
            "h:99999",
            "mqtts://h:1",
        ] {
            let failure = Broker::parse(bad, 60, 0).unwrap_err();
            assert_eq!(failure.code(), 64, "{bad}");
            assert!(failure.to_string().contains("--mqtts"), "{failure}");
        }
    }
}
