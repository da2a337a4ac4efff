//! How newtypes over text meet PostgreSQL and serde: as their text, parsed on the way in.

/// A word that is not one of a closed set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a {what}; it is one of {known}")]
pub struct UnknownWord {
    pub(crate) what: &'static str,
    pub(crate) found: String,
    pub(crate) known: String,
}

/// Text in SQL and in serde for a type that has `as_str` and `FromStr`.
macro_rules! text_forms {
    ($type:ty) => {
        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text =
                    <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(from)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }

        impl ::tokio_postgres::types::ToSql for $type {
            fn to_sql(
                &self,
                ty: &::tokio_postgres::types::Type,
                out: &mut ::tokio_postgres::types::private::BytesMut,
            ) -> Result<::tokio_postgres::types::IsNull, $crate::sql_text::SqlError> {
                ::tokio_postgres::types::ToSql::to_sql(&self.as_str(), ty, out)
            }

            fn accepts(ty: &::tokio_postgres::types::Type) -> bool {
                <&str as ::tokio_postgres::types::ToSql>::accepts(ty)
            }

            ::tokio_postgres::types::to_sql_checked!();
        }

        impl<'a> ::tokio_postgres::types::FromSql<'a> for $type {
            fn from_sql(
                ty: &::tokio_postgres::types::Type,
                raw: &'a [u8],
            ) -> Result<Self, $crate::sql_text::SqlError> {
                let text = <&str as ::tokio_postgres::types::FromSql<'a>>::from_sql(ty, raw)?;
                Ok(text.parse()?)
            }

            fn accepts(ty: &::tokio_postgres::types::Type) -> bool {
                <&str as ::tokio_postgres::types::FromSql<'a>>::accepts(ty)
            }
        }
    };
}

/// A closed set of words: the enum's variants, their text, parsing, SQL and serde.
macro_rules! words {
    ($type:ident, $what:literal, { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            /// Every word, in the order of the definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as the database stores it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::sql_text::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::sql_text::UnknownWord {
                        what: $what,
                        found: text.chars().take(64).collect(),
                        known: [$($word),+].join(", "),
                    }),
                }
            }
        }

        $crate::sql_text::text_forms!($type);
    };
}

pub(crate) use {text_forms, words};

/// What conversions of `tokio_postgres` fail with.
pub(crate) type SqlError = Box<dyn std::error::Error + Sync + Send>;
