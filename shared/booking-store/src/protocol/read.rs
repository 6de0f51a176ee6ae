//! Read: what is known of a booking, proven complete or not told at all (PROTOCOL, "Read").
//!
//! Both tables are asked in parallel, always strongly consistent. The reservation proves everything above `settled`;
//! the record must reach up to `settled`, or the two were read around a move and are read again.

use futures::future::join;

use crate::failure::{Store, StoreFailure};
use crate::limits::{MAX_PAGE_BYTES, MAX_PAGE_CONFLICT_BYTES, MAX_READ_ATTEMPTS};
use crate::ports::{Claims, Stores};
use crate::protocol::append::Status;
use crate::{BookingCode, Conflict, Event, Reservation, Version};

/// What a reader asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The booking.
    pub booking_code: BookingCode,
    /// The first version wanted (≥ 1).
    pub from: Version,
    /// The most events wanted (≥ 1).
    pub limit: usize,
    /// The version the reader knows to exist: having it is proof enough while the arbiter is silent.
    pub min_version: Option<Version>,
    /// Whether what is known will do, marked incomplete, when the whole can't be known.
    pub eventual: bool,
}

/// One page of a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The booking's version, as far as known.
    pub version: Version,
    /// Whether nothing is missing from the page.
    pub complete: bool,
    /// Events in order of version, with where they are.
    pub events: Vec<(Event, Status)>,
    /// Events that lost this code to the booking, up to 1 MB of them.
    pub conflicts: Vec<Conflict>,
    /// Where the next page begins.
    pub next: Option<Version>,
}

/// How a read ended.
#[derive(Debug)]
pub enum Outcome<T> {
    /// Here it is.
    Found(T),
    /// There is no such thing, for certain.
    NotFound,
    /// It can't be known now.
    Unknown(StoreFailure),
}

/// What two answers, read in parallel, say together.
enum Look {
    Page(Page),
    Absent,
    /// They contradict each other: something moved between the two.
    Again,
    Unproven(StoreFailure),
}

/// Reads one page.
pub async fn read(stores: &Stores, query: &Query) -> Outcome<Page> {
    for _ in 0..MAX_READ_ATTEMPTS {
        let claims = stores.reservations.claims(&query.booking_code);
        let recorded = stores.events.range(&query.booking_code, query.from, query.limit, MAX_PAGE_BYTES);
        let look = match join(claims, recorded).await {
            (Ok(claims), Ok(recorded)) => both(query, claims, recorded),
            (Ok(claims), Err(failure)) => without_record(query, claims, failure),
            (Err(failure), Ok(recorded)) => without_arbiter(stores, query, recorded, failure).await,
            (Err(failure), Err(_)) => Look::Unproven(failure),
        };
        match look {
            Look::Page(page) => return Outcome::Found(page),
            Look::Absent => return Outcome::NotFound,
            Look::Unproven(failure) => return Outcome::Unknown(failure),
            Look::Again => {}
        }
    }
    Outcome::Unknown(StoreFailure::corrupt(Store::Events, "the record does not reach up to what is settled"))
}

fn both(query: &Query, claims: Claims, mut recorded: Vec<Event>) -> Look {
    let Some(reservation) = claims.reservation else {
        // Recorded but not reserved: the booking came to be between the two answers.
        return if recorded.is_empty() { Look::Absent } else { Look::Again };
    };
    // Recorded since the reservation was read: part of a later moment, and perhaps only a part of what was accepted in it.
    recorded.retain(|event| event.version <= reservation.head);
    let last = recorded.last().map_or(query.from.previous(), |event| event.version);
    let full = is_full(query, &recorded);
    if !full && last < reservation.settled {
        return Look::Again;
    }
    Look::Page(page(query, Some(&reservation), claims.conflicts, recorded, full))
}

/// The record is silent. The reservation alone proves everything above `settled`.
fn without_record(query: &Query, claims: Claims, failure: StoreFailure) -> Look {
    let Some(reservation) = claims.reservation else { return Look::Unproven(failure) };
    if query.from > reservation.settled {
        return Look::Page(page(query, Some(&reservation), claims.conflicts, Vec::new(), false));
    }
    if !query.eventual {
        return Look::Unproven(failure);
    }
    let above = Query { from: reservation.settled.next(), ..query.clone() };
    Look::Page(Page { complete: false, ..page(&above, Some(&reservation), claims.conflicts, Vec::new(), false) })
}

/// The arbiter is silent. The record proves what the reader knows to exist, and nothing else.
async fn without_arbiter(stores: &Stores, query: &Query, recorded: Vec<Event>, failure: StoreFailure) -> Look {
    let highest = match stores.events.highest(&query.booking_code).await {
        Ok(Some((version, _))) => version,
        Ok(None) | Err(_) => return Look::Unproven(failure),
    };
    let proven = query.min_version.is_some_and(|min| highest >= min);
    if !proven && !query.eventual {
        return Look::Unproven(failure);
    }
    let last = recorded.last().map_or(query.from.previous(), |event| event.version);
    let full = is_full(query, &recorded);
    if !full && last < highest {
        // Recorded since the range was read.
        return Look::Again;
    }
    let page = page(query, None, Vec::new(), recorded, full);
    let next = (full && last < highest).then_some(last.next());
    Look::Page(Page { version: highest, complete: proven, next, ..page })
}

/// Recorded events, then the pending ones above them, within the limits of a page.
fn page(
    query: &Query,
    reservation: Option<&Reservation>,
    conflicts: Vec<Conflict>,
    recorded: Vec<Event>,
    full: bool,
) -> Page {
    let last = recorded.last().map_or(query.from.previous(), |event| event.version);
    let mut size = bytes(&recorded);
    let mut events: Vec<_> = recorded.into_iter().map(|event| (event, Status::Recorded)).collect();
    let mut next = last.next();
    while let Some(event) = reservation.and_then(|reservation| reservation.pending_at(next)) {
        size += event.wire_bytes();
        if full || events.len() >= query.limit || (size > MAX_PAGE_BYTES && !events.is_empty()) {
            break;
        }
        next = event.version.next();
        events.push((event.clone(), Status::Pending));
    }
    let head = reservation.map_or(Version::NONE, |reservation| reservation.head);
    let version = if events.is_empty() { head } else { head.max(next.previous()) };
    let next = (next <= version && !events.is_empty()).then_some(next);
    Page { version, complete: true, events, conflicts: within_a_page(conflicts), next }
}

fn within_a_page(conflicts: Vec<Conflict>) -> Vec<Conflict> {
    let mut size = 0;
    let fits = |conflict: &Conflict| {
        size += conflict.event.pending_bytes();
        size <= MAX_PAGE_CONFLICT_BYTES as u64
    };
    conflicts.into_iter().take_while(fits).collect()
}

/// Whether the record's answer was cut off by a limit, so that there may be more of it.
fn is_full(query: &Query, recorded: &[Event]) -> bool {
    recorded.len() >= query.limit || bytes(recorded) > MAX_PAGE_BYTES
}

fn bytes(events: &[Event]) -> usize {
    events.iter().map(Event::wire_bytes).sum()
}
