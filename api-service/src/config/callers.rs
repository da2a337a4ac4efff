//! Callers: whom we believe about them (proxies before us, the pages of other origins), and how often they
//! may ask.

use std::fmt::Display;
use std::str::FromStr;

use service_kit::Settings;

use crate::edge::cors::Origin;
use crate::edge::proxies::TrustedProxies;
use crate::rates::Rate;

/// Who is believed about callers, and how often they may ask.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallersConfig {
    /// Proxies whose word about the caller counts; none by default.
    pub(crate) proxies: TrustedProxies,
    /// Pages of these origins may call; none by default.
    pub(crate) origins: Vec<Origin>,
    /// How often one account may ask; without bound if none.
    pub(crate) per_account: Option<Rate>,
    /// How often one address may ask; without bound if none.
    pub(crate) per_address: Option<Rate>,
}

/// A person's browser and a program that does one thing after the other stay far below; one that runs away
/// is held at what a replica can bear of it.
const PER_ACCOUNT: &str = "50:200";

/// Behind one address may be a whole company.
const PER_ADDRESS: &str = "200:800";

/// Reads `API_TRUSTED_PROXIES`, `API_CORS_ORIGINS`, `API_RATE_PER_ACCOUNT` and `API_RATE_PER_ADDRESS`.
pub(super) fn read(settings: &mut Settings) -> CallersConfig {
    CallersConfig {
        proxies: TrustedProxies::new(list(settings, "API_TRUSTED_PROXIES")),
        origins: list(settings, "API_CORS_ORIGINS"),
        per_account: rate(settings, "API_RATE_PER_ACCOUNT", PER_ACCOUNT),
        per_address: rate(settings, "API_RATE_PER_ADDRESS", PER_ADDRESS),
    }
}

/// A rate like `50:200`; 0 is none.
fn rate(settings: &mut Settings, name: &str, default: &str) -> Option<Rate> {
    let text = settings.optional(name);
    let text = text.as_deref().unwrap_or(default);
    if text == "0" {
        return None;
    }
    let rate = text.parse().map_err(|error| {
        settings.mistake(format!("{name}={text}: {error}"));
    });
    rate.ok()
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
