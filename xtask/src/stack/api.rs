//! `api-service`: commands and queries, and the worker that tells the broker.

use super::children::Children;
use super::places::{Places, text};
use super::plan::Plan;
use super::{broker, issuer, pki, postgres};
use crate::identity::Identity;
use crate::process::output;
use crate::process::tied::AtOurDeath;

const NAME: &str = "api-service";
const NICE_PORT: u16 = 8080;
const NICE_OPS_PORT: u16 = 9080;

pub(super) async fn start(
    plan: &Plan,
    children: &mut Children,
    places: &mut Places,
) -> anyhow::Result<()> {
    let listen = plan.ports.address(NICE_PORT);
    let layout = &plan.layout;
    let url = postgres::url(places, postgres::API_USER);
    children.start(NAME, AtOurDeath::Kill, |command| {
        command
            .env("API_LISTEN", listen.to_string())
            .env(
                "API_OPS_LISTEN",
                plan.ports.address(NICE_OPS_PORT).to_string(),
            )
            .env("API_DATABASE_URL", url)
            .env(
                "API_DATABASE_PASSWORD_FILE",
                layout.secret(&postgres::password_file(postgres::API_USER)),
            )
            .env("API_TOKEN_ISSUERS", &places.issuer)
            // One machine plays all callers, as fast as it can.
            .env("API_RATE_PER_ACCOUNT", "0")
            .env("API_RATE_PER_ADDRESS", "0")
            .env("API_TOKEN_AUDIENCE", issuer::AUDIENCE)
            .env("API_DEVICE_CA_CERT_FILE", layout.pem("device-ca.pem"))
            .env("API_DEVICE_CA_KEY_FILE", layout.pem("device-ca.key"))
            .env("API_ROOT_CA_CERT_FILE", layout.pem("root-ca.pem"))
            .env("API_SERVER_CA_CERT_FILE", layout.pem("server-ca.pem"))
            // Only what a certificate says of its list; in `up` it is the API's own address.
            .env(
                "API_CRL_BASE_URL",
                format!("http://localhost:{}", nice(listen.port())),
            )
            .env("API_BROKER_URL", format!("http://{}", places.management))
            .env("API_BROKER_KEY_FILE", layout.secret(broker::API_KEY))
            .env("API_ADDRESS_FILE", layout.address_file(NAME));
    })?;
    let file = children.addresses(NAME).await?;
    places.api = text(&file, "api")?;
    places.api_ops = text(&file, "ops")?;
    Ok(())
}

/// A URL cannot say "from the kernel".
fn nice(port: u16) -> u16 {
    if port == 0 { NICE_PORT } else { port }
}

/// Makes a service client: its certificate, and its rights (`subscribe=FILTER`) in the database.
pub(crate) async fn register_service(
    plan: &Plan,
    places: &Places,
    name: &str,
    rights: &[&str],
) -> anyhow::Result<Identity> {
    let identity = pki::service(plan, name).await?;
    let mut command = plan.tool(NAME);
    command
        .args(["service-client", "add", "--name", name])
        .arg("--certificate")
        .arg(&identity.certificate)
        .env(
            "API_DATABASE_URL",
            postgres::url(places, postgres::API_USER),
        )
        .env(
            "API_DATABASE_PASSWORD_FILE",
            plan.layout
                .secret(&postgres::password_file(postgres::API_USER)),
        );
    for right in rights {
        command.args(["--allow", right]);
    }
    output(&mut command)
        .await?
        .stdout_of("registering a service client")?;
    Ok(identity)
}
