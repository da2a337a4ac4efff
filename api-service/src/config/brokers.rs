//! The broker's clusters: one by `API_BROKER_URL`, or several by `API_BROKERS`.

use service_kit::{Secret, Settings};
use url::Url;

use crate::broker::BrokerConfig;

/// Several clusters, `name=url,name=url`.
const MANY: &str = "API_BROKERS";

/// One cluster.
const ONE: &str = "API_BROKER_URL";

/// What the only cluster is called.
const ONLY: &str = "default";

/// Most clusters.
const CLUSTERS_MAX: usize = 16;

/// Reads the clusters; none is fine.
pub(super) fn read(settings: &mut Settings) -> Vec<BrokerConfig> {
    let one = settings.optional(ONE);
    let one_key = settings.secret("API_BROKER_KEY");
    let Some(many) = settings.optional(MANY) else {
        let config = one.and_then(|url| {
            let (base, key) = (base(settings, ONE, &url), "API_BROKER_KEY".to_owned());
            cluster(settings, ONLY, base?, ONE, key, one_key.as_ref())
        });
        return config.into_iter().collect();
    };
    if one.is_some() {
        let text = format!("{ONE} and {MANY} are both set: put every cluster into {MANY}");
        settings.mistake(text);
    }
    let named = named(settings, &many);
    let configs = named.into_iter().filter_map(|(name, url)| {
        let setting = key_setting(&name);
        let key = settings.secret(&setting);
        let base = base(settings, MANY, &url);
        cluster(settings, &name, base?, MANY, setting, key.as_ref())
    });
    configs.collect()
}

/// The names of the key settings of all clusters, for commands that do not need them.
pub(super) fn key_settings(settings: &mut Settings) -> Vec<String> {
    let many = settings.optional(MANY).unwrap_or_default();
    let names = many.split(',').filter_map(|part| part.split_once('='));
    names
        .map(|(name, _)| key_setting(name.trim()))
        .flat_map(|setting| [format!("{setting}_FILE"), setting])
        .collect()
}

fn key_setting(name: &str) -> String {
    let name = name.to_ascii_uppercase().replace('-', "_");
    format!("API_BROKER_{name}_KEY")
}

fn named(settings: &mut Settings, text: &str) -> Vec<(String, String)> {
    let mut clusters: Vec<(String, String)> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (name, url) = part.split_once('=').unwrap_or((part, ""));
        let (name, url) = (name.trim(), url.trim());
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 32 || !name.chars().all(is_word) || url.is_empty() {
            let text = format!(
                "{MANY} is a list like eu=http://emqx-eu:18083,us=http://emqx-us:18083; a name has \
                 1 to 32 of a-z, 0-9 and '-'"
            );
            settings.mistake(text);
            return Vec::new();
        }
        let setting = key_setting(name);
        if clusters
            .iter()
            .any(|(known, _)| key_setting(known) == setting)
        {
            settings.mistake(format!("{MANY} names the cluster {name} twice"));
        }
        clusters.push((name.to_owned(), url.to_owned()));
    }
    if clusters.len() > CLUSTERS_MAX {
        settings.mistake(format!("{MANY} has more than {CLUSTERS_MAX} clusters"));
    }
    clusters
}

fn base(settings: &mut Settings, setting: &str, url: &str) -> Option<Url> {
    match url.parse::<Url>() {
        Ok(base)
            if matches!(base.scheme(), "http" | "https")
                && base.has_host()
                && base.username().is_empty()
                && base.password().is_none() =>
        {
            Some(base)
        }
        _ => {
            let mend = format!(
                "{setting} is not an address like http://emqx:18083 (the key has a setting of its \
                 own)"
            );
            settings.mistake(mend);
            None
        }
    }
}

fn cluster(
    settings: &mut Settings,
    name: &str,
    base: Url,
    url_setting: &'static str,
    key_setting: String,
    key: Option<&Secret>,
) -> Option<BrokerConfig> {
    let parts = key.and_then(|key| key.expose().split_once(':'));
    match parts {
        Some((key, secret)) if !key.is_empty() && !secret.is_empty() => Some(BrokerConfig {
            name: name.to_owned(),
            base,
            key: key.to_owned(),
            secret: Secret::new(secret.to_owned()),
            url_setting,
            key_setting,
        }),
        _ => {
            let mend = format!(
                "{url_setting} is set, so {key_setting} (or {key_setting}_FILE) must be \
                 `key:secret` of an API key of the broker"
            );
            settings.mistake(mend);
            None
        }
    }
}
