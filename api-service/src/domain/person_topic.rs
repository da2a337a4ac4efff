//! What people may do with topics: subscribe, to exactly the telemetry, the attributes or the status
//! of a device that they may see.

use schema::{Action, DeviceId};

/// Categories of a device's topics that people may subscribe to.
const READABLE: [&str; 3] = ["telemetry", "attributes", "status"];

/// How a topic is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TopicRule {
    /// Like seeing this device.
    AsDevice(DeviceId),
    /// Not at all, whoever asks.
    Never(&'static str),
}

/// The rule for a person, an action and a topic (or a filter: it must be a topic).
pub(crate) fn judge(action: Action, topic: &str) -> TopicRule {
    if action == Action::Publish {
        return TopicRule::Never("people publish nothing");
    }
    let exact = topic.split_once('/').and_then(|(id, category)| {
        let id = DeviceId::parse(id).ok()?;
        READABLE.contains(&category).then_some(id)
    });
    exact.map_or(
        TopicRule::Never("people subscribe to a device's telemetry, attributes or status, exactly"),
        TopicRule::AsDevice,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_subscribe_to_three_topics_of_one_device() {
        let tent = DeviceId::parse("tent-1").unwrap();
        for topic in ["tent-1/telemetry", "tent-1/attributes", "tent-1/status"] {
            let rule = judge(Action::Subscribe, topic);
            assert_eq!(rule, TopicRule::AsDevice(tent.clone()), "{topic}");
            assert!(matches!(judge(Action::Publish, topic), TopicRule::Never(_)));
        }
        for topic in [
            "tent-1",
            "tent-1/#",
            "+/telemetry",
            "tent-1/rpc/request",
            "tent-1/attributes/desired",
            "$SYS/#",
            "$share/g/tent-1/telemetry",
            "/telemetry",
        ] {
            let rule = judge(Action::Subscribe, topic);
            assert!(matches!(rule, TopicRule::Never(_)), "{topic}");
        }
    }
}
