//! Two workers and one reaction: leases that end, writes that take long, answers that get lost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use booking_store::BookingCode;
use booking_store::failure::StoreFailure;
use projection::ports::{Records, Saved};
use projection::record::Record;
use projection::{Delivery, Ports, Projector, ReactTo, ReactionError, Reactions, RecordedEvent, Settings};

use crate::tally::{Tally, Trail, code};
use crate::world::{CheckedRecords, ManualClock, World, words};

fn all(events: &[RecordedEvent]) -> Vec<Delivery> {
    events.iter().cloned().map(Delivery::of).collect()
}

fn lease(world: &World) -> Duration {
    world.settings.reaction_timeout + Settings::LEASE_MARGIN
}

fn kit(world: &World, records: Arc<dyn Records>) -> Projector<Tally> {
    let ports = Ports { records, ..world.ports() };
    let kit = Projector::new(world.tally.clone(), ports, world.settings.clone());
    kit.reacting(world.reactions.clone(), ReactTo::Everything)
}

/// Writes that land, lose their answer, and are tried again by the adapter: it then finds its own record.
struct Echo(Arc<CheckedRecords>);

#[async_trait]
impl Records for Echo {
    async fn load(&self, code: &BookingCode) -> Result<Option<Record>, StoreFailure> {
        self.0.load(code).await
    }
    async fn save(&self, record: &Record) -> Result<Saved, StoreFailure> {
        self.0.save(record).await?;
        self.0.save(record).await
    }
}

#[tokio::test]
async fn a_write_that_lost_its_answer_is_known_by_its_record() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[1, 2, 3]);
    let report = kit(&world, Arc::new(Echo(world.records.clone()))).deliver(all(&events)).await;
    assert_eq!(words(&report), ["Applied", "Applied", "Applied"]);
    assert_eq!((report.counts.reactions, world.reactions.of(&a)), (2, vec![1, 3]));
    world.assert_whole(&a);
}

/// Writes that take longer than a lease can bear.
struct Slow(Arc<CheckedRecords>, Arc<ManualClock>);

#[async_trait]
impl Records for Slow {
    async fn load(&self, code: &BookingCode) -> Result<Option<Record>, StoreFailure> {
        self.0.load(code).await
    }
    async fn save(&self, record: &Record) -> Result<Saved, StoreFailure> {
        let saved = self.0.save(record).await;
        self.1.advance(Settings::LEASE_MARGIN + Duration::from_millis(1));
        saved
    }
}

#[tokio::test]
async fn a_lease_that_may_end_before_its_reaction_is_not_used() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[1]);
    let slow = kit(&world, Arc::new(Slow(world.records.clone(), world.clock.clone())));
    assert_eq!(words(&slow.deliver(all(&events)).await), ["again: failed"]);
    assert_eq!(world.reactions.of(&a), [0; 0]);
    world.clock.advance(lease(&world));
    assert_eq!(words(&world.reacting().deliver(all(&events)).await), ["Applied"]);
    assert_eq!(world.reactions.of(&a), [1]);
}

/// A reaction to version 1 that outlives its lease: meanwhile another worker runs it, goes on to version 2 and dies there.
struct Outlived {
    world: Arc<World>,
    events: Vec<Delivery>,
    ran: Mutex<Vec<u64>>,
}

struct DiesAtTwo;

#[async_trait]
impl Reactions<Trail> for DiesAtTwo {
    async fn react(&self, _state: &Trail, event: &RecordedEvent) -> Result<(), ReactionError> {
        match event.version.get() {
            1 => Ok(()),
            _ => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Reactions<Trail> for Outlived {
    async fn react(&self, _state: &Trail, event: &RecordedEvent) -> Result<(), ReactionError> {
        self.ran.lock().unwrap().push(event.version.get());
        self.world.clock.advance(lease(&self.world));
        let other = self.world.projector().reacting(Arc::new(DiesAtTwo), ReactTo::Everything);
        let work = Box::pin(other.deliver(self.events.clone()));
        let ten_polls = async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = work => panic!("it dies at version 2"),
            () = ten_polls => Ok(()),
        }
    }
}

#[tokio::test]
async fn who_outlives_its_lease_leaves_the_next_run_alone() {
    let (world, a) = (Arc::new(World::default()), code("A"));
    let events = all(&world.append(&a, &[1, 3]));
    let outlived = Arc::new(Outlived { world: world.clone(), events: events.clone(), ran: Mutex::default() });
    let kit = world.projector().reacting(outlived.clone(), ReactTo::Everything);
    assert_eq!(words(&kit.deliver(events).await), ["Applied", "again: leased"]);
    assert_eq!(*outlived.ran.lock().unwrap(), [1]);
    let run = world.record(&a).reaction.unwrap();
    assert_eq!((run.version.get(), world.record(&a).reacted.get()), (2, 1));
}
