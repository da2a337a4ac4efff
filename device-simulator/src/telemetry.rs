//! The messages a device publishes, as JSON bytes.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::tent::Reading;

/// Names one start of one device: a counter kept in the device's folder, so that no two starts
/// share it, and 32 random bits, so that a folder restored from a copy does not repeat one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootId(String);

impl BootId {
    /// The boot id of start number `boot` with the random part `salt`.
    pub fn new(boot: u64, salt: u32) -> Self {
        Self(format!("{boot}-{salt:08x}"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Makes message ids: the boot id and a counter that starts at 1.
#[derive(Debug)]
pub struct MessageIds {
    boot: BootId,
    next: u64,
}

impl MessageIds {
    /// The ids of this start.
    pub fn new(boot: BootId) -> Self {
        Self { boot, next: 1 }
    }

    /// An id that this device has never used before.
    pub fn take(&mut self) -> String {
        let id = format!("{}-{}", self.boot.0, self.next);
        self.next += 1;
        id
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    message_id: &'a str,
    ts: String,
    #[serde(flatten)]
    reading: &'a Reading,
}

/// The payload of `{id}/telemetry`.
pub fn report(message_id: &str, at: OffsetDateTime, reading: &Reading) -> Vec<u8> {
    json(&Report {
        message_id,
        ts: rfc3339(at),
        reading,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Presence<'a> {
    status: &'a str,
    boot_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    firmware_version: Option<&'a str>,
}

/// The retained payload of `{id}/status` after a connect.
pub fn online(boot: &BootId, at: OffsetDateTime, model: &str, firmware: &str) -> Vec<u8> {
    json(&Presence {
        status: "online",
        boot_id: boot.as_str(),
        ts: Some(rfc3339(at)),
        model: Some(model),
        firmware_version: Some(firmware),
    })
}

/// The retained payload of `{id}/status` when the device stops in good order.
pub fn offline(boot: &BootId, at: OffsetDateTime) -> Vec<u8> {
    json(&Presence {
        status: "offline",
        boot_id: boot.as_str(),
        ts: Some(rfc3339(at)),
        model: None,
        firmware_version: None,
    })
}

/// The last will. It carries no time, because the broker sends it long after it was written; the
/// boot id tells a reader whether it is older than the online message beside it.
pub fn will(boot: &BootId) -> Vec<u8> {
    json(&Presence {
        status: "offline",
        boot_id: boot.as_str(),
        ts: None,
        model: None,
        firmware_version: None,
    })
}

/// A moment as RFC 3339 in UTC.
pub fn rfc3339(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(&Rfc3339)
        .expect("RFC 3339 can write every year that a clock of this century gives")
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts and finite numbers always become JSON")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::noise::Noise;
    use crate::tent::Tent;

    #[test]
    fn a_report_names_its_message_its_time_and_five_readings() {
        let at = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        let mut tent = Tent::new(Noise::of(7, "grow-0001", "tent"), at);
        let body = report("1-00000000-1", at, &tent.read(at));
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value["messageId"], "1-00000000-1");
        assert_eq!(value["ts"], "2023-11-14T22:13:20Z");
        for name in [
            "temperature",
            "humidity",
            "pressure",
            "soilMoisture",
            "light",
        ] {
            assert!(value[name].is_f64(), "{name}: {value}");
        }
        assert_eq!(value.as_object().unwrap().len(), 7);
    }

    #[test]
    fn message_ids_of_two_starts_never_meet() {
        let mut seen = HashSet::new();
        for boot in 1..=3 {
            // The worst case for the random part: it comes out the same each time.
            let mut ids = MessageIds::new(BootId::new(boot, 0));
            for _ in 0..100 {
                assert!(seen.insert(ids.take()));
            }
        }
    }

    #[test]
    fn the_will_says_offline_and_names_the_start_it_belongs_to() {
        let boot = BootId::new(4, 0xab);
        let value: serde_json::Value = serde_json::from_slice(&will(&boot)).unwrap();
        assert_eq!(
            value,
            serde_json::json!({"status": "offline", "bootId": "4-000000ab"})
        );
    }
}
