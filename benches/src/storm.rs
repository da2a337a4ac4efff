//! The scenario `storm`: what a connect costs when everybody connects at once.
//!
//! Devices with certificates of their own connect over mutual TLS, say CONNECT, hear CONNACK and
//! leave; no TLS session is ever resumed. Rounds alternate over a broker that lets everybody in, one
//! that asks our hook, and one that asks a server which does next to nothing (so what is left is what
//! asking costs on this machine, whoever is asked); a ratio is the median of the rounds' own ratios.

mod client;
mod comparison;
mod dev_broker;
mod devices;
mod emqx;
mod figures;
mod generator;
mod outcome;
mod tally;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use chaos::pki::Pki;
use chaos::programs::Programs;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use self::comparison::{Comparison, Effort};
use self::dev_broker::DevBrokers;
use self::devices::{Devices, TlsVersion};
use self::emqx::{Emqx, Settings};
use self::generator::Generator;
use crate::cpu::Clock;
use crate::fleet::{Kind, Requests, Signed};
use crate::load::fetch;
use crate::report::{Output, print, rounded, say};
use crate::servers::child::Server;
use crate::servers::{Constants, address};
use crate::{cpu, machine};

/// What `--help` says besides the options.
pub(crate) const ABOUT: &str = "\
A storm of MQTT connects over mutual TLS: what our hook costs beside no authentication.

Through dev-broker always. Through a real EMQX when these variables name one that is there for this
measurement alone, with an empty global authentication chain and flapping detection off (as a fresh
one has); it gets a listener and two authenticators, and loses them at the end:
  EMQX_STORM_LISTENER  HOST:PORT at which it is to open its listener, reached from here
  EMQX_URL             its management API, like http://127.0.0.1:18083
  EMQX_API_KEY, EMQX_API_SECRET
  EMQX_PID             its process (beam.smp), if it runs here: without it no CPU is told
  EMQX_HOOK_HOST       this machine as EMQX reaches it, if not 127.0.0.1
Certificates are made for the run and given to EMQX with the listener.";

/// Most clients: each needs a socket here and two in dev-broker.
const CLIENTS_MAX: usize = 4096;

/// Others that take more than this many processors make noise as large as what is measured here.
const OTHERS_CORES_MAX: f64 = 0.1;

/// The options of the scenario.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// Short rounds, done within a minute
    #[arg(long)]
    quick: bool,
    /// Rounds of every measurement [default: 7, with --quick 5]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Clients that connect one after another, each with devices of its own
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Devices with certificates of their own, one in 128 of them revoked [default: 4096, with
    /// --quick 2048]
    #[arg(long)]
    devices: Option<u32>,
    /// Devices in the hook's table
    #[arg(long, default_value_t = 1_000_000)]
    fleet: u32,
    /// The TLS version that devices speak
    #[arg(long, default_value = "1.3")]
    tls: TlsVersion,
    /// Threads of the load generator [default: half of the processors, at least 1]
    #[arg(long)]
    generator_threads: Option<usize>,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    fn effort(&self) -> Effort {
        let (rounds, open_rounds, warm_up_ms, measure_ms) = if self.quick {
            (5, 3, 300, 1500)
        } else {
            (7, 5, 1000, 5000)
        };
        Effort {
            clients: self.clients,
            rounds: self.rounds.map_or(rounds, |rounds| rounds as usize),
            open_rounds,
            warm_up: Duration::from_millis(warm_up_ms),
            measure: Duration::from_millis(measure_ms),
        }
    }

    fn threads(&self) -> usize {
        let chosen = self.generator_threads.unwrap_or(machine::cores() / 2);
        chosen.clamp(1, 1024)
    }
}

/// Runs the scenario.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let start = Instant::now();
    if cfg!(debug_assertions) {
        say("built without --release: no figure of this run counts");
    }
    let (clients, threads, effort) = (arguments.clients, arguments.threads(), arguments.effort());
    ensure!(
        (1..=CLIENTS_MAX).contains(&clients),
        "--clients must be 1 to {CLIENTS_MAX}"
    );
    let settings = Settings::read(|name| std::env::var_os(name)?.into_string().ok())?;
    let dev_broker = Programs::up_to_date(&["dev-broker"])?.path("dev-broker");
    let count = arguments
        .devices
        .unwrap_or(if arguments.quick { 2048 } else { 4096 });
    say(&format!("{count} certificates are being made"));
    let names = settings.iter().map(|settings| settings.host.clone());
    let pki = Pki::temporary(&names.collect::<Vec<_>>())?;
    let Devices { all, signed } = devices::make(&pki, count, arguments.fleet, arguments.tls)?;
    let (hook, _file) = serve_hooks(arguments.fleet, &signed, settings.as_ref())?;
    let mut hook_address = address(&hook.announced, "cert_pem")?;
    if hook_address.ip().is_unspecified() {
        hook_address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let floor = serve_floor(hook_address, arguments.fleet)?;
    let floor_address = address(&floor.announced, "http")?;
    let generator = Generator::new(threads, std::sync::Arc::clone(&all))?;
    let mut brokers = DevBrokers::start(
        &dev_broker,
        &pki,
        (hook_address, hook.clock()),
        (floor_address, floor.clock()),
    )?;
    let mut emqx = settings
        .as_ref()
        .map(|settings| {
            let hook = (hook_address, hook.clock());
            let runtime = generator.runtime.handle().clone();
            Emqx::start(settings, &pki, &all, hook, runtime)
        })
        .transpose()?;

    let own = Clock::of_this_process();
    let used = |brokers: &DevBrokers, emqx: &Option<Emqx>| {
        let emqx = emqx.as_ref().map(Emqx::seconds).unwrap_or_default();
        let asked = hook.clock().seconds() + floor.clock().seconds();
        let ours = own.seconds() + asked + brokers.seconds() + emqx;
        (Instant::now(), ours, cpu::machine_seconds())
    };
    let before = used(&brokers, &emqx);
    let through_emqx = emqx.as_mut().map(|emqx| {
        let measured = Comparison::measure("emqx_", emqx, &generator, &effort);
        emqx.clean();
        measured
    });
    let mut comparisons = vec![Comparison::measure("", &mut brokers, &generator, &effort)?];
    comparisons.extend(through_emqx.transpose()?);
    let after = used(&brokers, &emqx);

    let mut found = Map::new();
    for comparison in &comparisons {
        print(&figures::table(comparison))?;
        figures::add(&mut found, comparison);
    }
    if let Some(emqx) = &emqx {
        found.insert("emqx_version".to_owned(), json!(emqx.version));
    }
    let refused: Vec<_> = comparisons.iter().flat_map(|all| &all.refused).collect();
    for (name, reason) in &refused {
        say(&format!("REFUSED: {name}: {reason}"));
    }
    let wrong: u64 = comparisons.iter().map(Comparison::wrong).sum();
    let mut found = Value::Object(found);
    found["scenario"] = json!("storm");
    found["quick"] = json!(arguments.quick);
    found["wrong_answers"] = json!(wrong);
    found["refused"] = json!(refused);
    found["rounds"] = json!(effort.rounds);
    found["clients"] = json!(clients);
    found["devices"] = json!(count);
    found["fleet"] = json!(arguments.fleet);
    found["generator_threads"] = json!(threads);
    found["tls"] = json!(arguments.tls.as_str());
    found["tls_resumption"] = json!("none: every connect is a full handshake on both sides");
    let elapsed = after.0.duration_since(before.0).as_secs_f64();
    let others = after.2.zip(before.2).map(|(after_all, before_all)| {
        ((after_all.busy - before_all.busy - (after.1 - before.1)) / elapsed).max(0.0)
    });
    found["others_cores"] = others.map_or(Value::Null, rounded);
    // Stands beside `storm_ok`: noise can carry the ratio of rates over its target as well as below.
    let quiet = others.map(|others| others <= OTHERS_CORES_MAX);
    found["quiet"] = json!(quiet);
    if quiet != Some(true) {
        say("the machine was not quiet: a ratio of rates says little, nor does a storm_ok by it");
    }
    found["machine"] = machine::describe();
    found["seconds"] = rounded(start.elapsed().as_secs_f64());
    let details: Vec<_> = comparisons.iter().map(figures::details).collect();
    arguments.output.finish(&found, &json!(details))?;
    ensure!(wrong == 0, "{wrong} connects were answered wrongly");
    if !refused.is_empty() {
        bail!("{} measurements were refused, see above", refused.len());
    }
    Ok(())
}

/// Starts hook-service's listener with the fleet and the certificates of the storm's devices. The
/// folder holds the file that tells it of them.
fn serve_hooks(
    fleet: u32,
    signed: &Signed,
    emqx: Option<&Settings>,
) -> anyhow::Result<(Server, TempDir)> {
    let folder = tempfile::tempdir().context("making a folder for fingerprints")?;
    let file = folder.path().join("signed");
    signed.write(&file)?;
    let file = Path::to_str(&file).context("the temporary folder's name is not UTF-8")?;
    // A broker elsewhere asks from outside.
    let local = emqx.is_none_or(|settings| settings.hook_host == "127.0.0.1");
    let listen = if local { "127.0.0.1" } else { "0.0.0.0" };
    let devices = fleet.to_string();
    let server = Server::start(&[
        "serve-hooks",
        "--devices",
        &devices,
        "--signed",
        file,
        "--listen",
        listen,
    ])?;
    Ok((server, folder))
}

/// Starts the floor, which gives every CONNECT the answer that our hook gave to one of them.
fn serve_floor(hook: std::net::SocketAddr, fleet: u32) -> anyhow::Result<Server> {
    let answer = fetch(hook, &Requests::new(Kind::AuthnCertificate, fleet))?;
    let allowed = memchr::memmem::find(&answer, br#""result":"allow""#).is_some();
    ensure!(
        allowed,
        "the hook denied the first device of the fleet; its answer was to be the floor's"
    );
    let bodies = Constants {
        authz: answer.clone(),
        authn: answer,
    };
    Server::start(&["serve-floor", "--bodies", &bodies.to_argument()])
}
