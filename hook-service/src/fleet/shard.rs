//! A small part of the table: packed devices and where they begin. Never changed, only replaced.
//!
//! A shard is one block of memory, because a look-up in a table of a million devices is made of
//! waiting for memory: header and tags are in its first cache line, and nearly always the whole
//! block in one page.
//!
//! Layout: one tag of a byte for each device (the highest bits of its hash), then for each device
//! where its packed form begins (4 bytes, little endian), then the packed forms.

use arc_swap::ArcSwapAny;
use triomphe::ThinArc;

use super::record::{DeviceEntry, DeviceRef};

/// The place of a shard in the table.
pub(super) type Slot = ArcSwapAny<ThinArc<u32, u8>>;

const OFFSET_BYTES: usize = 4;

/// Reference count, device count and length, which stand before the block.
const BLOCK_HEAD_BYTES: usize = 3 * size_of::<usize>();

/// Packed devices, borrowed from their slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shard<'a> {
    tags: &'a [u8],
    offsets: &'a [[u8; OFFSET_BYTES]],
    records: &'a [u8],
}

/// Packs these devices, each with the hash of its id. No id comes twice.
pub(super) fn pack(devices: &[(u64, Packed<'_>)]) -> ThinArc<u32, u8> {
    let records: usize = devices.iter().map(|(_, device)| device.bytes()).sum();
    let mut bytes = Vec::with_capacity(devices.len() * (1 + OFFSET_BYTES) + records);
    bytes.extend(devices.iter().map(|(hash, _)| tag(*hash)));
    let mut at = 0;
    for (_, device) in devices {
        let offset = u32::try_from(at).expect("a shard stays far below 4 GiB");
        bytes.extend_from_slice(&offset.to_le_bytes());
        at += device.bytes();
    }
    for (_, device) in devices {
        match device {
            Packed::Entry(entry) => entry.pack(&mut bytes),
            Packed::Ref(device) => bytes.extend_from_slice(device.packed()),
        }
    }
    let count = u32::try_from(devices.len()).expect("a shard has few devices");
    ThinArc::from_header_and_slice(count, &bytes)
}

impl<'a> Shard<'a> {
    /// Looks into a slot that was loaded.
    pub(super) fn of(block: &'a ThinArc<u32, u8>) -> Self {
        let (tags, rest) = block.slice.split_at(block.header.header as usize);
        let (offsets, records) = rest.split_at(tags.len() * OFFSET_BYTES);
        Self {
            tags,
            offsets: offsets.as_chunks().0,
            records,
        }
    }

    /// The device with this id. `hash` is the hash of the id.
    pub(super) fn get(self, hash: u64, id: &[u8]) -> Option<DeviceRef<'a>> {
        memchr::memchr_iter(tag(hash), self.tags)
            .map(|index| self.at(index))
            .find(|device| device.id() == id)
    }

    /// Every device, in no order.
    pub(super) fn iter(self) -> impl Iterator<Item = DeviceRef<'a>> {
        (0..self.len()).map(move |index| self.at(index))
    }

    pub(super) fn len(self) -> usize {
        self.tags.len()
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(self) -> usize {
        BLOCK_HEAD_BYTES + self.len() * (1 + OFFSET_BYTES) + self.records.len()
    }

    fn at(self, index: usize) -> DeviceRef<'a> {
        let offset = u32::from_le_bytes(self.offsets[index]);
        DeviceRef::at(&self.records[offset as usize..])
    }
}

/// The table takes lower bits of the hash to choose the shard.
fn tag(hash: u64) -> u8 {
    hash.to_be_bytes()[0]
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
