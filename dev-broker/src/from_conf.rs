//! Turns the shipped EMQX file into [`BrokerSettings`].
//!
//! Refuses, with a sentence, what this broker does not imitate and what would change who gets in:
//! a setting that is silently ignored would make a test on this broker lie about EMQX.

use std::path::PathBuf;
use std::time::Duration;

use emqx_config::{DenyAction, EmqxConf, HttpHook, Kind, Listener, MqttOptions, NoMatch, Verify};
use url::Url;

use crate::error::StartError;
use crate::settings::{
    Authorization, BrokerSettings, HttpSource, Limits, ListenerSettings, Method, SourceUrl,
    TlsFiles, Transport,
};
use crate::template::{Template, authn_variable, authz_variable};

/// Most connections of one source's pool.
const MAX_POOL: u64 = 64;

/// Reads a configuration; `hook_base_url` replaces scheme, host and port of every hook's URL.
pub fn from_conf(
    conf: &EmqxConf,
    hook_base_url: Option<&Url>,
) -> Result<BrokerSettings, StartError> {
    refuse_what_is_not_imitated(conf)?;
    let authn = |hooks: &[HttpHook]| -> Result<Vec<HttpSource>, StartError> {
        let hooks = hooks.iter().filter(|hook| hook.enable);
        hooks
            .map(|hook| source(hook, hook_base_url, Use::Authn))
            .collect()
    };
    let mut listeners = Vec::new();
    for listener in conf.listeners.iter().filter(|listener| listener.enable) {
        let own = listener.authentication.as_deref().map(authn).transpose()?;
        listeners.push(ListenerSettings {
            name: listener.name.clone(),
            transport: transport(listener)?,
            zone: listener.zone.clone(),
            chain: own,
            limits: limits(&conf.mqtt_in_zone(&listener.zone), conf.retainer.enable)?,
        });
    }
    let sources = conf
        .authorization
        .sources
        .as_deref()
        .unwrap_or_default()
        .iter();
    let sources = sources.filter(|hook| hook.enable);
    Ok(BrokerSettings {
        listeners,
        global_chain: authn(&conf.global_authentication)?,
        authorization: Authorization {
            sources: sources
                .map(|hook| source(hook, hook_base_url, Use::Authz))
                .collect::<Result<_, _>>()?,
            no_match_allows: conf.authorization.no_match == NoMatch::Allow,
            deny_disconnects: conf.authorization.deny_action == DenyAction::Disconnect,
        },
    })
}

fn refuse_what_is_not_imitated(conf: &EmqxConf) -> Result<(), StartError> {
    let refuse = |key: &str, mend: &str| {
        Err(StartError::NotImitated {
            key: key.to_owned(),
            mend: mend.to_owned(),
        })
    };
    if conf.authorization.cache_enable {
        return refuse(
            "authorization.cache.enable",
            "set it to false, as the shipped files do: with the cache on, EMQX keeps withdrawn rights for a minute",
        );
    }
    if conf.authorization.sources.is_none() {
        return refuse(
            "authorization.sources",
            "name the sources: without the key EMQX uses its file source, whose last rule allows everything",
        );
    }
    if conf.delayed_enable {
        return refuse("delayed.enable", "set it to false");
    }
    if conf.rewrite_rules > 0 {
        return refuse("rewrite", "remove the rules");
    }
    let zones = conf.zones.keys().map(|zone| format!("zones.{zone}.mqtt"));
    for section in zones.chain(["mqtt".to_owned()]) {
        for key in [
            "peer_cert_as_clientid",
            "peer_cert_as_username",
            "clientid_override",
        ] {
            let path = format!("{section}.{key}");
            if conf.raw().get(&path).is_some() {
                return refuse(
                    &path,
                    "remove it: client id and user name are those of CONNECT",
                );
            }
        }
    }
    for listener in conf.listeners.iter().filter(|listener| listener.enable) {
        let path = format!("listeners.{:?}.{}", listener.kind, listener.name).to_lowercase();
        if !listener.enable_authn {
            return refuse(&format!("{path}.enable_authn"), "set it to true");
        }
        let strict =
            |tls: &emqx_config::SslOptions| tls.verify == Verify::Peer && tls.fail_if_no_peer_cert;
        if !listener.ssl.as_ref().is_none_or(strict) {
            return refuse(
                &format!("{path}.ssl_options"),
                "set verify = verify_peer and fail_if_no_peer_cert = true",
            );
        }
    }
    Ok(())
}

fn transport(listener: &Listener) -> Result<Transport, StartError> {
    match listener.kind {
        Kind::Tcp => Ok(Transport::Tcp),
        Kind::Ws => Ok(Transport::WebSocket {
            path: listener
                .websocket_path
                .clone()
                .unwrap_or_else(|| "/mqtt".to_owned()),
            require_subprotocol: true,
        }),
        Kind::Wss => Err(StartError::NotImitated {
            key: format!("listeners.wss.{}", listener.name),
            mend: "disable it: only ssl, ws and tcp listeners exist here".to_owned(),
        }),
        Kind::Ssl => {
            let tls = listener.ssl.as_ref();
            let file = |key: &str, value: Option<&String>| {
                let text = value.ok_or_else(|| StartError::NotImitated {
                    key: format!("listeners.ssl.{}.ssl_options.{key}", listener.name),
                    mend: "name the file".to_owned(),
                })?;
                Ok::<_, StartError>(PathBuf::from(text))
            };
            Ok(Transport::Tls(TlsFiles {
                trust: file("cacertfile", tls.and_then(|tls| tls.cacertfile.as_ref()))?,
                certificate: file("certfile", tls.and_then(|tls| tls.certfile.as_ref()))?,
                key: file("keyfile", tls.and_then(|tls| tls.keyfile.as_ref()))?,
                handshake_timeout: Duration::from_secs(10),
            }))
        }
    }
}

fn limits(mqtt: &MqttOptions, retainer: bool) -> Result<Limits, StartError> {
    let d = Limits::default();
    let number = |key: &'static str, value: Option<u64>, default: u64, most: u64| {
        let value = value.unwrap_or(default);
        if value > most {
            return Err(StartError::NotImitated {
                key: format!("mqtt.{key}"),
                mend: format!("set it to at most {most}"),
            });
        }
        Ok(value)
    };
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Ok(Limits {
        max_packet_bytes: u32::try_from(number(
            "max_packet_size",
            mqtt.max_packet_size,
            u64::from(d.max_packet_bytes),
            256 * 1024 * 1024,
        )?)
        .unwrap_or(u32::MAX),
        max_clientid_bytes: size(mqtt.max_clientid_len.unwrap_or(65_535)),
        max_topic_levels: size(mqtt.max_topic_levels.unwrap_or(128)),
        max_qos: u8::try_from(number("max_qos_allowed", mqtt.max_qos_allowed, 2, 2)?).unwrap_or(2),
        retain_available: retainer && mqtt.retain_available.unwrap_or(true),
        wildcard_subscription: mqtt.wildcard_subscription.unwrap_or(true),
        shared_subscription: mqtt.shared_subscription.unwrap_or(true),
        max_subscriptions: size(mqtt.max_subscriptions.unwrap_or(0)),
        max_inflight: u16::try_from(number("max_inflight", mqtt.max_inflight, 32, 65_535)?)
            .unwrap_or(u16::MAX)
            .max(1),
        max_mqueue: size(mqtt.max_mqueue_len.unwrap_or(1000)),
        session_expiry: mqtt.session_expiry_interval.unwrap_or(d.session_expiry),
        idle_timeout: mqtt.idle_timeout.unwrap_or(d.idle_timeout),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Authn,
    Authz,
}

fn source(hook: &HttpHook, base: Option<&Url>, used: Use) -> Result<HttpSource, StartError> {
    let bad = |problem: &str| StartError::BadHookUrl {
        url: hook.url.clone(),
        problem: problem.to_owned(),
    };
    let rest = hook
        .url
        .strip_prefix("http://")
        .ok_or_else(|| bad("only http:// is understood; give --hook-url to ask another address"))?;
    let path_at = rest.find('/').unwrap_or(rest.len());
    let (own_authority, path) = rest.split_at(path_at);
    let authority = match base {
        Some(base) => authority_of(base).ok_or_else(|| bad("the hook base URL has no host"))?,
        None if own_authority.is_empty() => return Err(bad("it has no host")),
        None => with_port(own_authority),
    };
    let allowed = match used {
        Use::Authn => authn_variable,
        Use::Authz => authz_variable,
    };
    let mut headers: Vec<(String, Template)> = hook
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), Template::parse(value, authn_variable)))
        .collect();
    let mut add = |name: &str, value: &str| {
        headers.push((name.to_owned(), Template::parse(value, |_| false)));
    };
    if hook.headers.is_empty() {
        // From 5.4 `headers` replaces this set instead of joining it (wire/authn-default-headers).
        add("accept", "application/json");
        add("cache-control", "no-cache");
        add("connection", "keep-alive");
        add("keep-alive", "timeout=30, max=1000");
    }
    let is_post = hook.method == emqx_config::Method::Post;
    let has_type = hook.headers.contains_key("content-type");
    // Authn puts the content type back, authz only has it in the default set (contract 1.4).
    if is_post && !has_type && (used == Use::Authn || hook.headers.is_empty()) {
        add("content-type", "application/json");
    }
    let body = hook.body.iter();
    Ok(HttpSource {
        method: if is_post { Method::Post } else { Method::Get },
        url: SourceUrl {
            authority,
            path: Template::parse(if path.is_empty() { "/" } else { path }, allowed),
        },
        headers,
        body: body
            .map(|(key, text)| (key.clone(), Template::parse(text, allowed)))
            .collect(),
        pool_size: usize::try_from(hook.pool_size.clamp(1, MAX_POOL)).unwrap_or(1),
        pipelining: usize::try_from(hook.enable_pipelining.max(1)).unwrap_or(1),
        connect_timeout: hook.connect_timeout,
        request_timeout: hook.request_timeout,
    })
}

fn authority_of(base: &Url) -> Option<String> {
    let host = base.host_str()?;
    Some(format!("{host}:{}", base.port_or_known_default()?))
}

fn with_port(authority: &str) -> String {
    let host_end = authority.rfind(']').map_or(0, |at| at + 1);
    if authority[host_end..].contains(':') {
        return authority.to_owned();
    }
    format!("{authority}:80")
}
