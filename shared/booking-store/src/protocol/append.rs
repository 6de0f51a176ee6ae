//! Append: decide, then record (PROTOCOL, "Append").

use crate::clock::Clock;
use crate::failure::{FailureKind, StoreFailure};
use crate::ports::{Decided, Stores};
use crate::protocol::record::record;
use crate::protocol::replay::{self, Refusal};
use crate::queue_message::QueueMessage;
use crate::{BookingCode, Decision, Event, EventId, ExpectedVersion, NewEvent, Reservation, Version};

/// One append as a client asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The booking.
    pub booking_code: BookingCode,
    /// What the client believes of it.
    pub expected: ExpectedVersion,
    /// 1 to 25 events with ids that differ from each other.
    pub events: Vec<NewEvent>,
}

/// Where accepted events are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In the events table.
    Recorded,
    /// In the reservation item; stream and queue see to the rest.
    Pending,
}

/// How an append ended. Conflicts are results, not errors.
#[derive(Debug)]
pub enum Outcome {
    /// The events are accepted: durable, readable, and the code is theirs.
    Accepted {
        /// The events with their versions, consecutive.
        events: Vec<Event>,
        /// Where they are.
        status: Status,
        /// Whether they were accepted before: by an earlier request, or by an attempt of this one whose answer was lost.
        replayed: bool,
        /// Why they are pending.
        cause: Option<StoreFailure>,
    },
    /// The arbiter is unreachable; the events of a new booking are in the queue, the code is not confirmed.
    Deferred {
        /// Their ids.
        event_ids: Vec<EventId>,
        /// Why.
        cause: StoreFailure,
    },
    /// The code belongs to another booking. Nothing was written.
    BookingCodeTaken,
    /// The booking is at another version. Nothing was written.
    VersionConflict {
        /// What the client expected.
        expected: Version,
        /// What is.
        actual: Version,
    },
    /// There is no such booking. Nothing was written.
    BookingNotFound,
    /// The event id was used for something else. Nothing was written.
    EventIdReused(EventId),
    /// Too much of this booking is unsettled. Nothing was written.
    PendingLimitReached,
    /// A store did not answer.
    Unavailable {
        /// Whether the events may have been accepted nevertheless.
        outcome_unknown: bool,
        /// Why.
        cause: StoreFailure,
    },
}

/// Appends. `deferred_accept` is the deployment's word on new bookings while the arbiter is unreachable.
pub async fn append(stores: &Stores, append: Append, deferred_accept: bool) -> Outcome {
    let decision = Decision {
        booking_code: append.booking_code,
        expected: append.expected,
        events: append.events,
        accepted_at: Clock::now(&*stores.clock),
    };
    match stores.reservations.decide(&decision).await {
        Ok(Decided::Granted(reservation)) => {
            let previous = Version::new(reservation.head.get() - decision.events.len() as u64);
            let events = decision.accepted_after(previous);
            let own = events.len();
            accept(stores, &reservation, events, own, false).await
        }
        Ok(Decided::Refused(None)) => Outcome::BookingNotFound,
        Ok(Decided::Refused(Some(old))) => refuse(stores, &decision, &old).await,
        Err(failure) if failure.kind == FailureKind::TooLarge && !failure.effect_possible => {
            Outcome::PendingLimitReached
        }
        Err(failure) => arbiter_unreachable(stores, &decision, failure, deferred_accept).await,
    }
}

/// The events are in the reservation item. Record them, or leave that to the queue; the answer is yes either way.
/// `own` is how many of the last pending events this request has just put there.
async fn accept(stores: &Stores, reservation: &Reservation, events: Vec<Event>, own: usize, replayed: bool) -> Outcome {
    let last = events.last().map_or(Version::NONE, |event| event.version);
    match record(stores, reservation, last, own).await {
        Ok(()) => Outcome::Accepted { events, status: Status::Recorded, replayed, cause: None },
        Err(cause) => {
            hand_over(stores, reservation).await;
            Outcome::Accepted { events, status: Status::Pending, replayed, cause: Some(cause) }
        }
    }
}

/// Sends the booking to the queue. If that fails too, the item still holds the events and its stream finds them.
async fn hand_over(stores: &Stores, reservation: &Reservation) {
    let Some(order) = QueueMessage::settle(reservation) else { return };
    if let Err(failure) = stores.queue.send(&order).await {
        let booking_code = reservation.booking_code.as_str();
        tracing::warn!(booking_code, error = failure.chain(), "not queued; the reservation's stream will settle it");
    }
}

async fn refuse(stores: &Stores, decision: &Decision, old: &Reservation) -> Outcome {
    match replay::explain(stores, decision, old).await {
        Ok(Refusal::Replay { events }) => {
            let settled = events.last().is_some_and(|event| event.version <= old.settled);
            if settled {
                return Outcome::Accepted { events, status: Status::Recorded, replayed: true, cause: None };
            }
            accept(stores, old, events, 0, true).await
        }
        Ok(Refusal::EventIdReused(event_id)) => Outcome::EventIdReused(event_id),
        Ok(Refusal::BookingCodeTaken) => Outcome::BookingCodeTaken,
        Ok(Refusal::VersionConflict(actual)) => {
            let expected = match decision.expected {
                ExpectedVersion::Exact(version) => version,
                ExpectedVersion::New | ExpectedVersion::Any => Version::NONE,
            };
            Outcome::VersionConflict { expected, actual }
        }
        Ok(Refusal::PendingLimitReached) => Outcome::PendingLimitReached,
        // Whether these events were accepted long ago only the events table can say.
        Err(cause) => Outcome::Unavailable { outcome_unknown: true, cause },
    }
}

/// PROTOCOL, "Arbiter unreachable": only a new booking may be deferred, and only into the queue.
async fn arbiter_unreachable(
    stores: &Stores,
    decision: &Decision,
    cause: StoreFailure,
    deferred_accept: bool,
) -> Outcome {
    let outcome_unknown = cause.effect_possible;
    if decision.expected != ExpectedVersion::New || !deferred_accept {
        return Outcome::Unavailable { outcome_unknown, cause };
    }
    match stores.queue.send(&QueueMessage::deferred(decision)).await {
        Ok(()) => Outcome::Deferred { event_ids: decision.event_ids().collect(), cause },
        Err(failure) => {
            Outcome::Unavailable { outcome_unknown: outcome_unknown || failure.effect_possible, cause: failure }
        }
    }
}
