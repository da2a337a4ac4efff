//! Which EMQX, from the environment: nothing of it ever goes into a figure or an error, except names
//! of variables.

use std::fmt;

use anyhow::{Context, bail};
use certs::ServerName;

/// Says where EMQX is to open its listener for the storm; without it no EMQX is measured.
const LISTENER: &str = "EMQX_STORM_LISTENER";
const URL: &str = "EMQX_URL";
const KEY: &str = "EMQX_API_KEY";
const SECRET: &str = "EMQX_API_SECRET";
const PID: &str = "EMQX_PID";
const HOOK_HOST: &str = "EMQX_HOOK_HOST";

/// An EMQX that is there for this measurement alone.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::storm) struct Settings {
    /// The host of the listener as it is reached from here.
    pub(in crate::storm) host: String,
    pub(in crate::storm) port: u16,
    /// The management API without a path, for example `http://127.0.0.1:18083`.
    pub(super) url: String,
    pub(super) key: String,
    pub(super) secret: String,
    /// Its process, where it runs on this machine.
    pub(in crate::storm) pid: Option<u32>,
    /// Under which host EMQX reaches this machine.
    pub(in crate::storm) hook_host: String,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads them; `None` where no EMQX is named. `lookup` gives the value of a variable.
    pub(in crate::storm) fn read(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Option<Self>> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let Some(listener) = get(LISTENER) else {
            return Ok(None);
        };
        let need = |name: &str| {
            get(name).with_context(|| format!("{LISTENER} is set, so {name} must be set too"))
        };
        let place = listener.rsplit_once(':').and_then(|(host, port)| {
            let port = port.parse().ok().filter(|port| *port != 0)?;
            let known = host.parse::<ServerName>().is_ok();
            known.then(|| (host.to_owned(), port))
        });
        let (host, port) =
            place.with_context(|| format!("{LISTENER} must be like 127.0.0.1:18883"))?;
        let url = need(URL)?;
        if !url.starts_with("http://") && !url.starts_with("https://") {
            bail!("{URL} must be like http://127.0.0.1:18083");
        }
        let pid = get(PID).map(|pid| pid.parse());
        let pid = pid
            .transpose()
            .with_context(|| format!("{PID} must be a process id"))?;
        Ok(Some(Self {
            host,
            port,
            url: url.trim_end_matches('/').to_owned(),
            key: need(KEY)?,
            secret: need(SECRET)?,
            pid,
            hook_host: get(HOOK_HOST).unwrap_or_else(|| "127.0.0.1".to_owned()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 4] = [
        (LISTENER, "127.0.0.1:18883"),
        (URL, "http://127.0.0.1:18083/"),
        (KEY, "name"),
        (SECRET, "hush-hush"),
    ];

    fn read(pairs: &[(&str, &str)]) -> anyhow::Result<Option<Settings>> {
        let lookup = |name: &str| {
            let pair = pairs.iter().rev().find(|(key, _)| *key == name);
            pair.map(|(_, value)| (*value).to_owned())
        };
        Settings::read(lookup)
    }

    #[test]
    fn an_emqx_is_measured_only_where_one_is_named() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&ALL[1..]).unwrap().is_none(), "no listener");
        let settings = read(&ALL).unwrap().unwrap();
        assert_eq!(
            (settings.host.as_str(), settings.port),
            ("127.0.0.1", 18883)
        );
        assert_eq!(settings.url, "http://127.0.0.1:18083");
        assert_eq!(settings.pid, None);
        assert!(!format!("{settings:?}").contains("hush"));
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for (name, value) in [
            (URL, ""),
            (KEY, ""),
            (SECRET, ""),
            (LISTENER, "nowhere"),
            (LISTENER, "host:0"),
            (LISTENER, "a b:1"),
            (URL, "ftp://x"),
            (PID, "-1"),
        ] {
            let mut pairs = ALL.to_vec();
            pairs.push((name, value));
            let error = read(&pairs).unwrap_err().to_string();
            assert!(error.contains(name), "{name}={value}: {error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
