//! The command line of the development broker.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Parser;
use dev_broker::{ApiKey, DevBroker, Options, write_address_file};
use emqx_config::EmqxConf;
use tracing_subscriber::EnvFilter;
use url::Url;

const BAD_USAGE: u8 = 64;
const BAD_CONFIG: u8 = 78;

/// An MQTT broker that obeys an EMQX configuration and asks its HTTP hooks. For development and
/// tests only.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The EMQX configuration to obey; the shipped one for EMQX 5.8 if not given.
    #[arg(long)]
    conf: Option<PathBuf>,
    /// Folder with the PEM files that the configuration names.
    #[arg(long)]
    certs: PathBuf,
    /// Ask hooks at this address instead of the configuration's.
    #[arg(long)]
    hook_url: Option<Url>,
    /// File with the value of `x-hook-secret` for every hook request.
    #[arg(long)]
    hook_secret_file: Option<PathBuf>,
    /// Address of a listener, for example `devices=127.0.0.1:0`; may be repeated.
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = named_address)]
    listen: Vec<(String, SocketAddr)>,
    /// Address of the management API.
    #[arg(long, default_value = "127.0.0.1:0")]
    api_listen: SocketAddr,
    /// File with a line `key:secret` for the management API.
    #[arg(long)]
    api_key_file: PathBuf,
    /// PEM file of revocation lists for client certificates.
    #[arg(long)]
    crl: Option<PathBuf>,
    /// Write the bound addresses here as JSON, once everything listens.
    #[arg(long)]
    address_file: Option<PathBuf>,
    /// What to log, in the syntax of `tracing` filters.
    #[arg(long, default_value = "info,rmqtt=warn,rmqtt_net=warn")]
    log: String,
}

fn named_address(text: &str) -> Result<(String, SocketAddr), String> {
    let (name, address) = text.split_once('=').ok_or("write it as name=address")?;
    let address = address
        .parse()
        .map_err(|_| format!("`{address}` is no address with a port"))?;
    Ok((name.to_owned(), address))
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let wrong = error.use_stderr();
            // Nothing better can be done when the terminal is gone.
            let _ = error.print();
            return if wrong {
                ExitCode::from(BAD_USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let Ok(filter) = EnvFilter::try_new(&arguments.log) else {
        eprintln!("dev-broker: --log `{}` is no tracing filter", arguments.log);
        return ExitCode::from(BAD_USAGE);
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let address_file = arguments.address_file.clone();
    let options = match options(arguments) {
        Ok(options) => options,
        Err(error) => return fail(&error, BAD_CONFIG),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow!(error), 1),
    };
    runtime.block_on(run(options, address_file))
}

fn options(arguments: Arguments) -> anyhow::Result<Options> {
    let text = match &arguments.conf {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("--conf {} can't be read", file.display()))?,
        None => emqx_config::EMQX_5_8.to_owned(),
    };
    let conf = EmqxConf::parse(&text).context("the EMQX configuration can't be used")?;
    let key_file = &arguments.api_key_file;
    let keys = std::fs::read_to_string(key_file)
        .with_context(|| format!("--api-key-file {} can't be read", key_file.display()))?;
    let api_key = ApiKey::from_bootstrap(&keys).ok_or_else(|| {
        anyhow!(
            "--api-key-file {}: no line `key:secret`",
            key_file.display()
        )
    })?;
    let mut hook_headers = BTreeMap::new();
    if let Some(file) = &arguments.hook_secret_file {
        let secret = std::fs::read_to_string(file)
            .with_context(|| format!("--hook-secret-file {} can't be read", file.display()))?;
        let name = emqx_config::contract::SECRET_HEADER.to_owned();
        hook_headers.insert(name, secret.trim().to_owned());
    }
    Ok(Options {
        conf,
        certs_dir: arguments.certs,
        bind: arguments.listen.into_iter().collect(),
        hook_base_url: arguments.hook_url,
        crl: arguments.crl,
        api_bind: arguments.api_listen,
        api_key,
        hook_headers,
    })
}

async fn run(options: Options, address_file: Option<PathBuf>) -> ExitCode {
    let broker = match DevBroker::start(options).await {
        Ok(broker) => broker,
        Err(error) => {
            let code = match error {
                dev_broker::StartError::Bind { .. }
                | dev_broker::StartError::Core(_)
                | dev_broker::StartError::Runtime(_)
                | dev_broker::StartError::AddressFile { .. } => 1,
                _ => BAD_CONFIG,
            };
            return fail(&anyhow!(error), code);
        }
    };
    for (name, address) in &broker.addresses {
        tracing::info!(name, %address, "listening");
    }
    if let Some(file) = address_file
        && let Err(error) = write_address_file(&file, &broker.addresses)
    {
        return fail(&anyhow!(error), 1);
    }
    told_to_stop().await;
    broker.stop().await;
    ExitCode::SUCCESS
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        // Without the handler the default action ends the process, which is as good.
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("dev-broker: {error:#}");
    ExitCode::from(code)
}
