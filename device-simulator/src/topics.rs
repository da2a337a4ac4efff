//! The device's own topics (design section 5): `{deviceId}/{category}[/{direction}]`.

use crate::device_id::DeviceId;

/// Where the device reports its readings.
pub fn telemetry(id: &DeviceId) -> String {
    format!("{id}/telemetry")
}

/// Where the device is said to be online or offline, retained.
pub fn status(id: &DeviceId) -> String {
    format!("{id}/status")
}

/// What a service may send to a device, in the words of the counters.
pub const INBOUND: [&str; 5] = [
    "rpc/request",
    "bind/request",
    "ota/request",
    "cert/response",
    "attributes/desired",
];

/// The filters a device subscribes to: literal topics only, since its listener allows no wildcards.
pub fn inbound(id: &DeviceId) -> impl Iterator<Item = String> {
    INBOUND.iter().map(move |rest| format!("{id}/{rest}"))
}

/// Which of [`INBOUND`] a message came on, or `None` if it is not for this device.
pub fn inbound_category(id: &DeviceId, topic: &str) -> Option<&'static str> {
    let rest = topic.strip_prefix(id.as_str())?.strip_prefix('/')?;
    INBOUND.into_iter().find(|known| *known == rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subscribed_topic_is_recognised_when_a_message_comes_on_it() {
        let id = DeviceId::parse("grow-0001").unwrap();
        for (topic, category) in inbound(&id).zip(INBOUND) {
            assert_eq!(inbound_category(&id, &topic), Some(category));
        }
    }

    #[test]
    fn a_topic_of_another_device_is_not_ours() {
        let id = DeviceId::parse("grow-0001").unwrap();
        assert_eq!(inbound_category(&id, "grow-0001x/rpc/request"), None);
        assert_eq!(inbound_category(&id, "grow-0002/rpc/request"), None);
        assert_eq!(inbound_category(&id, "grow-0001/rpc/request/x"), None);
    }
}
