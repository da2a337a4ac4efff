//! What an answer is worth, judged without any code of the service.
//!
//! HTTP/1.1 answers carry no number: which request an answer belongs to follows from the order alone.
//! An allow proves the order, because it carries the rights of one device by name.

use memchr::memmem;

use crate::fleet::{self, Requests};
use crate::load::Expect;

const DENY: &[u8] = br#"{"result":"deny"}"#;
const ALLOW: &[u8] = br#"{"result":"allow","#;

/// One allow of this many is compared as a whole.
const COMPARED_EVERY: u64 = 251;

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A right allow.
    Allowed,
    /// A right deny.
    Denied,
    /// A deny where an allow was right: not looked at.
    Shed,
    /// An allow where a deny was right.
    WrongAllow,
    /// An allow for another device.
    OutOfOrder,
}

/// Judges the answer to request `index`. `count` numbers the answers.
pub(super) fn judge(
    requests: &Requests,
    index: usize,
    body: &[u8],
    count: u64,
) -> Result<Verdict, String> {
    let allowed = requests.is_allowed(index);
    if body == DENY {
        return Ok(if allowed {
            Verdict::Shed
        } else {
            Verdict::Denied
        });
    }
    if !body.starts_with(ALLOW) {
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]);
        return Err(format!(
            "neither an allow with rights nor a bare deny: {shown}"
        ));
    }
    if !allowed {
        return Ok(Verdict::WrongAllow);
    }
    let own = format!("\"{}/", fleet::id(requests.device(index)));
    if memmem::find(body, own.as_bytes()).is_none() {
        return Ok(Verdict::OutOfOrder);
    }
    if count.is_multiple_of(COMPARED_EVERY) {
        Expect::Decision.check(requests, index, body, 0)?;
    }
    Ok(Verdict::Allowed)
}
