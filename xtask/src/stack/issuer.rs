//! The small issuer of access tokens that stands in for Keycloak.

use super::children::Children;
use super::places::{Places, text};
use super::plan::Plan;
use super::secrets;
use crate::process::tied::AtOurDeath;

const NAME: &str = "dev-issuer";

/// What tokens are for: both services are told the same.
pub(super) const AUDIENCE: &str = "iot-hub";
const NICE_PORT: u16 = 8090;

/// The machine accounts and their roles. Each has its secret in a file of its name.
pub(crate) const CLIENTS: &[(&str, &str)] = &[("admin", "admin"), ("factory", "manufacturer")];

pub(super) async fn start(
    plan: &Plan,
    children: &mut Children,
    places: &mut Places,
) -> anyhow::Result<()> {
    let mut clients = Vec::new();
    for (name, role) in CLIENTS {
        let file = plan.layout.secret(&secret_file(name));
        secrets::ensure(&file)?;
        clients.push(format!("{name}:{}:{role}", file.display()));
    }
    children.start(NAME, AtOurDeath::Kill, |command| {
        command
            .args(["--listen", &plan.ports.address(NICE_PORT).to_string()])
            .arg("--address-file")
            .arg(plan.layout.address_file(NAME))
            .arg("--secrets-file")
            .arg(plan.layout.secret("issuer.json"));
        for client in &clients {
            command.args(["--client", client]);
        }
    })?;
    let file = children.addresses(NAME).await?;
    places.issuer = text(&file, "issuer")?;
    places.token_endpoint = text(&file, "token_endpoint")?;
    Ok(())
}

/// The file of a client's secret, in the folder of secrets.
pub(crate) fn secret_file(client: &str) -> String {
    format!("client-{client}")
}
