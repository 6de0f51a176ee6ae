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

/// Publishes everything pending in `reservation`, one event a call, then trims it. All of it must be recorded.
pub async fn publish_and_trim(stores: &Stores, reservation: &Reservation) -> Result<(), StoreFailure> {
    for event in &reservation.pending {
        stores.bus.publish(BusEvent::Event(&reservation.booking_code, event)).await?;
    }
    trim(stores, reservation.clone(), reservation.head).await
}

/// Trims the reservation item until everything up to `up_to` is settled. `reservation` may be an old image.
async fn trim(stores: &Stores, mut reservation: Reservation, up_to: Version) -> Result<(), StoreFailure> {
    // Each round either moves `settled` itself or sees that somebody else has; more rounds than pending events would
    // mean that it moves without end.
    for _ in 0..=reservation.pending.len().div_ceil(MAX_TRIM) + reservation.pending.len() {
        let Some(step) = reservation.trim(up_to) else { return Ok(()) };
        match stores.reservations.trim(&reservation.booking_code, &step).await? {
            Trimmed::Done => reservation = reservation.trimmed(&step),
            Trimmed::Moved(Some(now)) => reservation = *now,
            Trimmed::Moved(None) => return Err(StoreFailure::corrupt(Store::Reservations, "the reservation is gone")),
        }
    }
    Err(StoreFailure::corrupt(Store::Reservations, "trimming makes no progress"))
}
