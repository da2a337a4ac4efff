//! Fills a whole table from a stream of rows, beside the one that serves.

use std::hash::{BuildHasher, RandomState};

use super::record::{Certificate, DeviceEntry};
use super::shard::{Packed, Shard};
use super::table::{Table, shard_count, shard_of};

/// Collects the rows of a full load.
///
/// Rows may come in any order; a device with several certificates comes as several rows.
#[derive(Debug, Default)]
pub struct TableBuilder {
    devices: Vec<DeviceEntry>,
}

impl TableBuilder {
    /// Starts with no device.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one row: a device and one of its active certificates, if it has any.
    pub fn push(
        &mut self,
        id: &str,
        revoked: bool,
        suspended: bool,
        certificate: Option<Certificate>,
    ) {
        if let (Some(last), Some(certificate)) = (self.devices.last_mut(), certificate)
            && last.id == id
        {
            last.certificates.push(certificate);
            return;
        }
        self.devices.push(DeviceEntry {
            id: id.to_owned(),
            revoked,
            suspended,
            certificates: certificate.into_iter().collect(),
        });
    }

    /// Packs what came.
    pub fn finish(self) -> Table {
        let hasher = RandomState::new();
        let count = shard_count(self.devices.len());
        let mut by_shard: Vec<Vec<u32>> = vec![Vec::new(); count];
        for (at, device) in self.devices.iter().enumerate() {
            let shard = shard_of(hasher.hash_one(device.id.as_bytes()), count);
            by_shard[shard].push(u32::try_from(at).expect("a fleet has fewer than 2^32 devices"));
        }
        let devices = &self.devices;
        let shards = by_shard.into_iter().map(|mut places| {
            places.sort_unstable_by(|a, b| devices[*a as usize].id.cmp(&devices[*b as usize].id));
            let merged = merge(places.iter().map(|at| &devices[*at as usize]));
            Shard::pack(merged.iter().map(Packed::Entry), |id| hasher.hash_one(id))
        });
        let shards: Vec<Shard> = shards.collect();
        Table::new(hasher, shards.into_iter())
    }
}

/// Joins neighbouring rows of the same device.
fn merge<'a>(sorted: impl Iterator<Item = &'a DeviceEntry>) -> Vec<DeviceEntry> {
    let mut merged: Vec<DeviceEntry> = Vec::new();
    for device in sorted {
        match merged.last_mut() {
            Some(last) if last.id == device.id => {
                last.certificates.extend_from_slice(&device.certificates);
            }
            _ => merged.push(device.clone()),
        }
    }
    merged
}
