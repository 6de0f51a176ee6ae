//! The reservation item: one for each booking code, `item` = `reservation`.
//!
//! `pending` and `recent` are lists, not maps by version: an append adds behind without knowing the version, so an
//! append "at the end" is one conditional update and never a conflict. Versions follow from `settled` and the position.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use serde_dynamo::aws_sdk_dynamodb_1::{to_attribute_value, to_item};

use super::event_item::EventFields;
use super::{Item, UnreadableItem, schema};
use crate::{BookingCode, Event, EventId, Reservation, Timestamp, Version};

#[derive(Serialize, Deserialize)]
struct ReservationItem {
    booking_code: BookingCode,
    item: String,
    owner: EventId,
    created_at: Timestamp,
    head: Version,
    settled: Version,
    pending: Vec<EventFields>,
    recent: Vec<ByteArray<16>>,
    pending_bytes: u64,
}

/// The item of `reservation`.
///
/// # Errors
/// None in practice: every field is an attribute.
pub fn encode(reservation: &Reservation) -> Result<Item, UnreadableItem> {
    Ok(to_item(ReservationItem {
        booking_code: reservation.booking_code.clone(),
        item: schema::RESERVATION.to_owned(),
        owner: reservation.owner,
        created_at: reservation.created_at,
        head: reservation.head,
        settled: reservation.settled,
        pending: reservation.pending.iter().map(EventFields::of).collect(),
        recent: reservation.recent.iter().map(|id| ByteArray::new(*id.as_bytes())).collect(),
        pending_bytes: reservation.pending_bytes,
    })?)
}

/// The reservation of `item`.
///
/// # Errors
/// The item is not what [`encode`] and the update expressions make, or breaks an invariant of [`Reservation`].
pub fn decode(item: impl Into<serde_dynamo::Item>) -> Result<Reservation, UnreadableItem> {
    let item: ReservationItem = serde_dynamo::from_item(item.into())?;
    if item.item != schema::RESERVATION {
        return Err(UnreadableItem::Unsound("a reservation"));
    }
    let at = |(i, fields): (usize, EventFields)| fields.at(item.settled.plus(i + 1));
    let reservation = Reservation {
        booking_code: item.booking_code,
        owner: item.owner,
        created_at: item.created_at,
        head: item.head,
        settled: item.settled,
        pending: item.pending.into_iter().enumerate().map(at).collect::<Result<_, _>>()?,
        recent: item.recent.into_iter().map(|id| EventId::from_bytes(id.into_array())).collect(),
        pending_bytes: item.pending_bytes,
    };
    if reservation.is_sound() { Ok(reservation) } else { Err(UnreadableItem::Unsound("a reservation")) }
}

/// `events` as elements of `pending`.
///
/// # Errors
/// None in practice: every field is an attribute.
pub fn pending_elements(events: &[Event]) -> Result<AttributeValue, UnreadableItem> {
    Ok(to_attribute_value(events.iter().map(EventFields::of).collect::<Vec<_>>())?)
}

/// An event id as an element of `recent`.
pub fn recent_element(id: EventId) -> AttributeValue {
    AttributeValue::B(Blob::new(*id.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;

    proptest! {
        #[test]
        fn round_trips(value in arbitrary::reservation()) {
            prop_assert_eq!(decode(encode(&value).unwrap()).unwrap(), value);
        }

        #[test]
        fn refuses_an_item_without_one_of_its_fields(value in arbitrary::reservation(), nth in any::<prop::sample::Index>()) {
            let mut item = encode(&value).unwrap();
            let names: Vec<_> = item.keys().filter(|name| !["occurred_at", "metadata"].contains(&name.as_str())).cloned().collect();
            item.remove(nth.get(&names));
            prop_assert!(decode(item).is_err());
        }
    }

    #[test]
    fn refuses_an_item_that_breaks_an_invariant() {
        let sound = |head: &str, settled: &str| {
            let mut item = encode(&crate::Reservation {
                booking_code: BookingCode::parse("X").unwrap(),
                owner: EventId::from_bytes([1; 16]),
                created_at: Timestamp::parse("2026-11-21T09:00:00Z").unwrap(),
                head: Version::FIRST,
                settled: Version::FIRST,
                pending: Vec::new(),
                recent: vec![EventId::from_bytes([1; 16])],
                pending_bytes: 0,
            })
            .unwrap();
            item.insert(schema::HEAD.to_owned(), AttributeValue::N(head.to_owned()));
            item.insert(schema::SETTLED.to_owned(), AttributeValue::N(settled.to_owned()));
            decode(item)
        };
        assert!(sound("1", "1").is_ok());
        for (head, settled) in [("2", "1"), ("0", "0"), ("1", "2"), ("1.5", "1"), ("-1", "1")] {
            assert!(sound(head, settled).is_err(), "{head} {settled}");
        }
    }

    /// The update expressions name attributes by the schema; the encoder names them by its fields.
    #[test]
    fn the_schema_names_what_the_encoder_writes() {
        let one = crate::Decision {
            booking_code: BookingCode::parse("X").unwrap(),
            expected: crate::ExpectedVersion::New,
            events: vec![crate::NewEvent {
                event_id: EventId::from_bytes([1; 16]),
                event_type: crate::EventType::parse("T").unwrap(),
                occurred_at: None,
                data: crate::JsonObject::parse("{}").unwrap(),
                metadata: None,
            }],
            accepted_at: Timestamp::parse("2026-11-21T09:00:00Z").unwrap(),
        };
        let one = one.apply(None);
        let item = encode(&one).unwrap();
        use schema::{BOOKING_CODE, HEAD, ITEM, OWNER, PENDING, PENDING_BYTES, RECENT, SETTLED};
        for name in [BOOKING_CODE, ITEM, OWNER, HEAD, SETTLED, PENDING, PENDING_BYTES, RECENT] {
            assert!(item.contains_key(name), "{name}");
        }
        assert_eq!(item.len(), 9, "created_at is never part of an expression");
        assert_eq!(item.get(RECENT), Some(&AttributeValue::L(vec![recent_element(one.owner)])));
        assert_eq!(item.get(PENDING), Some(&pending_elements(&one.pending).unwrap()));
        let AttributeValue::L(pending) = &item[PENDING] else { panic!() };
        assert!(pending[0].as_m().unwrap().contains_key(schema::ACCEPTED_AT));
    }
}
