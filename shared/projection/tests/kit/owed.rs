//! Reactions that were owed by older code: not owed any more, or to events that newer code can't read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use booking_store::EventType;
use projection::memory::MemoryRecords;
use projection::record::Stage;
use projection::{
    Applied, ApplyError, Delivery, Mode, Ports, Projection, Projector, ReactTo, ReactionError, Reactions,
    RecordedEvent, ReplayId, Upcasts,
};

use crate::tally::{Tally, Trail, code};
use crate::world::{World, words};

fn all(events: &[RecordedEvent]) -> Vec<Delivery> {
    events.iter().cloned().map(Delivery::of).collect()
}

/// Reactions of newer code: nothing concerns it below this version.
struct From(u64, std::sync::Mutex<Vec<u64>>);

#[async_trait]
impl Reactions<Trail> for From {
    fn concerns(&self, event: &RecordedEvent) -> bool {
        event.version.get() >= self.0
    }

    async fn react(&self, _state: &Trail, event: &RecordedEvent) -> Result<(), ReactionError> {
        self.1.lock().unwrap().push(event.version.get());
        Ok(())
    }
}

/// Booking A at the dead letter of its reaction to version 1.
async fn at_its_dead_letter(mode: Mode) -> (World, Vec<RecordedEvent>) {
    let mut world = World::default();
    (world.settings.mode, world.settings.max_attempts) = (mode, 1);
    world.reactions.failing.store(1000, Ordering::SeqCst);
    let events = world.append(&code("A"), &[1]);
    assert_eq!(words(&world.reacting().deliver(all(&events)).await), ["Behind"]);
    let parked = world.record(&code("A")).parked.unwrap();
    assert_eq!((parked.stage, parked.version.get(), parked.dead_lettered), (Stage::React, 1, true));
    (world, events)
}

#[tokio::test]
async fn a_reaction_that_is_owed_no_more_holds_nothing_back() {
    for mode in [Mode::EachEvent, Mode::LatestOnly] {
        for first in [2, 9] {
            let (world, events) = at_its_dead_letter(mode).await;
            let newer = Arc::new(From(first, std::sync::Mutex::default()));
            let kit = world.projector().reacting(newer.clone(), ReactTo::Everything);
            let resumed = kit.resume(&code("A")).await;
            assert_eq!((resumed.parked, resumed.again), (None, None), "{mode:?} from {first}");
            assert_eq!(words(&kit.deliver(all(&events)).await), ["Duplicate"]);
            let later = world.append(&code("A"), &[3, 5]);
            assert_eq!(words(&kit.deliver(all(&later)).await), ["Applied", "Applied"], "{mode:?} from {first}");
            world.assert_whole(&code("A"));
            assert_eq!(world.record(&code("A")).parked, None);
            let ran = newer.1.lock().unwrap().clone();
            assert_eq!(ran.last(), (first == 2).then_some(&3), "{mode:?} from {first}");
        }
    }
}

/// The same before anybody resumes it, once the reaction is known to be done or the projection has none.
#[tokio::test]
async fn a_projection_without_reactions_waits_for_none() {
    for done_since in [false, true] {
        let (world, events) = at_its_dead_letter(Mode::EachEvent).await;
        let (later, mut record) = (world.append(&code("A"), &[3]), world.record(&code("A")));
        if done_since {
            record.reacted = record.position;
            world.records.records.set(record);
        }
        world.reactions.failing.store(0, Ordering::SeqCst);
        let kit = if done_since { world.reacting() } else { world.projector() };
        assert_eq!(words(&kit.deliver(all(&events)).await), ["Duplicate"]);
        assert_eq!(words(&kit.deliver(all(&later)).await), ["Applied"], "{done_since}");
        assert_eq!(kit.catch_up(&code("A")).await.parked, None);
        world.assert_whole(&code("A"));
    }
}

/// The tally, whose newest code can't read what older code has applied.
struct Forgetful(Tally);

impl Projection for Forgetful {
    type State = Trail;

    fn name(&self) -> &str {
        "tally"
    }

    fn apply(&self, trail: &mut Trail, event: &RecordedEvent) -> Result<Applied, ApplyError> {
        self.0.apply(trail, event)
    }

    fn upcasts(&self) -> Upcasts {
        let added = EventType::parse("Added").unwrap();
        Upcasts::none().then(added, |event| match event.version.get() {
            2 => Err(ApplyError::new("no rule")),
            _ => Ok(event),
        })
    }
}

#[tokio::test]
async fn an_owed_reaction_to_an_event_that_can_not_be_read_any_more_parks() {
    for mode in [Mode::EachEvent, Mode::LatestOnly] {
        let (mut world, a) = (World::default(), code("A"));
        world.settings.mode = mode;
        let events = world.append(&a, &[1, 3]);
        let records = Arc::new(MemoryRecords::default());
        let ports = || Ports { records: records.clone(), ..world.ports() };
        // A replay was faster than the bus: both reactions are owed.
        let older = Projector::new(world.tally.clone(), ports(), world.settings.clone());
        let newer = Arc::new(From(1, std::sync::Mutex::default()));
        let older = older.reacting(newer.clone(), ReactTo::Everything);
        older.deliver(vec![Delivery::replayed(events[0].clone(), ReplayId::parse("r1").unwrap())]).await;
        let kit = Projector::new(Forgetful(world.tally.clone()), ports(), world.settings.clone());
        let kit = kit.reacting(newer.clone(), ReactTo::Everything);
        assert_eq!(words(&kit.deliver(all(&events)).await).pop().unwrap(), "again: parked", "{mode:?}");
        let record = records.get(&a).unwrap();
        let parked = record.parked.unwrap();
        assert_eq!((parked.stage, parked.version.get(), parked.reason.as_str()), (Stage::React, 2, "no rule"));
        let (reacted, ran) = if mode == Mode::EachEvent { (1, vec![1]) } else { (0, vec![]) };
        assert_eq!((record.reacted.get(), newer.1.lock().unwrap().clone()), (reacted, ran));
        // Mended code makes up for it.
        world.clock.advance(world.settings.longest_pause);
        assert_eq!(words(&older.deliver(all(&events)).await).pop().unwrap(), "Applied");
        assert_eq!(newer.1.lock().unwrap().last(), Some(&2));
    }
}
