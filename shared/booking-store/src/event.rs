//! Events: as a client offers them, and as the store has accepted them.

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_EVENT_TYPE_LEN, PENDING_EVENT_OVERHEAD};
use crate::{EventId, JsonObject, Timestamp, Version};

/// What kind of thing happened: a letter, then letters, digits and dots; 1 to 128 in all. The bus's `detail-type`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventType(String);

/// Why a text is no event type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a letter followed by letters, digits and dots, 1 to {MAX_EVENT_TYPE_LEN} in all")]
pub struct InvalidEventType;

impl EventType {
    /// Parses a type; nothing is trimmed or folded.
    pub fn parse(text: &str) -> Result<Self, InvalidEventType> {
        let letters = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        if letters && rest && text.len() <= MAX_EVENT_TYPE_LEN {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidEventType)
        }
    }
}

crate::text_name!(EventType, InvalidEventType);

/// An event as a client offers it, before it has a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    /// The client's idempotency key.
    pub event_id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When it happened, by the client's clock; absent means when it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// What the client has to say of it, to the byte.
    pub data: JsonObject,
    /// What is about the event rather than of it (correlation, causation, user), to the byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<JsonObject>,
}

impl NewEvent {
    /// The event with its place and time.
    pub fn accept(self, version: Version, accepted_at: Timestamp) -> Event {
        Event {
            version,
            event_id: self.event_id,
            event_type: self.event_type,
            occurred_at: self.occurred_at.unwrap_or(accepted_at),
            accepted_at,
            data: self.data,
            metadata: self.metadata,
        }
    }

    /// Whether `stored` is this very event: same id, same payload. A client that leaves `occurred_at` out gets the time
    /// of acceptance, which a retry can't know, so an absent one says nothing.
    pub fn is_same_as(&self, stored: &Event) -> bool {
        self.event_id == stored.event_id
            && self.event_type == stored.event_type
            && self.occurred_at.is_none_or(|occurred_at| occurred_at == stored.occurred_at)
            && self.data == stored.data
            && self.metadata == stored.metadata
    }

    /// Roughly the bytes this event takes in an answer; see [`Event::wire_bytes`].
    pub fn wire_bytes(&self) -> usize {
        wire_bytes(&self.event_type, &self.data, self.metadata.as_ref())
    }

    /// An upper bound of the bytes this event takes in a reservation item.
    pub fn pending_bytes(&self) -> u64 {
        pending_bytes(&self.event_type, &self.data, self.metadata.as_ref())
    }
}

/// An accepted event: it has its version for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the booking.
    pub version: Version,
    /// The client's idempotency key.
    pub event_id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the store accepted it.
    pub accepted_at: Timestamp,
    /// The client's data, to the byte.
    pub data: JsonObject,
    /// The client's metadata, to the byte.
    pub metadata: Option<JsonObject>,
}

impl Event {
    /// An upper bound of the bytes this event takes in a reservation item. The same number on accept and on trim, so
    /// the item's running sum comes back to 0.
    pub fn pending_bytes(&self) -> u64 {
        pending_bytes(&self.event_type, &self.data, self.metadata.as_ref())
    }

    /// Roughly the bytes this event takes in an answer of Lambda's, where the whole body is one JSON string: quotes,
    /// backslashes and line ends take two.
    pub fn wire_bytes(&self) -> usize {
        wire_bytes(&self.event_type, &self.data, self.metadata.as_ref())
    }
}

fn wire_bytes(event_type: &EventType, data: &JsonObject, metadata: Option<&JsonObject>) -> usize {
    let escaped = |text: &JsonObject| {
        text.as_str().bytes().filter(|byte| matches!(byte, b'"' | b'\\') || byte.is_ascii_control()).count()
    };
    let bytes = usize::try_from(pending_bytes(event_type, data, metadata)).unwrap_or(usize::MAX);
    bytes.saturating_add(escaped(data)).saturating_add(metadata.map_or(0, escaped))
}

fn pending_bytes(event_type: &EventType, data: &JsonObject, metadata: Option<&JsonObject>) -> u64 {
    let payload = event_type.as_str().len() + data.as_str().len() + metadata.map_or(0, |m| m.as_str().len());
    payload as u64 + PENDING_EVENT_OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_types() {
        for good in ["A", "BookingPriced", "hotel.booking.v2", &format!("a{}", "1".repeat(127))] {
            assert!(EventType::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", ".a", "a-b", "a b", "é", &format!("a{}", "1".repeat(128))] {
            assert_eq!(EventType::parse(bad), Err(InvalidEventType), "{bad}");
        }
        let text = "hotel.booking.v2";
        let event_type = EventType::parse(text).unwrap();
        assert_eq!((event_type.as_str(), event_type.to_string().as_str()), (text, text));
        assert_eq!(String::from(event_type), text);
    }

    fn offered() -> NewEvent {
        NewEvent {
            event_id: EventId::from_bytes([7; 16]),
            event_type: EventType::parse("BookingPriced").unwrap(),
            occurred_at: None,
            data: JsonObject::parse(r#"{"total":"1.10"}"#).unwrap(),
            metadata: None,
        }
    }

    #[test]
    fn an_event_costs_its_texts_and_the_overhead() {
        let overhead = PENDING_EVENT_OVERHEAD + "BookingPriced".len() as u64;
        let with = |metadata: Option<&str>| NewEvent {
            metadata: metadata.map(|text| JsonObject::parse(text).unwrap()),
            ..offered()
        };
        let odd = "{\n\"a\\\"\":\"é\"}";
        for (event, texts, escaped) in [
            (with(None), 16, 4),
            (with(Some("{}")), 18, 4),
            (with(Some(r#"{"by":"hotel"}"#)), 30, 8),
            (with(Some(odd)), 16 + odd.len() as u64, 4 + 7),
        ] {
            assert_eq!(event.pending_bytes(), overhead + texts);
            let wire = usize::try_from(overhead + texts + escaped).unwrap();
            assert_eq!(event.wire_bytes(), wire);
            let accepted = event.accept(Version::FIRST, Timestamp::parse("2026-11-21T09:00:00Z").unwrap());
            assert_eq!((accepted.pending_bytes(), accepted.wire_bytes()), (overhead + texts, wire));
        }
    }

    #[test]
    fn a_retry_is_the_same_event_whatever_its_time_of_acceptance() {
        let accepted_at = Timestamp::parse("2026-11-21T09:00:00Z").unwrap();
        let stored = offered().accept(Version::FIRST, accepted_at);
        assert_eq!(stored.occurred_at, accepted_at);
        assert!(offered().is_same_as(&stored));
        assert!(NewEvent { occurred_at: Some(accepted_at), ..offered() }.is_same_as(&stored));
        let other = JsonObject::parse(r#"{"total":"1.1"}"#).unwrap();
        assert!(!NewEvent { data: other.clone(), ..offered() }.is_same_as(&stored));
        assert!(!NewEvent { metadata: Some(other), ..offered() }.is_same_as(&stored));
        assert!(
            !NewEvent { occurred_at: Some(accepted_at.before(std::time::Duration::from_millis(1))), ..offered() }
                .is_same_as(&stored)
        );
        assert!(!NewEvent { event_type: EventType::parse("Other").unwrap(), ..offered() }.is_same_as(&stored));
        assert!(!NewEvent { event_id: EventId::from_bytes([8; 16]), ..offered() }.is_same_as(&stored));
    }
}
