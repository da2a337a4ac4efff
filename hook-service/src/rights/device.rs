//! The rights of a device: its own topics, all literal (design section 5).

use super::acl::TERMINAL_DENY;
use super::{Action, DEVICE_PUBLISH_QOS_MAX, Request};

/// A topic that a device publishes, without its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish {
    /// The part behind `{deviceId}/`.
    pub suffix: &'static str,
    /// Whether a retained message is allowed. Only the status may stay with the broker: whatever
    /// else were retained would be read by the next owner.
    pub retain: bool,
}

/// What a device publishes.
pub const DEVICE_PUBLISHES: &[Publish] = &[
    Publish {
        suffix: "telemetry",
        retain: false,
    },
    Publish {
        suffix: "attributes",
        retain: false,
    },
    Publish {
        suffix: "rpc/response",
        retain: false,
    },
    Publish {
        suffix: "bind/response",
        retain: false,
    },
    Publish {
        suffix: "ota/response",
        retain: false,
    },
    Publish {
        suffix: "cert/request",
        retain: false,
    },
    Publish {
        suffix: "status",
        retain: true,
    },
];

/// What a device subscribes, without its id.
pub const DEVICE_SUBSCRIBES: &[&str] = &[
    "rpc/request",
    "bind/request",
    "ota/request",
    "cert/response",
    "attributes/desired",
];

pub(super) fn allows(id: &str, request: &Request<'_>) -> bool {
    let Some(suffix) = request
        .topic
        .strip_prefix(id)
        .and_then(|rest| rest.strip_prefix('/'))
    else {
        return false;
    };
    match request.action {
        Action::Publish => {
            request.qos <= DEVICE_PUBLISH_QOS_MAX
                && DEVICE_PUBLISHES
                    .iter()
                    .any(|topic| topic.suffix == suffix && (topic.retain || !request.retain))
        }
        Action::Subscribe => DEVICE_SUBSCRIBES.contains(&suffix),
    }
}

pub(super) fn write_acl(id: &str, out: &mut Vec<u8>) {
    let unretained = DEVICE_PUBLISHES
        .iter()
        .filter(|topic| !topic.retain)
        .map(|t| t.suffix);
    let retained = DEVICE_PUBLISHES
        .iter()
        .filter(|topic| topic.retain)
        .map(|t| t.suffix);
    out.extend_from_slice(
        br#"[{"permission":"allow","action":"publish","qos":[0,1],"retain":false,"topics":["#,
    );
    topics(out, id, unretained);
    out.extend_from_slice(br#"]},{"permission":"allow","action":"publish","qos":[0,1],"topics":["#);
    topics(out, id, retained);
    out.extend_from_slice(br#"]},{"permission":"allow","action":"subscribe","topics":["#);
    topics(out, id, DEVICE_SUBSCRIBES.iter().copied());
    out.extend_from_slice(b"]},");
    out.extend_from_slice(TERMINAL_DENY);
}

/// The id is of the device grammar, so nothing in it needs escaping.
fn topics(out: &mut Vec<u8>, id: &str, suffixes: impl Iterator<Item = &'static str>) {
    for (index, suffix) in suffixes.enumerate() {
        out.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
        out.extend_from_slice(id.as_bytes());
        out.push(b'/');
        out.extend_from_slice(suffix.as_bytes());
        out.push(b'"');
    }
}
