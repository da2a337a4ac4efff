//! A JSON object in which no name stands twice.
//!
//! Of two equal names one parser takes the first and another the last, so a proxy and this service
//! could read two different requests in one body.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

/// A JSON object without repeated names at its top level.
pub(crate) struct Object(pub(crate) Map<String, Value>);

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Object, A::Error> {
        let mut map = Map::new();
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            if map.insert(name, value).is_some() {
                return Err(Error::custom("a name stands twice"));
            }
        }
        Ok(Object(map))
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_or_anything_but_an_object_is_refused() {
        for bad in [
            r#"{"a":1,"a":2}"#,
            "[]",
            "null",
            "1",
            "\"a\"",
            "{",
            "",
            "{} {}",
        ] {
            assert!(serde_json::from_str::<Object>(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Object>(r#"{"a":1,"b":{"a":2}}"#).is_ok());
    }
}
