//! A projection's own code that panics: an ordinary failure of that event, without a word of its data.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use booking_store::EventType;
use projection::loader::{LoadError, Loader};
use projection::memory::MemorySnapshots;
use projection::record::Stage;
use projection::{
    Applied, ApplyError, Delivery, Projection, Projector, ReactTo, ReactionError, Reactions, RecordedEvent, Upcasts,
};

use crate::tally::{Tally, Trail, code};
use crate::world::{World, amount, words};

/// Panics at amounts of 4, in one place after the other, until it is `mended`.
#[derive(Clone)]
struct Clumsy {
    tally: Tally,
    at: Place,
    mended: Arc<AtomicBool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Upcast,
    Apply,
    Concerns,
    React,
}

impl Clumsy {
    fn stumble(&self, place: Place, event: &RecordedEvent) {
        let stumbles = self.at == place && !self.mended.load(Ordering::SeqCst) && amount(event) == 4;
        assert!(!stumbles, "secret {}", event.data.as_str());
    }
}

impl Projection for Clumsy {
    type State = Trail;

    fn name(&self) -> &str {
        "clumsy"
    }

    fn apply(&self, trail: &mut Trail, event: &RecordedEvent) -> Result<Applied, ApplyError> {
        let applied = self.tally.apply(trail, event);
        self.stumble(Place::Apply, event);
        applied
    }

    fn upcasts(&self) -> Upcasts {
        let clumsy = self.clone();
        Upcasts::none().then(EventType::parse("Added").unwrap(), move |event| {
            clumsy.stumble(Place::Upcast, &event);
            Ok(event)
        })
    }
}

#[async_trait]
impl Reactions<Trail> for Clumsy {
    fn concerns(&self, event: &RecordedEvent) -> bool {
        self.stumble(Place::Concerns, event);
        true
    }

    async fn react(&self, _state: &Trail, event: &RecordedEvent) -> Result<(), ReactionError> {
        self.stumble(Place::React, event);
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_parks_its_booking_and_no_other() {
    let places = [
        (Place::Upcast, Stage::Apply, "an upcast panicked"),
        (Place::Apply, Stage::Apply, "apply panicked"),
        (Place::Concerns, Stage::React, "concerns panicked"),
        (Place::React, Stage::React, "the reaction panicked"),
    ];
    for (at, stage, reason) in places {
        let (world, a) = (World::default(), code("A"));
        let clumsy = Clumsy { tally: world.tally.clone(), at, mended: Arc::default() };
        let kit = Projector::new(clumsy.clone(), world.ports(), world.settings.clone());
        let kit = kit.reacting(Arc::new(clumsy.clone()), ReactTo::Everything);
        let events = [world.append(&a, &[2, 4, 6]), world.append(&code("B"), &[8])].concat();
        let batch: Vec<_> = events.into_iter().map(Delivery::of).collect();
        let report = kit.deliver(batch.clone()).await;
        assert_eq!(words(&report), ["Applied", "again: parked", "again: parked", "Applied"], "{reason}");
        let parked = world.record(&a).parked.unwrap();
        assert_eq!((parked.stage, parked.version.get(), parked.reason.as_str()), (stage, 2, reason));
        clumsy.mended.store(true, Ordering::SeqCst);
        world.clock.advance(world.settings.longest_pause);
        assert_eq!(words(&kit.deliver(batch).await), ["Duplicate", "Applied", "Applied", "Duplicate"]);
        world.assert_whole(&a);
    }
}

#[tokio::test]
async fn a_load_survives_a_panic() {
    let world = World::default();
    world.append(&code("A"), &[2, 4]);
    let clumsy = Clumsy { tally: world.tally.clone(), at: Place::Apply, mended: Arc::default() };
    let loader = Loader::new(clumsy, world.source.clone(), Arc::new(MemorySnapshots::default()), 0);
    let refused = loader.load(&code("A")).await.unwrap_err();
    assert!(matches!(&refused, LoadError::Apply { reason, .. } if reason == "apply panicked"), "{refused}");
}
