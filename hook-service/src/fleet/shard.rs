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
    /// Packs these devices, each with the hash of its id. No id comes twice.
    pub(super) fn pack(devices: &[(u64, Packed<'_>)]) -> Self {
        let mut bytes = Vec::with_capacity(devices.iter().map(|(_, device)| device.bytes()).sum());
        let mut index = HashTable::with_capacity(devices.len());
        let mut hashes = Vec::with_capacity(devices.len());
        for (hash, device) in devices {
            let at = u32::try_from(bytes.len()).expect("a shard stays far below 4 GiB");
            hashes.push((at, *hash));
            match device {
                Packed::Entry(entry) => entry.pack(&mut bytes),
                Packed::Ref(device) => bytes.extend_from_slice(device.packed()),
            }
        }
        for (at, hash) in hashes {
            index.insert_unique(hash, at, |_| unreachable!("its capacity was given"));
        }
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

impl Packed<'_> {
    /// How long its packed form is.
    fn bytes(&self) -> usize {
        match self {
            Packed::Entry(entry) => DeviceRef::packed_bytes(entry),
            Packed::Ref(device) => device.packed().len(),
        }
    }

    pub(super) fn id(&self) -> &[u8] {
        match self {
            Packed::Entry(entry) => entry.id.as_bytes(),
            Packed::Ref(device) => device.id(),
        }
    }
}
