//! Fills a whole table from a stream of rows, beside the one that serves.

use std::hash::{BuildHasher, RandomState};

use triomphe::ThinArc;

use super::owner::Owner;
use super::record::{Certificate, DeviceEntry, DeviceRef, pack};
use super::shard::{self, Packed};
use super::table::{Table, shard_count, shard_of};

/// Collects the rows of a full load.
///
/// Rows may come in any order; a device with several certificates comes as several rows. They are
/// packed as they come, one after the other, so that ten million of them are two allocations.
#[derive(Debug, Default)]
pub struct TableBuilder {
    hasher: RandomState,
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    hash: u64,
    at: usize,
}

impl TableBuilder {
    /// Starts with no device.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one row: a device, its owner, and one of its active certificates, if it has any.
    pub fn push(
        &mut self,
        id: &str,
        revoked: bool,
        suspended: bool,
        owner: Owner,
        certificate: Option<Certificate>,
    ) {
        self.rows.push(Row {
            hash: self.hasher.hash_one(id.as_bytes()),
            at: self.bytes.len(),
        });
        pack(
            &mut self.bytes,
            id,
            revoked,
            suspended,
            owner,
            certificate.as_slice(),
        );
    }

    /// Packs what came, shard by shard.
    pub fn finish(mut self) -> Table {
        let count = shard_count(self.rows.len());
        self.rows
            .sort_unstable_by_key(|row| (shard_of(row.hash, count), row.hash));
        let mut rows = self.rows.as_slice();
        let shards: Vec<_> = (0..count)
            .map(|shard| {
                let own = |row: &&Row| shard_of(row.hash, count) == shard;
                let (own, rest) = rows.split_at(rows.iter().take_while(own).count());
                rows = rest;
                self.shard(own)
            })
            .collect();
        Table::new(self.hasher, shards.into_iter())
    }

    fn shard(&self, rows: &[Row]) -> ThinArc<u32, u8> {
        let device = |row: &Row| DeviceRef::at(&self.bytes[row.at..]);
        // Rows of one device have one hash. Two devices hardly ever do, but they may.
        let mut several: Vec<(u64, DeviceEntry)> = Vec::new();
        let mut single: Vec<(u64, Packed<'_>)> = Vec::with_capacity(rows.len());
        for same_hash in rows.chunk_by(|a, b| a.hash == b.hash) {
            if let [row] = same_hash {
                single.push((row.hash, Packed::Ref(device(row))));
                continue;
            }
            for row in same_hash {
                let device = device(row);
                let known = several
                    .iter_mut()
                    .find(|(_, known)| known.id.as_bytes() == device.id());
                match known {
                    Some((_, known)) => known.certificates.extend(device.certificates()),
                    None => several.push((row.hash, device.to_entry())),
                }
            }
        }
        single.extend(
            several
                .iter()
                .map(|(hash, entry)| (*hash, Packed::Entry(entry))),
        );
        shard::pack(&single)
    }
}
