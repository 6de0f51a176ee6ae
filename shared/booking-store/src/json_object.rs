//! The client's own JSON, kept to the byte.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON object as its author wrote it: spaces, key order and every digit stay as they are (no number passes through a
/// float). Two are equal if their texts are.
#[derive(Clone)]
pub struct JsonObject(Box<RawValue>);

/// Why a text is no object we can keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJsonObject {
    /// Valid JSON, but something else than an object.
    #[error("must be a JSON object")]
    NotAnObject,
    /// Spaces before or behind it: they would be lost, and with them the bytes its author counts on.
    #[error("must have no spaces around it")]
    Surrounded,
    /// Consumers would choke on it: not JSON, nested deeper than 128, a lone surrogate, a number beyond every float.
    #[error("is not usable JSON: {0}")]
    Malformed(String),
}

impl JsonObject {
    /// Takes the text of one JSON object without surrounding spaces.
    pub fn parse(text: &str) -> Result<Self, InvalidJsonObject> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|e| InvalidJsonObject::Malformed(e.to_string()))?;
        if raw.get().len() != text.len() {
            return Err(InvalidJsonObject::Surrounded);
        }
        Self::from_raw(raw.to_owned())
    }

    /// Takes a raw value that a parser has cut out of its surroundings.
    pub fn from_raw(raw: Box<RawValue>) -> Result<Self, InvalidJsonObject> {
        if !raw.get().starts_with('{') {
            return Err(InvalidJsonObject::NotAnObject);
        }
        // RawValue checks the grammar only. What no consumer could decode is refused here, before it is stored.
        serde_json::from_str::<serde_json::Value>(raw.get())
            .map_err(|e| InvalidJsonObject::Malformed(e.to_string()))?;
        Ok(Self(raw))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for JsonObject {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonObject {}

impl fmt::Debug for JsonObject {
    /// Only the size: a payload never reaches a log by way of `{:?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonObject({} bytes)", self.as_str().len())
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_raw(Box::<RawValue>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_byte() {
        let text = "{ \"b\":1.10,\"a\": 12345678901234567890.000000000000000001 ,\"é\\u0041\":[]}";
        let object = JsonObject::parse(text).unwrap();
        assert_eq!(object.as_str(), text);
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
        assert_eq!(serde_json::from_str::<JsonObject>(text).unwrap(), object);
    }

    #[test]
    fn refuses_what_is_no_usable_object() {
        assert_eq!(JsonObject::parse("[1]"), Err(InvalidJsonObject::NotAnObject));
        assert_eq!(JsonObject::parse("null"), Err(InvalidJsonObject::NotAnObject));
        for surrounded in [" {}", "{}\n", "\t{} "] {
            assert_eq!(JsonObject::parse(surrounded), Err(InvalidJsonObject::Surrounded), "{surrounded:?}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        for bad in ["{", "{\"a\":\"\\ud800\"}", "{\"a\":1e999}", &deep] {
            assert!(matches!(JsonObject::parse(bad), Err(InvalidJsonObject::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_payload() {
        assert_eq!(format!("{:?}", JsonObject::parse("{\"secret\":1}").unwrap()), "JsonObject(12 bytes)");
    }
}
