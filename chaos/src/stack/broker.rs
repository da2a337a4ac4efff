//! dev-broker, with the EMQX configuration that is shipped.

use std::net::SocketAddr;

use anyhow::Context as _;
use reqwest::StatusCode;

use super::{BROKER_KEY, HOOK_SECRET, Places, address, http};
use crate::device::Authority;
use crate::process::{Process, command};

/// The broker.
pub struct Broker {
    /// The process.
    pub process: Process,
    /// Its listener for devices, mTLS.
    pub devices: SocketAddr,
    /// Its management API.
    pub management: SocketAddr,
    key: (String, String),
}

impl Broker {
    pub(super) async fn start(
        places: &Places,
        hooks: SocketAddr,
        authority: &Authority,
    ) -> anyhow::Result<Self> {
        let file = places.address_file("dev-broker");
        let key_file = places.file(BROKER_KEY);
        let mut broker = command(&places.programs.path("dev-broker"));
        broker
            .arg("--certs")
            .arg(authority.folder())
            .args(["--hook-url", &format!("http://{hooks}")])
            .arg("--hook-secret-file")
            .arg(places.file(HOOK_SECRET))
            .arg("--api-key-file")
            .arg(&key_file)
            .arg("--address-file")
            .arg(&file);
        for name in ["devices", "services", "people"] {
            broker.args(["--listen", &format!("{name}=127.0.0.1:0")]);
        }
        let process = Process::start("dev-broker", &broker, &places.log("dev-broker"))?;
        let addresses = process.addresses(&file).await?;
        let key = std::fs::read_to_string(&key_file).context("reading the API key")?;
        let (name, secret) = key.trim().split_once(':').context("a key is key:secret")?;
        Ok(Self {
            devices: address(&addresses, "devices")?,
            management: address(&addresses, "api")?,
            key: (name.to_owned(), secret.to_owned()),
            process,
        })
    }

    /// Whether it holds a live session of this client; asked straight, past every proxy.
    pub async fn has_session(&self, client_id: &str) -> anyhow::Result<bool> {
        let url = format!("http://{}/api/v5/clients/{client_id}", self.management);
        let (name, secret) = &self.key;
        let asked = http()?.get(url).basic_auth(name, Some(secret)).send();
        let answer = asked.await.context("asking the broker for a session")?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(false),
            StatusCode::OK => {
                let client: serde_json::Value = answer.json().await?;
                Ok(client["connected"] != serde_json::Value::Bool(false))
            }
            status => anyhow::bail!("the broker answered {status} about {client_id}"),
        }
    }
}
