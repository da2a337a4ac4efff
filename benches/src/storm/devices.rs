//! The devices of a storm: which of the fleet they are, and everything a connect of theirs needs,
//! made before anything is measured.

use std::sync::Arc;
use std::thread;

use anyhow::ensure;
use chaos::packet;
use chaos::pki::Pki;
use rustls::SupportedProtocolVersion;
use rustls::client::{ClientConfig, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;

use crate::fleet::{self, REVOKED_EVERY, Signed, SplitMix};
use crate::machine;

/// Most devices; each holds a TLS configuration of some kilobytes.
pub(super) const DEVICES_MAX: u32 = 65_536;

/// One device.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) id: String,
    /// Whether it is not revoked.
    pub(super) active: bool,
    /// What it shows as its password: the fingerprint, as the simulator does.
    pub(super) password: String,
    /// Its CONNECT.
    pub(super) connect: Vec<u8>,
    /// Its side of TLS, without resumption: every connect of a storm is a full handshake.
    pub(super) tls: Arc<ClientConfig>,
}

/// The devices in no order, and what the server must know of them.
#[derive(Debug)]
pub(super) struct Devices {
    pub(super) all: Arc<[Device]>,
    pub(super) signed: Signed,
}

/// The TLS versions that a storm may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum TlsVersion {
    /// TLS 1.2
    #[value(name = "1.2")]
    V12,
    /// TLS 1.3
    #[value(name = "1.3")]
    V13,
}

impl TlsVersion {
    fn protocol(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::V12 => &rustls::version::TLS12,
            Self::V13 => &rustls::version::TLS13,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::V12 => "1.2",
            Self::V13 => "1.3",
        }
    }
}

/// What all devices share on their side of TLS.
struct Side {
    provider: Arc<CryptoProvider>,
    verifier: Arc<WebPkiServerVerifier>,
    version: TlsVersion,
}

/// Makes `count` devices of a fleet of `fleet`, with certificates of `pki`, on all processors.
pub(super) fn make(
    pki: &Pki,
    count: u32,
    fleet: u32,
    version: TlsVersion,
) -> anyhow::Result<Devices> {
    let numbers = numbers(count, fleet)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let side = Side {
        verifier: pki.verifier(&provider)?,
        provider,
        version,
    };
    let share = numbers.len().div_ceil(machine::cores());
    let made: anyhow::Result<Vec<_>> = thread::scope(|scope| {
        let workers: Vec<_> = numbers
            .chunks(share)
            .map(|numbers| {
                let side = &side;
                scope.spawn(move || -> anyhow::Result<Vec<_>> {
                    numbers
                        .iter()
                        .map(|number| one(pki, *number, side))
                        .collect()
                })
            })
            .collect();
        let parts = workers
            .into_iter()
            .map(|worker| worker.join().expect("making certificates does not panic"));
        parts.collect()
    });
    let (mut all, mut signed) = (Vec::new(), Vec::new());
    for (device, pair) in made?.into_iter().flatten() {
        all.push(device);
        signed.push(pair);
    }
    let mut random = SplitMix::new(u64::from(count));
    for index in (1..all.len()).rev() {
        all.swap(index, random.below(index + 1));
    }
    Ok(Devices {
        all: all.into(),
        signed: signed.into_iter().collect(),
    })
}

/// Numbers spread over the fleet, in whole blocks that each hold one revoked device.
fn numbers(count: u32, fleet: u32) -> anyhow::Result<Vec<u32>> {
    let block = REVOKED_EVERY;
    ensure!(
        (block..=DEVICES_MAX).contains(&count) && count.is_multiple_of(block),
        "--devices must be a multiple of {block}, {block} to {DEVICES_MAX}: one in {block} is revoked"
    );
    ensure!(
        count <= fleet,
        "--fleet must be at least as large as --devices"
    );
    let stride = fleet / block / (count / block);
    Ok((0..count)
        .map(|index| index / block * stride * block + index % block)
        .collect())
}

fn one(pki: &Pki, number: u32, side: &Side) -> anyhow::Result<(Device, (u32, [u8; 32]))> {
    let id = fleet::id(number);
    let identity = pki.device(&id)?;
    let fingerprint = fleet::fingerprint(&identity.chain[0]);
    let mut tls = ClientConfig::builder_with_provider(Arc::clone(&side.provider))
        .with_protocol_versions(&[side.version.protocol()])?
        .with_webpki_verifier(Arc::clone(&side.verifier))
        .with_client_auth_cert(identity.chain, identity.key)?;
    tls.resumption = Resumption::disabled();
    let password = fleet::fingerprint_text(&fingerprint);
    let device = Device {
        active: fleet::is_active(number),
        connect: packet::connect(&id, &id, &password),
        password,
        tls: Arc::new(tls),
        id,
    };
    Ok((device, (number, fingerprint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_spread_over_the_fleet_and_one_in_128_is_revoked() {
        for (count, fleet) in [(128, 128), (4096, 1_000_000), (2048, 100_000), (256, 300)] {
            let numbers = numbers(count, fleet).unwrap();
            let last = *numbers.last().unwrap();
            assert!(
                last < fleet && last >= fleet / 10 * 4,
                "{count} of {fleet}: {last}"
            );
            assert!(numbers.is_sorted_by(|one, next| one < next));
            let revoked = numbers.iter().filter(|number| !fleet::is_active(**number));
            assert_eq!(revoked.count(), numbers.len() / 128);
        }
    }

    #[test]
    fn a_count_without_whole_blocks_or_beyond_the_limits_is_refused() {
        for count in [0, 1, 127, 129, DEVICES_MAX + 128] {
            let error = numbers(count, 1_000_000).unwrap_err();
            assert!(error.to_string().contains("--devices"), "{count}: {error}");
        }
        let error = numbers(256, 255).unwrap_err();
        assert!(error.to_string().contains("--fleet"), "{error}");
    }
}
