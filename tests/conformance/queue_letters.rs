//! What the queue carries, and what ends in the dead-letter queue.

use std::time::Duration;

use booking_store::failure::FailureKind;
use booking_store::limits::{MAX_QUEUE_MESSAGE_BYTES, MAX_REQUEST_BYTES};
use booking_store::queue_message::QueueMessage;
use booking_store::{JsonObject, NewEvent};

use crate::engine::{Engine, Letter, MAX_RECEIVES};
use crate::given::{self, code, creation, id, with_data};

/// Sends a deferred append of `events` and reads it back.
async fn sent_and_received(engine: &Engine, events: Vec<NewEvent>) {
    let message = QueueMessage::deferred(&creation(&code("A"), events));
    engine.queue.send(&message).await.unwrap();
    let received = engine.inbox.receive(10).await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].body, message.encode().unwrap());
    assert_eq!(QueueMessage::decode(&received[0].body).unwrap(), message);
}

pub(crate) async fn bodies_keep_every_byte(engine: &Engine) {
    let metadata = Some(JsonObject::parse(given::AWKWARD).unwrap());
    let occurred_at = Some(given::later(Duration::from_millis(1)));
    let awkward = NewEvent { metadata, occurred_at, ..with_data(1, given::AWKWARD) };
    sent_and_received(engine, vec![awkward, given::event(2)]).await;
}

pub(crate) async fn the_largest_append_fits(engine: &Engine) {
    let events = (1..=4).map(|n| given::of_bytes(n, MAX_REQUEST_BYTES / 4)).collect();
    sent_and_received(engine, events).await;
}

pub(crate) async fn a_body_above_1_mib_is_too_large(engine: &Engine) {
    let events = vec![given::of_bytes(1, MAX_QUEUE_MESSAGE_BYTES)];
    let answer = engine.queue.send(&QueueMessage::deferred(&creation(&code("A"), events))).await;
    let failure = answer.expect_err("taken, whatever its size");
    assert!(!failure.effect_possible, "{}", failure.chain());
    assert_eq!(failure.kind, FailureKind::TooLarge, "{}", failure.chain());
}

pub(crate) async fn a_dead_letter_has_its_reason(engine: &Engine) {
    let (body, reason) = (format!("not JSON, {}", given::AWKWARD), "expected value at line 1 column 1: \"é\"");
    engine.queue.dead_letter("A", "message-1", &body, reason).await.unwrap();
    engine.queue.dead_letter("A", "message-2", "{}", "other").await.unwrap();
    let letter = |body: &str, reason: &str| Letter { body: body.to_owned(), reason: Some(reason.to_owned()) };
    assert_eq!(engine.inbox.dead_letters().await, [letter(&body, reason), letter("{}", "other")]);
    assert_eq!(engine.inbox.receive(10).await, []);
}

pub(crate) async fn a_dead_letter_set_aside_twice_is_one(engine: &Engine) {
    for _ in 0..2 {
        engine.queue.dead_letter("A", "message-1", "body", "reason").await.unwrap();
    }
    let letters = engine.inbox.dead_letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
}

pub(crate) async fn a_message_received_too_often_moves_away_and_frees_its_group(engine: &Engine) {
    for n in 1..=2 {
        engine.queue.send(&QueueMessage::Settle { booking_code: code("A"), event_id: id(n) }).await.unwrap();
    }
    for receives in 1..=MAX_RECEIVES {
        let received = engine.inbox.receive(1).await;
        assert_eq!(received[0].receives, receives);
        assert!(received[0].body.contains(&id(1).to_string()));
        engine.queue.back_off(&received[0].receipt, Duration::ZERO).await.unwrap();
    }
    let mut received = engine.inbox.receive(1).await;
    if received.is_empty() {
        // The call that moves a message away may show none.
        received = engine.inbox.receive(1).await;
    }
    assert!(received[0].body.contains(&id(2).to_string()), "received {} times", received[0].receives);
    let letters = engine.inbox.dead_letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert!(letters[0].body.contains(&id(1).to_string()));
}
