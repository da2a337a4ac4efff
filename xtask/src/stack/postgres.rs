//! PostgreSQL, private to this stack, and its schema.

use std::ffi::OsString;

use super::children::Children;
use super::places::{Places, port};
use super::plan::Plan;
use super::secrets;
use crate::process::output;
use crate::process::tied::AtOurDeath;

/// The process's name.
pub(crate) const NAME: &str = "dev-postgres";
/// The database that both services share.
const DATABASE: &str = "iot_hub";
/// The cluster's owner, who migrates.
pub(crate) const SUPERUSER: &str = "postgres";
/// The services' users, as `schema migrate` names them.
pub(super) const HOOK_USER: &str = "hook";
pub(super) const API_USER: &str = "api";
/// The port in `up`, next to the one that a system's own server has.
const NICE_PORT: u16 = 15_432;

pub(super) async fn start(
    plan: &Plan,
    children: &mut Children,
    places: &mut Places,
) -> anyhow::Result<()> {
    let port_wanted = plan.ports.address(NICE_PORT).port();
    // A supervisor: it has to stop the server when we are gone.
    children.start(NAME, AtOurDeath::Terminate, |command| {
        command
            .arg("run")
            .arg("--data")
            .arg(plan.layout.database())
            .args(["--port", &port_wanted.to_string()])
            .arg("--address-file")
            .arg(plan.layout.address_file(NAME));
    })?;
    let file = children.addresses(NAME).await?;
    places.postgres_port = port(&file, "port")?;
    Ok(())
}

/// Makes the database if it is not there, migrates it, and makes the services' users.
pub(super) async fn migrate(plan: &Plan, places: &Places) -> anyhow::Result<()> {
    for user in [HOOK_USER, API_USER] {
        secrets::ensure(&plan.layout.secret(&password_file(user)))?;
    }
    create_database(plan, places).await?;
    let mut command = plan.tool("schema");
    command
        .arg("migrate")
        .env("SCHEMA_DATABASE_URL", url(places, SUPERUSER));
    for user in [HOOK_USER, API_USER] {
        let file = plan.layout.secret(&password_file(user));
        command
            .arg("--login")
            .arg(format!("{user}={}", file.display()));
    }
    output(&mut command)
        .await?
        .stdout_of("schema migrate")
        .map(drop)
}

async fn create_database(plan: &Plan, places: &Places) -> anyhow::Result<()> {
    let port = places.postgres_port.to_string();
    let server = ["-h", "127.0.0.1", "-p", &port, "-U", SUPERUSER];
    let mut psql = plan.shell.command("psql");
    let look = format!("SELECT count(*) FROM pg_database WHERE datname = '{DATABASE}'");
    psql.args(server)
        .args(["-d", SUPERUSER, "-X", "-tA", "-c", &look]);
    if output(&mut psql).await?.stdout_of("psql")?.trim() == "0" {
        let mut createdb = plan.shell.command("createdb");
        createdb.args(server).arg(DATABASE);
        output(&mut createdb).await?.stdout_of("createdb")?;
    }
    Ok(())
}

/// The file of a user's password, in the folder of passwords.
pub(super) fn password_file(user: &str) -> String {
    format!("{user}-database-password")
}

/// The URL of the database for a user.
pub(crate) fn url(places: &Places, user: &str) -> String {
    format!(
        "postgres://{user}@127.0.0.1:{}/{DATABASE}",
        places.postgres_port
    )
}

/// The arguments that restart the server of a running stack.
pub(crate) fn restart_args(plan: &Plan, mode: &str) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["restart".into(), "--data".into()];
    args.push(plan.layout.database().into());
    args.extend(["--mode".into(), mode.into()]);
    args
}
