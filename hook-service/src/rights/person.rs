//! The rights of a person: nothing of their own, and what devices report if they may see the device.
//!
//! The list of rules has no end that denies: a SUBSCRIBE that no rule matches is asked at `/authz`, and
//! decided from the table as it is then. So a change of rights counts at once, and an account with
//! thousands of devices costs no answer with thousands of rules.

use schema::DeviceId;

use super::{Action, Request};

/// People publish nothing, and the broker's own topics are not theirs.
pub(super) const ACL: &[u8] = br##"[{"permission":"deny","action":"publish","topics":["#","$SYS/#"]},{"permission":"deny","action":"all","topics":["$SYS/#"]}]"##;

/// What of a device people may subscribe to, behind `{deviceId}/`.
const SEEN: [&str; 3] = ["telemetry", "attributes", "status"];

/// The device that a request is about, if it is one that people may make at all: a SUBSCRIBE to one
/// exact topic of one device.
pub fn seen_of<'a>(request: &Request<'a>) -> Option<&'a str> {
    let (device, rest) = request.topic.split_once('/')?;
    let is_seen =
        request.action == Action::Subscribe && SEEN.contains(&rest) && DeviceId::is_valid(device);
    is_seen.then_some(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(action: Action, topic: &str) -> Request<'_> {
        Request {
            action,
            topic,
            qos: 1,
            retain: false,
        }
    }

    #[test]
    fn people_ask_for_three_exact_topics_of_one_device_and_publish_nothing() {
        for topic in ["tent-1/telemetry", "tent-1/attributes", "tent-1/status"] {
            assert_eq!(seen_of(&asked(Action::Subscribe, topic)), Some("tent-1"));
            assert_eq!(seen_of(&asked(Action::Publish, topic)), None);
        }
        for topic in [
            "",
            "#",
            "+",
            "+/telemetry",
            "tent-1",
            "tent-1/",
            "tent-1/#",
            "tent-1/+",
            "tent-1/telemetry/#",
            "tent-1/telemetry/x",
            "tent-1/rpc/request",
            "tent-1/attributes/desired",
            "/telemetry",
            "tent-1//telemetry",
            "$SYS/brokers",
            "$share/g/tent-1/telemetry",
            "usr.a.b/telemetry",
            "tent\u{0}/telemetry",
        ] {
            assert_eq!(seen_of(&asked(Action::Subscribe, topic)), None, "{topic}");
        }
    }
}
