//! Certificates of the stack: made once, kept until `--fresh`.

use anyhow::Context;

use super::plan::Plan;
use crate::identity::Identity;
use crate::process::output;

/// Names under which the broker is reached on this machine.
const LOCAL_NAMES: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// The authorities, the trust bundles and the broker's certificate.
pub(super) async fn make(plan: &Plan) -> anyhow::Result<()> {
    run(plan, &["init"]).await?;
    let host = host_name()?;
    let mut broker = vec!["broker"];
    for name in LOCAL_NAMES.iter().copied().chain([host.as_str()]) {
        broker.extend(["--name", name]);
    }
    run(plan, &broker).await
}

/// A service client's certificate.
pub(crate) async fn service(plan: &Plan, name: &str) -> anyhow::Result<Identity> {
    run(plan, &["service", "--name", name]).await?;
    Ok(Identity {
        certificate: plan.layout.pem(&format!("svc-{name}.pem")),
        key: plan.layout.pem(&format!("svc-{name}.key")),
    })
}

async fn run(plan: &Plan, args: &[&str]) -> anyhow::Result<()> {
    let mut command = plan.tool("certs");
    command
        .arg(args[0])
        .arg("--dir")
        .arg(plan.layout.pki())
        .args(&args[1..]);
    output(&mut command)
        .await?
        .stdout_of(&format!("certs {}", args[0]))
        .map(drop)
}

/// The machine's name, so that others on the network can check the broker's certificate by it.
fn host_name() -> anyhow::Result<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    Ok(name
        .context("reading the host name")?
        .trim()
        .to_ascii_lowercase())
}
