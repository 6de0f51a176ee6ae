//! Record: move pending events into the events table, lowest version first.
//!
//! Invariant 4: an event is put only once every version below it is known to be recorded. This is the helping rule: a
//! writer first records what others have left pending.

use crate::failure::{FailureKind, Store, StoreFailure};
use crate::limits::RECORD_BUDGET;
use crate::ports::{Recorded, Stores};
use crate::{EventId, Reservation, Version};

/// Records everything pending in `reservation` up to `up_to`. Does nothing that was done before, and gives up after
/// [`RECORD_BUDGET`]: a slow table must not keep a writer from its answer.
///
/// `own` is how many of the last of these events the caller has just added itself: if they are all there is, the look
/// at what is recorded already is saved.
pub async fn record(
    stores: &Stores,
    reservation: &Reservation,
    up_to: Version,
    own: usize,
) -> Result<(), StoreFailure> {
    let code = &reservation.booking_code;
    let pending = reservation.pending_up_to(up_to);
    let recorded = if pending.len() > own { recorded_up_to(stores, reservation).await? } else { reservation.settled };
    let start = stores.clock.now();
    for event in pending.iter().filter(|event| event.version > recorded) {
        if stores.clock.now().before(RECORD_BUDGET) > start {
            return Err(StoreFailure::new(Store::Events, FailureKind::NoAnswer).because("the time to record is up"));
        }
        match stores.events.record(code, event).await? {
            Recorded::New => {}
            Recorded::Before(event_id) => same(event.version, event.event_id, event_id)?,
        }
    }
    Ok(())
}

/// The highest version the events table holds, checked against what the reservation says of it.
pub async fn recorded_up_to(stores: &Stores, reservation: &Reservation) -> Result<Version, StoreFailure> {
    let Some((version, event_id)) = stores.events.highest(&reservation.booking_code).await? else {
        return below(reservation, Version::NONE);
    };
    if let Some(pending) = reservation.pending_at(version) {
        same(version, pending.event_id, event_id)?;
    }
    below(reservation, version)
}

fn below(reservation: &Reservation, recorded: Version) -> Result<Version, StoreFailure> {
    if recorded >= reservation.settled {
        return Ok(recorded);
    }
    let settled = reservation.settled;
    Err(StoreFailure::corrupt(Store::Events, format!("recorded up to {recorded}, but settled up to {settled}")))
}

fn same(version: Version, pending: EventId, recorded: EventId) -> Result<(), StoreFailure> {
    if pending == recorded {
        return Ok(());
    }
    let what = format!("version {version} is recorded as event {recorded}, but reserved for event {pending}");
    Err(StoreFailure::corrupt(Store::Events, what))
}
