//! Bugs of the drainer.

use booking_store::failure::StoreFailure;
use booking_store::limits::MAX_PAGE_BYTES;
use booking_store::ports::{BusEvent, Decided, Stores, Trimmed};
use booking_store::protocol::drain::{self, Drained};
use booking_store::protocol::record::record;
use booking_store::protocol::replay::{Refusal, explain};
use booking_store::protocol::settle::settle;
use booking_store::queue_message::QueueMessage;
use booking_store::{BookingCode, Conflict, Decision, EventId, Version};

use super::Bug;

/// The work of a drainer with this bug on one message.
pub(crate) async fn drain(bug: Option<Bug>, stores: &Stores, message: &QueueMessage) -> Drained {
    let drained = match (bug, message) {
        (
            Some(bug @ (Bug::RecordDecidesConflicts | Bug::DeferredWithoutReplay | Bug::KeepWholeBatch)),
            QueueMessage::Deferred { .. },
        ) => drain_deferred(bug, stores, message).await,
        (Some(Bug::TrimBeforePublish), QueueMessage::Settle { booking_code, .. }) => {
            trim_and_publish(stores, booking_code).await
        }
        (Some(Bug::FailedMessagesDeleted), _) => {
            drop(drain::drain(stores, message).await);
            Ok(Drained::Settled)
        }
        _ => return drain::drain(stores, message).await,
    };
    drained.unwrap_or_else(Drained::NotYet)
}

/// Whether the message is deleted before anything is done.
pub(crate) fn is_deleted_first(bug: Option<Bug>) -> bool {
    bug == Some(Bug::DeleteFirst)
}

async fn drain_deferred(bug: Bug, stores: &Stores, message: &QueueMessage) -> Result<Drained, StoreFailure> {
    let QueueMessage::Deferred { booking_code, accepted_at, events } = message else {
        return Ok(Drained::Unworkable("not deferred".to_owned()));
    };
    let decision = QueueMessage::decision(booking_code, *accepted_at, events);
    if bug == Bug::RecordDecidesConflicts {
        let first = stores.events.range(booking_code, Version::FIRST, 1, MAX_PAGE_BYTES).await?;
        let owner = first.first().map(|event| event.event_id);
        if let Some(owner) = owner.filter(|owner| decision.event_ids().next() != Some(*owner)) {
            return keep(stores, &decision, owner).await;
        }
    }
    if let Decided::Refused(Some(old)) = stores.reservations.decide(&decision).await? {
        let refused =
            bug == Bug::KeepWholeBatch && !matches!(explain(stores, &decision, &old).await?, Refusal::Replay { .. });
        if refused || bug == Bug::DeferredWithoutReplay {
            return keep(stores, &decision, old.owner).await;
        }
    }
    settle(stores, booking_code).await.map(|_| Drained::Settled)
}

async fn keep(stores: &Stores, decision: &Decision, owner: EventId) -> Result<Drained, StoreFailure> {
    for event in &decision.events {
        let conflict = Conflict {
            booking_code: decision.booking_code.clone(),
            event: event.clone(),
            accepted_at: decision.accepted_at,
            owner,
            detected_at: stores.clock.now(),
        };
        stores.reservations.keep_conflict(&conflict).await?;
    }
    Ok(Drained::Conflict)
}

async fn trim_and_publish(stores: &Stores, booking_code: &BookingCode) -> Result<Drained, StoreFailure> {
    let claims = stores.reservations.claims(booking_code).await?;
    let Some(reservation) = claims.reservation else { return Ok(Drained::Settled) };
    record(stores, &reservation, reservation.head, 0).await?;
    if let Some(step) = reservation.trim(reservation.head)
        && stores.reservations.trim(booking_code, &step).await? == Trimmed::Done
    {
        for event in &reservation.pending {
            stores.bus.publish(BusEvent::Event(booking_code, event)).await?;
        }
    }
    Ok(Drained::Settled)
}
