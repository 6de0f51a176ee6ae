//! Events that can't be applied: their booking waits, others go on; bounded tries, a dead letter, resumption.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::BookingCode;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use projection::ports::{DeadLetters, Letter};
use projection::record::Stage;
use projection::{Delivery, Outcome, Ports, Projector, RecordedEvent, ReplayId, UnknownPolicy};

use crate::tally::{Tally, added, code, event, poison};
use crate::world::{World, words};

/// Booking A: 2, a poisonous 4, 6. Booking B: 8.
fn poisoned() -> (World, Vec<RecordedEvent>, RecordedEvent) {
    let (world, a) = (World::default(), code("A"));
    let events = [added(&a, 2), poison(&a, 4), added(&a, 6)].map(|event| world.source.append(event)).to_vec();
    let other = world.source.append(added(&code("B"), 8));
    (world, events, other)
}

fn all(events: &[RecordedEvent]) -> Vec<Delivery> {
    events.iter().cloned().map(Delivery::of).collect()
}

/// Delivers until the dead letter is there; says how many tries it took.
async fn to_the_dead_letter(world: &World, kit: &Projector<Tally>, events: &[RecordedEvent]) -> u64 {
    let mut tries = 0;
    for _ in 0..100 {
        let report = kit.deliver(all(events)).await;
        tries += report.counts.parked;
        if report.counts.dead_lettered > 0 {
            return tries;
        }
        let pause = report.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Again(again) => Some(again.after),
            Outcome::Done(_) => None,
        });
        world.clock.advance(pause.min().unwrap());
    }
    panic!("no dead letter");
}

#[tokio::test]
async fn a_booking_waits_at_its_poison_and_others_go_on() {
    let (world, events, other) = poisoned();
    let kit = world.projector();
    let batch = [events.clone(), vec![other]].concat();
    let report = kit.deliver(all(&batch)).await;
    assert_eq!(words(&report), ["Applied", "again: parked", "again: parked", "Applied"]);
    let record = world.record(&code("A"));
    let parked = record.parked.clone().unwrap();
    assert_eq!(
        (parked.stage, parked.version.get(), parked.attempts, parked.reason.as_str()),
        (Stage::Apply, 2, 1, "poison")
    );
    assert_eq!((parked.event_id, record.position.get()), (events[1].event_id, 1));
    world.assert_whole(&code("B"));
    // Not before its time, and not by a later event either; the record keeps what was tried, whoever works.
    let report = world.projector().deliver(all(&events[2..])).await;
    assert_eq!((words(&report), report.counts.parked), (vec!["again: parked".to_owned()], 0));
    let [Outcome::Again(again)] = report.outcomes.as_slice() else { panic!() };
    assert_eq!(again.after, Duration::from_secs(1));
    world.clock.advance(Duration::from_secs(1));
    let report = world.projector().deliver(all(&events[2..])).await;
    assert_eq!((report.counts.parked, world.record(&code("A")).parked.unwrap().attempts), (1, 2));
    let [Outcome::Again(again)] = report.outcomes.as_slice() else { panic!() };
    assert_eq!(again.after, Duration::from_secs(2));
    assert_eq!(parked.since, world.record(&code("A")).parked.unwrap().since);
}

#[tokio::test]
async fn once_it_passes_the_booking_catches_up() {
    let (world, events, _) = poisoned();
    let kit = world.projector();
    kit.deliver(all(&events)).await;
    world.tally.mend();
    world.clock.advance(Duration::from_secs(1));
    let report = kit.deliver(all(&events[1..])).await;
    assert_eq!(words(&report), ["Applied", "Applied"]);
    assert_eq!((world.record(&code("A")).parked, report.counts.gaps), (None, 0));
    world.assert_whole(&code("A"));
}

#[tokio::test]
async fn tries_are_bounded_and_then_there_is_a_letter() {
    let (world, events, _) = poisoned();
    let kit = world.projector();
    assert_eq!(to_the_dead_letter(&world, &kit, &events).await, u64::from(world.settings.max_attempts));
    let [letter] = world.letters.letters().try_into().unwrap();
    assert_eq!((letter.reason.as_str(), letter.booking_code), ("poison", Some(code("A"))));
    let body: serde_json::Value = serde_json::from_str(&letter.body).unwrap();
    assert_eq!((&body["stage"], &body["version"], &body["attempts"]), (&"apply".into(), &2.into(), &4.into()));
    assert_eq!(body["event_id"], events[1].event_id.to_string());
    assert_eq!(projection::letter::ordered("tally", &letter.body), Some(code("A")));
    assert_eq!(projection::letter::ordered("other", &letter.body), None);
    // From now on its messages may go, and nothing is tried.
    world.clock.advance(Duration::from_secs(3600));
    let late = world.source.append(added(&code("A"), 10));
    let report = kit.deliver([all(&events), all(&[late])].concat()).await;
    assert_eq!(words(&report), ["Duplicate", "Behind", "Behind", "Behind"]);
    assert_eq!((report.counts.parked, world.letters.letters().len()), (0, 1));
}

#[tokio::test]
async fn a_resumed_booking_catches_up_with_what_was_let_go() {
    let (world, events, _) = poisoned();
    let kit = world.projector();
    to_the_dead_letter(&world, &kit, &events).await;
    let late = world.append(&code("A"), &[10, 12, 14]);
    kit.deliver(all(&late)).await;
    // Too early: one try, and it stays where it is, without another letter.
    let resumed = kit.resume(&code("A")).await;
    let parked = resumed.parked.unwrap();
    assert!(parked.dead_lettered && resumed.again.is_none());
    assert_eq!((parked.attempts, world.letters.letters().len()), (world.settings.max_attempts + 1, 1));
    world.tally.mend();
    assert!(kit.catch_up(&code("A")).await.parked.is_some(), "only who resumes it");
    let resumed = kit.resume(&code("A")).await;
    assert_eq!((resumed.parked, resumed.again, resumed.position.get()), (None, None, 6));
    world.assert_whole(&code("A"));
}

#[tokio::test]
async fn resuming_does_not_wait_for_the_next_try() {
    let (world, events, _) = poisoned();
    let kit = world.projector();
    kit.deliver(all(&events)).await;
    world.tally.mend();
    assert_eq!(kit.resume(&code("A")).await.parked, None);
    world.assert_whole(&code("A"));
    let nothing = kit.resume(&code("nobody")).await;
    assert_eq!((nothing.position.get(), nothing.parked, nothing.again), (0, None, None));
}

#[tokio::test]
async fn a_replay_frees_a_booking_that_mended_code_can_make() {
    let (world, events, _) = poisoned();
    let kit = world.projector();
    to_the_dead_letter(&world, &kit, &events).await;
    let replay = |id: &str| vec![Delivery::replayed(events[0].clone(), ReplayId::parse(id).unwrap())];
    assert_eq!(words(&kit.deliver(replay("r1")).await), ["Rebuilt"]);
    let parked = world.record(&code("A")).parked.unwrap();
    assert_eq!((parked.version.get(), parked.dead_lettered), (2, true), "the poison is still there");
    world.tally.mend();
    assert_eq!(words(&kit.deliver(replay("r2")).await), ["Rebuilt"]);
    assert_eq!(world.record(&code("A")).parked, None);
    world.assert_whole(&code("A"));
}

#[tokio::test]
async fn an_unknown_type_is_counted_or_parked() {
    for (policy, word) in [(UnknownPolicy::Ignore, "Applied"), (UnknownPolicy::Park, "again: parked")] {
        let (mut world, a) = (World::default(), code("A"));
        world.tally.on_unknown = policy;
        let unknown = world.source.append(event(&a, "Renamed", "{\"amount\":2}", 1));
        let report = world.projector().deliver(all(&[unknown])).await;
        assert_eq!(words(&report), [word]);
        let stage = world.record(&a).parked.map(|parked| parked.stage);
        let ignored = policy == UnknownPolicy::Ignore;
        assert_eq!((report.counts.unknown, stage), (u64::from(ignored), (!ignored).then_some(Stage::Unknown)));
    }
}

#[tokio::test]
async fn a_state_that_outgrows_its_record_parks_at_the_event_that_is_too_much() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4, 6, 8]);
    world.records.room.store(29, Ordering::SeqCst);
    let report = world.projector().deliver(all(&events)).await;
    assert_eq!(words(&report), ["Applied", "Applied", "again: parked", "again: parked"]);
    let parked = world.record(&a).parked.unwrap();
    assert_eq!((parked.stage, parked.version.get()), (Stage::Apply, 3));
    world.records.room.store(u64::MAX, Ordering::SeqCst);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(words(&world.projector().deliver(all(&events[3..])).await), ["Applied"]);
    world.assert_whole(&a);
}

struct Silent;

#[async_trait]
impl DeadLetters for Silent {
    async fn put(&self, _letter: &Letter) -> Result<(), StoreFailure> {
        Err(StoreFailure::new(Store::Queue, FailureKind::NoAnswer))
    }
}

#[tokio::test]
async fn without_its_letter_no_booking_is_given_up() {
    let (mut world, events, _) = poisoned();
    world.settings.max_attempts = 1;
    let ports = Ports { dead_letters: Arc::new(Silent), ..world.ports() };
    let kit = Projector::new(world.tally.clone(), ports, world.settings.clone());
    for _ in 0..3 {
        let report = kit.deliver(all(&events)).await;
        assert_eq!(words(&report)[1..], ["again: failed", "again: failed"]);
        assert_eq!(world.record(&code("A")).parked, None);
    }
    let report = world.projector().deliver(all(&events)).await;
    assert_eq!(words(&report)[1..], ["Behind", "Behind"]);
    assert_eq!(world.letters.letters().len(), 1);
    let known: Vec<BookingCode> =
        world.letters.letters().into_iter().filter_map(|letter| letter.booking_code).collect();
    assert_eq!(known, [code("A")]);
}

/// Nobody would try it again: the message that brought the earlier event may go.
#[tokio::test]
async fn what_nobody_has_delivered_is_neither_parked_nor_reacted_to() {
    let (world, a, b) = (World::default(), code("A"), code("B"));
    let poisonous = [added(&a, 2), added(&a, 4), poison(&a, 5)].map(|event| world.source.append(event));
    let report = world.projector().deliver(all(&poisonous[1..2])).await;
    assert_eq!((words(&report), world.record(&a).parked), (vec!["Applied".to_owned()], None));
    let odd = [added(&b, 2), added(&b, 4), added(&b, 5)].map(|event| world.source.append(event));
    world.reactions.failing.store(1000, Ordering::SeqCst);
    let report = world.reacting().deliver(all(&odd[1..2])).await;
    assert_eq!((words(&report), world.record(&b).parked), (vec!["Applied".to_owned()], None));
    assert_eq!(world.reactions.of(&b), [0; 0]);
}
