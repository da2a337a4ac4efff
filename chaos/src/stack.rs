//! The local stack with a proxy on every line between its parts.
//!
//! ```text
//! devices -> [devices] -> broker -> [hooks, in turn] -> hook-service x N -> [hook_database x N] -> PostgreSQL
//!            whoever asks -> [api] -> api-service -> [api_database] -> PostgreSQL
//!                                     api-service -> [management] -> broker
//! ```
//!
//! A part that is killed comes back on another port; only its proxies are told.

mod api;
mod broker;
mod database;
mod hooks;
mod issuer;
mod metrics;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fault_proxy::Proxy;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tempfile::TempDir;

use crate::device::{Authority, Device, Target};
use crate::programs::Programs;

pub use api::{ApiClient, ApiService, Operation, Revoked};
pub use broker::Broker;
pub use database::Database;
pub use hooks::Replica;
pub use metrics::{Sample, parse as parse_metrics, scrape};

/// H of the replicas, milliseconds: the shortest that hook-service takes, so that lapses are quick.
pub const STALENESS_MS: u64 = 5_000;
/// How long a service may take to be ready after it listens.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What kind of stack.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many hook-service processes.
    pub hooks: usize,
    /// fsync and all that, as production has it.
    pub durable: bool,
    /// How often each replica compares its whole table, milliseconds (1,000 at least).
    pub compare_ms: u64,
    /// What every delay follows from.
    pub seed: u64,
    /// The filter of all logs.
    pub log: String,
    /// More settings for api-service.
    pub api_settings: Vec<(String, String)>,
    /// Where the database is kept; in the stack's own folder without.
    pub data_dir: Option<PathBuf>,
}

impl Options {
    /// Three replicas, a durable database, a compare every two seconds.
    pub fn new(seed: u64) -> Self {
        Self {
            hooks: 3,
            durable: true,
            compare_ms: 2_000,
            seed,
            log: "info".to_owned(),
            api_settings: Vec::new(),
            data_dir: None,
        }
    }
}

/// The proxies.
#[derive(Debug)]
pub struct Links {
    /// Devices to the broker.
    pub devices: Proxy,
    /// The broker to the hooks, in turn.
    pub hooks: Proxy,
    /// Whoever asks to the API.
    pub api: Proxy,
    /// api-service to the database.
    pub api_database: Proxy,
    /// api-service to the broker's management API.
    pub management: Proxy,
}

/// A running stack. Dropping it ends every process.
pub struct Stack {
    /// The replicas of hook-service, each with its own line to the database.
    pub replicas: Vec<Replica>,
    /// api-service.
    pub api: ApiService,
    /// dev-broker.
    pub broker: Broker,
    issuer: issuer::Issuer,
    /// The lines between them.
    pub links: Links,
    /// PostgreSQL.
    pub database: Database,
    /// Who signs devices.
    pub authority: Arc<Authority>,
    /// Its options.
    pub options: Options,
    places: Places,
    folder: Option<TempDir>,
}

/// Where files of a stack are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    root: PathBuf,
    programs: Programs,
}

impl Places {
    fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.root.join(format!("{name}.log"))
    }

    /// Where a process will write its addresses; nothing is there yet.
    fn address_file(&self, name: &str) -> PathBuf {
        let file = self.root.join(format!("{name}.json"));
        let _ = std::fs::remove_file(&file);
        file
    }
}

impl Stack {
    /// Starts everything and waits until all of it is ready.
    pub async fn start(programs: &Programs, options: Options) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("chaos-").context("making a folder")?;
        // As root, PostgreSQL runs as another user, who must pass through.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
        let places = Places {
            root: folder.path().to_owned(),
            programs: programs.clone(),
        };
        write_secrets(&places)?;
        let started = Self::start_in(&places, &options).await;
        match started {
            Ok(mut stack) => {
                stack.folder = Some(folder);
                Ok(stack)
            }
            Err(error) => {
                let kept = folder.keep();
                Err(error.context(format!("the logs are kept in {}", kept.display())))
            }
        }
    }

    async fn start_in(places: &Places, options: &Options) -> anyhow::Result<Self> {
        let data_dir = options.data_dir.clone();
        let data_dir = data_dir.unwrap_or_else(|| places.file("database"));
        let database = Database::start(data_dir, options.durable).await?;
        database.migrate(places).await?;
        let authority = Arc::new(Authority::make(&places.file("pki"))?);
        let issuer = issuer::Issuer::start(places).await?;

        let proxy = |number: u64, upstream: Option<SocketAddr>| {
            Proxy::start(upstream.into_iter().collect(), options.seed ^ number)
                .context("starting a proxy")
        };
        let server = Some(database.address());
        let links = Links {
            devices: proxy(1, None)?,
            hooks: proxy(2, None)?,
            api: proxy(3, None)?,
            api_database: proxy(4, server)?,
            management: proxy(5, None)?,
        };
        let mut replicas = Vec::new();
        for number in 1..=options.hooks {
            let line = proxy(100 + number as u64, server)?;
            replicas.push(Replica::start(places, options, number, line).await?);
        }
        links
            .hooks
            .set_upstreams(replicas.iter().map(|replica| replica.hooks).collect());
        let broker = Broker::start(places, links.hooks.address(), &authority).await?;
        links.devices.set_upstreams(vec![broker.devices]);
        links.management.set_upstreams(vec![broker.management]);
        let api = ApiService::start(places, options, &links, &issuer, &authority).await?;
        links.api.set_upstreams(vec![api.address]);
        Ok(Self {
            replicas,
            api,
            broker,
            issuer,
            links,
            database,
            authority,
            options: options.clone(),
            places: places.clone(),
            folder: None,
        })
    }

    /// Where devices connect: the proxy in front of the broker.
    pub fn target(&self) -> Target {
        Target {
            address: self.links.devices.address(),
            name: ServerName::try_from("localhost").expect("a DNS name"),
        }
    }

    /// A client of the API with an administrator's token.
    pub async fn api_client(&self) -> anyhow::Result<ApiClient> {
        ApiClient::new(self.links.api.address(), self.issuer.login()).await
    }

    /// Makes devices and registers them as bound, without the API: thousands in a second.
    pub async fn register(&self, ids: &[String]) -> anyhow::Result<Vec<Arc<Device>>> {
        let (authority, ids) = (Arc::clone(&self.authority), ids.to_vec());
        let made = tokio::task::spawn_blocking(move || authority.devices(&ids))
            .await
            .context("making devices")??;
        self.database.register(&made).await?;
        Ok(made.into_iter().map(Arc::new).collect())
    }

    /// Starts a replica that was killed again.
    pub async fn revive_replica(&mut self, index: usize) -> anyhow::Result<()> {
        self.replicas[index]
            .start_again(&self.places, &self.options)
            .await?;
        self.point_hooks();
        Ok(())
    }

    /// Replaces a replica by a new process on the same address while both listen.
    pub async fn replace_replica(&mut self, index: usize) -> anyhow::Result<()> {
        self.replicas[index]
            .replace(&self.places, &self.options)
            .await
    }

    /// Starts api-service again.
    pub async fn revive_api(&mut self) -> anyhow::Result<()> {
        self.api = ApiService::start(
            &self.places,
            &self.options,
            &self.links,
            &self.issuer,
            &self.authority,
        )
        .await?;
        self.links.api.set_upstreams(vec![self.api.address]);
        Ok(())
    }

    /// Starts the broker again. Its sessions and bans are gone.
    pub async fn revive_broker(&mut self) -> anyhow::Result<()> {
        let hooks = self.links.hooks.address();
        self.broker = Broker::start(&self.places, hooks, &self.authority).await?;
        self.links.devices.set_upstreams(vec![self.broker.devices]);
        self.links
            .management
            .set_upstreams(vec![self.broker.management]);
        Ok(())
    }

    /// Points everybody to the database where it is now, and resets what went to the old one.
    pub fn point_database(&self) {
        let server = vec![self.database.address()];
        for line in self.database_lines() {
            line.set_upstreams(server.clone());
            line.cut();
        }
    }

    /// Every line to the database.
    pub fn database_lines(&self) -> impl Iterator<Item = &Proxy> {
        let replicas = self.replicas.iter().map(|replica| &replica.database);
        replicas.chain(std::iter::once(&self.links.api_database))
    }

    /// Every proxy.
    pub fn lines(&self) -> impl Iterator<Item = &Proxy> {
        let links = &self.links;
        let others = [&links.devices, &links.hooks, &links.api, &links.management];
        self.database_lines().chain(others)
    }

    /// Takes every fault away.
    pub async fn heal(&self) {
        for line in self.lines() {
            line.heal().await;
        }
    }

    /// Whether everything that may be asked says it is ready.
    pub async fn wait_until_ready(&self) -> anyhow::Result<()> {
        for replica in &self.replicas {
            ready(&replica.name, replica.ops, READY_WITHIN)
                .await
                .with_context(|| replica.process.last_words())?;
        }
        ready("api-service", self.api.ops, READY_WITHIN)
            .await
            .with_context(|| self.api.process.last_words())
    }

    /// Keeps the folder with all logs, and says where it is.
    pub fn keep_logs(&mut self) -> Option<PathBuf> {
        self.folder.take().map(TempDir::keep)
    }

    fn point_hooks(&self) {
        let addresses = self.replicas.iter().map(|replica| replica.hooks);
        self.links.hooks.set_upstreams(addresses.collect());
    }
}

/// Waits for `/readyz`.
async fn ready(name: &str, ops: SocketAddr, limit: Duration) -> anyhow::Result<()> {
    let client = http()?;
    let url = format!("http://{ops}/readyz");
    crate::wait::until(&format!("{name} ready"), limit, || async {
        let answer = client.get(&url).send().await;
        Ok(answer
            .is_ok_and(|answer| answer.status().is_success())
            .then_some(()))
    })
    .await
}

/// A client for the operators' listeners and the like.
pub(crate) fn http() -> anyhow::Result<reqwest::Client> {
    // reqwest takes the process's provider; ring is the only one linked.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(10))
        .build()
        .context("making an HTTP client")
}

/// An address of an address file.
fn address(file: &Value, name: &str) -> anyhow::Result<SocketAddr> {
    let text = file[name].as_str();
    text.with_context(|| format!("the address file lacks `{name}`: {file}"))?
        .parse()
        .with_context(|| format!("`{name}` is no address: {file}"))
}

/// Files with the passwords of a run: random, and removed with its folder.
fn write_secrets(places: &Places) -> anyhow::Result<()> {
    for name in SECRETS {
        let secret: u128 = rand::random();
        let text = if *name == BROKER_KEY {
            format!("chaos:{secret:032x}\n")
        } else {
            format!("{secret:032x}\n")
        };
        write_private(&places.file(name), &text)?;
    }
    Ok(())
}

const HOOK_PASSWORD: &str = "hook-password";
const API_PASSWORD: &str = "api-password";
const HOOK_SECRET: &str = "hook-secret";
const BROKER_KEY: &str = "broker-key";
const ADMIN_SECRET: &str = "admin-secret";
const SECRETS: &[&str] = &[
    HOOK_PASSWORD,
    API_PASSWORD,
    HOOK_SECRET,
    BROKER_KEY,
    ADMIN_SECRET,
];

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = file.with_context(|| format!("making {}", path.display()))?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("writing {}", path.display()))
}
