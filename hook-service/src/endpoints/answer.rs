//! The bytes that EMQX gets.

use std::io::Write;

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::Full;

use crate::decide::{Deny, Grant};

const DENY: &[u8] = br#"{"result":"deny"}"#;
const ALLOW: &[u8] = br#"{"result":"allow"}"#;

/// An answer to a device has about 700 bytes.
const ALLOW_BYTES: usize = 1024;

/// The body of an allow, made before the last look at the lease.
#[derive(Debug)]
pub(super) struct Allow(Bytes);

impl Allow {
    /// Lets a client connect, with its rights and the end of its session.
    pub(super) fn connect(grant: &Grant<'_>) -> Self {
        let mut out = Vec::with_capacity(ALLOW_BYTES);
        let end = grant.expire_at;
        let written = match &grant.fingerprint {
            Some(fingerprint) => write!(
                out,
                r#"{{"result":"allow","is_superuser":false,"expire_at":{end},"client_attrs":{{"fingerprint":"{fingerprint}"}},"acl":"#,
            ),
            None => write!(
                out,
                r#"{{"result":"allow","is_superuser":false,"expire_at":{end},"acl":"#,
            ),
        };
        written.expect("writing to memory succeeds");
        grant.rights().write_acl(&mut out);
        out.push(b'}');
        Self(out.into())
    }

    /// Lets one publish or subscribe through.
    pub(super) fn topic() -> Self {
        Self(Bytes::from_static(ALLOW))
    }
}

/// The body of an answer.
pub(super) fn body(decided: &Result<Allow, Deny>) -> &[u8] {
    match decided {
        Ok(Allow(body)) => body,
        Err(_) => DENY,
    }
}

/// The one shape of every answer: 200, JSON, an explicit result.
pub(super) fn response(decided: Result<Allow, Deny>) -> Response<Full<Bytes>> {
    let body = match decided {
        Ok(Allow(body)) => body,
        Err(_) => Bytes::from_static(DENY),
    };
    let mut response = Response::new(Full::new(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
