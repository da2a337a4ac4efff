//! What is known about a client while it connects and lives, and how placeholders see it.
//!
//! Holds no socket and decides nothing. `Debug` never shows the password.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::certificate::PeerCertificate;

/// MQTT version of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// 3.1 or 3.1.1, with its level byte.
    V3(u8),
    /// 5.0.
    V5,
}

/// One client as the hooks may see it.
#[derive(Clone)]
pub(crate) struct ClientInfo {
    /// Client id, after an empty one was replaced.
    pub client_id: String,
    /// User name of CONNECT.
    pub username: Option<String>,
    /// Password of CONNECT.
    pub password: Option<Bytes>,
    /// The client's address.
    pub peer: SocketAddr,
    /// The certificate of its TLS handshake.
    pub certificate: Option<PeerCertificate>,
    /// The listener's EMQX id.
    pub listener: String,
    /// The listener's zone.
    pub zone: String,
    /// MQTT version.
    pub protocol: Protocol,
    /// Keep-alive in seconds as the client asked for it.
    pub keep_alive: u16,
    /// Clean start (5.0) or clean session (3.1.1).
    pub clean_start: bool,
    /// Session expiry in seconds as the client asked for it.
    pub expiry_interval: u32,
}

impl fmt::Debug for ClientInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientInfo")
            .field("client_id", &self.client_id)
            .field("peer", &self.peer)
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

/// Client attributes set by an authn answer.
pub(crate) type ClientAttrs = BTreeMap<String, String>;

impl ClientInfo {
    /// A value that both authn and authz templates know, or `None` where it is absent.
    pub(crate) fn common(&self, attrs: &ClientAttrs, name: &str) -> Option<Cow<'_, [u8]>> {
        let text = |value: &str| Some(Cow::Owned(value.as_bytes().to_vec()));
        match name {
            "clientid" => text(&self.client_id),
            "username" => self.username.as_deref().and_then(text),
            "peerhost" => text(&self.peer.ip().to_string()),
            "cert_common_name" => text(self.certificate.as_ref()?.common_name.as_deref()?),
            "cert_subject" => text(&self.certificate.as_ref()?.subject),
            _ => text(attrs.get(name.strip_prefix("client_attrs.")?)?),
        }
    }

    /// A value of an authn template. `cert_pem` is one line of base64 DER without armour.
    pub(crate) fn authn(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        match name {
            "password" => self.password.as_deref().map(Cow::Borrowed),
            "zone" => Some(Cow::Borrowed(self.zone.as_bytes())),
            "cert_pem" => {
                let der = &self.certificate.as_ref()?.der;
                Some(Cow::Owned(STANDARD.encode(der).into_bytes()))
            }
            _ => self.common(&ClientAttrs::new(), name),
        }
    }

    /// A value of an `acl` topic.
    pub(crate) fn acl(&self, attrs: &ClientAttrs, name: &str) -> Option<String> {
        if name == "zone" {
            return Some(self.zone.clone());
        }
        let value = self.common(attrs, name)?;
        String::from_utf8(value.into_owned()).ok()
    }
}
