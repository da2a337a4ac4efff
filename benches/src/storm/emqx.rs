//! A real EMQX, named in the environment and there for this measurement alone: it gets a listener for
//! the storm and two authenticators, of which one, the other or none is on, and loses them again.
//!
//! What the hook is asked comes from the shipped file (`emqx-config`). The global chain is used,
//! because only its built-in database can be given users by the API (5.1 to 6.3).

mod authenticators;
mod management;
mod settings;

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chaos::pki::Pki;
use reqwest::Method;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use self::authenticators::{BUILT_IN_ID, HOOK_ID};
use self::management::Management;
pub(super) use self::settings::Settings;
use super::client::{self, Target};
use super::comparison::{Authentication, Broker};
use super::devices::Device;
use super::generator::Clocks;
use crate::cpu::Clock;
use crate::report::say;

/// The listener's name; nothing else is called so.
const LISTENER_ID: &str = "ssl:benches_storm";
/// A change of the configuration is in force after this time, or never.
const CHANGE_TIME_MAX: Duration = Duration::from_secs(30);

/// The EMQX under measurement.
pub(super) struct Emqx {
    management: Management,
    runtime: Handle,
    hook_url: String,
    target: Target,
    clocks: Clocks,
    devices: Arc<[Device]>,
    in_force: Option<Authentication>,
    /// As it says itself.
    pub(super) version: String,
}

impl Emqx {
    /// Looks whether it may be used, and gives it the listener and both authenticators, switched off.
    pub(super) fn start(
        settings: &Settings,
        pki: &Pki,
        devices: &Arc<[Device]>,
        hook: (SocketAddr, Clock),
        runtime: Handle,
    ) -> anyhow::Result<Self> {
        let management = Management::new(settings)?;
        let place = (settings.host.as_str(), settings.port);
        let address = place
            .to_socket_addrs()
            .ok()
            .and_then(|mut found| found.next())
            .context("EMQX_STORM_LISTENER: the host is not known")?;
        let name = ServerName::try_from(settings.host.clone())
            .context("EMQX_STORM_LISTENER: the host is no name of a server")?;
        let mut emqx = Self {
            management,
            runtime,
            hook_url: format!("http://{}:{}", settings.hook_host, hook.0.port()),
            target: Target {
                address,
                name,
                authenticates: false,
            },
            clocks: Clocks {
                broker: settings.pid.map(|pid| Clock::of(vec![pid])),
                hook: Some(hook.1),
            },
            devices: Arc::clone(devices),
            in_force: None,
            version: String::new(),
        };
        emqx.refuse_one_in_use()?;
        if let Err(error) = emqx.equip(pki, settings.port) {
            emqx.clean();
            return Err(error);
        }
        Ok(emqx)
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        self.runtime
            .block_on(self.management.call(method, path, body))
    }

    /// An EMQX with authenticators serves somebody: switching them off would open it.
    fn refuse_one_in_use(&mut self) -> anyhow::Result<()> {
        let nodes = self.call(Method::GET, "/nodes", None)?;
        let version = nodes[0]["version"].as_str();
        version
            .context("EMQX does not say its version")?
            .clone_into(&mut self.version);
        let chain = self.call(Method::GET, "/authentication", None)?;
        let names = chain.as_array().map(Vec::as_slice).unwrap_or_default();
        ensure!(
            names.is_empty(),
            "this EMQX has global authenticators, its own or those of a run that was cut off; name \
             one that is there for this measurement alone, with an empty chain"
        );
        Ok(())
    }

    fn equip(&mut self, pki: &Pki, port: u16) -> anyhow::Result<()> {
        let listener = json!({
            "type": "ssl", "name": "benches_storm", "bind": format!("0.0.0.0:{port}"),
            "ssl_options": {
                "cacertfile": pki.pem("device-trust.pem")?,
                "certfile": pki.pem("broker.pem")?,
                "keyfile": pki.pem("broker.key")?,
                "versions": ["tlsv1.3", "tlsv1.2"], "verify": "verify_peer",
                "fail_if_no_peer_cert": true, "depth": 1, "reuse_sessions": false,
            },
        });
        self.call(Method::POST, "/listeners", Some(&listener))?;
        for way in [Authentication::Hook, Authentication::BuiltIn] {
            let body = authenticators::body(way, &self.hook_url, false)?;
            self.call(Method::POST, "/authentication", Some(&body))?;
        }
        let path = format!("/authentication/{BUILT_IN_ID}/users");
        for device in self.devices.iter().filter(|device| device.active) {
            let user = json!({ "user_id": device.id, "password": device.password });
            self.call(Method::POST, &path, Some(&user))?;
        }
        Ok(())
    }

    /// Takes away what was added. Said, not failed: the figures are there already.
    pub(super) fn clean(&self) {
        let paths = [
            format!("/authentication/{HOOK_ID}"),
            format!("/authentication/{BUILT_IN_ID}"),
            format!("/listeners/{LISTENER_ID}"),
        ];
        for path in paths {
            if let Err(error) = self.call(Method::DELETE, &path, None) {
                say(&format!("left behind: {error:#}"));
            }
        }
    }

    /// CPU seconds of it so far, where it runs here.
    pub(super) fn seconds(&self) -> f64 {
        let broker = self.clocks.broker.as_ref();
        broker.map(Clock::seconds).unwrap_or_default()
    }

    /// Waits until a revoked and an active device hear what they must hear.
    fn wait_until_in_force(&self, target: &Target) -> anyhow::Result<()> {
        let start = Instant::now();
        let of = |active| self.devices.iter().find(|device| device.active == active);
        let pair = [of(true), of(false)];
        loop {
            let right = self.runtime.block_on(async {
                for device in pair.into_iter().flatten() {
                    match client::connect(target, device).await {
                        Ok(answered) if target.is_right(device, answered.said) => {
                            answered.goodbye().await;
                        }
                        _ => return false,
                    }
                }
                true
            });
            if right {
                return Ok(());
            }
            ensure!(
                start.elapsed() < CHANGE_TIME_MAX,
                "EMQX did not take the change of its authentication within {CHANGE_TIME_MAX:?}; is \
                 EMQX_HOOK_HOST an address of this machine that EMQX reaches?"
            );
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
}

impl Broker for Emqx {
    fn ways(&self) -> &'static [Authentication] {
        &[
            Authentication::Nobody,
            Authentication::Hook,
            Authentication::BuiltIn,
        ]
    }

    fn prepare(&mut self, way: Authentication) -> anyhow::Result<(Target, Clocks)> {
        let target = Target {
            authenticates: way != Authentication::Nobody,
            ..self.target.clone()
        };
        if self.in_force != Some(way) {
            for (one, id) in [
                (Authentication::Hook, HOOK_ID),
                (Authentication::BuiltIn, BUILT_IN_ID),
            ] {
                let body = authenticators::body(one, &self.hook_url, one == way)?;
                self.call(Method::PUT, &format!("/authentication/{id}"), Some(&body))?;
            }
            self.wait_until_in_force(&target)?;
            self.in_force = Some(way);
        }
        Ok((target, self.clocks.clone()))
    }
}
