//! Networks of addresses, as operators write them: `10.0.0.0/8`, `fd00::/8`, `192.0.2.7`.

use std::net::IpAddr;
use std::str::FromStr;

/// The addresses that share their first bits with one (RFC 4632 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    first: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NetworkError {
    /// Not an address, or a length that no address of its kind has.
    #[error("{0:?} is not a network like 10.0.0.0/8 or fd00::/8")]
    Form(String),
    /// Bits behind the prefix: the writer meant another network, or a single address.
    #[error("{0:?} has bits set behind its prefix: write the network's first address")]
    Bits(String),
}

impl Network {
    /// Whether an address is in it. An IPv4 address in IPv6's clothes is the IPv4 address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4()
            && masked(address, self.bits) == masked(self.first, 128)
    }
}

/// The first bits of an address as a number, the others zero. Of IPv4 the upper quarter counts.
fn masked(address: IpAddr, bits: u8) -> u128 {
    let whole = match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let dropped = 128_u32.saturating_sub(bits.into());
    whole
        .checked_shr(dropped)
        .unwrap_or(0)
        .checked_shl(dropped)
        .unwrap_or(0)
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let form = || NetworkError::Form(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| form())?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits
                .parse()
                .ok()
                .filter(|bits| *bits <= most)
                .ok_or_else(form)?,
            None => most,
        };
        if masked(first, bits) != masked(first, 128) {
            return Err(NetworkError::Bits(text.to_owned()));
        }
        Ok(Self { first, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_begin_like_it() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("::1", "::1", "::2"),
            ("127.0.0.0/8", "::ffff:127.0.0.1", "::ffff:128.0.0.1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(
                network.contains(inside.parse().unwrap()),
                "{network:?} {inside}"
            );
            assert!(
                !network.contains(outside.parse().unwrap()),
                "{network:?} {outside}"
            );
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for bad in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/-1",
            "localhost",
            "/8",
        ] {
            assert!(
                matches!(bad.parse::<Network>(), Err(NetworkError::Form(_))),
                "{bad}"
            );
        }
        for bad in ["10.0.0.1/8", "fd00::1/8"] {
            assert!(
                matches!(bad.parse::<Network>(), Err(NetworkError::Bits(_))),
                "{bad}"
            );
        }
    }
}
