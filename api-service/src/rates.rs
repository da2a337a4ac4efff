//! How often one account and one address may ask, and what of it is told with every answer.
//!
//! The headers are those of draft-ietf-httpapi-ratelimit-headers-09: `RateLimit-Policy` says what may be
//! asked, `RateLimit` what is left. Each replica counts by itself, in bounded memory. An IPv6 address
//! counts as its network of 64 bits, which is what one subscriber has.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};

pub(crate) use self::gcra::{Rate, Standing};
pub(crate) use self::limiter::Limiter;
use crate::domain::account_id::AccountId;
use crate::problem::{Code, Problem};

mod gcra;
mod limiter;

/// What may be asked, and in which time it is whole again.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is left of it, and when it is whole again.
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// The limits of this replica; none where a setting says 0.
#[derive(Clone, Default)]
pub(crate) struct Rates {
    accounts: Option<Limiter<AccountId>>,
    addresses: Option<Limiter<IpAddr>>,
}

/// How a request stands under one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    policy: &'static str,
    rate: Rate,
    standing: Standing,
}

impl Rates {
    /// Limits accounts and addresses.
    pub(crate) fn new(accounts: Option<Rate>, addresses: Option<Rate>) -> Self {
        Self {
            accounts: accounts.map(Limiter::new),
            addresses: addresses.map(Limiter::new),
        }
    }

    /// Counts a request of an account.
    pub(crate) async fn account(&self, account: AccountId) -> Option<Counted> {
        let limiter = self.accounts.as_ref()?;
        Some(Counted {
            policy: "account",
            rate: limiter.rate(),
            standing: limiter.take(account).await,
        })
    }

    /// Counts a request from an address.
    pub(crate) async fn address(&self, address: IpAddr) -> Option<Counted> {
        let limiter = self.addresses.as_ref()?;
        Some(Counted {
            policy: "address",
            rate: limiter.rate(),
            standing: limiter.take(subscriber(address)).await,
        })
    }
}

impl Counted {
    /// Refuses a request that is one too many.
    pub(crate) fn admit(&self) -> Result<(), Problem> {
        let Some(wait) = self.standing.retry_after else {
            return Ok(());
        };
        let seconds = whole_seconds(wait).max(1);
        let detail = format!(
            "too many requests of this {}: {} a second, {} at once; try again in {seconds} s",
            self.policy,
            self.rate.per_second(),
            self.rate.burst(),
        );
        Err(Problem::new(Code::RateLimited, detail).retry_after(seconds))
    }
}

/// The headers that tell how a request stands; none if nothing limits it.
pub(crate) fn headers(counted: &[Counted]) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let all = |one: fn(&Counted) -> String| {
        let text: Vec<_> = counted.iter().map(one).collect();
        HeaderValue::try_from(text.join(", ")).ok()
    };
    let policy = all(|one| {
        let (quota, window) = (one.rate.burst(), whole_seconds(one.rate.refill()));
        format!("\"{}\";q={quota};w={window}", one.policy)
    });
    let left = all(|one| {
        let (left, reset) = (one.standing.left, whole_seconds(one.standing.full_after));
        format!("\"{}\";r={left};t={reset}", one.policy)
    });
    let pairs = [(POLICY, policy), (LEFT, left)].into_iter();
    pairs.filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
}

/// Seconds as a header tells them: a caller who waits so long has waited long enough.
fn whole_seconds(time: Duration) -> u32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// What of an address stands for one subscriber: an IPv6 host may take any address of its /64
/// (RFC 4291 section 2.5.4).
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(account: &str, address: &str) -> Rates {
        let rate = |text: &str| (text != "0").then(|| text.parse().unwrap());
        Rates::new(rate(account), rate(address))
    }

    #[tokio::test]
    async fn one_too_many_is_refused_and_others_are_not() {
        let rates = rates("1:2", "0");
        let (ann, bob) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        for left in [1, 0] {
            let counted = rates.account(ann.into()).await.unwrap();
            assert_eq!(counted.standing.left, left);
            assert!(counted.admit().is_ok());
        }
        let counted = rates.account(ann.into()).await.unwrap();
        assert_eq!(counted.admit().unwrap_err().code(), Code::RateLimited);
        assert!(rates.account(bob.into()).await.unwrap().admit().is_ok());
        assert!(rates.address([127, 0, 0, 1].into()).await.is_none());
    }

    #[test]
    fn an_ipv6_address_counts_as_its_network() {
        let of = |text: &str| subscriber(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:2:ffff::1"), "2001:db8:1:2::");
        assert_ne!(of("2001:db8:1:3::1"), of("2001:db8:1:2::1"));
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
    }

    #[tokio::test]
    async fn the_headers_tell_every_limit() {
        let rates = rates("10:20", "100:400");
        let address = rates.address([127, 0, 0, 1].into()).await.unwrap();
        let account = rates.account(uuid::Uuid::nil().into()).await.unwrap();
        let told: Vec<_> = headers(&[address, account]).collect();
        let policy = "\"address\";q=400;w=4, \"account\";q=20;w=2";
        assert_eq!(told[0], (POLICY, HeaderValue::from_static(policy)));
        let left = "\"address\";r=399;t=1, \"account\";r=19;t=1";
        assert_eq!(told[1], (LEFT, HeaderValue::from_static(left)));
        assert_eq!(headers(&[]).count(), 0);
    }
}
