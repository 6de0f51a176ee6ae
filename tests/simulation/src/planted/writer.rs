//! Bugs of the writer.

use booking_store::clock::Clock;
use booking_store::failure::StoreFailure;
use booking_store::ports::{Decided, Stores};
use booking_store::protocol::append::{self, Append, Outcome, Status};
use booking_store::protocol::record::record;
use booking_store::queue_message::QueueMessage;
use booking_store::{Decision, Event, ExpectedVersion, Reservation, Version};

use super::Bug;

/// The append of a writer with this bug.
pub(crate) async fn append(bug: Option<Bug>, stores: &Stores, request: Append, deferred_accept: bool) -> Outcome {
    let Some(bug @ (Bug::RecordWithoutHelping | Bug::RefusalIsConflict)) = bug else {
        return append::append(stores, request, deferred_accept).await;
    };
    let decision = Decision {
        booking_code: request.booking_code.clone(),
        expected: request.expected,
        events: request.events.clone(),
        accepted_at: Clock::now(&*stores.clock),
    };
    match stores.reservations.decide(&decision).await {
        Ok(Decided::Granted(reservation)) => granted(bug, stores, &decision, &reservation).await,
        Ok(Decided::Refused(Some(old))) if bug == Bug::RefusalIsConflict => match request.expected {
            ExpectedVersion::Exact(expected) if expected != old.head => {
                Outcome::VersionConflict { expected, actual: old.head }
            }
            ExpectedVersion::Exact(_) | ExpectedVersion::Any => Outcome::PendingLimitReached,
            ExpectedVersion::New => Outcome::BookingCodeTaken,
        },
        Ok(Decided::Refused(_)) | Err(_) => append::append(stores, request, deferred_accept).await,
    }
}

async fn granted(bug: Bug, stores: &Stores, decision: &Decision, reservation: &Reservation) -> Outcome {
    let previous = Version::new(reservation.head.get() - decision.events.len() as u64);
    let events = decision.accepted_after(previous);
    let recorded = if bug == Bug::RecordWithoutHelping {
        record_own(stores, reservation, &events).await
    } else {
        record(stores, reservation, reservation.head, 0).await
    };
    let cause = recorded.err();
    if cause.is_some()
        && let Some(order) = QueueMessage::settle(reservation)
    {
        drop(stores.queue.send(&order).await);
    }
    let status = if cause.is_some() { Status::Pending } else { Status::Recorded };
    Outcome::Accepted { events, status, replayed: false, cause }
}

async fn record_own(stores: &Stores, reservation: &Reservation, events: &[Event]) -> Result<(), StoreFailure> {
    for event in events {
        stores.events.record(&reservation.booking_code, event).await?;
    }
    Ok(())
}
