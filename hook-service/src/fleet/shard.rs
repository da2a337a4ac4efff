//! A small part of the table: packed devices and an index into them. Never changed, only replaced.

use hashbrown::HashTable;

use super::record::{DeviceEntry, DeviceRef};

/// Packed devices, found by the hash of their id.
#[derive(Debug, Default)]
pub(super) struct Shard {
    index: HashTable<u32>,
    bytes: Box<[u8]>,
}

impl Shard {
    /// Packs these devices; a later entry of an id replaces an earlier one. `hash` is the table's.
    pub(super) fn pack<'a>(
        devices: impl IntoIterator<Item = Packed<'a>>,
        hash: impl Fn(&[u8]) -> u64,
    ) -> Self {
        let mut bytes = Vec::new();
        let mut index = HashTable::new();
        for device in devices {
            let offset = u32::try_from(bytes.len()).expect("a shard stays far below 4 GiB");
            match device {
                Packed::Entry(entry) => entry.pack(&mut bytes),
                Packed::Ref(device) => bytes.extend_from_slice(device.packed()),
            }
            let id = DeviceRef::at(&bytes[offset as usize..]).id();
            let hashed = hash(id);
            let same = |at: &u32| DeviceRef::at(&bytes[*at as usize..]).id() == id;
            if let Some(at) = index.find_mut(hashed, same) {
                *at = offset;
            } else {
                index.insert_unique(hashed, offset, |at| {
                    hash(DeviceRef::at(&bytes[*at as usize..]).id())
                });
            }
        }
        index.shrink_to_fit(|at| hash(DeviceRef::at(&bytes[*at as usize..]).id()));
        Self {
            index,
            bytes: bytes.into_boxed_slice(),
        }
    }

    /// The device with this id. `hash` is the hash of the id.
    pub(super) fn get(&self, hash: u64, id: &[u8]) -> Option<DeviceRef<'_>> {
        self.index
            .find(hash, |at| self.at(*at).id() == id)
            .map(|at| self.at(*at))
    }

    /// Every device, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = DeviceRef<'_>> {
        self.index.iter().map(|at| self.at(*at))
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.index.allocation_size() + self.bytes.len()
    }

    fn at(&self, offset: u32) -> DeviceRef<'_> {
        DeviceRef::at(&self.bytes[offset as usize..])
    }
}

/// A device on its way into a shard: new, or carried over from the shard before.
pub(super) enum Packed<'a> {
    Entry(&'a DeviceEntry),
    Ref(DeviceRef<'a>),
}
