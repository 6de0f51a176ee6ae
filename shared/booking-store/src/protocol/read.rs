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
    if last(query, &recorded) < reservation.settled && !is_full(query, &recorded) {
        return Look::Again;
    }
    Look::Page(page(query, &reservation, claims.conflicts, recorded))
}

/// The record is silent. The reservation alone proves everything above `settled`.
fn without_record(query: &Query, claims: Claims, failure: StoreFailure) -> Look {
    let Some(reservation) = claims.reservation else { return Look::Unproven(failure) };
    if query.from > reservation.settled {
        return Look::Page(page(query, &reservation, claims.conflicts, Vec::new()));
    }
    if !query.eventual {
        return Look::Unproven(failure);
    }
    let above = Query { from: reservation.settled.next(), ..query.clone() };
    Look::Page(Page { complete: false, ..page(&above, &reservation, claims.conflicts, Vec::new()) })
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
    let last = last(query, &recorded);
    if last < highest && !is_full(query, &recorded) {
        // Recorded since the range was read.
        return Look::Again;
    }
    let next = (last < highest).then_some(last.next());
    let events = recorded.into_iter().map(|event| (event, Status::Recorded)).collect();
    Look::Page(Page { version: highest, complete: proven, events, conflicts: Vec::new(), next })
}

/// Recorded events, then the pending ones above them, within the limits of a page. None recorded is above the head.
fn page(query: &Query, reservation: &Reservation, conflicts: Vec<Conflict>, recorded: Vec<Event>) -> Page {
    let mut next = last(query, &recorded).next();
    let mut size = bytes(&recorded);
    let mut events: Vec<_> = recorded.into_iter().map(|event| (event, Status::Recorded)).collect();
    while let Some(event) = reservation.pending_at(next) {
        size += event.wire_bytes();
        if events.len() >= query.limit || size > MAX_PAGE_BYTES {
            break;
        }
        next = event.version.next();
        events.push((event.clone(), Status::Pending));
    }
    let version = reservation.head;
    let next = (next <= version).then_some(next);
    Page { version, complete: true, events, conflicts: within_a_page(conflicts), next }
}

fn within_a_page(conflicts: Vec<Conflict>) -> Vec<Conflict> {
    let mut size = 0;
    let fits = |conflict: &Conflict| {
        size += conflict.event.wire_bytes();
        size <= MAX_PAGE_CONFLICT_BYTES
    };
    conflicts.into_iter().take_while(fits).collect()
}

/// The last version the record's answer reaches: below it nothing that was asked for is missing.
fn last(query: &Query, recorded: &[Event]) -> Version {
    recorded.last().map_or(query.from.previous(), |event| event.version)
}

/// Whether the record's answer was cut off by a limit, so that there may be more of it.
fn is_full(query: &Query, recorded: &[Event]) -> bool {
    recorded.len() >= query.limit || bytes(recorded) > MAX_PAGE_BYTES
}

fn bytes(events: &[Event]) -> usize {
    events.iter().map(Event::wire_bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::PENDING_EVENT_OVERHEAD;
    use crate::{Decision, EventId, EventType, ExpectedVersion, JsonObject, NewEvent, Timestamp};

    /// Events of this size fill a page to the byte.
    const SIZE: usize = 64 * 1024;
    const FILL_A_PAGE: usize = MAX_PAGE_BYTES / SIZE;

    /// A new booking of `count` events of [`SIZE`].
    fn booking(count: usize) -> Reservation {
        let overhead = usize::try_from(PENDING_EVENT_OVERHEAD).unwrap();
        // The text's four quotes take two bytes each.
        let data = SIZE - overhead - "T".len() - r#"{"a":""}"#.len() - 4;
        let event = |n: usize| NewEvent {
            event_id: EventId::from_bytes((n as u128).to_be_bytes()),
            event_type: EventType::parse("T").unwrap(),
            occurred_at: None,
            data: JsonObject::parse(&format!(r#"{{"a":"{}"}}"#, "x".repeat(data))).unwrap(),
            metadata: None,
        };
        let decision = Decision {
            booking_code: BookingCode::parse("X").unwrap(),
            expected: ExpectedVersion::New,
            events: (1..=count).map(event).collect(),
            accepted_at: Timestamp::parse("2026-11-21T09:00:00Z").unwrap(),
        };
        decision.apply(None)
    }

    fn query(limit: usize) -> Query {
        let booking_code = BookingCode::parse("X").unwrap();
        Query { booking_code, from: Version::FIRST, limit, min_version: None, eventual: false }
    }

    #[test]
    fn a_page_takes_exactly_its_bytes() {
        for (recorded, all, next) in [
            (0, FILL_A_PAGE, None),
            (0, FILL_A_PAGE + 1, Some(FILL_A_PAGE + 1)),
            (FILL_A_PAGE - 1, FILL_A_PAGE, None),
            (FILL_A_PAGE, FILL_A_PAGE + 1, Some(FILL_A_PAGE + 1)),
        ] {
            let booking = booking(all);
            let page = page(&query(usize::MAX), &booking, Vec::new(), booking.pending[..recorded].to_vec());
            assert_eq!(page.events.len(), FILL_A_PAGE, "{recorded} of {all} recorded");
            assert_eq!((page.version, page.next), (booking.head, next.map(|next| Version::new(next as u64))));
            let statuses = page.events.iter().map(|(_, status)| *status);
            assert!(statuses.eq((0..FILL_A_PAGE).map(|i| if i < recorded {
                Status::Recorded
            } else {
                Status::Pending
            })));
        }
    }

    #[test]
    fn an_answer_is_cut_off_once_it_reaches_the_limit_or_exceeds_the_bytes() {
        let events = booking(FILL_A_PAGE + 1).pending;
        let full = &events[..FILL_A_PAGE];
        assert!(!is_full(&query(FILL_A_PAGE + 1), full));
        assert!(is_full(&query(FILL_A_PAGE), full));
        assert!(is_full(&query(usize::MAX), &events));
    }

    #[test]
    fn conflicts_beside_a_page_take_exactly_their_bytes() {
        let conflict = |event: Event| Conflict {
            booking_code: BookingCode::parse("X").unwrap(),
            event: NewEvent {
                event_id: event.event_id,
                event_type: event.event_type,
                occurred_at: None,
                data: event.data,
                metadata: None,
            },
            accepted_at: event.accepted_at,
            owner: event.event_id,
            detected_at: event.accepted_at,
        };
        let fit = MAX_PAGE_CONFLICT_BYTES / SIZE;
        for count in [fit - 1, fit, fit + 1] {
            let conflicts = booking(count).pending.into_iter().map(conflict).collect();
            assert_eq!(within_a_page(conflicts).len(), count.min(fit));
        }
    }
}
