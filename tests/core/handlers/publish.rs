//! A recorded batch of the reservations table's stream: what is published, what is reported failed.

use aws_lambda_events::event::dynamodb::Event;
use booking_store::failure::{FailureKind, Store};
use booking_tests::{Call, Fault, World, draft, event_id};
use serde_json::Value;

use super::payloads::STREAM_BATCH;

/// The sequence number of the record at `position` in the batch.
fn sequence_number(position: usize) -> String {
    let batch: Value = serde_json::from_str(STREAM_BATCH).expect("JSON");
    batch["Records"][position]["dynamodb"]["SequenceNumber"].as_str().expect("a number").to_owned()
}

/// The world whose stream the batch is of; without the conflict and what is older.
async fn world() -> World {
    let world = World::new();
    let _ = world.append("LH4711", Some(0), &[draft(1)]).await.is(201);
    let _ = world.append("LH4711", None, &[draft(2)]).await.is(201);
    let _ = world.append("MUC-7", Some(0), &[draft(3)]).await.is(201);
    let _ = world.append("car.99", Some(0), &[draft(4)]).await.is(201);
    world
}

/// Delivers `batch`; the numbers reported failed, in order.
async fn deliver(world: &World, batch: &str) -> Vec<String> {
    let event: Event = serde_json::from_str(batch).expect("the runtime parses it");
    let response = publish::handle(&world.stores, event).await;
    let json = serde_json::to_value(&response).expect("JSON");
    let failures = json["batchItemFailures"].as_array().expect("the member Lambda looks for");
    let mut failed: Vec<_> =
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().expect("a number").to_owned()).collect();
    failed.sort_unstable();
    failed
}

#[tokio::test]
async fn a_whole_batch_is_published_and_trimmed() {
    let world = world().await;
    assert_eq!(deliver(&world, STREAM_BATCH).await, [""; 0]);
    assert_eq!(world.published("LH4711"), [1, 2], "once, from its last image");
    assert_eq!((world.published("MUC-7"), world.published("car.99")), (vec![1], vec![1]));
    assert_eq!(world.published_conflicts(), [event_id(9)]);
    for (code, head) in [("LH4711", 2), ("MUC-7", 1), ("car.99", 1)] {
        assert_eq!(world.head_and_settled(code), Some((head, head)));
    }
    assert!(world.memory.queue.bodies().is_empty());
    assert!(world.published("OLD-1").is_empty() && world.published("GONE").is_empty());
    world.heal().await;
}

#[tokio::test]
async fn what_the_queue_takes_is_no_failure() {
    let world = world().await;
    world.faults.down(Store::Bus);
    assert_eq!(deliver(&world, STREAM_BATCH).await, [""; 0]);
    assert_eq!(world.memory.queue.bodies().len(), 4);
}

/// Neither bus nor queue: every item's first record is reported, the lowest of all among them.
#[tokio::test]
async fn what_nobody_takes_is_reported_by_the_items_first_record() {
    let world = world().await;
    world.faults.down(Store::Bus);
    world.faults.down(Store::Queue);
    let failed = deliver(&world, STREAM_BATCH).await;
    assert_eq!(failed, [0, 1, 3, 4].map(sequence_number), "not 2: that is LH4711 again");
    world.faults.all_up();
    assert_eq!(deliver(&world, STREAM_BATCH).await, [""; 0]);
    world.heal().await;
}

/// Of four items one fails: it is the only one reported, and the others are done.
#[tokio::test]
async fn one_failure_is_reported_alone() {
    for (failing, code) in [(0, "LH4711"), (1, "MUC-7"), (2, "car.99")] {
        let world = world().await;
        let pass = || (0..failing).map(|_| Fault::Pass);
        world.faults.script(Call::Highest, pass());
        world.faults.once(Call::Highest, Fault::Fail(FailureKind::Throttled));
        world.faults.once(Call::Send, Fault::Fail(FailureKind::NoAnswer));
        let failed = deliver(&world, STREAM_BATCH).await;
        assert_eq!(failed, [sequence_number([0, 1, 3][failing])], "{code}");
        assert!(world.published(code).is_empty());
        let others = ["LH4711", "MUC-7", "car.99"].into_iter().filter(|other| *other != code);
        others.for_each(|other| assert!(!world.published(other).is_empty(), "{other}"));
        world.heal().await;
    }
}

#[tokio::test]
async fn an_image_nobody_can_read_holds_nothing_up() {
    let world = world().await;
    let broken = STREAM_BATCH.replacen(r#""N": "1""#, r#""N": "7""#, 1).replace("MUC-7", "BAD-1");
    let mut batch: Value = serde_json::from_str(&broken).expect("JSON");
    batch["Records"][1]["dynamodb"]["NewImage"]["head"]["N"] = "9".into();
    assert_eq!(deliver(&world, &batch.to_string()).await, [""; 0]);
    assert_eq!((world.published("LH4711"), world.published("car.99")), (vec![1, 2], vec![1]));
    let bodies = world.memory.queue.bodies();
    assert!(bodies.len() == 1 && bodies[0].contains("BAD-1"), "{bodies:?}");
    world.drain_queue().await;
    let letters = world.memory.queue.dead_letters();
    assert!(letters.len() == 1 && letters[0].reason.contains("no reservation"), "{letters:?}");
}

/// An image of a kind unknown here, from a later version of this code.
#[tokio::test]
async fn an_item_of_an_unknown_kind_goes_to_the_queue() {
    let world = world().await;
    let batch = STREAM_BATCH.replace("conflict#", "novelty#");
    assert_eq!(deliver(&world, &batch).await, [""; 0]);
    assert_eq!(world.memory.queue.bodies().len(), 1);
    assert_eq!(world.published("LH4711"), [1, 2]);
}

#[tokio::test]
async fn an_empty_batch_is_nothing() {
    assert_eq!(deliver(&World::new(), r#"{"Records":[]}"#).await, [""; 0]);
}
