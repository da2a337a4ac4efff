//! The session state of a device that keeps its in-flight messages in RAM only: after a restart
//! it remembers a session with nothing in flight.
//!
//! MQTT 5 (section 3.2.2.1.1) makes a client without session state hang up when the broker still has
//! some, and rumqttc does so. But the broker's half is what such a device wants: the commands that
//! came while it was away. Its own half was at most a few `QoS` 1 readings, and forgetting those is
//! what a controller that lost power does; with `QoS` 1 only, nothing else can go out of step.

use rumqttc::{
    PersistedAckMode, PersistedSession, SessionStore, SessionStoreError, SessionStoreKey,
};

type Answer<'a, T> =
    std::pin::Pin<Box<dyn std::future::Future<Output = Result<T, SessionStoreError>> + Send + 'a>>;

/// A store that keeps nothing and always answers with an idle session.
#[derive(Debug)]
pub(super) struct Amnesia {
    /// The limit the client is configured with; the library compares it.
    pub(super) in_flight: u16,
}

impl SessionStore for Amnesia {
    fn load<'a>(&'a self, key: &'a SessionStoreKey) -> Answer<'a, Option<PersistedSession>> {
        let idle = PersistedSession {
            format_version: 1,
            client_id: key.client_id().to_owned(),
            clean_start: false,
            session_expiry_interval: None,
            outgoing_inflight_upper_limit: Some(self.in_flight),
            ack_mode: PersistedAckMode::Automatic,
            last_pkid: 0,
            last_puback: 0,
            replay: Vec::new(),
            incoming_qos2: Vec::new(),
        };
        Box::pin(async { Ok(Some(idle)) })
    }

    fn save<'a>(&'a self, _: &'a SessionStoreKey, _: &'a PersistedSession) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn clear<'a>(&'a self, _: &'a SessionStoreKey) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}
