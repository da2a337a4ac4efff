//! Which devices a bulk command is about. Exactly one of these, so that nobody revokes a
//! cross-section by mistake and thinks it a union.

use schema::DeviceId;

use super::key_id::KeyId;
use super::label::Label;

/// Most ids of one bulk command. A larger group has a model, a firmware or an issuer in common, or is
/// sent in parts.
pub(crate) const IDS_MAX: usize = 10_000;

/// What the devices of a bulk command have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selector {
    /// They are listed: sorted, none twice, 1 to 10,000.
    Ids(Vec<DeviceId>),
    /// Their model.
    Model(Label),
    /// Their firmware when their newest certificate was made.
    FirmwareVersion(Label),
    /// The authority that signed an active certificate of theirs: a batch made with a key that was
    /// stolen.
    Issuer(KeyId),
}

impl Selector {
    /// A list of ids, in order and without repetitions.
    pub(crate) fn ids(mut ids: Vec<DeviceId>) -> Self {
        ids.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        ids.dedup();
        Self::Ids(ids)
    }

    /// The database's word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Ids(_) => "ids",
            Self::Model(_) => "model",
            Self::FirmwareVersion(_) => "firmware_version",
            Self::Issuer(_) => "issuer",
        }
    }

    /// The text that goes with the word; nothing for a list.
    pub(crate) fn value(&self) -> Option<String> {
        match self {
            Self::Ids(_) => None,
            Self::Model(label) | Self::FirmwareVersion(label) => Some(label.as_str().to_owned()),
            Self::Issuer(key_id) => Some(key_id.to_string()),
        }
    }

    /// The listed ids; nothing for another selector.
    pub(crate) fn listed(&self) -> Option<Vec<&str>> {
        match self {
            Self::Ids(ids) => Some(ids.iter().map(DeviceId::as_str).collect()),
            _ => None,
        }
    }

    /// Reads what [`Selector::word`], [`Selector::value`] and [`Selector::listed`] wrote.
    pub(crate) fn from_parts(
        word: &str,
        value: Option<&str>,
        ids: Option<Vec<DeviceId>>,
    ) -> Option<Self> {
        Some(match (word, value, ids) {
            ("ids", None, Some(ids)) => Self::Ids(ids),
            ("model", Some(text), None) => Self::Model(Label::parse(text).ok()?),
            ("firmware_version", Some(text), None) => {
                Self::FirmwareVersion(Label::parse(text).ok()?)
            }
            ("issuer", Some(text), None) => Self::Issuer(KeyId::parse(text).ok()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(texts: &[&str]) -> Vec<DeviceId> {
        texts
            .iter()
            .map(|text| DeviceId::parse(text).unwrap())
            .collect()
    }

    #[test]
    fn a_list_is_sorted_as_the_database_sorts_and_holds_nothing_twice() {
        let selector = Selector::ids(ids(&["b", "a", "B", "b", "_", "0"]));
        assert_eq!(selector, Selector::Ids(ids(&["0", "B", "_", "a", "b"])));
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let label = || Label::parse("GrowTent-2").unwrap();
        for selector in [
            Selector::Ids(ids(&["a", "b"])),
            Selector::Model(label()),
            Selector::FirmwareVersion(label()),
            Selector::Issuer(KeyId::from_slice(&[7; 20]).unwrap()),
        ] {
            let value = selector.value();
            let listed = selector.listed().map(|texts| ids(&texts));
            let read = Selector::from_parts(selector.word(), value.as_deref(), listed);
            assert_eq!(read.as_ref(), Some(&selector));
            assert_eq!(Selector::from_parts("all", value.as_deref(), None), None);
        }
    }
}
