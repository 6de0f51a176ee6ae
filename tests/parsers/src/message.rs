//! The drain function's batch: every message is worked on, or in the dead-letter queue as it came.

use aws_lambda_events::event::sqs::SqsEvent;
use booking_store::limits::MAX_EVENTS_PER_APPEND;
use booking_store::queue_message::QueueMessage;
use booking_store::{BookingCode, NewEvent};
use futures::executor::block_on;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::deployment::Deployment;

/// The body of a deferred append, its payloads as they are written.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    deferred: WrittenEvents<'a>,
}

#[derive(Deserialize)]
struct WrittenEvents<'a> {
    #[serde(borrow)]
    events: Vec<WrittenEvent<'a>>,
}

#[derive(Deserialize)]
struct WrittenEvent<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

/// `json` is what Lambda's SQS event source sends.
pub fn check(json: &[u8]) {
    let Ok(event) = serde_json::from_slice::<SqsEvent>(json) else { return };
    let deployment = Deployment::new();
    for (code, id) in [("LH4711", 7), ("MUC-7", 8)] {
        deployment.create(&BookingCode::parse(code).unwrap(), id, 2);
    }
    let bodies: Vec<_> = event.records.iter().map(|message| message.body.clone().unwrap_or_default()).collect();
    let response = block_on(drain::handle(&deployment.stores, event));
    assert!(response.batch_item_failures.is_empty(), "no store failed, and a message is kept");
    let letters = deployment.memory.queue.dead_letters();
    for body in bodies {
        let letter = letters.iter().find(|letter| letter.body == body);
        match QueueMessage::decode(&body) {
            Ok(message) => {
                round_trips(&body, &message);
                assert!(letter.is_some() || is_done(&deployment, &message), "{body} is lost");
            }
            Err(malformed) => assert_eq!(letter.map(|letter| &letter.reason), Some(&malformed.to_string())),
        }
    }
}

fn round_trips(body: &str, message: &QueueMessage) {
    let written = message.encode().unwrap();
    assert_eq!(QueueMessage::decode(&written).unwrap(), *message);
    let id = message.deduplication_id();
    // AWS fact: at most 128 letters, digits and punctuation.
    assert!(id.len() <= 128 && id.chars().all(|c| c.is_ascii_graphic()), "{id}");
    if let QueueMessage::Deferred { events, .. } = message {
        assert!((1..=MAX_EVENTS_PER_APPEND).contains(&events.len()));
        for body in [body, &written] {
            let Written { deferred } = serde_json::from_str(body).unwrap();
            let texts = deferred.events.iter().map(|event| event.data.get());
            assert!(texts.eq(events.iter().map(|event| event.data.as_str())), "a payload changed");
        }
    }
}

/// Whether the state is what the message asked for.
fn is_done(deployment: &Deployment, message: &QueueMessage) -> bool {
    match message {
        QueueMessage::Settle { booking_code, .. } => {
            let claims = block_on(deployment.stores.reservations.claims(booking_code)).unwrap();
            claims.reservation.is_some_and(|reservation| reservation.settled == reservation.head)
        }
        QueueMessage::PublishConflict { booking_code, event_id } => {
            let claims = block_on(deployment.stores.reservations.claims(booking_code)).unwrap();
            claims.conflicts.iter().any(|conflict| conflict.event.event_id == *event_id)
        }
        QueueMessage::Deferred { booking_code, events, .. } => {
            events.iter().all(|event| is_kept(deployment, booking_code, event))
        }
    }
}

/// Accepted, or kept as a conflict, with the payload it has.
fn is_kept(deployment: &Deployment, booking_code: &BookingCode, event: &NewEvent) -> bool {
    let claims = block_on(deployment.stores.reservations.claims(booking_code)).unwrap();
    let recorded = deployment.memory.events.of(booking_code);
    recorded.iter().any(|found| event.is_same_as(found))
        || claims.conflicts.iter().any(|conflict| conflict.event == *event)
}
