//! One device, packed into bytes.
//!
//! Layout: flags (1 byte), count of certificates (1), length of the id (1), the id, then for each
//! certificate its fingerprint (32) and the end of its validity (8, little endian, Unix seconds), and
//! last the owner (0, 4 or 8 bytes, as the flags say). A device with a 20-character id and one
//! certificate takes 63 bytes, in a group of an organization 71, and nothing of its own on the heap.

use super::owner::Owner;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

const REVOKED: u8 = 1;
const SUSPENDED: u8 = 2;
const HEAD_BYTES: usize = 3;
const CERTIFICATE_BYTES: usize = 32 + 8;

/// A device keeps at most this many active certificates in the table; two are the rule during a
/// renewal, and the commands never leave more.
pub(crate) const CERTIFICATES_MAX: usize = u8::MAX as usize;

/// An active certificate of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Certificate {
    /// SHA-256 of its DER.
    pub fingerprint: [u8; 32],
    /// When it ends, Unix seconds.
    pub not_after: i64,
}

/// A device as the writer is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceEntry {
    /// Its id, 1 to 64 characters of the device grammar.
    pub id: String,
    /// Whether it is revoked for good.
    pub revoked: bool,
    /// Whether it is suspended for now.
    pub suspended: bool,
    /// Its active certificates.
    pub certificates: Vec<Certificate>,
    /// Whose it is.
    pub owner: Owner,
}

/// A device as a reader sees it, borrowed from the table.
#[derive(Debug, Clone, Copy)]
pub struct DeviceRef<'a> {
    bytes: &'a [u8],
}

impl DeviceEntry {
    /// Appends the packed form. Certificates are sorted, so that equal devices pack equally.
    pub(crate) fn pack(&self, out: &mut Vec<u8>) {
        let mut certificates = self.certificates.clone();
        certificates.sort_unstable();
        certificates.truncate(CERTIFICATES_MAX);
        pack(
            out,
            &self.id,
            self.revoked,
            self.suspended,
            self.owner,
            &certificates,
        );
    }
}

/// Appends the packed form of a device whose certificates are sorted already, and at most
/// [`CERTIFICATES_MAX`].
pub(crate) fn pack(
    out: &mut Vec<u8>,
    id: &str,
    revoked: bool,
    suspended: bool,
    owner: Owner,
    certificates: &[Certificate],
) {
    let flags = (u8::from(revoked) * REVOKED) | (u8::from(suspended) * SUSPENDED) | owner.flags();
    let id_length = u8::try_from(id.len()).expect("device ids have at most 64 characters");
    let count = u8::try_from(certificates.len()).expect("the caller keeps to what a byte counts");
    out.extend_from_slice(&[flags, count, id_length]);
    out.extend_from_slice(id.as_bytes());
    for certificate in certificates {
        out.extend_from_slice(&certificate.fingerprint);
        out.extend_from_slice(&certificate.not_after.to_le_bytes());
    }
    owner.pack(out);
}

impl<'a> DeviceRef<'a> {
    /// The device whose packed form begins at the start of `bytes`.
    pub(crate) fn at(bytes: &'a [u8]) -> Self {
        let length = HEAD_BYTES
            + usize::from(bytes[2])
            + usize::from(bytes[1]) * CERTIFICATE_BYTES
            + Owner::bytes_of(bytes[0]);
        Self {
            bytes: &bytes[..length],
        }
    }

    /// Its id.
    pub fn id(&self) -> &'a [u8] {
        &self.bytes[HEAD_BYTES..self.certificates_start()]
    }

    /// Whether it is revoked for good.
    pub fn revoked(&self) -> bool {
        self.bytes[0] & REVOKED != 0
    }

    /// Whether it is suspended for now.
    pub fn suspended(&self) -> bool {
        self.bytes[0] & SUSPENDED != 0
    }

    /// How many certificates are active.
    pub fn certificate_count(&self) -> usize {
        usize::from(self.bytes[1])
    }

    /// Whose it is.
    pub fn owner(&self) -> Owner {
        let at = self.certificates_start() + self.certificate_count() * CERTIFICATE_BYTES;
        Owner::unpack(self.bytes[0], &self.bytes[at..])
    }

    /// Its active certificates.
    pub fn certificates(&self) -> impl Iterator<Item = Certificate> + use<'a> {
        // The owner is shorter than a certificate, so it is what is left over.
        let (chunks, _) = self.bytes[self.certificates_start()..].as_chunks::<CERTIFICATE_BYTES>();
        chunks.iter().map(|chunk| {
            let (fingerprint, not_after) = chunk.split_at(32);
            Certificate {
                fingerprint: fingerprint.try_into().expect("32 bytes were split off"),
                not_after: i64::from_le_bytes(not_after.try_into().expect("8 bytes are left")),
            }
        })
    }

    /// The end of the active certificate with this fingerprint, if there is one. Every certificate
    /// is compared in constant time.
    pub fn not_after_of(&self, fingerprint: &[u8; 32]) -> Option<i64> {
        let mut found = Choice::from(0);
        let mut not_after = 0_i64;
        for certificate in self.certificates() {
            let same = certificate.fingerprint.ct_eq(fingerprint);
            not_after.conditional_assign(&certificate.not_after, same);
            found |= same;
        }
        bool::from(found).then_some(not_after)
    }

    /// The device, unpacked.
    pub(crate) fn to_entry(self) -> DeviceEntry {
        DeviceEntry {
            id: String::from_utf8_lossy(self.id()).into_owned(),
            revoked: self.revoked(),
            suspended: self.suspended(),
            certificates: self.certificates().collect(),
            owner: self.owner(),
        }
    }

    /// How long the packed form of a device is.
    pub(crate) fn packed_bytes(entry: &DeviceEntry) -> usize {
        let certificates = entry.certificates.len().min(CERTIFICATES_MAX);
        let owner = Owner::bytes_of(entry.owner.flags());
        HEAD_BYTES + entry.id.len() + certificates * CERTIFICATE_BYTES + owner
    }

    /// The packed form, for comparing two tables.
    pub(crate) fn packed(&self) -> &'a [u8] {
        self.bytes
    }

    fn certificates_start(&self) -> usize {
        HEAD_BYTES + usize::from(self.bytes[2])
    }
}
