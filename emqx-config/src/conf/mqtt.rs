//! Zones and the limits that they carry.
//!
//! A limit that is absent stays `None`: EMQX's defaults moved between versions, so whoever needs a number must set it.

use super::ConfError;
use super::reader::Section;
use std::time::Duration;

/// A zone: limits for the clients of the listeners that name it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Zone {
    /// Flapping detection, `None` when the global one holds.
    pub flapping_detect: Option<FlappingDetect>,
    /// Limits that replace the global ones.
    pub mqtt: MqttOptions,
}

/// Bans a client id that disconnects too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlappingDetect {
    /// Whether it is on.
    pub enable: bool,
    /// The time in which disconnects are counted.
    pub window_time: Duration,
    /// Most disconnects in that time.
    pub max_count: u64,
    /// How long the ban lasts.
    pub ban_time: Duration,
}

/// Retained messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retainer {
    /// Whether they are kept.
    pub enable: bool,
    /// Longest payload that is kept, in bytes.
    pub max_payload_size: u64,
}

macro_rules! mqtt_options {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $read:ident,)*) => {
        /// The `mqtt` section, of a zone or global.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct MqttOptions {
            $($(#[$doc])* pub $name: Option<$kind>,)*
        }

        // === impl MqttOptions ===

        impl MqttOptions {
            pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfError> {
                Ok(Self { $($name: section.$read(stringify!($name))?,)* })
            }

            /// These limits, and `other`'s where one is absent.
            #[must_use]
            pub fn or(&self, other: &Self) -> Self {
                Self { $($name: self.$name.or(other.$name),)* }
            }
        }
    };
}

mqtt_options! {
    /// Longest packet, in bytes.
    max_packet_size: u64 = size,
    /// Longest client id, in bytes.
    max_clientid_len: u64 = count,
    /// Most levels of a topic.
    max_topic_levels: u64 = count,
    /// Highest `QoS` of a publish.
    max_qos_allowed: u64 = count,
    /// Most topic aliases; 0 is none.
    max_topic_alias: u64 = count,
    /// Whether retained messages are allowed.
    retain_available: bool = boolean,
    /// Whether `+` and `#` are allowed in subscriptions.
    wildcard_subscription: bool = boolean,
    /// Whether `$share/..` is allowed.
    shared_subscription: bool = boolean,
    /// Whether `$exclusive/..` is allowed.
    exclusive_subscription: bool = boolean,
    /// How long a connection may stay silent before its CONNECT.
    idle_timeout: Duration = duration,
    /// Most subscriptions of a client.
    max_subscriptions: u64 = count,
    /// Most unacknowledged messages to a client.
    max_inflight: u64 = count,
    /// Most messages waiting for a client.
    max_mqueue_len: u64 = count,
    /// Most `QoS` 2 messages whose release is awaited.
    max_awaiting_rel: u64 = count,
    /// How long a release is awaited.
    await_rel_timeout: Duration = duration,
    /// How long the session of an MQTT 3.1.1 client is kept.
    session_expiry_interval: Duration = duration,
    /// How many keep-alive intervals a client may be silent.
    keepalive_multiplier: f64 = number,
    /// Whether the parser insists on UTF-8 without control characters.
    strict_mode: bool = boolean,
}

// === impl Zone ===

impl Zone {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfError> {
        let flapping = section.value("flapping_detect").is_some();
        Ok(Self {
            flapping_detect: flapping
                .then(|| FlappingDetect::read(&section.section("flapping_detect")?))
                .transpose()?,
            mqtt: MqttOptions::read(&section.section("mqtt")?)?,
        })
    }
}

// === impl FlappingDetect ===

impl FlappingDetect {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfError> {
        let minute = Duration::from_mins(1);
        Ok(Self {
            enable: section.boolean("enable")?.unwrap_or(false),
            window_time: section.duration("window_time")?.unwrap_or(minute),
            max_count: section.count("max_count")?.unwrap_or(15),
            ban_time: section.duration("ban_time")?.unwrap_or(minute * 5),
        })
    }
}

// === impl Retainer ===

impl Retainer {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfError> {
        Ok(Self {
            enable: section.boolean("enable")?.unwrap_or(true),
            max_payload_size: section.size("max_payload_size")?.unwrap_or(1 << 20),
        })
    }
}
