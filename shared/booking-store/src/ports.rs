//! The four stores as the protocol sees them: narrow, asynchronous, each call bounded in time by its adapter.
//!
//! Every method either proves its answer or returns a [`StoreFailure`] that says whether it may have had an effect.
//! Reads are strongly consistent and page through everything.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::failure::StoreFailure;
use crate::queue_message::QueueMessage;
use crate::replays::ReplayMark;
use crate::reservation::Trim;
use crate::{BookingCode, Conflict, Decision, Event, EventId, Reservation, Timestamp, Version};

/// The arbiter's answer to a [`Decision`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Granted: the reservation as it is now.
    Granted(Box<Reservation>),
    /// Refused: the reservation as it is, or that there is none.
    Refused(Option<Box<Reservation>>),
}

/// The answer to a [`Trim`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trimmed {
    /// Done.
    Done,
    /// `settled` is not what the trim started from: the reservation as it is.
    Moved(Option<Box<Reservation>>),
}

/// All the reservations table holds of one booking code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The booking's reservation, if the code is taken.
    pub reservation: Option<Reservation>,
    /// Events that lost the code, by event id.
    pub conflicts: Vec<Conflict>,
}

/// The answer to keeping a [`Conflict`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConflictKept {
    /// Kept now, or the same event was kept before.
    Kept,
    /// Another payload is kept under this event id.
    OtherPayload,
}

/// The answer to recording an [`Event`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Recorded now.
    New,
    /// The version was recorded before, with this event id.
    Before(EventId),
}

/// One page of the audit's scan of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StalePage {
    /// Reservations whose oldest pending event is older than asked.
    pub reservations: Vec<Reservation>,
    /// Where the next page begins; `None` at the end of the segment.
    pub next: Option<Cursor>,
}

/// A place in a scan, opaque to the protocol: booking code and item name of the last item looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Booking code of the last item.
    pub booking_code: String,
    /// Item name of the last item.
    pub item: String,
}

/// The reservations table: the one arbiter.
#[async_trait]
pub trait Reservations: Send + Sync {
    /// Grants or refuses `decision` in one conditional write of one item (see [`Decision::granted_by`]).
    async fn decide(&self, decision: &Decision) -> Result<Decided, StoreFailure>;

    /// Everything the table holds of `booking_code`.
    async fn claims(&self, booking_code: &BookingCode) -> Result<Claims, StoreFailure>;

    /// Removes the first pending events, if `settled` is still where the trim starts.
    async fn trim(&self, booking_code: &BookingCode, trim: &Trim) -> Result<Trimmed, StoreFailure>;

    /// Keeps an event that lost its code. Never overwrites.
    async fn keep_conflict(&self, conflict: &Conflict) -> Result<ConflictKept, StoreFailure>;

    /// One page of segment `segment` of `segments`: reservations with an event pending since before `before`.
    async fn stale(
        &self,
        before: Timestamp,
        segment: u32,
        segments: u32,
        after: Option<&Cursor>,
    ) -> Result<StalePage, StoreFailure>;
}

/// The events table: the record. It never arbitrates.
#[async_trait]
pub trait Events: Send + Sync {
    /// Records `event` at its version unless that version is recorded. Never overwrites.
    async fn record(&self, booking_code: &BookingCode, event: &Event) -> Result<Recorded, StoreFailure>;

    /// The highest recorded version and its event id. There are no gaps below it.
    async fn highest(&self, booking_code: &BookingCode) -> Result<Option<(Version, EventId)>, StoreFailure>;

    /// Recorded events from version `from` on, in order: up to `limit` of them, or fewer but at least one once they
    /// exceed `max_bytes`.
    async fn range(
        &self,
        booking_code: &BookingCode,
        from: Version,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Event>, StoreFailure>;
}

/// The fallback queue, FIFO by booking code.
#[async_trait]
pub trait FallbackQueue: Send + Sync {
    /// Hands `message` to the queue.
    async fn send(&self, message: &QueueMessage) -> Result<(), StoreFailure>;

    /// Hides the message behind `receipt` for `pause`.
    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure>;

    /// Puts `body`, which no drainer can settle, into the dead-letter queue with the reason. `message_id` names the
    /// message, so that doing it twice leaves one.
    async fn dead_letter(&self, group: &str, message_id: &str, body: &str, reason: &str) -> Result<(), StoreFailure>;
}

/// What goes to the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusEvent<'a> {
    /// An accepted, recorded event of a booking.
    Event(&'a BookingCode, &'a Event),
    /// An event that lost its booking code.
    Conflict(&'a Conflict),
    /// A recorded event of a booking once more, for the consumer that asked for it.
    Replay(&'a BookingCode, &'a Event, &'a ReplayMark),
}

/// The event bus.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Hands one event to the bus. `Ok` means that the bus has taken this very entry.
    async fn publish(&self, event: BusEvent<'_>) -> Result<(), StoreFailure>;
}

/// Everything an operation of the protocol may touch.
#[derive(Clone)]
pub struct Stores {
    /// The arbiter.
    pub reservations: Arc<dyn Reservations>,
    /// The record.
    pub events: Arc<dyn Events>,
    /// The retry.
    pub queue: Arc<dyn FallbackQueue>,
    /// The fan-out.
    pub bus: Arc<dyn EventBus>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}
