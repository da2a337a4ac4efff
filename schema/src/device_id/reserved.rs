//! Names that no device may be registered under. Well-formed ids all of them, whatever their case.
//!
//! Not a border: rights come from certificates and the database. These names would only confuse
//! people, logs and templates, some of them dangerously (`undefined` is what EMQX writes for a value
//! it does not have).

/// Sorted, lower case.
const RESERVED: &[&str] = &[
    "admin",
    "administrator",
    "all",
    "anonymous",
    "any",
    "api",
    "api-service",
    "attributes",
    "bind",
    "bridge",
    "broker",
    "cert",
    "certs",
    "console",
    "dashboard",
    "desired",
    "device",
    "devices",
    "emqx",
    "false",
    "gateway",
    "grafana",
    "hook",
    "hook-service",
    "internal",
    "iot-hub",
    "keycloak",
    "localhost",
    "manufacturer",
    "me",
    "mqtt",
    "new",
    "nil",
    "none",
    "null",
    "offline",
    "online",
    "ota",
    "postgres",
    "prometheus",
    "public",
    "queue",
    "request",
    "response",
    "root",
    "rpc",
    "self",
    "server",
    "service",
    "share",
    "status",
    "superuser",
    "svc",
    "sys",
    "system",
    "telemetry",
    "true",
    "undefined",
    "unknown",
    "usr",
    "www",
];

pub(super) fn is_reserved(id: &str) -> bool {
    RESERVED
        .binary_search(&id.to_ascii_lowercase().as_str())
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::{RESERVED, is_reserved};

    #[test]
    fn the_list_is_sorted_lower_case_and_well_formed() {
        assert!(RESERVED.is_sorted());
        for name in RESERVED {
            assert!(crate::DeviceId::parse(name).is_ok(), "{name}");
            assert_eq!(*name, name.to_ascii_lowercase());
        }
    }

    #[test]
    fn case_does_not_free_a_reserved_name() {
        assert!(is_reserved("EMQX") && is_reserved("Localhost") && is_reserved("telemetry"));
        assert!(!is_reserved("emqx-1") && !is_reserved("grow-0001"));
    }
}
