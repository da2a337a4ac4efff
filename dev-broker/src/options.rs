//! What the caller decides: addresses, folders and keys. The EMQX file decides everything else.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use emqx_config::EmqxConf;
use url::Url;

/// How to start a broker.
#[derive(Debug, Clone)]
pub struct Options {
    /// The EMQX file to obey.
    pub conf: EmqxConf,
    /// Folder with the PEM files; the file names are those of the configuration.
    pub certs_dir: PathBuf,
    /// Addresses by listener: `devices`, `services`, `people`, a zone's name, or an EMQX id like
    /// `ssl:default`. A listener that is not named gets a port of 127.0.0.1 from the kernel.
    pub bind: BTreeMap<String, SocketAddr>,
    /// Replaces scheme, host and port of every hook's URL.
    pub hook_base_url: Option<Url>,
    /// PEM file of revocation lists for the TLS listeners.
    pub crl: Option<PathBuf>,
    /// Where the management API listens.
    pub api_bind: SocketAddr,
    /// The management API's key and secret.
    pub api_key: ApiKey,
    /// Header values that replace those of every hook's request, for example `x-hook-secret`.
    pub hook_headers: BTreeMap<String, String>,
}

/// A management API key. `Debug` shows the name only.
#[derive(Clone)]
pub struct ApiKey {
    /// The public half, the user name of Basic authentication.
    pub key: String,
    /// The secret half.
    pub secret: String,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl ApiKey {
    /// Reads the first `key:secret` line of EMQX's bootstrap file; a role behind it is ignored.
    pub fn from_bootstrap(text: &str) -> Option<Self> {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
        let mut parts = line.split(':');
        let key = parts.next().filter(|key| !key.is_empty())?.to_owned();
        let secret = parts.next().filter(|secret| !secret.is_empty())?.to_owned();
        Some(Self { key, secret })
    }
}
