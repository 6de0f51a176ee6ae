//! The Lambda adapters on payloads as Lambda hands them over.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::sqs::SqsEvent;
use projection::lambda::{handle_batch, handle_event};
use projection::memory::MemoryMessages;
use projection::record::Stage;
use projection::{Ports, Projector};
use serde_json::value::RawValue;

use crate::tally::{Tally, added, code, poison};
use crate::world::World;

const BATCH: &str = include_str!("payloads/queue-batch.json");
const RULE: &str = include_str!("payloads/rule-event.json");

/// What the payloads' bookings are in the source.
fn world() -> World {
    let world = World::default();
    world.append(&code("LH4711"), &[2, 4, 6]);
    world.source.append(poison(&code("MUC-7"), 4));
    world.append(&code("MUC-7"), &[8]);
    world.append(&code("car.99"), &[10]);
    world
}

fn batch(of: &[usize]) -> SqsEvent {
    let mut event: SqsEvent = serde_json::from_str(BATCH).unwrap();
    let all = std::mem::take(&mut event.records);
    event.records = of.iter().map(|n| all[n - 1].clone()).collect();
    event
}

async fn handle(kit: &Projector<Tally>, event: SqsEvent) -> (Vec<String>, Vec<(String, u64)>) {
    let messages = MemoryMessages::default();
    let response = handle_batch(kit, &messages, event).await;
    let failures = response.batch_item_failures.into_iter();
    let kept = failures.map(|failure| failure.item_identifier[failure.item_identifier.len() - 2..].to_owned());
    let mut pauses: Vec<_> = messages.pauses().into_iter().map(|(of, pause)| (of, pause.as_secs())).collect();
    pauses.sort();
    (kept.collect(), pauses)
}

#[tokio::test]
async fn a_batch_keeps_only_what_must_wait() {
    let world = world();
    let kit = world.projector();
    let (kept, pauses) = handle(&kit, batch(&[1, 2, 3, 4, 5, 6, 7, 8])).await;
    assert_eq!(kept, ["04", "05"], "the poison and what is behind it");
    assert_eq!(pauses, [("receipt-4".to_owned(), 1), ("receipt-5".to_owned(), 1)]);
    world.assert_whole(&code("LH4711"));
    world.assert_whole(&code("car.99"));
    assert_eq!(world.record(&code("car.99")).replays.len(), 1);
    let [malformed] = world.letters.letters().try_into().unwrap();
    assert_eq!((malformed.body.as_str(), malformed.booking_code), ("not JSON at all", None));
    assert!(malformed.reason.starts_with("no event: "), "{}", malformed.reason);
}

#[tokio::test]
async fn a_silent_source_pauses_a_message_by_how_often_it_came() {
    let mut world = world();
    world.settings.first_pause = Duration::from_secs(3);
    let empty = World::default();
    let ports = Ports { source: empty.source.clone(), ..world.ports() };
    let kit = Projector::new(world.tally.clone(), ports, world.settings.clone());
    let (kept, pauses) = handle(&kit, batch(&[1])).await;
    assert_eq!((kept, pauses), (vec!["01".to_owned()], vec![("receipt-1".to_owned(), 3)]));
    let mut fourth = batch(&[1]);
    fourth.records[0].attributes.insert("ApproximateReceiveCount".to_owned(), "4".to_owned());
    assert_eq!(handle(&kit, fourth).await.1, [("receipt-1".to_owned(), 24)]);
}

#[tokio::test]
async fn a_dead_letter_that_comes_back_resumes_its_booking() {
    let mut world = world();
    world.settings.max_attempts = 1;
    let kit = world.projector();
    assert_eq!(handle(&kit, batch(&[4, 5])).await.0, [""; 0], "with its letter written, the messages may go");
    let letter = world.letters.letters().pop().unwrap();
    let back = |receives: &str| {
        let mut event = batch(&[1]);
        event.records[0].body = Some(letter.body.clone());
        event.records[0].attributes.insert("ApproximateReceiveCount".to_owned(), receives.to_owned());
        event
    };
    // Too early: it is a dead letter again, so that nobody loses it.
    assert_eq!(handle(&kit, back("1")).await.0, [""; 0]);
    let letters = world.letters.letters();
    assert_eq!((letters.len(), &letters[1].body, letters[1].reason.as_str()), (2, &letter.body, "poison"));
    assert_eq!(world.record(&code("MUC-7")).parked.unwrap().stage, Stage::Apply);
    world.tally.mend();
    assert_eq!(handle(&kit, back("1")).await.0, [""; 0]);
    world.assert_whole(&code("MUC-7"));
    assert_eq!(world.letters.letters().len(), 2);
    // Twice does no harm.
    assert_eq!(handle(&kit, back("2")).await.0, [""; 0]);
}

/// As Lambda's runtime reads a payload: through the same wrapper around the same parser.
fn rule_event(text: &str) -> EventBridgeEvent<Box<RawValue>> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap()
}

#[tokio::test]
async fn a_rule_may_call_the_function_itself() {
    let world = world();
    let kit = world.projector();
    assert_eq!(handle_event(&kit, rule_event(RULE)).await, Ok(()));
    assert_eq!(world.record(&code("LH4711")).position.get(), 1);
    let foreign = RULE.replace("booking.events", "aws.s3");
    assert_eq!(handle_event(&kit, rule_event(&foreign)).await, Ok(()));
    let broken = RULE.replace("\"version\":1", "\"version\":0");
    assert_eq!(handle_event(&kit, rule_event(&broken)).await, Ok(()));
    assert!(world.letters.letters()[0].body.contains("\"detail-type\":\"Added\""));
    let ahead = RULE.replace("\"version\":1", "\"version\":9");
    assert!(handle_event(&kit, rule_event(&ahead)).await.is_err());
}

/// Whoever runs the adapters may box and spawn them.
#[tokio::test]
async fn the_adapters_can_be_spawned() {
    let world = Arc::new(world());
    let spawned = tokio::spawn(async move {
        let kit = world.reacting();
        let messages: Arc<dyn projection::ports::Messages> = Arc::new(MemoryMessages::default());
        let response = handle_batch(&kit, messages.as_ref(), batch(&[3])).await;
        kit.resume(&code("LH4711")).await;
        let last = world.source.append(added(&code("LH4711"), 2));
        kit.deliver(vec![projection::Delivery::of(last)]).await;
        world.assert_whole(&code("LH4711"));
        response.batch_item_failures.len()
    });
    assert_eq!(spawned.await.unwrap(), 0);
}
