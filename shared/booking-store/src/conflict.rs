//! A deferred event that lost its booking code to another booking.

use crate::{BookingCode, EventId, NewEvent, Timestamp};

/// An acknowledged event whose code turned out to belong to another booking. It is kept whole, shown by reads of that
/// code and published as `BookingCodeConflict` (PROTOCOL, "Drain").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The code both wanted.
    pub booking_code: BookingCode,
    /// The event that lost.
    pub event: NewEvent,
    /// When it was accepted as deferred.
    pub accepted_at: Timestamp,
    /// The event that owns the code.
    pub owner: EventId,
    /// When the drainer found out.
    pub detected_at: Timestamp,
}

impl Conflict {
    /// When the losing event happened.
    pub fn occurred_at(&self) -> Timestamp {
        self.event.occurred_at.unwrap_or(self.accepted_at)
    }
}
