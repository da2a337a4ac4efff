//! What an allowed client gets.

use std::sync::Arc;

use certs::Fingerprint;

use super::Context;
use crate::fleet::ServiceClient;
use crate::rights::Rights;

/// An allow: who it is, and until when it counts.
#[derive(Debug, Clone)]
pub struct Grant<'a> {
    /// Who was let in.
    pub client: Granted<'a>,
    /// When the broker must end the session, Unix seconds; always in the future.
    pub expire_at: i64,
    /// The certificate that was proven; a person has none.
    pub fingerprint: Option<Fingerprint>,
}

/// Who was let in.
#[derive(Debug, Clone)]
pub enum Granted<'a> {
    /// The device with this id.
    Device(&'a str),
    /// A service client.
    Service(Arc<ServiceClient>),
    /// A person.
    Person,
}

impl Grant<'_> {
    /// What the client may publish and subscribe.
    pub fn rights(&self) -> Rights<'_> {
        match &self.client {
            Granted::Device(id) => Rights::Device { id },
            Granted::Service(client) => Rights::Service {
                rights: &client.rights,
            },
            Granted::Person => Rights::Person,
        }
    }
}

/// When the session of `client_id` ends: with its certificate or token, or after the session's time, which
/// differs from client to client by up to a fifth either way.
pub(super) fn session_end(client_id: &str, not_after: i64, context: &Context<'_>) -> i64 {
    end(
        client_id,
        context.unix_now,
        context.policy.session_ttl_s,
        not_after,
    )
}

fn end(client_id: &str, unix_now: i64, ttl_s: u32, not_after: i64) -> i64 {
    let ttl = i64::from(ttl_s);
    // -1000 to 1000, spread evenly over ids and always the same for one.
    let spread = i64::try_from(fnv1a(client_id.as_bytes()) % 2001).expect("below 2001") - 1000;
    let length = ttl + ttl * spread / 5000;
    not_after.min(unix_now + length.max(1))
}

/// FNV-1a: it only has to spread sessions over time, and to do so alike in every replica.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::end;

    #[test]
    fn sessions_end_within_a_fifth_of_the_time_and_are_spread_over_it() {
        let ends: Vec<i64> = (0..2000)
            .map(|n| end(&format!("dev-{n}"), 0, 86_400, i64::MAX))
            .collect();
        assert!(ends.iter().all(|end| (69_120..=103_680).contains(end)));
        for tenth in 0..10 {
            let low = 69_120 + tenth * 3456;
            let share = ends
                .iter()
                .filter(|end| (low..low + 3456).contains(*end))
                .count();
            assert!(
                (140..=260).contains(&share),
                "{share} of 2000 in tenth {tenth}"
            );
        }
        assert_eq!(end("a", 50, 100, i64::MAX), end("a", 50, 100, i64::MAX));
    }

    #[test]
    fn a_session_never_outlives_the_certificate() {
        assert_eq!(end("a", 1000, 86_400, 1060), 1060);
    }
}
