//! The broker: `dev-broker`, which obeys the very configuration that is shipped for EMQX.

use super::children::Children;
use super::places::{Places, port, text};
use super::plan::Plan;
use super::{hooks, secrets};
use crate::process::tied::AtOurDeath;

const NAME: &str = "dev-broker";
/// The listeners of the configuration and their ports in `up`.
const LISTENERS: &[(&str, u16)] = &[("devices", 8883), ("services", 8884), ("people", 8083)];
const NICE_API_PORT: u16 = 18_083;

/// The file of the management API's key, in EMQX's bootstrap form `key:secret`.
pub(crate) const API_KEY: &str = "emqx-api-key";
/// The public half of that key.
const API_KEY_NAME: &str = "iot-hub";

pub(super) async fn start(
    plan: &Plan,
    children: &mut Children,
    places: &mut Places,
) -> anyhow::Result<()> {
    let key = plan.layout.secret(API_KEY);
    if !key.is_file() {
        secrets::write(&key, &format!("{API_KEY_NAME}:{}", secrets::random()?))?;
    }
    let hook_url = format!("http://{}", places.hooks);
    children.start(NAME, AtOurDeath::Kill, |command| {
        command
            .arg("--conf")
            .arg(plan.root.join("emqx-config/emqx-5.8/emqx.conf"))
            .arg("--certs")
            .arg(plan.layout.pki())
            .args(["--hook-url", &hook_url])
            .arg("--hook-secret-file")
            .arg(plan.layout.secret(hooks::SHARED_SECRET))
            .arg("--api-key-file")
            .arg(&key)
            .args([
                "--api-listen",
                &plan.ports.address(NICE_API_PORT).to_string(),
            ])
            .arg("--address-file")
            .arg(plan.layout.address_file(NAME));
        for (name, nice) in LISTENERS {
            command.args(["--listen", &format!("{name}={}", plan.ports.address(*nice))]);
        }
    })?;
    let file = children.addresses(NAME).await?;
    places.devices_port = port(&file, "devices")?;
    places.services_port = port(&file, "services")?;
    places.people = text(&file, "people")?;
    places.management = text(&file, "api")?;
    Ok(())
}
