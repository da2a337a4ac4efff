//! The proxies before us that are believed: whom they name as the caller, and whose token they bring.
//!
//! Anybody can send the headers that a proxy sends. They count only on connections that come from a
//! network of `API_TRUSTED_PROXIES`; from everybody else they are as if they were not there.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};

use crate::domain::network::Network;

/// The addresses that a request came through, the caller's first (de-facto standard, as RFC 7239
/// section 1 tells).
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Hops that are looked through at most; a longer list is a trick.
const HOPS_MAX: usize = 16;

/// The networks whose proxies are believed.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Believes the proxies of some networks.
    pub(crate) fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// Whether a connection comes from one of them.
    pub(crate) fn is_trusted(&self, peer: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(peer))
    }

    /// The address of whoever asked: the nearest one that is no trusted proxy.
    pub(crate) fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer;
        let hops = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = hops.flat_map(|value| value.to_str().unwrap_or("").rsplit(','));
        for hop in hops.take(HOPS_MAX) {
            if !self.is_trusted(nearest) {
                break;
            }
            // What a trusted proxy did not write as an address is where its knowledge ends.
            let Ok(address) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            nearest = address.to_canonical();
        }
        nearest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(peer: &str, forwarded: &[&str]) -> String {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let proxies = TrustedProxies::new(networks.into());
        proxies.caller(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_nearest_address_that_is_no_trusted_proxy_is_the_callers() {
        for (peer, forwarded, expected) in [
            ("203.0.113.1", &[][..], "203.0.113.1"),
            // A stranger's own words.
            ("203.0.113.1", &["192.0.2.1"], "203.0.113.1"),
            ("10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["6.6.6.6, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["6.6.6.6", "192.0.2.1"], "192.0.2.1"),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["192.0.2.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ] {
            assert_eq!(caller(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }
}
