//! Ids that are UUIDs, each a type of its own so that none is taken for another.

/// Defines one. It has one text: lower case with hyphens.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(uuid::Uuid);

        impl $name {
            /// The id as the database has it.
            pub(crate) fn uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::uuid_id::NotAUuid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::domain::uuid_id::parse(text).map(Self)
            }
        }
    };
}

pub(super) use uuid_id;

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID like 3f0c1e9a-5b1d-4c57-9d3e-0a4b6c8d2e1f")]
pub(crate) struct NotAUuid;

/// Reads the one form that we write; the library reads several.
pub(crate) fn parse(text: &str) -> Result<uuid::Uuid, NotAUuid> {
    let uuid = uuid::Uuid::try_parse(text).map_err(|_| NotAUuid)?;
    if uuid.to_string() == text {
        Ok(uuid)
    } else {
        Err(NotAUuid)
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::group_id::GroupId;

    #[test]
    fn an_id_has_one_text() {
        let text = "0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f506";
        let id: GroupId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        for bad in [
            "",
            "0192F3A4-5b6c-7d8e-9fa0-b1c2d3e4f506",
            "0192f3a45b6c7d8e9fa0b1c2d3e4f506",
            "{0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f506}",
            "0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f50g",
        ] {
            assert!(bad.parse::<GroupId>().is_err(), "{bad}");
        }
    }
}
