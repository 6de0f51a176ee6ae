//! An event as a projection sees it, and the name of a replay.

use booking_store::{BookingCode, Event, EventId, EventType, JsonObject, Timestamp, Version};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::projection::{ApplyError, without_values};

/// An accepted event of a booking. It never changes; its version is its place in the booking, from 1, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Whose event.
    pub booking_code: BookingCode,
    /// Its place in the booking.
    pub version: Version,
    /// Its name for ever; the idempotency key of whatever is done about it.
    pub event_id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the store accepted it.
    pub accepted_at: Timestamp,
    /// The author's data, to the byte.
    pub data: JsonObject,
    /// The author's metadata, to the byte.
    pub metadata: Option<JsonObject>,
}

impl RecordedEvent {
    /// The store's event of `booking_code`.
    pub fn new(booking_code: BookingCode, event: Event) -> Self {
        let Event { version, event_id, event_type, occurred_at, accepted_at, data, metadata } = event;
        Self { booking_code, version, event_id, event_type, occurred_at, accepted_at, data, metadata }
    }

    /// Its type as text, for a `match`.
    pub fn kind(&self) -> &str {
        self.event_type.as_str()
    }

    /// Its data as a `T`.
    ///
    /// # Errors
    /// The data is no `T`; returned from [`Projection::apply`](crate::Projection::apply) it parks the booking.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ApplyError> {
        let refused = |error| ApplyError::new(format!("data of {}: {}", self.event_type, without_values(&error)));
        serde_json::from_str(self.data.as_str()).map_err(refused)
    }
}

/// Longest replay id.
const MAX_REPLAY_ID_LEN: usize = 64;

/// Names one replay: 1 to 64 of `A-Z a-z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReplayId(String);

/// The text names no replay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_REPLAY_ID_LEN} of A-Z, a-z, 0-9, '.', '_' and '-'")]
pub struct InvalidReplayId;

impl ReplayId {
    /// Parses an id; nothing is trimmed or folded.
    ///
    /// # Errors
    /// Empty, too long, or a character outside the alphabet.
    pub fn parse(text: &str) -> Result<Self, InvalidReplayId> {
        let known = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        let fits = (1..=MAX_REPLAY_ID_LEN).contains(&text.len());
        if known && fits { Ok(Self(text.to_owned())) } else { Err(InvalidReplayId) }
    }
}

booking_store::text_name!(ReplayId, InvalidReplayId);
