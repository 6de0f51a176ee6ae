//! What a client orders: which bookings' events, for whom, how fast.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits::MAX_CONSUMER_LEN;
use crate::{BookingCode, EventId, Timestamp};

/// A replay's identity, chosen by the client as its idempotency key or made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReplayId(Uuid);

/// The text is no UUID in its hyphenated form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID such as 0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5")]
pub struct InvalidReplayId;

impl ReplayId {
    /// Parses the hyphenated form, in either case.
    ///
    /// # Errors
    /// The text is something else.
    pub fn parse(text: &str) -> Result<Self, InvalidReplayId> {
        if text.len() != uuid::fmt::Hyphenated::LENGTH {
            return Err(InvalidReplayId);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| InvalidReplayId)
    }
}

impl From<EventId> for ReplayId {
    /// A fresh id serves as well for a replay as for an event.
    fn from(id: EventId) -> Self {
        Self(Uuid::from_bytes(*id.as_bytes()))
    }
}

impl fmt::Display for ReplayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl TryFrom<String> for ReplayId {
    type Error = InvalidReplayId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ReplayId> for String {
    fn from(id: ReplayId) -> Self {
        id.to_string()
    }
}

/// Whom the events are for. A rule on the bus selects by it: 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Consumer(String);

/// Why a text names no consumer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_CONSUMER_LEN} of A-Z, a-z, 0-9, '.', '_' and '-'")]
pub struct InvalidConsumer;

impl Consumer {
    /// Parses a name; nothing is trimmed or folded.
    ///
    /// # Errors
    /// The text is empty, too long or holds another character.
    pub fn parse(text: &str) -> Result<Self, InvalidConsumer> {
        let known = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if known && !text.is_empty() && text.len() <= MAX_CONSUMER_LEN {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidConsumer)
        }
    }
}

crate::text_name!(Consumer, InvalidConsumer);

/// Which events are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Everything recorded of these bookings.
    BookingCodes(Vec<BookingCode>),
    /// Of all bookings, the events accepted at `from` or later, and before `to`.
    ///
    /// An event counts as accepted no earlier than the one before it in its booking: the clocks of two writers may differ
    /// by moments, and without this rule a range could begin or end twice within a booking. With it, what a range selects
    /// of a booking has no gap, and ranges that meet share no event.
    Accepted {
        /// The first moment that counts.
        from: Timestamp,
        /// The first moment that counts no more.
        to: Timestamp,
    },
    /// Everything recorded.
    All,
}

/// A replay as it was ordered. Never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its identity.
    pub replay_id: ReplayId,
    /// Whom the events are for.
    pub consumer: Consumer,
    /// Which events.
    pub selection: Selection,
    /// Most events a second.
    pub rate_per_s: u32,
}

impl Order {
    /// What its events carry on the bus.
    pub fn mark(&self) -> ReplayMark {
        ReplayMark { replay_id: self.replay_id, consumer: self.consumer.clone() }
    }
}

/// What an event sent again carries besides itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayMark {
    /// The replay it belongs to.
    pub replay_id: ReplayId,
    /// Whom it is for.
    pub consumer: Consumer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consumers() {
        for good in ["a", "price-projection", "Team.9_x", &"x".repeat(64)] {
            assert_eq!(Consumer::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "é", "a#", &"x".repeat(65)] {
            assert_eq!(Consumer::parse(bad), Err(InvalidConsumer), "{bad}");
        }
    }

    #[test]
    fn ids_take_only_the_hyphenated_form_and_ignore_case() {
        let lower = "0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5";
        assert_eq!(ReplayId::parse(lower), ReplayId::parse(&lower.to_uppercase()));
        assert_eq!(ReplayId::parse(lower).unwrap().to_string(), lower);
        assert_eq!(ReplayId::from(EventId::parse(lower).unwrap()).to_string(), lower);
        for bad in ["", "0193b7a45a527cc08b2633f0a1d9a3a5", "{0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5}"] {
            assert_eq!(ReplayId::parse(bad), Err(InvalidReplayId), "{bad}");
        }
    }
}
