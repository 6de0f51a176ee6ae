//! What the cases are given: codes, events, decisions, conflicts.

use std::time::Duration;

use booking_store::{
    BookingCode, Conflict, Decision, Event, EventId, EventType, ExpectedVersion, JsonObject, NewEvent, Timestamp,
    Version,
};

pub(crate) use booking_tests::code;

/// Data that a careless store would change: order, spaces, digits beyond every float, escapes, four-byte characters.
pub(crate) const AWKWARD: &str = "{ \"b\" : 12345678901234567890123456789012345678.90 ,\"a\":1.10,\"c\":-0.0e+1,\
    \"é\\u0000\\ud83d\\ude00😀\":\"\\/\\\\\",\"\":[ ],\"n\":1E-300, \"a\":2}";

/// When everything is accepted, unless a case says otherwise.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse(booking_tests::START).unwrap()
}

/// A moment after [`now`].
pub(crate) fn later(by: Duration) -> Timestamp {
    Timestamp::from_unix_milliseconds(now().unix_milliseconds() + i64::try_from(by.as_millis()).unwrap()).unwrap()
}

/// The `n`th event id.
pub(crate) fn id(n: u64) -> EventId {
    EventId::parse(&booking_tests::event_id(n)).unwrap()
}

/// The `n`th event.
pub(crate) fn event(n: u64) -> NewEvent {
    with_data(n, &format!(r#"{{"total":"{n}.10"}}"#))
}

/// The `n`th event with data of its own.
pub(crate) fn with_data(n: u64, data: &str) -> NewEvent {
    NewEvent {
        event_id: id(n),
        event_type: EventType::parse("BookingPriced").unwrap(),
        occurred_at: None,
        data: JsonObject::parse(data).unwrap(),
        metadata: None,
    }
}

/// The `n`th event with `bytes` bytes of data.
pub(crate) fn of_bytes(n: u64, bytes: usize) -> NewEvent {
    with_data(n, &booking_tests::draft(n).of_bytes(bytes).data)
}

/// The events `numbers`.
pub(crate) fn events(numbers: impl IntoIterator<Item = u64>) -> Vec<NewEvent> {
    numbers.into_iter().map(event).collect()
}

/// A new booking.
pub(crate) fn creation(booking_code: &BookingCode, events: Vec<NewEvent>) -> Decision {
    decision(booking_code, ExpectedVersion::New, events)
}

/// Events for the end of a booking.
pub(crate) fn extension(booking_code: &BookingCode, events: Vec<NewEvent>) -> Decision {
    decision(booking_code, ExpectedVersion::Any, events)
}

/// Events for behind version `n`.
pub(crate) fn behind(booking_code: &BookingCode, n: u64, events: Vec<NewEvent>) -> Decision {
    decision(booking_code, ExpectedVersion::Exact(Version::new(n)), events)
}

fn decision(booking_code: &BookingCode, expected: ExpectedVersion, events: Vec<NewEvent>) -> Decision {
    Decision { booking_code: booking_code.clone(), expected, events, accepted_at: now() }
}

/// An event that lost the code to event `owner`.
pub(crate) fn conflict(booking_code: &BookingCode, event: NewEvent, owner: u64) -> Conflict {
    Conflict {
        booking_code: booking_code.clone(),
        event,
        accepted_at: now(),
        owner: id(owner),
        detected_at: later(Duration::from_secs(7)),
    }
}

/// The `n`th event accepted at version `n`.
pub(crate) fn accepted(n: u64) -> Event {
    event(n).accept(Version::new(n), now())
}
