//! `certs broker`: a server's key and certificate.

use std::path::PathBuf;
use std::process::ExitCode;

use certs::folder::LeafOptions;
use certs::{MAX_LEAF_DAYS, PkiFolder, ServerName, ServerSpec};
use clap::Args;

use super::Context;
use super::service::say_leaf;

/// Make the key and the certificate of the broker, or of another server with --out
#[derive(Args, Debug)]
pub(crate) struct Broker {
    /// Folder of the PKI
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// DNS name or IP address that clients connect to. May be repeated
    #[arg(long = "name", value_name = "NAME", required = true)]
    names: Vec<ServerName>,
    /// Days of validity; it ends with the issuing authority at the latest
    #[arg(long, value_name = "DAYS", default_value_t = 365,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_LEAF_DAYS)))]
    days: u16,
    /// File name without ending of the .pem and .key in the folder
    #[arg(long, value_name = "STEM", default_value = "broker", value_parser = super::service::stem)]
    out: String,
    /// Replace the certificate by a new one for the same key
    #[arg(long)]
    renew: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Broker {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<ExitCode> {
        let leaf = PkiFolder::new(self.dir).server_leaf(
            LeafOptions {
                stem: &self.out,
                renew: self.renew,
            },
            &ServerSpec {
                names: &self.names,
                days: self.days,
            },
            context.now,
            &mut context.rng,
        )?;
        say_leaf(context, self.json, &leaf)?;
        Ok(ExitCode::SUCCESS)
    }
}
