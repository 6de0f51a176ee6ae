//! Settle: publish what is recorded, in order, then trim it from the reservation item.
//!
//! Invariant 5: publishing starts at the lowest pending version and goes up one by one, and only a published event is
//! trimmed. Whoever looks at a reservation therefore knows that everything below its pending events was published.

use crate::failure::{Store, StoreFailure};
use crate::limits::MAX_TRIM;
use crate::ports::{BusEvent, Stores, Trimmed};
use crate::protocol::record::record;
use crate::{BookingCode, Reservation, Version};

/// Records, publishes and trims all that is pending of a booking. Idempotent.
///
/// Returns the reservation it worked on, or `None` if there is no such booking.
pub async fn settle(stores: &Stores, booking_code: &BookingCode) -> Result<Option<Reservation>, StoreFailure> {
    let claims = stores.reservations.claims(booking_code).await?;
    let Some(reservation) = claims.reservation else { return Ok(None) };
    record(stores, &reservation, reservation.head, 0).await?;
    publish_and_trim(stores, &reservation).await?;
    Ok(Some(reservation))
}

/// Publishes everything pending in `reservation`, one event a call, and trims it. All of it must be recorded.
///
/// Goes by portions of one trim each, so that a long backlog makes progress however often it is interrupted.
pub async fn publish_and_trim(stores: &Stores, reservation: &Reservation) -> Result<(), StoreFailure> {
    let mut state = reservation.clone();
    for portion in reservation.pending.chunks(MAX_TRIM) {
        for event in portion {
            stores.bus.publish(BusEvent::Event(&reservation.booking_code, event)).await?;
        }
        let up_to = portion.last().map_or(Version::NONE, |event| event.version);
        state = trim(stores, state, up_to).await?;
    }
    Ok(())
}

/// Trims the reservation item until everything up to `up_to` is settled. `reservation` may be an old image; returns the
/// newest one seen.
async fn trim(stores: &Stores, mut reservation: Reservation, up_to: Version) -> Result<Reservation, StoreFailure> {
    // Each round either moves `settled` itself or sees that somebody else has moved it, so there are no more rounds than
    // events to trim.
    for _ in 0..=MAX_TRIM {
        let Some(step) = reservation.trim(up_to) else { return Ok(reservation) };
        match stores.reservations.trim(&reservation.booking_code, &step).await? {
            Trimmed::Done => reservation = reservation.trimmed(&step),
            Trimmed::Moved(Some(now)) => reservation = *now,
            Trimmed::Moved(None) => return Err(StoreFailure::corrupt(Store::Reservations, "the reservation is gone")),
        }
    }
    Err(StoreFailure::corrupt(Store::Reservations, "trimming makes no progress"))
}
