//! The kit behind a feed: everything once, in order, from a checkpoint that never passes what is not stored.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::{BookingCode, Version};
use projection::feed::{FeedError, FeedRunner, Turn};
use projection::memory::{MemoryCheckpoints, MemoryFeed};
use projection::ports::{Checkpoint, Checkpoints, Records, Saved};
use projection::record::Record;
use projection::{Ports, Projector, RecordedEvent};

use crate::tally::{Tally, added, code, poison};
use crate::world::{CheckedRecords, World};

struct Fed {
    world: World,
    feed: Arc<MemoryFeed>,
    checkpoints: Arc<MemoryCheckpoints>,
}

impl Fed {
    fn new() -> Self {
        Self { world: World::default(), feed: Arc::new(MemoryFeed::new(3)), checkpoints: Arc::default() }
    }

    fn add(&self, booking: &str, amount: u64) {
        self.feed.append(self.world.source.append(added(&code(booking), amount)));
    }

    fn runner(&self) -> FeedRunner<Tally> {
        self.runner_with(self.world.projector(), self.checkpoints.clone())
    }

    fn runner_with(&self, kit: Projector<Tally>, checkpoints: Arc<dyn Checkpoints>) -> FeedRunner<Tally> {
        FeedRunner::new(Arc::new(kit), self.feed.clone(), checkpoints, 4)
    }

    fn check(&self) {
        self.world.source.booking_codes().iter().for_each(|code| self.world.assert_whole(code));
    }
}

async fn turn_all(runner: &FeedRunner<Tally>) -> Vec<Turn> {
    runner.turn_all().await.unwrap().into_iter().map(Result::unwrap).collect()
}

/// Turns until every partition is at its end.
async fn to_the_end(runner: &FeedRunner<Tally>) -> u64 {
    let mut applied = 0;
    for _ in 0..100 {
        let turns = turn_all(runner).await;
        applied += turns.iter().map(|turn| turn.counts.applied).sum::<u64>();
        if turns.iter().all(|turn| turn.end) {
            return applied;
        }
    }
    panic!("no end");
}

#[tokio::test]
async fn everything_comes_once_and_a_restart_goes_on() {
    let fed = Fed::new();
    (0..40).for_each(|n| fed.add(&format!("B{}", n % 7), n));
    assert_eq!(to_the_end(&fed.runner()).await, 40);
    fed.check();
    (0..10).for_each(|n| fed.add(&format!("B{}", n % 7), n));
    assert_eq!(to_the_end(&fed.runner()).await, 10);
    fed.check();
    let duplicates: u64 = turn_all(&fed.runner()).await.iter().map(|turn| turn.counts.duplicates).sum();
    assert_eq!(duplicates, 0, "nothing is asked for twice");
}

/// Checkpoints that are not stored, though everything else went well: the process died just before.
struct Dying(Arc<MemoryCheckpoints>, AtomicBool);

#[async_trait]
impl Checkpoints for Dying {
    async fn load(&self, partition: u32) -> Result<Option<Checkpoint>, StoreFailure> {
        self.0.load(partition).await
    }
    async fn save(&self, checkpoint: &Checkpoint) -> Result<bool, StoreFailure> {
        if self.1.load(Ordering::SeqCst) {
            return Err(StoreFailure::new(Store::Projection, FailureKind::NoAnswer));
        }
        self.0.save(checkpoint).await
    }
}

#[tokio::test]
async fn what_was_done_before_a_crash_is_a_duplicate_after_it() {
    let fed = Fed::new();
    (0..20).for_each(|n| fed.add(&format!("B{}", n % 3), n));
    let dying = Arc::new(Dying(fed.checkpoints.clone(), AtomicBool::new(true)));
    let runner = fed.runner_with(fed.world.projector(), dying.clone());
    for turn in runner.turn_all().await.unwrap() {
        assert!(matches!(turn, Ok(Turn { position: 0, .. }) | Err(FeedError::Checkpoints(_))), "{turn:?}");
    }
    dying.1.store(false, Ordering::SeqCst);
    assert!(to_the_end(&runner).await < 20);
    fed.check();
}

#[tokio::test]
async fn a_parked_booking_waits_in_the_checkpoint_and_others_go_on() {
    let fed = Fed::new();
    fed.feed.append(fed.world.source.append(poison(&code("P"), 2)));
    (0..20).for_each(|n| fed.add("P", n));
    (0..20).for_each(|n| fed.add(&format!("B{n}"), n));
    to_the_end(&fed.runner()).await;
    let waiting: Vec<_> = (0..3).filter_map(|n| fed.checkpoints.get(n)).flat_map(|kept| kept.waiting).collect();
    assert_eq!(waiting, [code("P")]);
    let others: Vec<BookingCode> = fed.world.source.booking_codes().into_iter().filter(|c| *c != code("P")).collect();
    others.iter().for_each(|code| fed.world.assert_whole(code));
    // It is tried again when it is due, though the feed has nothing new.
    fed.world.tally.mend();
    turn_all(&fed.runner()).await;
    assert!(fed.world.record(&code("P")).parked.is_some(), "not yet");
    fed.world.clock.advance(Duration::from_secs(1));
    turn_all(&fed.runner()).await;
    fed.check();
    assert!((0..3).all(|n| fed.checkpoints.get(n).is_none_or(|kept| kept.waiting.is_empty())));
}

#[tokio::test]
async fn a_booking_with_its_dead_letter_waits_no_more() {
    let fed = Fed::new();
    fed.feed.append(fed.world.source.append(poison(&code("P"), 2)));
    for _ in 0..20 {
        turn_all(&fed.runner()).await;
        fed.world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(fed.world.letters.letters().len(), 1);
    assert!((0..3).all(|n| fed.checkpoints.get(n).is_none_or(|kept| kept.waiting.is_empty())));
    fed.world.tally.mend();
    assert_eq!(fed.world.projector().resume(&code("P")).await.parked, None);
    fed.check();
}

/// Records that take no write of some bookings; and that know how many were read at a time.
struct Silent {
    records: Arc<CheckedRecords>,
    of: fn(&BookingCode) -> bool,
    loads: AtomicUsize,
    peak: AtomicUsize,
}

impl Silent {
    fn new(fed: &Fed, of: fn(&BookingCode) -> bool) -> Arc<Self> {
        let (loads, peak) = (AtomicUsize::default(), AtomicUsize::default());
        Arc::new(Self { records: fed.world.records.clone(), of, loads, peak })
    }
}

#[async_trait]
impl Records for Silent {
    async fn load(&self, code: &BookingCode) -> Result<Option<Record>, StoreFailure> {
        self.peak.fetch_max(self.loads.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.loads.fetch_sub(1, Ordering::SeqCst);
        self.records.load(code).await
    }
    async fn save(&self, record: &Record) -> Result<Saved, StoreFailure> {
        if (self.of)(&record.booking_code) {
            return Err(StoreFailure::new(Store::Projection, FailureKind::Throttled));
        }
        self.records.save(record).await
    }
}

fn with_records(fed: &Fed, records: Arc<dyn Records>) -> Projector<Tally> {
    Projector::new(fed.world.tally.clone(), Ports { records, ..fed.world.ports() }, fed.world.settings.clone())
}

#[tokio::test]
async fn a_booking_that_fails_waits_and_its_partition_goes_on() {
    let fed = Fed::new();
    (0..60).for_each(|n| fed.add(&format!("B{}", n % 6), n));
    let silent = Silent::new(&fed, |code| code.as_str() < "B3");
    let runner = fed.runner_with(with_records(&fed, silent.clone()), fed.checkpoints.clone());
    to_the_end(&runner).await;
    ["B3", "B4", "B5"].iter().for_each(|text| fed.world.assert_whole(&code(text)));
    let kept = || (0..3).filter_map(|n| fed.checkpoints.get(n));
    let waiting: BTreeSet<_> = kept().flat_map(|kept| kept.waiting).collect();
    assert_eq!(waiting, ["B0", "B1", "B2"].map(code).into(), "named before anything passes them");
    let revisions: Vec<_> = kept().map(|kept| kept.revision).collect();
    turn_all(&runner).await;
    assert_eq!(kept().map(|kept| kept.revision).collect::<Vec<_>>(), revisions, "nothing new, nothing written");
    // The feed has nothing new; they catch up from the source.
    turn_all(&fed.runner()).await;
    fed.check();
    assert!(kept().all(|kept| kept.waiting.is_empty()));
}

/// An outage is not spread over checkpoints without end: the partition waits, and goes on where it stood.
#[tokio::test]
async fn a_store_that_is_silent_stops_the_partition() {
    let fed = Fed { feed: Arc::new(MemoryFeed::new(1)), ..Fed::new() };
    (0..1600).for_each(|n| fed.add(&format!("B{n}"), n));
    let silent = Silent::new(&fed, |_| true);
    let kit = Arc::new(with_records(&fed, silent.clone()));
    let runner = |kit| FeedRunner::new(kit, fed.feed.clone(), fed.checkpoints.clone(), 400);
    for _ in 0..6 {
        turn_all(&runner(kit.clone())).await;
    }
    let turn = turn_all(&runner(kit)).await.remove(0);
    assert_eq!((turn.position, turn.waiting, turn.end), (800, 800, false));
    assert_eq!(turn.stuck.unwrap(), "1200 bookings wait");
    assert!(silent.peak.load(Ordering::SeqCst) > 1, "who waits is not tried one after the other");
    let healed = Arc::new(fed.world.projector());
    for _ in 0..3 {
        turn_all(&runner(healed.clone())).await;
    }
    fed.check();
}

/// The feed knows what the source does not show: whoever went on would have to trust a source that is behind.
#[tokio::test]
async fn what_the_source_does_not_show_stops_the_partition() {
    let fed = Fed::new();
    let hidden = fed.world.source.append(added(&code("B"), 1));
    fed.feed.append(RecordedEvent { version: Version::new(2), ..hidden });
    for turn in turn_all(&fed.runner()).await {
        assert_eq!((turn.position, turn.waiting), (0, 0));
        assert!(turn.end || turn.stuck.unwrap().contains("version 2 exists"));
    }
    fed.world.append(&code("B"), &[1]);
    to_the_end(&fed.runner()).await;
    fed.check();
}

#[tokio::test]
async fn two_runners_at_one_partition_do_no_harm() {
    let fed = Fed::new();
    (0..30).for_each(|n| fed.add(&format!("B{}", n % 5), n));
    let (one, two) = (fed.runner(), fed.runner());
    for _ in 0..10 {
        futures::future::join(turn_all(&one), turn_all(&two)).await;
    }
    to_the_end(&one).await;
    fed.check();
}

#[tokio::test]
async fn a_position_the_feed_has_not_is_no_silent_end() {
    let fed = Fed::new();
    fed.add("B", 1);
    let ahead = Checkpoint { partition: 0, position: 99, waiting: Vec::new(), revision: 1 };
    assert!(fed.checkpoints.save(&ahead).await.unwrap());
    assert!(matches!(fed.runner().turn(0).await, Err(FeedError::Feed(_))));
}
