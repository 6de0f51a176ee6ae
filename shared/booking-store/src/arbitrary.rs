//! Arbitrary values for property tests.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::{
    BookingCode, Conflict, Decision, EventId, EventType, ExpectedVersion, JsonObject, NewEvent, Reservation, Timestamp,
    Version,
};

pub(crate) fn booking_code() -> impl Strategy<Value = BookingCode> {
    "[A-Za-z0-9_-]{1,64}".prop_map(|text| BookingCode::parse(&text).unwrap())
}

pub(crate) fn timestamp() -> impl Strategy<Value = Timestamp> {
    (0i64..4_000_000_000_000).prop_map(|ms| Timestamp::from_unix_milliseconds(ms).unwrap())
}

pub(crate) fn event_id() -> impl Strategy<Value = EventId> {
    any::<[u8; 16]>().prop_map(EventId::from_bytes)
}

/// Objects with awkward numbers, spaces and characters.
pub(crate) fn object() -> impl Strategy<Value = JsonObject> {
    let member = ("[a-z]{1,4}", "[0-9]{1,30}(\\.[0-9]{1,25})?", "\\PC{0,12}", " {0,2}");
    vec(member, 0..4).prop_map(|members| {
        let member = |(i, (name, digits, text, space)): (usize, &(String, String, String, String))| {
            let text = serde_json::to_string(text).unwrap();
            format!("{space}\"{name}{i}\"{space}:{{\"n\":1{digits},\"t\":{text}}}")
        };
        let members: Vec<_> = members.iter().enumerate().map(member).collect();
        JsonObject::parse(&format!("{{{}}}", members.join(","))).unwrap()
    })
}

pub(crate) fn new_event() -> impl Strategy<Value = NewEvent> {
    (event_id(), "[A-Za-z][A-Za-z0-9.]{0,20}", option::of(timestamp()), object(), option::of(object())).prop_map(
        |(event_id, event_type, occurred_at, data, metadata)| NewEvent {
            event_id,
            event_type: EventType::parse(&event_type).unwrap(),
            occurred_at,
            data,
            metadata,
        },
    )
}

pub(crate) fn conflict() -> impl Strategy<Value = Conflict> {
    (booking_code(), new_event(), timestamp(), event_id(), timestamp()).prop_map(
        |(booking_code, event, accepted_at, owner, detected_at)| Conflict {
            booking_code,
            event,
            accepted_at,
            owner,
            detected_at,
        },
    )
}

/// Reservations as a history of appends and trims leaves them.
pub(crate) fn reservation() -> impl Strategy<Value = Reservation> {
    let step = (vec(new_event(), 1..4), timestamp(), any::<u8>());
    (booking_code(), vec(step, 1..6)).prop_map(|(booking_code, steps)| {
        let mut reservation: Option<Reservation> = None;
        for (events, accepted_at, settle) in steps {
            let expected = if reservation.is_none() { ExpectedVersion::New } else { ExpectedVersion::Any };
            let decision = Decision { booking_code: booking_code.clone(), expected, events, accepted_at };
            let mut next = decision.apply(reservation.as_ref());
            let up_to = Version::new(u64::from(settle) % (next.head.get() + 1));
            while let Some(trim) = next.trim(up_to) {
                next = next.trimmed(&trim);
            }
            reservation = Some(next);
        }
        reservation.unwrap()
    })
}
