//! `dev-issuer`: an OIDC issuer for the local stack. Never for production.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use dev_issuer::{AccountFlag, Accounts, DevIssuer, Kind, Options, files};
use tokio::signal::unix::{SignalKind, signal};

/// A small OIDC issuer for development; keys and secrets are made at every start.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The issuer's name in tokens, if clients reach it by another address.
    #[arg(long)]
    issuer: Option<String>,
    /// Once it listens, its addresses are written here as one JSON object (see `files`).
    #[arg(long)]
    address_file: Option<PathBuf>,
    /// The secrets of all accounts are written here, mode 0600, as
    /// {"clients": {name: secret}, "users": {name: secret}}.
    #[arg(long, default_value = "dev-issuer-secrets.json")]
    secrets_file: PathBuf,
    /// A machine: name:secret-file:role,role (secret-file may be empty; made if it is missing).
    /// May be given several times; the clients `factory` and `admin` always exist.
    #[arg(long)]
    client: Vec<AccountFlag>,
    /// A person who gets tokens with `grant_type=password`, written like a client.
    #[arg(long)]
    user: Vec<AccountFlag>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut stop = signal(SignalKind::terminate())?;
    let mut accounts = Accounts::for_development();
    for flag in arguments.client {
        accounts.add_flag(Kind::Client, flag)?;
    }
    for flag in arguments.user {
        accounts.add_flag(Kind::User, flag)?;
    }
    files::write_secrets(&arguments.secrets_file, &accounts)?;
    let issuer = DevIssuer::start(Options {
        listen: arguments.listen,
        issuer: arguments.issuer,
        accounts,
    })
    .await?;
    if !issuer.address().ip().is_loopback() {
        tracing::warn!("listening beyond this machine: this issuer is for development only");
    }
    if let Some(path) = &arguments.address_file {
        files::write_addresses(path, &issuer, &arguments.secrets_file)?;
    }
    tracing::info!(issuer = issuer.issuer(), "the development issuer is ready");
    tokio::select! {
        _ = stop.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}
