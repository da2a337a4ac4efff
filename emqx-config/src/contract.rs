//! Names, ports and paths that the shipped files and the programs around EMQX must agree on.
//!
//! `hook-service` compares its router with these constants, compose and Kubernetes files are compared with them by tests.
//! Nothing here decides anything.

/// Host and port that the shipped files send hook requests to.
pub const HOOK_BASE_URL: &str = "http://hook-service:8081";
/// Port of [`HOOK_BASE_URL`].
pub const HOOK_PORT: u16 = 8081;

/// Always denies: the global chain, asked for a listener without a chain of its own.
pub const PATH_AUTHN_NONE: &str = "/authn";
/// Decides the connect of a device.
pub const PATH_AUTHN_DEVICE: &str = "/authn/device";
/// Decides the connect of a service client.
pub const PATH_AUTHN_SERVICE: &str = "/authn/service";
/// Decides the connect of a person.
pub const PATH_AUTHN_PERSON: &str = "/authn/person";
/// Decides a publish or a subscribe that the answer to the connect left open.
pub const PATH_AUTHZ: &str = "/authz";

/// Zone of the device listener.
pub const ZONE_DEVICE: &str = "device";
/// Zone of the service clients' listener.
pub const ZONE_SERVICE: &str = "service";
/// Zone of the people's listener.
pub const ZONE_PEOPLE: &str = "people";

/// Devices: MQTT over mutual TLS.
pub const PORT_DEVICE: u16 = 8883;
/// Service clients: MQTT over mutual TLS.
pub const PORT_SERVICE: u16 = 8884;
/// People: MQTT over WebSocket, path [`WEBSOCKET_PATH`].
pub const PORT_PEOPLE: u16 = 8083;
/// EMQX's management API and dashboard.
pub const PORT_MANAGEMENT: u16 = 18083;
/// Path of the people's WebSocket.
pub const WEBSOCKET_PATH: &str = "/mqtt";

/// Name of the optional header that carries the secret shared with `hook-service`.
pub const SECRET_HEADER: &str = "x-hook-secret";

/// Keys of the device and service authenticators' body on EMQX 5.8.
pub const BODY_CERTIFICATE_5_8: &[&str] = &[
    "clientid",
    "username",
    "peerhost",
    "cert_common_name",
    "cert_pem",
];
/// The same on EMQX 5.3 to 5.7, which don't know `cert_pem`.
pub const BODY_CERTIFICATE_5_3: &[&str] = &[
    "clientid",
    "username",
    "password",
    "peerhost",
    "cert_common_name",
];
/// Keys of the person authenticator's body.
pub const BODY_PERSON: &[&str] = &["clientid", "username", "password", "peerhost"];
/// Keys of the authorizer's body.
pub const BODY_AUTHZ: &[&str] = &[
    "clientid",
    "username",
    "cert_common_name",
    "peerhost",
    "action",
    "topic",
    "qos",
    "retain",
];
