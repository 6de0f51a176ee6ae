//! Lookup: one booking's state, or one event by its id. The claims are read first, the record after them, so that what
//! moves in between is found in one of the two.

use crate::failure::{Store, StoreFailure};
use crate::limits::{MAX_PAGE_BYTES, MAX_PAGE_EVENTS};
use crate::ports::{Claims, Stores};
use crate::protocol::append::Status;
use crate::protocol::read::Outcome;
use crate::{BookingCode, Conflict, Event, EventId, Reservation, Version};

/// A booking at a glance: its reservation, and the events that lost its code.
pub type Summary = (Reservation, Vec<Conflict>);

/// An event of a booking code.
#[derive(Debug)]
pub enum Located {
    /// The booking has it, at its version.
    Event(Event, Status),
    /// It was acknowledged as deferred and lost the code.
    Conflict(Conflict),
    /// The booking exists and has no such event.
    NoSuchEvent,
}

/// The state of a booking.
pub async fn summary(stores: &Stores, booking_code: &BookingCode) -> Outcome<Summary> {
    match stores.reservations.claims(booking_code).await {
        Ok(Claims { reservation: Some(reservation), conflicts }) => Outcome::Found((reservation, conflicts)),
        Ok(Claims { reservation: None, .. }) => absent(stores, booking_code).await,
        Err(failure) => Outcome::Unknown(failure),
    }
}

/// The event with this id.
pub async fn event(stores: &Stores, booking_code: &BookingCode, event_id: EventId) -> Outcome<Located> {
    let claims = match stores.reservations.claims(booking_code).await {
        Ok(claims) => claims,
        Err(failure) => return Outcome::Unknown(failure),
    };
    let Some(reservation) = &claims.reservation else { return absent(stores, booking_code).await };
    let located = match reservation.version_of(event_id) {
        Some(version) => at_version(stores, reservation, version).await,
        None => match search(stores, booking_code, event_id).await {
            Ok(Some(event)) => Ok(Located::Event(event, Status::Recorded)),
            Ok(None) => {
                let mut conflicts = claims.conflicts.into_iter();
                let conflict = conflicts.find(|conflict| conflict.event.event_id == event_id);
                Ok(conflict.map_or(Located::NoSuchEvent, Located::Conflict))
            }
            Err(failure) => Err(failure),
        },
    };
    located.map_or_else(Outcome::Unknown, Outcome::Found)
}

/// No reservation. That is proof only if the record agrees.
async fn absent<T>(stores: &Stores, booking_code: &BookingCode) -> Outcome<T> {
    match stores.events.highest(booking_code).await {
        Ok(None) => Outcome::NotFound,
        // The booking came to be between the two answers, or a table was restored without the other.
        Ok(Some(_)) => Outcome::Unknown(StoreFailure::corrupt(Store::Events, "events without a reservation")),
        Err(failure) => Outcome::Unknown(failure),
    }
}

async fn at_version(stores: &Stores, reservation: &Reservation, version: Version) -> Result<Located, StoreFailure> {
    let pending = reservation.pending_at(version);
    match (stores.events.range(&reservation.booking_code, version, 1, MAX_PAGE_BYTES).await, pending) {
        (Ok(recorded), pending) => match (recorded.into_iter().find(|event| event.version == version), pending) {
            (Some(event), _) => Ok(Located::Event(event, Status::Recorded)),
            (None, Some(event)) => Ok(Located::Event(event.clone(), Status::Pending)),
            (None, None) => Err(StoreFailure::corrupt(Store::Events, format!("settled version {version} is missing"))),
        },
        // Whether it is recorded by now can't be known; that it is accepted is certain.
        (Err(_), Some(event)) => Ok(Located::Event(event.clone(), Status::Pending)),
        (Err(failure), None) => Err(failure),
    }
}

/// Older than the recent ids: the whole record is read, page by page.
async fn search(stores: &Stores, booking_code: &BookingCode, event_id: EventId) -> Result<Option<Event>, StoreFailure> {
    let mut from = Version::FIRST;
    loop {
        let page = stores.events.range(booking_code, from, MAX_PAGE_EVENTS, MAX_PAGE_BYTES).await?;
        let Some(last) = page.last() else { return Ok(None) };
        from = last.version.next();
        if let Some(event) = page.into_iter().find(|event| event.event_id == event_id) {
            return Ok(Some(event));
        }
    }
}
