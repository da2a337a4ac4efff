//! `hook-service`: what the broker asks.

use super::children::Children;
use super::places::{Places, text};
use super::plan::Plan;
use super::{issuer, postgres, secrets};
use crate::process::tied::AtOurDeath;

const NAME: &str = "hook-service";
const NICE_PORT: u16 = 8081;
const NICE_OPS_PORT: u16 = 9081;

/// The file of the header value that the broker shows to the hooks.
pub(crate) const SHARED_SECRET: &str = "hook-secret";

pub(super) async fn start(
    plan: &Plan,
    children: &mut Children,
    places: &mut Places,
) -> anyhow::Result<()> {
    let shared = plan.layout.secret(SHARED_SECRET);
    secrets::ensure(&shared)?;
    let url = postgres::url(places, postgres::HOOK_USER);
    children.start(NAME, AtOurDeath::Kill, |command| {
        command
            .env("HOOK_LISTEN", plan.ports.address(NICE_PORT).to_string())
            .env(
                "HOOK_OPS_LISTEN",
                plan.ports.address(NICE_OPS_PORT).to_string(),
            )
            .env("HOOK_DATABASE_URL", url)
            .env(
                "HOOK_DATABASE_PASSWORD_FILE",
                plan.layout
                    .secret(&postgres::password_file(postgres::HOOK_USER)),
            )
            .env("HOOK_SHARED_SECRET_FILE", shared)
            .env("HOOK_DEVICE_IDENTITY", "cert_pem")
            .env("HOOK_TOKEN_ISSUERS", &places.issuer)
            .env("HOOK_TOKEN_AUDIENCE", issuer::AUDIENCE)
            .env("HOOK_ADDRESS_FILE", plan.layout.address_file(NAME));
    })?;
    let file = children.addresses(NAME).await?;
    places.hooks = text(&file, "hooks")?;
    places.hooks_ops = text(&file, "ops")?;
    Ok(())
}
