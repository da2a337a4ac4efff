//! `api-service doctor`: reads its settings, looks, prints, and ends by how bad it is.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use service_kit::{Exit, Settings};

use super::{complain, print};
use crate::config::{DoctorConfig, is_address};
use crate::doctor::{self, Live, Version, Wanted};

/// What to look at.
#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// A configuration file of EMQX. It is checked by itself, and its zones complete what live
    /// brokers tell.
    #[arg(long, value_name = "FILE")]
    emqx_conf: Option<PathBuf>,
    /// The version that the file is for, for example 5.8.9.
    #[arg(long, value_name = "VERSION", requires = "emqx_conf")]
    emqx_version: Option<Version>,
    /// Check the file alone; no setting is read and nobody is asked.
    #[arg(long, requires = "emqx_conf", conflicts_with_all = ["replica", "listener"])]
    offline: bool,
    /// Operators' address of a replica of hook-service, besides `API_DOCTOR_REPLICAS`. May be given
    /// several times.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    replica: Vec<String>,
    /// TLS address of the broker as devices use it, besides `API_DOCTOR_LISTENERS`. May be given
    /// several times.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    listener: Vec<String>,
    /// Watch leases for at most so many seconds; a sixth of their length shows a renewal.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u16).range(0..=600))]
    watch: u16,
    /// Print the table of codes for docs/DOCTOR.md, and nothing else.
    #[arg(long, exclusive = true)]
    codes: bool,
}

fn address(text: &str) -> Result<String, String> {
    if is_address(text) {
        Ok(text.to_owned())
    } else {
        Err("it is not HOST:PORT".to_owned())
    }
}

/// Exit status: 0 clean or notes only, 1 warnings, 2 errors, 78 settings that cannot be read.
pub(super) async fn run(settings: Settings, arguments: DoctorArguments) -> ExitCode {
    if arguments.codes {
        return print(&doctor::markdown()).into();
    }
    let live = if arguments.offline {
        None
    } else {
        let mut config = match DoctorConfig::read(settings) {
            Ok(config) => config,
            Err(errors) => return complain(Exit::Config, errors).into(),
        };
        config.replicas.extend(arguments.replica);
        config.listeners.extend(arguments.listener);
        Some(Live {
            brokers: config.brokers,
            databases: config.databases,
            replicas: config.replicas,
            listeners: config.listeners,
            pki: config.pki,
            settings: config.ours,
            watch_max: Duration::from_secs(u64::from(arguments.watch)),
        })
    };
    // reqwest takes the process's provider; ring is the only one linked.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let report = doctor::run(Wanted {
        conf_file: arguments.emqx_conf,
        conf_version: arguments.emqx_version,
        live,
    })
    .await;
    let text = if arguments.json {
        report.json()
    } else {
        report.text()
    };
    print(&text);
    report.exit()
}
