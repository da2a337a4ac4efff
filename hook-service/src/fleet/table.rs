//! The devices: many small shards, each replaced as a whole.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use triomphe::ThinArc;

use super::record::{DeviceEntry, DeviceRef};
use super::shard::{self, Packed, Shard, Slot};
use super::writer::DeviceChange;

/// Every device of the fleet.
///
/// The hash is keyed anew for each table, so that nobody can choose ids that fall together.
#[derive(Debug)]
pub struct Table {
    hasher: RandomState,
    shards: Box<[Slot]>,
}

/// A shard of so many devices is searched in one step, lies in one page of memory, and is copied in
/// less than a microsecond when one of them changes.
const DEVICES_PER_SHARD: usize = 16;
const SHARDS_MIN: usize = 256;
/// The bits that choose a shard and those of its tags must not meet.
const SHARDS_MAX: usize = 1 << 20;

/// How many shards a table of this many devices gets: a power of two.
pub(super) fn shard_count(devices: usize) -> usize {
    (devices / DEVICES_PER_SHARD)
        .next_power_of_two()
        .clamp(SHARDS_MIN, SHARDS_MAX)
}

impl Table {
    pub(super) fn new(hasher: RandomState, shards: impl Iterator<Item = ThinArc<u32, u8>>) -> Self {
        let shards: Box<[_]> = shards.map(Slot::new).collect();
        debug_assert!(
            shards.len().is_power_of_two(),
            "shard_of masks with the count"
        );
        Self { hasher, shards }
    }

    /// Reads the device with this id. The closure runs on the caller's stack and must be short: it
    /// keeps the shard alive.
    pub fn device<R>(&self, id: &[u8], read: impl FnOnce(Option<DeviceRef<'_>>) -> R) -> R {
        let hash = self.hash(id);
        let shard = self.shards[self.shard_of(hash)].load();
        read(Shard::of(&shard).get(hash, id))
    }

    /// How many devices there are.
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| Shard::of(&shard.load()).len())
            .sum()
    }

    /// Whether there is no device.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many active certificates there are.
    pub fn certificates(&self) -> usize {
        let in_shard =
            |shard: Shard<'_>| shard.iter().map(|d| d.certificate_count()).sum::<usize>();
        self.shards
            .iter()
            .map(|shard| in_shard(Shard::of(&shard.load())))
            .sum()
    }

    /// Bytes that the table takes in memory.
    pub fn heap_bytes(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| size_of::<Slot>() + Shard::of(&shard.load()).heap_bytes())
            .sum()
    }

    /// Replaces, adds and removes devices, each at most once. Only the writer calls this, one call
    /// at a time.
    pub(super) fn apply(&self, changes: &[DeviceChange]) {
        let mut by_shard: HashMap<usize, Vec<&DeviceChange>> = HashMap::new();
        for change in changes {
            by_shard
                .entry(self.shard_of(self.hash(change.id())))
                .or_default()
                .push(change);
        }
        for (index, changes) in by_shard {
            let before = self.shards[index].load();
            let touched: HashSet<&[u8]> = changes.iter().map(|change| change.id()).collect();
            let kept = Shard::of(&before)
                .iter()
                .filter(|device| !touched.contains(device.id()))
                .map(Packed::Ref);
            let new = changes.iter().filter_map(|change| match change {
                DeviceChange::Put(entry) => Some(Packed::Entry(entry)),
                DeviceChange::Remove(_) => None,
            });
            let after: Vec<_> = kept
                .chain(new)
                .map(|device| (self.hash(device.id()), device))
                .collect();
            self.shards[index].store(shard::pack(&after));
        }
    }

    /// The ids of the devices that differ between the two tables: missing in one of them or not
    /// the same.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut differing = Vec::new();
        let mut note = |device: DeviceRef<'_>| {
            differing.push(String::from_utf8_lossy(device.id()).into_owned());
        };
        for shard in &self.shards {
            for device in Shard::of(&shard.load()).iter() {
                let packed = device.packed();
                if !other.device(device.id(), |found| {
                    found.is_some_and(|f| f.packed() == packed)
                }) {
                    note(device);
                }
            }
        }
        for shard in &other.shards {
            for device in Shard::of(&shard.load()).iter() {
                if self.device(device.id(), |found| found.is_none()) {
                    note(device);
                }
            }
        }
        differing
    }

    pub(super) fn hash(&self, id: &[u8]) -> u64 {
        self.hasher.hash_one(id)
    }

    /// The middle bits choose the shard: the tags inside are the highest ones.
    fn shard_of(&self, hash: u64) -> usize {
        shard_of(hash, self.shards.len())
    }
}

/// See [`Table::shard_of`]. `count` is a power of two.
pub(super) fn shard_of(hash: u64, count: usize) -> usize {
    let middle = (hash >> 32) as usize;
    middle & (count - 1)
}

impl DeviceChange {
    fn id(&self) -> &[u8] {
        match self {
            Self::Put(DeviceEntry { id, .. }) | Self::Remove(id) => id.as_bytes(),
        }
    }
}
