//! The publish function's batch: whatever an image holds, it is published, handed to the queue, or holds nothing.

use std::collections::BTreeMap;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use booking_store::dynamodb::{booking_code_of, decode_image};
use booking_store::memory::Published;
use booking_store::queue_message::QueueMessage;
use booking_store::{BookingCode, Decision, ExpectedVersion, Image, NewEvent, Reservation};
use futures::executor::block_on;

use crate::deployment::Deployment;

/// `json` is what Lambda's DynamoDB event source sends.
pub fn check(json: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(json) else { return };
    let last = last_records(&event);
    let deployment = Deployment::new();
    for record in last.values() {
        if let Ok(Image::Reservation(reservation)) = decode_image(record.change.new_image.clone()) {
            accept(&deployment, &reservation);
        }
    }
    let response = block_on(publish::handle(&deployment.stores, event));
    assert!(response.batch_item_failures.is_empty(), "no store failed, and a record did");
    let bus = deployment.memory.bus.entries();
    for record in last.values() {
        let booking_code = booking_code_of(&record.change.keys);
        match decode_image(record.change.new_image.clone()) {
            Ok(Image::Reservation(reservation)) => {
                let event = |event| Published::Event(reservation.booking_code.clone(), event);
                let told = reservation.pending.iter().cloned().map(event).all(|entry| bus.contains(&entry));
                assert!(told || is_ordered(&deployment, &reservation.booking_code), "an event is nobody's");
            }
            Ok(Image::Conflict(conflict)) => {
                assert!(bus.contains(&Published::Conflict(*conflict)), "a conflict is not told");
            }
            Err(_) => assert!(booking_code.is_none_or(|code| is_ordered(&deployment, &code)), "nobody looks at it"),
        }
    }
    only_what_is_recorded(&deployment, &bus);
}

/// The last record of each item that is not a removal.
fn last_records(event: &Event) -> BTreeMap<String, EventRecord> {
    let there = event.records.iter().filter(|record| record.event_name != "REMOVE");
    let key = |record: &EventRecord| {
        let keys: BTreeMap<_, _> =
            record.change.keys.iter().map(|(name, value)| (name, format!("{value:?}"))).collect();
        format!("{keys:?}")
    };
    there.map(|record| (key(record), record.clone())).collect()
}

/// Makes a booking of which nothing is settled what its image says, and records half of them.
fn accept(deployment: &Deployment, reservation: &Reservation) {
    if reservation.settled.get() != 0 {
        return;
    }
    let new = |event: &booking_store::Event| NewEvent {
        event_id: event.event_id,
        event_type: event.event_type.clone(),
        occurred_at: Some(event.occurred_at),
        data: event.data.clone(),
        metadata: event.metadata.clone(),
    };
    let decision = Decision {
        booking_code: reservation.booking_code.clone(),
        expected: ExpectedVersion::New,
        events: reservation.pending.iter().map(new).collect(),
        accepted_at: reservation.created_at,
    };
    block_on(deployment.stores.reservations.decide(&decision)).unwrap();
    if reservation.pending_bytes.is_multiple_of(2) {
        for event in &reservation.pending {
            block_on(deployment.stores.events.record(&reservation.booking_code, event)).unwrap();
        }
    }
}

fn is_ordered(deployment: &Deployment, booking_code: &BookingCode) -> bool {
    let orders = deployment.memory.queue.bodies();
    orders.iter().any(|body| match QueueMessage::decode(body).unwrap() {
        QueueMessage::Settle { booking_code: ordered, .. } => ordered == *booking_code,
        QueueMessage::PublishConflict { .. } | QueueMessage::Deferred { .. } => false,
    })
}

/// Invariant 5, of the events: recorded, in order, without gaps.
fn only_what_is_recorded(deployment: &Deployment, bus: &[Published]) {
    let mut heads: BTreeMap<&BookingCode, u64> = BTreeMap::new();
    for entry in bus {
        let Published::Event(booking_code, event) = entry else { continue };
        let recorded = deployment.memory.events.of(booking_code);
        assert!(recorded.iter().any(|found| found.event_id == event.event_id), "published before it was recorded");
        let head = heads.entry(booking_code).or_insert(event.version.get() - 1);
        assert!(event.version.get() <= *head + 1, "a gap on the bus");
        *head = event.version.get().max(*head);
    }
}
