//! The flags, as clap reads them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::device_id::{self, DeviceId};
use crate::enrolment::{Api, Patience, TokenSource, parse_url};
use crate::failure::Failure;
use crate::fleet::Fleet;
use crate::report::Output;
use crate::state::StateFolder;

/// A fleet of software grow controllers: made over the API, connected by MQTT 5 over mTLS.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    /// What to log to stderr
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        default_value = "warn,rumqttc=off"
    )]
    pub(super) log: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Enrol the fleet (what is enrolled already is reused), connect it and let it report
    Run(Box<RunArgs>),
    /// Enrol the fleet and stop
    Enrol(Box<FleetArgs>),
    /// Print a device's QR code in the terminal
    Qr(QrArgs),
}

#[derive(Args, Debug)]
pub(super) struct FleetArgs {
    /// The API, like <http://127.0.0.1:8080>
    #[arg(long, value_name = "URL")]
    pub(super) api: String,
    /// A file with a bearer token, read again for each request
    #[arg(long, value_name = "FILE", conflicts_with = "token_url")]
    pub(super) token_file: Option<PathBuf>,
    /// The token endpoint of the issuer, for client credentials
    #[arg(long, value_name = "URL", requires_all = ["client_id", "client_secret_file"])]
    pub(super) token_url: Option<String>,
    /// The client at --token-url
    #[arg(long, value_name = "ID", requires = "token_url")]
    pub(super) client_id: Option<String>,
    /// A file with the client's secret
    #[arg(long, value_name = "FILE", requires = "token_url")]
    pub(super) client_secret_file: Option<PathBuf>,
    /// How many devices
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) count: u32,
    /// Devices are named PREFIX-0001, PREFIX-0002, ..
    #[arg(long, default_value = "grow")]
    pub(super) prefix: String,
    /// The model they are registered as, 1 to 64 characters
    #[arg(long, default_value = "grow-controller")]
    pub(super) model: String,
    /// The firmware version they are registered with, 1 to 64 characters
    #[arg(long, default_value = "1.0.0")]
    pub(super) firmware: String,
    /// Where keys and certificates are kept, one folder for each device
    #[arg(long, value_name = "DIR")]
    pub(super) state: PathBuf,
    /// Enrolments at the same time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) enrol_concurrency: u16,
    /// How long one device's enrolment is tried before it is given up
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    pub(super) enrol_timeout: Duration,
    /// Upper bound of every wait between two attempts
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(super) backoff_max: Duration,
    /// Upper bound of the first wait
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration)]
    pub(super) backoff_base: Duration,
    /// One JSON object a line on stdout for each event, the summary last
    #[arg(long)]
    pub(super) json: bool,
    /// A progress bar on stderr, if that is a terminal
    #[arg(long)]
    pub(super) progress: bool,
    /// A file of live counters, replaced five times a second
    #[arg(long, value_name = "FILE")]
    pub(super) status_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) fleet: FleetArgs,
    /// The broker's listener for devices
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) mqtts: String,
    /// PEM of the CA that signs the broker's certificate; without it, the API is asked
    #[arg(long, value_name = "FILE")]
    pub(super) server_trust: Option<PathBuf>,
    /// How often each device reports
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub(super) interval: Duration,
    /// The same seed gives the same tents
    #[arg(long, default_value_t = 7)]
    pub(super) seed: u64,
    /// Stop after this time; without it, at SIGINT or SIGTERM
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) duration: Option<Duration>,
    /// Seconds between signs of life to the broker
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u16).range(5..=3_600))]
    pub(super) keep_alive: u16,
    /// Seconds that the broker keeps the session of an absent device
    #[arg(long, value_name = "SECONDS", default_value_t = 7_200, value_parser = clap::value_parser!(u32).range(0..=604_800))]
    pub(super) session_expiry: u32,
    /// Connects at the same time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    pub(super) connect_concurrency: u16,
    /// How long a stopping device may take to publish offline and disconnect
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration)]
    pub(super) goodbye: Duration,
}

#[derive(Args, Debug)]
pub(super) struct QrArgs {
    /// The device's id
    #[arg(long, value_name = "ID")]
    pub(super) device: String,
    /// The state folder it was enrolled into
    #[arg(long, value_name = "DIR")]
    pub(super) state: PathBuf,
    /// For a terminal with dark text on light ground
    #[arg(long)]
    pub(super) light: bool,
}

/// A length of time from 1 ms to 30 days.
fn duration(text: &str) -> Result<Duration, String> {
    let range = Duration::from_millis(1)..=Duration::from_hours(720);
    match humantime::parse_duration(text) {
        Ok(duration) if range.contains(&duration) => Ok(duration),
        _ => Err("it must be like 500ms, 5s or 2m, from 1ms to 30d".to_owned()),
    }
}

impl FleetArgs {
    /// Checks everything that can be checked before anything starts.
    pub(super) fn open(self) -> Result<Fleet, Failure> {
        let ids: Vec<DeviceId> = device_id::fleet(&self.prefix, self.count)?;
        for (flag, label) in [("--model", &self.model), ("--firmware", &self.firmware)] {
            if !(1..=64).contains(&label.chars().count()) || label.chars().any(char::is_control) {
                return Err(Failure::usage(format!(
                    "{flag} must have 1 to 64 visible characters"
                )));
            }
        }
        if self.backoff_base > self.backoff_max {
            return Err(Failure::usage(
                "--backoff-base must not be above --backoff-max",
            ));
        }
        let tokens = match (self.token_file, self.token_url) {
            (Some(path), _) => Some(TokenSource::file(path)?),
            (None, Some(url)) => Some(TokenSource::client_credentials(
                parse_url("--token-url", &url)?,
                self.client_id.unwrap_or_default(),
                &self.client_secret_file.unwrap_or_default(),
            )?),
            (None, None) => None,
        };
        Ok(Fleet {
            ids,
            model: self.model,
            firmware_version: self.firmware,
            api: Api::new(&self.api, tokens)?,
            state: StateFolder::open(&self.state)?,
            patience: Patience {
                base: self.backoff_base,
                cap: self.backoff_max,
                total: self.enrol_timeout,
            },
            enrol_concurrency: usize::from(self.enrol_concurrency),
            output: if self.json {
                Output::Json
            } else {
                Output::Text
            },
            progress: self.progress,
            status_file: self.status_file,
        })
    }
}
