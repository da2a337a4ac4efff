//! Settings of the revocation lists.

use std::net::SocketAddr;

use certs::CrlUrl;
use service_kit::Settings;
use time::Duration;

/// Longest address, so that a list's path below it fits into a certificate's URL.
const BASE_CHARS_MAX: usize = 400;

/// Most shards that new certificates are spread over.
const SHARDS_MAX: u16 = 1_000;

/// Longest time from one list to the next: 90 days.
const VALID_HOURS_MAX: u16 = 2_160;

/// Where the lists are, how many there are, and how long one may be relied on.
pub(crate) struct CrlConfig {
    /// Their own listener, plain http.
    pub(crate) listen: Option<SocketAddr>,
    /// What certificates name; none without it.
    pub(crate) base: Option<CrlBase>,
    /// Over how many lists new certificates are spread.
    pub(crate) shards: u16,
    /// From a list's making to its `nextUpdate`.
    pub(crate) valid: Duration,
}

/// The address of the lists without a slash at its end, for instance `http://crl.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CrlBase(String);

impl CrlBase {
    /// As it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) fn read(settings: &mut Settings) -> CrlConfig {
    let hours = settings.in_range("API_CRL_VALID_HOURS", 24_u16, 1..=VALID_HOURS_MAX);
    CrlConfig {
        listen: listen(settings),
        base: base(settings),
        shards: settings.in_range("API_CRL_SHARDS", 16, 1..=SHARDS_MAX),
        valid: Duration::hours(hours.into()),
    }
}

fn listen(settings: &mut Settings) -> Option<SocketAddr> {
    let text = settings.optional("API_CRL_LISTEN")?;
    let parsed = text.parse();
    if parsed.is_err() {
        settings.mistake(format!(
            "API_CRL_LISTEN={text:?} is not an address like 0.0.0.0:8082"
        ));
    }
    parsed.ok()
}

fn base(settings: &mut Settings) -> Option<CrlBase> {
    let text = settings.optional("API_CRL_BASE_URL")?;
    let base = text.trim_end_matches('/');
    let complaint = match format!("{base}/crl/").parse::<CrlUrl>() {
        Ok(_) if base.len() <= BASE_CHARS_MAX => return Some(CrlBase(base.to_owned())),
        Ok(_) => format!("an address of lists has at most {BASE_CHARS_MAX} characters"),
        Err(error) => error.to_string(),
    };
    settings.mistake(format!("API_CRL_BASE_URL={text:?}: {complaint}"));
    None
}
