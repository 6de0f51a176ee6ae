//! States made again: for replays, for code of another shape, and never backwards.

use std::sync::Arc;

use booking_store::Version;
use projection::memory::MemorySource;
use projection::record::{Record, Stage};
use projection::{Current, Delivery, Ports, Projector, RecordedEvent, ReplayId};

use crate::tally::{Tally, added, code, fold, poison};
use crate::world::{World, words};

fn all(events: &[RecordedEvent]) -> Vec<Delivery> {
    events.iter().cloned().map(Delivery::of).collect()
}

fn replay(events: &[RecordedEvent], id: &str) -> Vec<Delivery> {
    let id = ReplayId::parse(id).unwrap();
    events.iter().map(|event| Delivery::replayed(event.clone(), id.clone())).collect()
}

#[tokio::test]
async fn the_first_delivery_of_a_replay_rebuilds_and_the_others_do_nothing() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4, 6, 8, 10]);
    let kit = world.projector();
    kit.deliver(all(&events[..2])).await;
    let report = kit.deliver(replay(&events[1..2], "r1")).await;
    assert_eq!((words(&report).concat().as_str(), report.counts.rebuilt), ("Rebuilt", 1));
    world.assert_whole(&a);
    let saves = world.records.saves();
    for n in [0, 4, 2] {
        let report = kit.deliver(replay(&events[n..=n], "r1")).await;
        assert_eq!((words(&report).concat().as_str(), report.counts.rebuilt), ("Rebuilt", 0));
    }
    assert_eq!(world.records.saves(), saves);
    assert_eq!(words(&kit.deliver(all(&events[2..])).await).concat(), "Duplicate".repeat(3));
}

#[tokio::test]
async fn replays_side_by_side_do_not_undo_each_other() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4, 6]);
    let kit = world.projector();
    let mut rebuilt = 0;
    for event in events.chunks(1) {
        for id in ["r1", "r2", "r3"] {
            rebuilt += kit.deliver(replay(event, id)).await.counts.rebuilt;
        }
    }
    assert_eq!(rebuilt, 3);
    let both = [replay(&events, "r4"), replay(&events, "r5"), all(&events)].concat();
    assert_eq!(kit.deliver(both).await.counts.rebuilt, 1, "one fold serves all that ask at once");
}

#[tokio::test]
async fn a_replay_mends_a_record_that_is_wrong() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4]);
    let kit = world.projector();
    kit.deliver(all(&events)).await;
    let wrong = Record { state: "{\"amounts\":[9],\"total\":9}".to_owned(), ..world.record(&a) };
    world.records.records.set(wrong);
    kit.deliver(replay(&events[..1], "r1")).await;
    world.assert_whole(&a);
}

#[tokio::test]
async fn the_position_never_goes_back() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4, 6]);
    world.projector().deliver(all(&events)).await;
    // A source that was restored to an earlier moment.
    let source = Arc::new(MemorySource::default());
    events[..2].iter().for_each(|event| drop(source.append(event.clone())));
    let kit = Projector::new(world.tally.clone(), Ports { source, ..world.ports() }, world.settings.clone());
    assert_eq!(words(&kit.deliver(replay(&events[..1], "r1")).await), ["again: not shown"]);
    world.assert_whole(&a);
}

#[tokio::test]
async fn a_state_of_older_code_is_made_again_and_of_newer_code_left_alone() {
    let (mut world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4]);
    world.projector().deliver(all(&events)).await;
    let old = world.projector();
    world.tally.state_version = 2;
    let new = world.projector();
    assert!(matches!(new.current(&a).await, Ok(Current::Outdated(_))));
    let report = new.deliver(all(&events[..1])).await;
    assert_eq!((words(&report).concat().as_str(), report.counts.rebuilt), ("Duplicate", 1));
    assert_eq!(world.record(&a).state_version, 2);
    // What is in the state is in the state; what is not is left to the newer code.
    assert_eq!(words(&old.deliver(all(&events[1..])).await), ["Duplicate"]);
    let later = world.append(&a, &[6]);
    assert_eq!(words(&old.deliver(all(&later)).await), ["again: newer"]);
    assert_eq!(words(&new.deliver(all(&later)).await), ["Applied"]);
    world.assert_whole(&a);
}

#[tokio::test]
async fn a_state_nobody_can_read_is_made_again() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4]);
    let kit = world.projector();
    kit.deliver(all(&events[..1])).await;
    world.records.records.set(Record { state: "[]".to_owned(), ..world.record(&a) });
    assert!(matches!(kit.current(&a).await, Ok(Current::Outdated(_))));
    let report = kit.deliver(all(&events[1..])).await;
    assert_eq!((words(&report).concat().as_str(), report.counts.rebuilt), ("Applied", 1));
    world.assert_whole(&a);
    let Ok(Current::State(state, record)) = kit.current(&a).await else { panic!() };
    assert_eq!((state, record.position), (fold(&events), Version::new(2)));
    assert_eq!(kit.current(&code("B")).await.unwrap(), Current::Absent);
}

/// Newer code refuses what older code had taken: the old state stays until the code is mended.
#[tokio::test]
async fn a_rebuild_that_fails_below_the_position_keeps_the_old_state() {
    let (world, a) = (World::default(), code("A"));
    let events: Vec<_> = [added(&a, 2), poison(&a, 4)].map(|event| world.source.append(event)).to_vec();
    let lenient = Tally::new();
    lenient.mend();
    Projector::new(lenient, world.ports(), world.settings.clone()).deliver(all(&events)).await;
    let kit = world.projector();
    assert_eq!(words(&kit.deliver(replay(&events[..1], "r1")).await), ["again: parked"]);
    let parked = world.record(&a).parked.unwrap();
    assert_eq!((parked.stage, parked.version.get(), world.record(&a).position.get()), (Stage::Rebuild, 2, 2));
    assert_eq!(parked.replay, ReplayId::parse("r1").ok());
    // Later events wait; a replay that has not been tried may try at once.
    let later = world.append(&a, &[6]);
    assert_eq!(words(&kit.deliver(all(&later)).await), ["again: parked"]);
    assert_eq!(world.record(&a).parked.unwrap().attempts, 1);
    kit.deliver(replay(&events[..1], "r2")).await;
    assert_eq!(world.record(&a).parked.unwrap().attempts, 2);
    world.tally.mend();
    world.clock.advance(world.settings.longest_pause);
    // Any delivery makes up for it; and both replays are done by that.
    assert_eq!(words(&kit.deliver(all(&later)).await), ["Applied"]);
    world.assert_whole(&a);
    assert_eq!(kit.deliver(replay(&events[..1], "r2")).await.counts.rebuilt, 0);
}

#[tokio::test]
async fn a_replay_of_what_the_source_does_not_show_yet_waits() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2]);
    let ahead = RecordedEvent { version: Version::new(2), ..events[0].clone() };
    assert_eq!(words(&world.projector().deliver(replay(&[ahead], "r1")).await), ["again: not shown"]);
}

/// A replay is not done before its booking is made, as far as the replay goes; its own messages try again.
#[tokio::test]
async fn a_replay_waits_at_poison_and_stores_what_comes_before_it() {
    let (world, a) = (World::default(), code("A"));
    let events: Vec<_> = [added(&a, 2), poison(&a, 4), added(&a, 6)].map(|event| world.source.append(event)).to_vec();
    let kit = world.reacting();
    assert_eq!(words(&kit.deliver(replay(&events[..1], "r1")).await), ["Rebuilt"], "nobody asked for the poison yet");
    assert_eq!((world.record(&a).position.get(), world.record(&a).parked), (1, None));
    let mut words_of = Vec::new();
    for _ in 0..world.settings.max_attempts {
        words_of.extend(words(&kit.deliver(replay(&events, "r2")).await));
        world.clock.advance(world.settings.longest_pause);
    }
    let parked = world.record(&a).parked.unwrap();
    assert_eq!((parked.stage, parked.version.get(), parked.dead_lettered), (Stage::Rebuild, 2, true));
    assert_eq!(words_of[..3], ["again: parked", "again: parked", "again: parked"]);
    assert_eq!(words_of[9..], ["Behind", "Behind", "Behind"]);
    assert_eq!(world.letters.letters().len(), 1);
    world.tally.mend();
    assert_eq!(kit.resume(&a).await.parked, None);
    world.assert_whole(&a);
    assert_eq!(kit.deliver(replay(&events[1..2], "r2")).await.counts.rebuilt, 0, "it is done with that");
}

/// A replay's messages one by one: the one that brings the poison goes only with the event or with its dead letter.
#[tokio::test]
async fn a_replays_message_goes_only_with_its_own_event() {
    let (world, a) = (World::default(), code("A"));
    let events: Vec<_> = [added(&a, 2), added(&a, 4), poison(&a, 6)].map(|event| world.source.append(event)).to_vec();
    let kit = world.projector();
    assert_eq!(words(&kit.deliver(replay(&events[..1], "r1")).await), ["Rebuilt"]);
    assert_eq!(
        (world.record(&a).position.get(), world.record(&a).parked),
        (2, None),
        "nobody asked for the poison yet"
    );
    assert_eq!(words(&kit.deliver(replay(&events[1..2], "r1")).await), ["Rebuilt"]);
    for _ in 1..world.settings.max_attempts {
        assert_eq!(words(&kit.deliver(replay(&events[2..], "r1")).await), ["again: parked"]);
        world.clock.advance(world.settings.longest_pause);
    }
    assert_eq!(words(&kit.deliver(replay(&events[2..], "r1")).await), ["Behind"]);
    assert_eq!(world.letters.letters().len(), 1);
    // What came before the poison is in the state for this replay, whatever stands behind it.
    assert_eq!(words(&kit.deliver(replay(&events[1..2], "r1")).await), ["Rebuilt"]);
    world.tally.mend();
    assert_eq!(kit.resume(&a).await.parked, None);
    world.assert_whole(&a);
    assert_eq!(words(&kit.deliver(replay(&events[2..], "r1")).await), ["Rebuilt"]);
}

/// A replay that has not been tried need not wait; but those of one batch are tried together.
#[tokio::test]
async fn replays_of_one_batch_spend_one_try() {
    let (world, a) = (World::default(), code("A"));
    let events: Vec<_> = [added(&a, 2), poison(&a, 4)].map(|event| world.source.append(event)).to_vec();
    let kit = world.projector();
    let both = [replay(&events, "r1"), replay(&events, "r2")].concat();
    let report = kit.deliver(both.clone()).await;
    assert_eq!((words(&report).concat(), report.counts.parked), ("again: parked".repeat(4), 1));
    assert_eq!((world.record(&a).parked.unwrap().attempts, world.letters.letters().len()), (1, 0));
    world.tally.mend();
    world.clock.advance(world.settings.longest_pause);
    assert_eq!(kit.deliver(both).await.counts.rebuilt, 1);
    assert_eq!(world.record(&a).parked, None);
}

/// After an upgrade: whoever hears of the booking waits until its state is made again, also with what is in the old one.
#[tokio::test]
async fn an_upgrade_that_fails_is_tried_again_up_to_its_dead_letter() {
    let (mut world, a) = (World::default(), code("A"));
    let events: Vec<_> = [added(&a, 2), poison(&a, 4)].map(|event| world.source.append(event)).to_vec();
    let lenient = Tally::new();
    lenient.mend();
    let older = Projector::new(lenient, world.ports(), world.settings.clone());
    assert_eq!(words(&older.deliver(replay(&events, "r1")).await), ["Rebuilt", "Rebuilt"]);
    world.tally.state_version = 2;
    let silent = Ports { source: Arc::new(MemorySource::default()), ..world.ports() };
    let silent = Projector::new(world.tally.clone(), silent, world.settings.clone());
    let kit = world.projector();
    for (kit, word) in [(&silent, "again: not shown"), (&kit, "again: parked")] {
        assert_eq!(words(&kit.deliver(all(&events[1..])).await), [word]);
        assert_eq!(words(&kit.deliver(replay(&events[1..], "r1")).await), [word]);
    }
    for _ in 1..world.settings.max_attempts {
        world.clock.advance(world.settings.longest_pause);
        kit.deliver(all(&events[1..])).await;
    }
    assert_eq!((world.record(&a).parked.unwrap().dead_lettered, world.letters.letters().len()), (true, 1));
    assert_eq!(words(&kit.deliver(all(&events[1..])).await), ["Duplicate"], "the letter stands for it");
    // A new replay is one more try, and no letter more.
    assert_eq!(words(&kit.deliver(replay(&events[..1], "r2")).await), ["Behind"]);
    assert_eq!(world.letters.letters().len(), 1);
    world.tally.mend();
    assert_eq!(words(&kit.deliver(replay(&events[..1], "r3")).await), ["Rebuilt"]);
    assert_eq!(words(&older.deliver(all(&events[1..])).await), ["Duplicate"]);
    world.assert_whole(&a);
}
