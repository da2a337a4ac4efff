//! An HTTP hook of EMQX: an authenticator of a chain or an authorization source.
//!
//! Describes the request; never sends one.

use super::ConfError;
use super::reader::Section;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How EMQX asks over HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpHook {
    /// Whether EMQX asks at all.
    pub enable: bool,
    /// The HTTP method.
    pub method: Method,
    /// Where to ask. Path and query may hold placeholders.
    pub url: String,
    /// Headers, names in lower case. From EMQX 5.4 they replace the default set instead of joining it.
    pub headers: BTreeMap<String, String>,
    /// The body: key to template.
    pub body: BTreeMap<String, String>,
    /// Connections for each EMQX node.
    pub pool_size: u64,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long EMQX waits for an answer; it adds 500 ms of its own.
    pub request_timeout: Duration,
    /// Most requests under way on one connection.
    pub enable_pipelining: u64,
}

/// An authenticator of a chain.
pub type HttpAuthenticator = HttpHook;
/// A source of `authorization.sources`.
pub type HttpAuthorizer = HttpHook;

/// The HTTP method of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `get`: the body's keys go into the query.
    Get,
    /// `post`
    Post,
}

/// What a hook is used for; EMQX's default time-out differs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Use {
    Authn,
    Authz,
}

/// Header values may be secrets (`x-hook-secret`), so only their names are shown.
impl fmt::Debug for HttpHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpHook")
            .field("enable", &self.enable)
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body", &self.body)
            .field("pool_size", &self.pool_size)
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("enable_pipelining", &self.enable_pipelining)
            .finish()
    }
}

// === impl HttpHook ===

impl HttpHook {
    pub(super) fn read_list(
        section: &Section<'_>,
        key: &str,
        used: Use,
    ) -> Result<Option<Vec<Self>>, ConfError> {
        let Some(items) = section.list(key)? else {
            return Ok(None);
        };
        let hooks = items.iter().map(|item| Self::read(item, used));
        hooks.collect::<Result<_, _>>().map(Some)
    }

    fn read(section: &Section<'_>, used: Use) -> Result<Self, ConfError> {
        let request_timeout_default = match used {
            Use::Authn => {
                section.word("mechanism", "password_based", &[("password_based", ())])?;
                section.word("backend", "http", &[("http", ())])?;
                Duration::from_secs(5)
            }
            Use::Authz => {
                section.word("type", "http", &[("http", ())])?;
                Duration::from_secs(30)
            }
        };
        let methods = [("get", Method::Get), ("post", Method::Post)];
        let method = section.word("method", "get or post", &methods)?;
        let headers = section.text_map("headers")?;
        let names = headers.into_iter();
        Ok(Self {
            enable: section.boolean("enable")?.unwrap_or(true),
            method: method.ok_or_else(|| section.absent("method"))?,
            url: section.text("url")?.ok_or_else(|| section.absent("url"))?,
            headers: names
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect(),
            body: section.text_map("body")?,
            pool_size: section.count("pool_size")?.unwrap_or(8),
            connect_timeout: section
                .duration("connect_timeout")?
                .unwrap_or(Duration::from_secs(15)),
            request_timeout: section
                .duration("request_timeout")?
                .unwrap_or(request_timeout_default),
            enable_pipelining: section.count("enable_pipelining")?.unwrap_or(100),
        })
    }
}
