//! Who is believed about callers: proxies before us, and the pages of other origins.

use std::fmt::Display;
use std::str::FromStr;

use service_kit::Settings;

use crate::edge::cors::Origin;
use crate::edge::proxies::TrustedProxies;

/// Who is believed about callers.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallersConfig {
    /// Proxies whose word about the caller counts; none by default.
    pub(crate) proxies: TrustedProxies,
    /// Pages of these origins may call; none by default.
    pub(crate) origins: Vec<Origin>,
}

/// Reads `API_TRUSTED_PROXIES` and `API_CORS_ORIGINS`.
pub(super) fn read(settings: &mut Settings) -> CallersConfig {
    CallersConfig {
        proxies: TrustedProxies::new(list(settings, "API_TRUSTED_PROXIES")),
        origins: list(settings, "API_CORS_ORIGINS"),
    }
}

/// Values separated by commas.
fn list<T: FromStr>(settings: &mut Settings, name: &str) -> Vec<T>
where
    T::Err: Display,
{
    let text = settings.optional(name).unwrap_or_default();
    let mut read = Vec::new();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        match part.parse() {
            Ok(value) => read.push(value),
            Err(error) => settings.mistake(format!("{name}: {error}")),
        }
    }
    read
}
