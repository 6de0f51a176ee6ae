//! The Lambda adapters on payloads as Lambda hands them over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::sqs::SqsEvent;
use booking_store::BookingCode;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use projection::lambda::{handle_batch, handle_event};
use projection::memory::MemoryMessages;
use projection::ports::{Records, Saved};
use projection::record::{Record, Stage};
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

/// Records that are silent for as long as they are told.
struct Silent {
    world: World,
    loads: AtomicBool,
    saves: AtomicBool,
}

#[async_trait]
impl Records for Silent {
    async fn load(&self, code: &BookingCode) -> Result<Option<Record>, StoreFailure> {
        if self.loads.load(Ordering::SeqCst) {
            return Err(StoreFailure::new(Store::Projection, FailureKind::Throttled));
        }
        self.world.records.load(code).await
    }
    async fn save(&self, record: &Record) -> Result<Saved, StoreFailure> {
        if self.saves.load(Ordering::SeqCst) {
            return Err(StoreFailure::new(Store::Projection, FailureKind::Throttled));
        }
        self.world.records.save(record).await
    }
}

/// A store that is silent meanwhile is no reason to give the letter up: it waits for its one try.
#[tokio::test]
async fn a_dead_letter_that_comes_back_is_tried_before_it_is_set_aside() {
    let mut world = world();
    world.settings.max_attempts = 1;
    handle(&world.projector(), batch(&[4, 5])).await;
    let letter = world.letters.letters().pop().unwrap();
    world.tally.mend();
    let silent = Arc::new(Silent { world, loads: AtomicBool::new(false), saves: AtomicBool::new(true) });
    let world = &silent.world;
    let ports = Ports { records: silent.clone(), ..world.ports() };
    let kit = Projector::new(world.tally.clone(), ports, world.settings.clone());
    let back = |receives: &str| {
        let mut event = batch(&[1]);
        event.records[0].body = Some(letter.body.clone());
        event.records[0].attributes.insert("ApproximateReceiveCount".to_owned(), receives.to_owned());
        event
    };
    let kept = |pause| (vec!["01".to_owned()], vec![("receipt-1".to_owned(), pause)]);
    assert_eq!(handle(&kit, back("1")).await, kept(1));
    silent.loads.store(true, Ordering::SeqCst);
    silent.saves.store(false, Ordering::SeqCst);
    assert_eq!(handle(&kit, back("2")).await, kept(2), "the pause grows with the receives");
    silent.loads.store(false, Ordering::SeqCst);
    assert_eq!(handle(&kit, back("3")).await.0, [""; 0]);
    assert_eq!(world.letters.letters().len(), 1, "it was not given up in between");
    world.assert_whole(&code("MUC-7"));
}

/// Lambda always gives one; without it the message must not be taken for done.
#[tokio::test]
async fn a_kept_message_without_an_id_keeps_the_batch() {
    let world = world();
    let mut event = batch(&[4]);
    event.records[0].message_id = None;
    let response = handle_batch(&world.projector(), &MemoryMessages::default(), event).await;
    let failures: Vec<_> = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    assert_eq!(failures, [""]);
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
