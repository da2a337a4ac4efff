//! The running issuer, and the handles a test pulls.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::keys::Key;
use crate::{AUDIENCE, Accounts, Kind, endpoints};

/// The client that people's tokens are for.
const CONSOLE: &str = "dev-console";

/// How long an access token is good for, in seconds.
pub(crate) const TOKEN_S: u64 = 300;

/// Where to listen and for whom.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port 0 takes one from the kernel.
    pub listen: SocketAddr,
    /// The issuer's name, if it is reached by another address than the one it listens on.
    pub issuer: Option<String>,
    /// Who may get a token.
    pub accounts: Accounts,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            issuer: None,
            accounts: Accounts::for_development(),
        }
    }
}

/// A running issuer. Dropping it stops it.
#[derive(Debug)]
pub struct DevIssuer {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

/// What the endpoints read.
pub(crate) struct Shared {
    pub(crate) issuer: String,
    pub(crate) accounts: Accounts,
    pub(crate) down: AtomicBool,
    pub(crate) key_fetches: AtomicU64,
    keys: Mutex<Vec<Key>>,
}

impl DevIssuer {
    /// Makes a key, binds, and serves from now on.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            issuer: options
                .issuer
                .unwrap_or_else(|| format!("http://{address}")),
            accounts: options.accounts,
            down: AtomicBool::new(false),
            key_fetches: AtomicU64::new(0),
            keys: Mutex::new(vec![Key::generate()]),
        });
        let router = endpoints::router(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // Only a broken listener ends this, and then there is nothing left to serve.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            shared,
            address,
            server,
        })
    }

    /// The issuer's name, as tokens carry it in `iss`.
    pub fn issuer(&self) -> &str {
        &self.shared.issuer
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where tokens are asked for.
    pub fn token_endpoint(&self) -> String {
        format!("{}/token", self.shared.issuer)
    }

    /// The accounts with their secrets.
    pub fn accounts(&self) -> &Accounts {
        &self.shared.accounts
    }

    /// A good access token of a person with roles of the realm.
    pub fn mint(&self, subject: &str, roles: &[&str]) -> String {
        let roles: Vec<String> = roles.iter().map(|&role| role.to_owned()).collect();
        self.shared.mint(Kind::User, subject, &roles)
    }

    /// The claims of a person's good access token, to be spoilt before [`DevIssuer::sign`].
    pub fn claims(&self, subject: &str, roles: &[&str]) -> Value {
        let roles: Vec<String> = roles.iter().map(|&role| role.to_owned()).collect();
        self.shared.claims(Kind::User, subject, &roles)
    }

    /// The header of a good access token.
    pub fn header(&self) -> Value {
        self.shared.header()
    }

    /// Signs exactly this header and these claims with the current key.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.shared.keys()[0].sign(header, claims)
    }

    /// The current public key as an uncompressed point, for tests of key confusion.
    pub fn public_key(&self) -> Vec<u8> {
        self.shared.keys()[0].public_key()
    }

    /// Signs with a new key from now on. The older ones stay published if `keep_old`.
    pub fn rotate(&self, keep_old: bool) {
        let mut keys = self.shared.keys();
        if !keep_old {
            keys.clear();
        }
        keys.insert(0, Key::generate());
    }

    /// While down, every endpoint answers 503.
    pub fn set_down(&self, down: bool) {
        self.shared.down.store(down, Ordering::SeqCst);
    }

    /// How often the keys were fetched.
    pub fn key_fetches(&self) -> u64 {
        self.shared.key_fetches.load(Ordering::SeqCst)
    }
}

impl Drop for DevIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    pub(crate) fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.keys().iter().map(Key::jwk).collect();
        json!({ "keys": keys })
    }

    pub(crate) fn mint(&self, kind: Kind, subject: &str, roles: &[String]) -> String {
        let (header, claims) = (self.header(), self.claims(kind, subject, roles));
        self.keys()[0].sign(&header, &claims)
    }

    fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": self.keys()[0].id})
    }

    fn claims(&self, kind: Kind, subject: &str, roles: &[String]) -> Value {
        // RFC 9068 section 2.2: a client that asks for itself is the subject of its token.
        let client = match kind {
            Kind::Client => subject,
            Kind::User => CONSOLE,
        };
        let now_s = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        json!({
            "iss": self.issuer, "sub": subject, "azp": client, "client_id": client,
            "aud": [AUDIENCE, "account"], "typ": "Bearer", "jti": uuid::Uuid::new_v4().to_string(),
            "iat": now_s, "exp": now_s + TOKEN_S, "scope": "openid",
            "preferred_username": subject,
            "realm_access": {"roles": roles},
            "resource_access": {AUDIENCE: {"roles": []}},
        })
    }

    /// There is always at least one key, the current one first.
    fn keys(&self) -> MutexGuard<'_, Vec<Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
