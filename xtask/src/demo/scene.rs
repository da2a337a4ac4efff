//! What the acts play with: tools, addresses, tokens, and the few calls they share.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderName};
use serde_json::{Value, json};

use super::cast::Device;
use super::mosquitto::{Caller, Listener, Mosquitto};
use super::openssl::Openssl;
use crate::http::Site;
use crate::identity::Identity;
use crate::process::{Shell, output};
use crate::stack::layout::Layout;
use crate::stack::places::Places;
use crate::stack::plan::Plan;
use crate::stack::{api, broker, hooks, issuer, pki, postgres, simulator};
use crate::wait;

/// Longest wait for a session to appear at the broker or to vanish.
const SESSION_WITHIN: Duration = Duration::from_secs(10);
/// Longest wait for a revocation to be complete. The design says 5 s.
const COMPLETE_WITHIN: Duration = Duration::from_secs(30);

/// The stage.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) shell: Shell,
    pub(super) layout: Layout,
    pub(super) places: Places,
    pub(super) openssl: Openssl,
    pub(super) mosquitto: Mosquitto,
    /// The listener for devices.
    pub(super) devices: Listener,
    /// The listener for service clients.
    pub(super) services: Listener,
    /// The service client's certificate.
    pub(super) gateway: Identity,
    plan: Plan,
    api_as_admin: Site,
    api_as_factory: Site,
    management: Site,
}

impl Scene {
    /// Gets tokens and finds everything in the running stack.
    pub(super) async fn set(plan: &Plan, places: &Places) -> anyhow::Result<Self> {
        let layout = plan.layout.clone();
        let work = layout.state().join("cast");
        crate::stack::layout::private_folder(&work)?;
        let listener = |port| Listener {
            port,
            trust: layout.pem("server-trust.pem"),
        };
        let key = std::fs::read_to_string(layout.secret(broker::API_KEY))?;
        let basic = format!("Basic {}", STANDARD.encode(key.trim()));
        Ok(Self {
            shell: plan.shell.clone(),
            places: places.clone(),
            openssl: Openssl::new(&plan.shell, &work),
            mosquitto: Mosquitto::new(&plan.shell),
            devices: listener(places.devices_port),
            services: listener(places.services_port),
            gateway: pki::service(plan, "gateway").await?,
            plan: plan.clone(),
            api_as_admin: api_as(&layout, places, "admin").await?,
            api_as_factory: api_as(&layout, places, "factory").await?,
            management: Site::new(&places.management).with(AUTHORIZATION, basic),
            layout,
        })
    }

    /// The service client under one of its own client ids.
    pub(super) fn gateway_caller<'a>(&'a self, client_id: &'a str) -> Caller<'a> {
        Caller {
            client_id,
            username: "svc.gateway",
            identity: Some(&self.gateway),
        }
    }

    /// Manufactures a device as a factory does: a key made by `openssl`, a CSR, the API's answer.
    pub(super) async fn enrol(&self, id: &str) -> anyhow::Result<Device> {
        let key = self.openssl.key(id).await?;
        let csr = self.openssl.request(id).await?;
        let body = json!({
            "deviceId": id,
            "model": "demo",
            "firmwareVersion": "1.0.0",
            "csr": csr,
        });
        let factory = self.api_as_factory.clone();
        let factory = factory.with(
            HeaderName::from_static("idempotency-key"),
            format!("demo-{id}"),
        );
        let answer = factory.post("/api/v1/manufacturing/devices", &body).await?;
        let answer = answer.expect(201, &format!("manufacturing {id}"))?.json();
        let certificate = self.openssl.path(&format!("{id}.pem"));
        std::fs::write(&certificate, chain(&answer)?)?;
        Ok(Device {
            id: id.to_owned(),
            identity: Identity { certificate, key },
        })
    }

    /// A certificate of our device CA for a device that nobody registered.
    pub(super) async fn issue_offline(&self, id: &str) -> anyhow::Result<Identity> {
        let key = self.openssl.key(id).await?;
        self.openssl.request(id).await?;
        let certificate = self.openssl.path(&format!("{id}.pem"));
        let mut command = self.plan.tool("certs");
        command
            .args(["device", "--device-id", id])
            .arg("--dir")
            .arg(self.layout.pki())
            .arg("--csr")
            .arg(self.openssl.path(&format!("{id}.csr")))
            .arg("--out")
            .arg(&certificate);
        output(&mut command).await?.stdout_of("certs device")?;
        Ok(Identity { certificate, key })
    }

    /// Makes one more service client: its certificate, and its rights in the database.
    pub(super) async fn service(&self, name: &str, rights: &[&str]) -> anyhow::Result<Identity> {
        api::register_service(&self.plan, &self.places, name, rights).await
    }

    /// Whether the API knows the device.
    pub(super) async fn is_registered(&self, id: &str) -> anyhow::Result<bool> {
        Ok(self
            .api_as_admin
            .get(&format!("/api/v1/devices/{id}"))
            .await?
            .status
            == 200)
    }

    /// `POST /api/v1/devices/{id}/revoke` as an administrator; the operation that ends sessions.
    pub(super) async fn revoke(&self, id: &str) -> anyhow::Result<u64> {
        let path = format!("/api/v1/devices/{id}/revoke");
        let answer = self
            .api_as_admin
            .post(&path, &json!({"reason": "keyCompromise"}))
            .await?;
        let revoked = answer.expect(202, &format!("revoking {id}"))?.json();
        ensure!(
            revoked["lifecycle"] == "revoked",
            "{id} was not revoked: {revoked}"
        );
        revoked["operation"]
            .as_u64()
            .context("the answer names no operation")
    }

    /// Waits until the API says that an operation at the broker is done.
    pub(super) async fn wait_for_operation(&self, operation: u64) -> anyhow::Result<()> {
        let path = format!("/api/v1/operations/{operation}");
        wait::until("the revocation complete", COMPLETE_WITHIN, || async {
            let answer = self.api_as_admin.get(&path).await?;
            let operation = answer.expect(200, "asking for the operation")?.json();
            match operation["state"].as_str() {
                Some("dead") => bail!("the API gave up: {operation}"),
                state => Ok((state == Some("done")).then_some(())),
            }
        })
        .await
    }

    /// Whether the broker has a live session of this client.
    pub(super) async fn has_session(&self, client_id: &str) -> anyhow::Result<bool> {
        let answer = self
            .management
            .get(&format!("/api/v5/clients/{client_id}"))
            .await?;
        match answer.status {
            200 => Ok(answer.json()["connected"] != Value::Bool(false)),
            404 => Ok(false),
            status => bail!(
                "the broker's management API answered {status}: {}",
                answer.body
            ),
        }
    }

    /// Waits until the broker has a session of this client, or has none.
    pub(super) async fn wait_for_session(
        &self,
        client_id: &str,
        wanted: bool,
    ) -> anyhow::Result<()> {
        let what = if wanted { "connected" } else { "gone" };
        wait::until(
            &format!("{client_id} {what} at the broker"),
            SESSION_WITHIN,
            || async { Ok((self.has_session(client_id).await? == wanted).then_some(())) },
        )
        .await
    }

    /// What the broker shows to the hooks.
    pub(super) fn hook_secret(&self) -> anyhow::Result<String> {
        let secret = std::fs::read_to_string(self.layout.secret(hooks::SHARED_SECRET));
        Ok(secret
            .context("reading the hooks' shared secret")?
            .trim()
            .to_owned())
    }

    /// Restarts PostgreSQL below the running stack and waits until it is back.
    pub(super) async fn restart_postgres(&self, mode: &str) -> anyhow::Result<()> {
        let mut command = self.plan.tool(postgres::NAME);
        command.args(postgres::restart_args(&self.plan, mode));
        output(&mut command)
            .await?
            .stdout_of("dev-postgres restart")
            .map(drop)
    }

    /// Where a file of the simulator's counters is.
    pub(super) fn simulator_status(&self) -> PathBuf {
        self.layout.address_file(simulator::STATUS)
    }
}

/// The API with a fresh token of one of the machine accounts.
async fn api_as(layout: &Layout, places: &Places, client: &str) -> anyhow::Result<Site> {
    let secret = std::fs::read_to_string(layout.secret(&issuer::secret_file(client)))?;
    let url = places
        .token_endpoint
        .strip_prefix("http://")
        .unwrap_or(&places.token_endpoint);
    let (authority, path) = url
        .split_once('/')
        .context("the token endpoint has a path")?;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_secret", secret.trim()),
    ];
    let answer = Site::new(authority)
        .post_form(&format!("/{path}"), &form)
        .await?;
    let answer = answer.expect(200, &format!("a token for {client}"))?.json();
    let token = answer["access_token"]
        .as_str()
        .context("the issuer's answer holds no token")?;
    Ok(Site::new(&places.api).with(AUTHORIZATION, format!("Bearer {token}")))
}

/// Certificate and chain of an API answer, as one PEM file.
fn chain(answer: &Value) -> anyhow::Result<String> {
    let mut pem = answer["certificate"]
        .as_str()
        .context("the API answered no certificate")?
        .to_owned();
    let issuers = match &answer["chain"] {
        Value::String(text) => text.clone(),
        Value::Array(texts) => texts
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join("\n"),
        _ => bail!("the API answered no chain"),
    };
    if !pem.ends_with('\n') {
        pem.push('\n');
    }
    Ok(pem + &issuers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_read_from_one_text_or_from_many() {
        let one = json!({"certificate": "A", "chain": "B\nC\n"});
        let many = json!({"certificate": "A\n", "chain": ["B", "C"]});
        assert_eq!(chain(&one).unwrap(), "A\nB\nC\n");
        assert_eq!(chain(&many).unwrap(), "A\nB\nC");
        assert!(chain(&json!({"certificate": "A"})).is_err());
    }
}
