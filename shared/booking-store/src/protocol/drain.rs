//! Drain: what one message of the fallback queue leads to (PROTOCOL, "Drain").
//!
//! A message may be deleted only after what it stands for is settled, kept as a conflict, or in the dead-letter queue.

use crate::failure::{FailureKind, StoreFailure};
use crate::ports::{BusEvent, ConflictKept, Decided, Stores};
use crate::protocol::lookup::{self, Located};
use crate::protocol::read::Outcome;
use crate::protocol::replay::{self, Refusal};
use crate::protocol::settle::settle;
use crate::queue_message::QueueMessage;
use crate::{BookingCode, Conflict, Decision, EventId, NewEvent, Reservation};

/// What became of one message.
#[derive(Debug)]
pub enum Drained {
    /// Everything it stands for is settled. Delete it.
    Settled,
    /// The deferred events lost their code and are kept as conflict items. Delete it.
    Conflict,
    /// A store is failing. Leave it, and everything behind it in its group.
    NotYet(StoreFailure),
    /// No retry will help; it belongs into the dead-letter queue, with this reason.
    Unworkable(String),
}

/// Works on one message. Idempotent.
pub async fn drain(stores: &Stores, message: &QueueMessage) -> Drained {
    let drained = match message {
        QueueMessage::Settle { booking_code, .. } => drain_settle(stores, booking_code).await,
        QueueMessage::PublishConflict { booking_code, event_id } => {
            drain_conflict(stores, booking_code, *event_id).await
        }
        QueueMessage::Deferred { booking_code, accepted_at, events } => {
            let decision = QueueMessage::decision(booking_code, *accepted_at, events);
            drain_deferred(stores, &decision).await
        }
    };
    drained.unwrap_or_else(|failure| match failure.kind {
        FailureKind::Corrupt => Drained::Unworkable(failure.chain()),
        FailureKind::Unreachable
        | FailureKind::CircuitOpen
        | FailureKind::NoAnswer
        | FailureKind::ServerError
        | FailureKind::Throttled
        | FailureKind::Contended
        | FailureKind::Refused
        | FailureKind::TooLarge => Drained::NotYet(failure),
    })
}

async fn drain_settle(stores: &Stores, booking_code: &BookingCode) -> Result<Drained, StoreFailure> {
    let settled = settle(stores, booking_code).await?;
    Ok(settled
        .map_or_else(|| Drained::Unworkable("there is no reservation of this code".to_owned()), |_| Drained::Settled))
}

async fn drain_conflict(
    stores: &Stores,
    booking_code: &BookingCode,
    event_id: EventId,
) -> Result<Drained, StoreFailure> {
    let claims = stores.reservations.claims(booking_code).await?;
    let Some(conflict) = claims.conflicts.iter().find(|conflict| conflict.event.event_id == event_id) else {
        return Ok(Drained::Unworkable("there is no such conflict item".to_owned()));
    };
    stores.bus.publish(BusEvent::Conflict(conflict)).await?;
    Ok(Drained::Settled)
}

async fn drain_deferred(stores: &Stores, decision: &Decision) -> Result<Drained, StoreFailure> {
    let old = match stores.reservations.decide(decision).await? {
        Decided::Granted(_) => return drain_settle(stores, &decision.booking_code).await,
        Decided::Refused(Some(old)) => old,
        Decided::Refused(None) => return Ok(Drained::Unworkable("refused by no reservation".to_owned())),
    };
    match replay::explain(stores, decision, &old).await? {
        Refusal::Replay { .. } => drain_settle(stores, &decision.booking_code).await,
        Refusal::BookingCodeTaken
        | Refusal::EventIdReused(_)
        | Refusal::VersionConflict(_)
        | Refusal::PendingLimitReached => keep_conflicts(stores, decision, &old).await,
    }
}

async fn keep_conflicts(stores: &Stores, decision: &Decision, old: &Reservation) -> Result<Drained, StoreFailure> {
    for event in &decision.events {
        if is_accepted(stores, decision, event).await? {
            continue;
        }
        let conflict = Conflict {
            booking_code: decision.booking_code.clone(),
            event: event.clone(),
            accepted_at: decision.accepted_at,
            owner: old.owner,
            detected_at: stores.clock.now(),
        };
        match stores.reservations.keep_conflict(&conflict).await? {
            ConflictKept::Kept => {}
            ConflictKept::OtherPayload => {
                let id = event.event_id;
                return Ok(Drained::Unworkable(format!(
                    "a conflict of event {id} with another payload is kept already"
                )));
            }
        }
    }
    Ok(Drained::Conflict)
}

/// Whether the booking has this very event, accepted in another batch than this one: then it has lost nothing.
async fn is_accepted(stores: &Stores, decision: &Decision, event: &NewEvent) -> Result<bool, StoreFailure> {
    match lookup::event(stores, &decision.booking_code, event.event_id).await {
        Outcome::Found(Located::Event(accepted, _)) => Ok(event.is_same_as(&accepted)),
        Outcome::Found(Located::Conflict(_) | Located::NoSuchEvent) | Outcome::NotFound => Ok(false),
        Outcome::Unknown(failure) => Err(failure),
    }
}
