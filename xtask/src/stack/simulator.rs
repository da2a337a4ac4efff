//! The simulated devices: made over the API and reporting like real ones.

use super::children::Children;
use super::issuer;
use super::places::Places;
use super::plan::Plan;
use crate::process::tied::AtOurDeath;

/// The process's name.
pub(crate) const NAME: &str = "device-simulator";
/// Its live counters, in the folder of address files.
pub(crate) const STATUS: &str = "devices";

pub(super) fn start(plan: &Plan, children: &mut Children, places: &Places) -> anyhow::Result<()> {
    let simulation = &plan.simulation;
    children.start(NAME, AtOurDeath::Kill, |command| {
        command
            .args(["run", "--api", &format!("http://{}", places.api)])
            .args([
                "--token-url",
                &places.token_endpoint,
                "--client-id",
                "factory",
            ])
            .arg("--client-secret-file")
            .arg(plan.layout.secret(&issuer::secret_file("factory")))
            .args(["--mqtts", &format!("localhost:{}", places.devices_port)])
            .arg("--server-trust")
            .arg(plan.layout.pem("server-trust.pem"))
            .arg("--state")
            .arg(plan.layout.devices())
            .args([
                "--count",
                &simulation.devices.to_string(),
                "--prefix",
                simulation.prefix,
            ])
            .args(["--interval", simulation.interval, "--backoff-max", "5s"])
            .arg("--status-file")
            .arg(plan.layout.address_file(STATUS));
    })
}
