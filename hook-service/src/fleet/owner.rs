//! Whose a device is, in as few bytes as it takes.
//!
//! Accounts, organizations and groups stand here as numbers, which [`super::Numbers`] gives out: a
//! uuid would cost every owned device 16 bytes for each of them.

/// Whose a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owner {
    /// Nobody's: not bound.
    #[default]
    Nobody,
    /// One person's; the number of the account.
    Account(u32),
    /// An organization's, right below it.
    Organization(u32),
    /// An organization's, in a group of it.
    Group {
        /// The number of the organization.
        organization: u32,
        /// The number of the group.
        group: u32,
    },
}

/// The bits of a packed device's flags that tell what kind of owner follows.
pub(super) const OWNER_SHIFT: u8 = 2;
const OWNER_MASK: u8 = 0b11;

/// The longest packed form.
const OWNER_BYTES_MAX: usize = 8;

impl Owner {
    /// The kind, for the flags.
    pub(super) fn flags(self) -> u8 {
        let kind = match self {
            Self::Nobody => 0,
            Self::Account(_) => 1,
            Self::Organization(_) => 2,
            Self::Group { .. } => 3,
        };
        kind << OWNER_SHIFT
    }

    /// How many bytes follow, by the flags.
    pub(super) fn bytes_of(flags: u8) -> usize {
        const BYTES: [usize; 4] = [0, 4, 4, OWNER_BYTES_MAX];
        BYTES[usize::from((flags >> OWNER_SHIFT) & OWNER_MASK)]
    }

    /// Appends the numbers.
    pub(super) fn pack(self, out: &mut Vec<u8>) {
        match self {
            Self::Nobody => {}
            Self::Account(number) | Self::Organization(number) => {
                out.extend_from_slice(&number.to_le_bytes());
            }
            Self::Group {
                organization,
                group,
            } => {
                out.extend_from_slice(&organization.to_le_bytes());
                out.extend_from_slice(&group.to_le_bytes());
            }
        }
    }

    /// Reads what [`Owner::pack`] wrote.
    pub(super) fn unpack(flags: u8, bytes: &[u8]) -> Self {
        let (numbers, _) = bytes.as_chunks::<4>();
        let number = |at: usize| u32::from_le_bytes(numbers[at]);
        match (flags >> OWNER_SHIFT) & OWNER_MASK {
            1 => Self::Account(number(0)),
            2 => Self::Organization(number(0)),
            3 => Self::Group {
                organization: number(0),
                group: number(1),
            },
            _ => Self::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_owner_is_unpacked_as_it_was_packed() {
        for (owner, bytes) in [
            (Owner::Nobody, 0),
            (Owner::Account(0), 4),
            (Owner::Account(u32::MAX), 4),
            (Owner::Organization(7), 4),
            (
                Owner::Group {
                    organization: 1,
                    group: 0x0102_0304,
                },
                8,
            ),
        ] {
            let mut packed = Vec::new();
            owner.pack(&mut packed);
            assert_eq!(packed.len(), bytes);
            assert_eq!(Owner::bytes_of(owner.flags()), bytes);
            assert_eq!(Owner::unpack(owner.flags(), &packed), owner);
        }
    }
}
