//! Stored items: what a decoder takes holds the invariants and is what the encoder writes, to the payload's last byte.

use booking_store::dynamodb::{Item, conflict_item, decode_image, event_item, reservation_item, schema};
use booking_store::queue_message::QueueMessage;
use booking_store::{Event, Image, JsonObject, Reservation};
use serde_dynamo::AttributeValue;

type Attributes = serde_dynamo::Item;

/// `json` is an item as DynamoDB's JSON has it.
pub fn check(json: &[u8]) {
    let Ok(item) = serde_json::from_slice::<Attributes>(json) else { return };
    if let Ok(reservation) = reservation_item::decode(item.clone()) {
        sound(&reservation);
        let written = Attributes::from(reservation_item::encode(&reservation).unwrap());
        let pending = elements(&item);
        assert_eq!(pending.len(), reservation.pending.len());
        for (element, event) in pending.into_iter().zip(&reservation.pending) {
            payload(element.get("data"), &event.data);
            assert_eq!(element.contains_key("metadata") && !is_null(element.get("metadata")), event.metadata.is_some());
            event.metadata.iter().for_each(|metadata| payload(element.get("metadata"), metadata));
        }
        keys(&item, &written, &[schema::BOOKING_CODE, schema::ITEM]);
        assert_eq!(reservation_item::decode(written).unwrap(), reservation);
    }
    if let Ok((booking_code, event)) = event_item::decode(item.clone()) {
        assert!(event.version.get() >= 1);
        payload(item.get("data"), &event.data);
        event.metadata.iter().for_each(|metadata| payload(item.get("metadata"), metadata));
        let written: Item = event_item::encode(&booking_code, &event).unwrap();
        keys(&item, &Attributes::from(written.clone()), &[schema::BOOKING_CODE]);
        assert_eq!(event_item::decode(written).unwrap(), (booking_code, event));
    }
    if let Ok(conflict) = conflict_item::decode(item.clone()) {
        payload(item.get("data"), &conflict.event.data);
        conflict.event.metadata.iter().for_each(|metadata| payload(item.get("metadata"), metadata));
        let written = conflict_item::encode(&conflict).unwrap();
        keys(&item, &Attributes::from(written.clone()), &[schema::BOOKING_CODE, schema::ITEM]);
        assert_eq!(conflict_item::decode(written).unwrap(), conflict);
    }
    image(item);
}

/// A stream's image is read as what its key says.
fn image(item: Attributes) {
    let key = item.get(schema::ITEM).cloned();
    match decode_image(item) {
        Ok(Image::Reservation(_)) => assert_eq!(key, Some(AttributeValue::S(schema::RESERVATION.to_owned()))),
        Ok(Image::Conflict(conflict)) => {
            let name = format!("{}{}", schema::CONFLICT_PREFIX, conflict.event.event_id);
            assert_eq!(key, Some(AttributeValue::S(name)));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The invariants of a reservation, in other words than its own; what is done with one leads to another.
fn sound(reservation: &Reservation) {
    let (head, settled) = (u128::from(reservation.head.get()), u128::from(reservation.settled.get()));
    assert_eq!(head, settled + reservation.pending.len() as u128, "head is not settled and pending");
    for (version, event) in (settled + 1..).zip(&reservation.pending) {
        assert_eq!(u128::from(event.version.get()), version);
        assert_eq!(reservation.pending_at(event.version), Some(event));
    }
    let ids = reservation.pending.iter().map(|event| event.event_id);
    let newest = reservation.recent.len().checked_sub(reservation.pending.len()).expect("a pending id is forgotten");
    assert!(reservation.recent[newest..].iter().copied().eq(ids), "pending and recent ids differ");
    assert_eq!(reservation.pending_bytes, reservation.pending.iter().map(Event::pending_bytes).sum::<u64>());
    assert_eq!(QueueMessage::settle(reservation).is_none(), reservation.pending.is_empty());
    let mut state = reservation.clone();
    while let Some(trim) = state.trim(state.head) {
        state = state.trimmed(&trim);
        assert!(state.is_sound());
    }
    assert_eq!((state.settled, state.pending_bytes), (reservation.head, 0));
    reservation.recent.iter().for_each(|id| assert!(reservation.version_of(*id).is_some()));
}

/// The stored text of a payload is the payload.
fn payload(attribute: Option<&AttributeValue>, object: &JsonObject) {
    assert_eq!(attribute, Some(&AttributeValue::S(object.as_str().to_owned())), "a decoder changed a payload");
}

fn keys(read: &Attributes, written: &Attributes, names: &[&str]) {
    for name in names {
        assert_eq!(read.get(*name), written.get(*name), "an item read under another key than it has");
    }
}

fn elements(item: &Attributes) -> Vec<&std::collections::HashMap<String, AttributeValue>> {
    let Some(AttributeValue::L(elements)) = item.get(schema::PENDING) else { panic!("pending is no list") };
    elements.iter().map(|element| if let AttributeValue::M(map) = element { map } else { panic!("no map") }).collect()
}

fn is_null(attribute: Option<&AttributeValue>) -> bool {
    matches!(attribute, Some(AttributeValue::Null(_)))
}
