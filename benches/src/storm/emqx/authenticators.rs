//! The authenticators that are compared, as the management API takes them (5.1 to 6.3).

use anyhow::Context;
use emqx_config::{EmqxConf, Kind};
use serde_json::{Value, json};

use crate::storm::comparison::Authentication;

/// EMQX's names of them.
pub(super) const HOOK_ID: &str = "password_based:http";
pub(super) const BUILT_IN_ID: &str = "password_based:built_in_database";

/// The body for one of them. The hook's is that of the shipped file, asked at `hook_url` instead.
pub(super) fn body(way: Authentication, hook_url: &str, on: bool) -> anyhow::Result<Value> {
    if way == Authentication::BuiltIn {
        return Ok(json!({
            "mechanism": "password_based", "backend": "built_in_database", "enable": on,
            "user_id_type": "clientid",
            "password_hash_algorithm": { "name": "sha256", "salt_position": "suffix" },
        }));
    }
    let conf = EmqxConf::parse(emqx_config::EMQX_5_8)?;
    let shipped = conf
        .listener(Kind::Ssl, "default")
        .and_then(|listener| conf.chain_of(listener).first().cloned())
        .context("the shipped file has an authenticator for devices")?;
    let path = emqx_config::contract::PATH_AUTHN_DEVICE;
    let ms = |time: std::time::Duration| format!("{}ms", time.as_millis());
    Ok(json!({
        "mechanism": "password_based", "backend": "http", "enable": on, "method": "post",
        "url": format!("{hook_url}{path}"), "headers": shipped.headers, "body": shipped.body,
        "pool_size": shipped.pool_size, "enable_pipelining": shipped.enable_pipelining,
        "connect_timeout": ms(shipped.connect_timeout),
        "request_timeout": ms(shipped.request_timeout), "ssl": { "enable": false },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_is_asked_what_the_shipped_file_asks() {
        let body = body(Authentication::Hook, "http://10.0.0.1:99", true).unwrap();
        assert_eq!(body["url"], "http://10.0.0.1:99/authn/device");
        assert_eq!(body["body"]["cert_pem"], "${cert_pem}");
        assert_eq!(body["headers"]["content-type"], "application/json");
        assert_eq!(body["request_timeout"], "2000ms");
        assert_eq!(body["enable"], true);
        for key in emqx_config::contract::BODY_CERTIFICATE_5_8 {
            assert!(body["body"][key].is_string(), "{key}");
        }
    }

    #[test]
    fn the_built_in_database_knows_client_ids() {
        let body = body(Authentication::BuiltIn, "http://unused", false).unwrap();
        assert_eq!(body["user_id_type"], "clientid");
        assert_eq!(body["enable"], false);
    }
}
