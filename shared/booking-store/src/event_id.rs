//! The event id: the client's idempotency key.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names one event of one booking for ever: a UUID, chosen by the client, so that a retry can be told from a new event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(Uuid);

/// The text is not a UUID in its hyphenated form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID such as 0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5")]
pub struct InvalidEventId;

impl EventId {
    /// Parses the hyphenated form; upper and lower case are the same id.
    pub fn parse(text: &str) -> Result<Self, InvalidEventId> {
        if text.len() != uuid::fmt::Hyphenated::LENGTH {
            return Err(InvalidEventId);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| InvalidEventId)
    }

    /// The id as 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id from its 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl From<Uuid> for EventId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl TryFrom<String> for EventId {
    type Error = InvalidEventId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_the_hyphenated_form_and_ignores_case() {
        let lower = "0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5";
        assert_eq!(EventId::parse(lower), EventId::parse(&lower.to_uppercase()));
        assert_eq!(EventId::parse(lower).unwrap().to_string(), lower);
        for bad in [
            "",
            "0193b7a45a527cc08b2633f0a1d9a3a5",
            "{0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5}",
            "x193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5",
        ] {
            assert_eq!(EventId::parse(bad), Err(InvalidEventId), "{bad}");
        }
    }

    #[test]
    fn bytes_round_trip() {
        let id = EventId::parse("0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5").unwrap();
        assert_eq!(EventId::from_bytes(*id.as_bytes()), id);
    }
}
