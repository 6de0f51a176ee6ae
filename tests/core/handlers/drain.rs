//! A recorded batch of the fallback queue: order within a group, groups on their own, malformed messages at once.

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use booking_store::failure::{FailureKind, Store};
use booking_tests::{Call, Delivered, Fault, World, draft, event_id, sqs_event};
use serde_json::Value;

use super::payloads::QUEUE_BATCH;

fn batch() -> SqsEvent {
    serde_json::from_str(QUEUE_BATCH).expect("the runtime parses it")
}

fn message_id(position: usize) -> String {
    let batch: Value = serde_json::from_str(QUEUE_BATCH).expect("JSON");
    batch["Records"][position]["messageId"].as_str().expect("an id").to_owned()
}

/// The ids of the messages to keep.
async fn deliver(world: &World, event: SqsEvent) -> Vec<String> {
    let response = drain::handle(&world.stores, event).await;
    let json = serde_json::to_value(&response).expect("JSON");
    let failures = json["batchItemFailures"].as_array().expect("the member Lambda looks for");
    let mut kept: Vec<_> =
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().expect("an id").to_owned()).collect();
    kept.sort_unstable();
    kept
}

/// The world whose queue the batch is of: `LH4711` and `MUC-7` pending, `car.99` deferred.
async fn world() -> World {
    let world = World::new();
    world.faults.down(Store::Events);
    world.faults.down(Store::Queue);
    let _ = world.append("LH4711", Some(0), &[draft(1)]).await.is(202);
    let _ = world.append("LH4711", None, &[draft(2)]).await.is(202);
    let _ = world.append("MUC-7", Some(0), &[draft(3)]).await.is(202);
    world.faults.all_up();
    world.faults.take_calls();
    world
}

#[tokio::test]
async fn a_whole_batch_is_settled() {
    let world = world().await;
    assert_eq!(deliver(&world, batch()).await, [""; 0]);
    assert_eq!((world.published("LH4711"), world.published("MUC-7")), (vec![1, 2], vec![1]));
    assert_eq!(world.published("car.99"), [1]);
    assert!(world.read("car.99").await.text.contains(r#""data":{ "total" : 4.10 }"#));
    assert_eq!(world.read("car.99").await.json["events"][0]["accepted_at"], "2026-11-21T08:59:00.000Z");
    world.heal().await;
}

/// A malformed message goes to the dead-letter queue at once, whole, with its reason, and holds up nobody.
#[tokio::test]
async fn malformed_messages_are_dead_letters_at_once() {
    let world = world().await;
    deliver(&world, batch()).await;
    let letters = world.memory.queue.dead_letters();
    let bodies: Vec<_> = letters.iter().map(|letter| letter.body.as_str()).collect();
    assert_eq!(bodies.len(), 2);
    assert!(bodies.contains(&"not JSON at all"), "{bodies:?}");
    assert!(bodies.contains(&r#"{"settle":{"booking_code":"LH4711"}}"#), "{bodies:?}");
    assert!(letters.iter().all(|letter| letter.reason.starts_with("not a queue message: ")), "{letters:?}");
    let missing = letters.iter().find(|letter| letter.body.starts_with('{')).map(|letter| letter.reason.as_str());
    assert!(missing.is_some_and(|reason| reason.contains("event_id")), "{missing:?}");
}

/// One group's trouble: its message and the later ones of the group are kept, the other groups are done.
#[tokio::test]
async fn a_failed_message_keeps_the_later_ones_of_its_group_only() {
    for (fails_at, kept) in [(0, vec![0, 2, 5]), (1, vec![5])] {
        let world = world().await;
        // The first group is worked on first: its messages meet the first calls.
        world.faults.script(Call::Claims, (0..fails_at).map(|_| Fault::Pass));
        world.faults.once(Call::Claims, Fault::Fail(FailureKind::Throttled));
        assert_eq!(deliver(&world, batch()).await, kept.into_iter().map(message_id).collect::<Vec<_>>());
        assert_eq!((world.published("MUC-7"), world.published("car.99")), (vec![1], vec![1]));
        assert_eq!(world.published("LH4711").len(), fails_at * 2);
        assert_eq!(world.memory.queue.dead_letters().len(), 1 + fails_at);
        world.heal().await;
    }
}

#[tokio::test]
async fn a_bus_that_is_down_keeps_every_group_but_its_malformed_heads() {
    let world = world().await;
    world.faults.down(Store::Bus);
    assert_eq!(deliver(&world, batch()).await, [0, 1, 2, 3, 4, 5, 6].map(message_id));
    assert!(world.memory.queue.dead_letters().is_empty(), "what is behind a waiting message waits too");
    assert_eq!(world.recorded("LH4711"), [1, 2], "the record has it already");
    world.heal().await;
}

/// If the dead-letter queue does not take it, the message must stay, and its group behind it.
#[tokio::test]
async fn a_malformed_message_the_dead_letters_do_not_take_is_kept() {
    let world = world().await;
    world.faults.once(Call::DeadLetter, Fault::Fail(FailureKind::Unreachable));
    assert_eq!(deliver(&world, batch()).await, [2, 5].map(message_id));
    assert_eq!(world.memory.queue.dead_letters().len(), 1);
    world.heal().await;
}

/// Every kept message is given the pause of the first: one that stayed hidden longer would block its group.
#[tokio::test]
async fn the_messages_behind_a_failed_one_wait_as_long_as_it() {
    let world = World::new();
    world.faults.once(Call::Record, Fault::Fail(FailureKind::Unreachable));
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(202);
    world.faults.once(Call::Highest, Fault::Fail(FailureKind::Unreachable));
    let _ = world.append("B", Some(1), &[draft(2)]).await.is(202);
    let bodies = world.memory.queue.bodies();
    let hidden = Duration::from_secs(3600);
    let first = world.memory.queue.receive(10, hidden).remove(0);
    let delivered =
        |(receipt, receives): (&str, u32), body: &str| Delivered { receives, ..message(receipt, "B", body) };
    let batch = [delivered((&first.receipt, 3), &bodies[0]), delivered(("2", 1), &bodies[1])];
    world.faults.down(Store::Events);
    assert_eq!(deliver(&world, sqs_event(&batch)).await, [first.receipt.clone(), "2".to_owned()]);
    world.memory.queue.delete(&first.receipt);
    world.wait(Duration::from_millis(3_999));
    assert!(world.memory.queue.receive(10, Duration::ZERO).is_empty(), "the third receive's pause is 4 s");
    world.wait(Duration::from_millis(1));
    assert_eq!(world.memory.queue.receive(10, Duration::ZERO).len(), 1);
    world.heal().await;
}

/// A pause the queue does not grant changes nothing: its own visibility time-out is the pause.
#[tokio::test]
async fn without_a_pause_the_message_is_kept_all_the_same() {
    let world = world().await;
    world.faults.down(Store::Events);
    world.faults.down(Store::Queue);
    let kept = deliver(&world, batch()).await;
    assert_eq!(kept, [0, 1, 2, 3, 4, 5, 6].map(message_id));
    world.heal().await;
}

fn message(receipt: &str, group: &str, body: &str) -> Delivered {
    Delivered { receipt: receipt.to_owned(), group: group.to_owned(), body: body.to_owned(), receives: 1 }
}

#[tokio::test]
async fn orders_about_nothing_are_dead_letters() {
    let id = event_id(1);
    let orders = [
        format!(r#"{{"settle":{{"booking_code":"NONE","event_id":"{id}"}}}}"#),
        format!(r#"{{"publish_conflict":{{"booking_code":"NONE","event_id":"{id}"}}}}"#),
    ];
    let malformed = [
        String::new(),
        "null".to_owned(),
        r#"{"unheard_of":{}}"#.to_owned(),
        format!(r#"{{"settle":{{"booking_code":"a b","event_id":"{id}"}}}}"#),
        r#"{"deferred":{"booking_code":"NONE","accepted_at":"2026-11-21T08:59:00.000Z","events":[]}}"#.to_owned(),
    ];
    for body in orders.iter().chain(&malformed) {
        let world = World::new();
        assert_eq!(deliver(&world, sqs_event(&[message("m", "NONE", body)])).await, [""; 0], "{body}");
        let letters = world.memory.queue.dead_letters();
        assert_eq!(letters.len(), 1, "{body}");
        assert!(letters[0].body == *body && !letters[0].reason.is_empty());
    }
}

/// What contradicts the protocol (here: a restored record) no retry mends.
#[tokio::test]
async fn a_contradiction_is_a_dead_letter_with_its_reason() {
    use booking_store::ports::Events;
    let world = world().await;
    let stranger = world.memory.reservations.stream(0);
    let booking_store::Image::Reservation(reservation) = &stranger[0] else { panic!("a reservation") };
    let mut other = reservation.pending[0].clone();
    other.event_id = booking_store::EventId::from_bytes([7; 16]);
    world.memory.events.record(&booking_tests::code("LH4711"), &other).await.unwrap();
    let body = format!(r#"{{"settle":{{"booking_code":"LH4711","event_id":"{}"}}}}"#, event_id(1));
    assert_eq!(deliver(&world, sqs_event(&[message("m", "LH4711", &body)])).await, [""; 0]);
    let letters = world.memory.queue.dead_letters();
    assert!(letters.len() == 1 && letters[0].reason.contains("version 1 is recorded as event"), "{letters:?}");
    assert!(world.published("LH4711").is_empty());
}
