//! A place in a list that stands in the order of names.

use uuid::Uuid;

/// Behind one row: its name in lower case as the database made it, and its id among equal names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamePlace {
    /// The name.
    pub(crate) name: String,
    /// The id.
    pub(crate) id: Uuid,
}

/// Most bytes of a name: 128 characters of at most four, and lower case may be longer.
const NAME_BYTES_MAX: usize = 1024;

impl NamePlace {
    /// Name and id after which a page begins. No name is empty, so every one comes after the empty text.
    pub(crate) fn start(after: Option<&Self>) -> (&str, Uuid) {
        after.map_or(("", Uuid::nil()), |place| (place.name.as_str(), place.id))
    }

    /// Its bytes in a cursor.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        [self.id.as_bytes(), self.name.as_bytes()].concat()
    }

    /// Reads them.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, name) = bytes.split_first_chunk::<16>()?;
        let name = std::str::from_utf8(name).ok()?;
        let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains('\0');
        fits.then(|| Self {
            name: name.to_owned(),
            id: Uuid::from_bytes(*id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_and_nothing_else_is() {
        let place = NamePlace {
            name: "теплица".to_owned(),
            id: Uuid::from_u128(7),
        };
        assert_eq!(NamePlace::from_bytes(&place.to_bytes()), Some(place));
        let long = [[0; 16].as_slice(), &[b'a'; NAME_BYTES_MAX + 1]].concat();
        let bad: [&[u8]; 5] = [&[], &[1; 15], &[1; 16], &[0xff; 17], &long];
        for bytes in bad {
            assert_eq!(NamePlace::from_bytes(bytes), None);
        }
        assert_eq!(NamePlace::from_bytes(&[0; 17]), None);
    }
}
