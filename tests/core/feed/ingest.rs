//! Ingestion by hand: crashes and lost answers at every call, large backlogs, contended tips.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use booking_store::failure::{FailureKind, StoreFailure};
use booking_store::feed::ingest::ingest;
use booking_store::feed::memory::MemoryFeedLog;
use booking_store::feed::{Batch, Committed, FeedLog, Partition, Position, Run};
use booking_store::limits::{FEED_BATCH_RUNS, FEED_LOST_RACES};
use booking_store::{BookingCode, Version};
use booking_tests::code;
use futures::FutureExt;

use super::gate::{End, Gate, Gated};

/// Where the codes `LH-9`, `LH-11` and `LH-25` stand.
fn partition() -> Partition {
    Partition::of(&code("LH-9"))
}

fn heads(of: &[(&str, u64)]) -> Vec<(BookingCode, Version)> {
    of.iter().map(|(text, head)| (code(text), Version::new(*head))).collect()
}

/// Everything in a partition: booking code and version by position from 1.
async fn fed(log: &dyn FeedLog, partition: Partition) -> Vec<(String, u64)> {
    let tip = log.tip(partition).await.unwrap();
    let mut batches = log.pages(partition, Position::START, tip.first(), usize::MAX).await.unwrap();
    batches.push(tip);
    let entries = batches.iter().flat_map(|batch| batch.entries(Position::START));
    let (positions, fed): (Vec<_>, Vec<_>) =
        entries.map(|(position, code, version)| (position.get(), (code.to_string(), version.get()))).unzip();
    assert_eq!(positions, (1..=fed.len() as u64).collect::<Vec<_>>());
    fed
}

fn versions(code: &str, versions: std::ops::RangeInclusive<u64>) -> Vec<(String, u64)> {
    versions.map(|version| (code.to_owned(), version)).collect()
}

#[tokio::test]
async fn what_is_new_is_appended_once() {
    let log = MemoryFeedLog::default();
    assert_eq!(ingest(&log, partition(), &heads(&[("LH-9", 2), ("LH-11", 1)])).await.unwrap(), 3);
    // The same again, an older image, a later one, and one after some were lost.
    assert_eq!(ingest(&log, partition(), &heads(&[("LH-9", 2), ("LH-11", 1)])).await.unwrap(), 0);
    assert_eq!(ingest(&log, partition(), &heads(&[("LH-9", 1)])).await.unwrap(), 0);
    assert_eq!(ingest(&log, partition(), &heads(&[("LH-11", 5), ("LH-9", 3)])).await.unwrap(), 5);
    assert_eq!(ingest(&log, partition(), &heads(&[("LH-9", 3), ("LH-11", 4)])).await.unwrap(), 0);
    let wanted = [versions("LH-9", 1..=2), versions("LH-11", 1..=5), versions("LH-9", 3..=3)].concat();
    assert_eq!(fed(&log, partition()).await, wanted);
    assert_eq!(ingest(&log, partition(), &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_booking_twice_in_a_batch_is_in_the_feed_once() {
    let log = MemoryFeedLog::default();
    assert_eq!(ingest(&log, partition(), &heads(&[("LH-9", 1), ("LH-9", 3), ("LH-9", 2)])).await.unwrap(), 3);
    assert_eq!(fed(&log, partition()).await, versions("LH-9", 1..=3));
}

#[tokio::test]
async fn more_bookings_than_a_batch_holds() {
    let log = MemoryFeedLog::default();
    let codes = (0..).map(|n| code(&format!("B-{n}"))).filter(|code| Partition::of(code) == partition());
    let many: Vec<_> = codes.take(2 * FEED_BATCH_RUNS + 30).map(|code| (code, Version::new(3))).collect();
    assert_eq!(ingest(&log, partition(), &many).await.unwrap(), many.len() as u64 * 3);
    let wanted: Vec<_> = many.iter().flat_map(|(code, _)| versions(code.as_str(), 1..=3)).collect();
    assert_eq!(fed(&log, partition()).await, wanted);
    assert_eq!(log.tip(partition()).await.unwrap().runs().len(), 30);
    assert_eq!(ingest(&log, partition(), &many).await.unwrap(), 0);
}

/// Ingests `heads` with one call ending as `fault`, none meaning that the process dies there. Whether it ended well, and
/// whether there was a call to strike.
fn struck(
    log: &Arc<MemoryFeedLog>,
    gate: &Arc<Gate>,
    heads: &[(BookingCode, Version)],
    call: usize,
    fault: Option<End>,
) -> (bool, bool) {
    let gated = Gated { process: 0, gate: gate.clone(), log: log.clone() };
    let mut ingesting = Box::pin(ingest(&gated, partition(), heads));
    for made in 0.. {
        if let Some(ended) = ingesting.as_mut().now_or_never() {
            return (ended.is_ok(), made > call);
        }
        match fault {
            None if made == call => return (false, true),
            Some(end) if made == call => gate.open(0, end),
            Some(_) | None => gate.open(0, End::Heard),
        }
    }
    unreachable!("it ends")
}

/// A first batch is the tip, a second is ingested with a fault at each of its calls, then again without one.
#[tokio::test]
async fn a_fault_at_any_call_loses_nothing_and_doubles_nothing() {
    let faults = [None, Some(End::Failed), Some(End::Unheard), Some(End::Late), Some(End::Twice)];
    for fault in faults {
        let mut calls = 0;
        loop {
            let log = Arc::new(MemoryFeedLog::default());
            ingest(&*log, partition(), &heads(&[("LH-9", 2), ("LH-11", 1)])).await.unwrap();
            let second = heads(&[("LH-9", 4), ("LH-25", 1), ("LH-11", 2)]);
            let gate = Arc::new(Gate::default());
            let (ended_well, hit) = struck(&log, &gate, &second, calls, fault);
            assert_eq!(ended_well, fault == Some(End::Twice) || !hit, "{fault:?} at {calls}");
            ingest(&*log, partition(), &second).await.unwrap();
            if let Some(write) = gate.late(|_| 0) {
                write.arrive(&*log).await;
            }
            ingest(&*log, partition(), &second).await.unwrap();
            let wanted = [
                versions("LH-9", 1..=2),
                versions("LH-11", 1..=1),
                versions("LH-9", 3..=4),
                versions("LH-25", 1..=1),
                versions("LH-11", 2..=2),
            ];
            assert_eq!(fed(&*log, partition()).await, wanted.concat(), "{fault:?} at {calls}");
            if !hit {
                break;
            }
            calls += 1;
        }
        assert_eq!(calls, 6, "tip, one marker, the page, two markers raised, the commit");
    }
}

/// A commit whose answer was lost is found at the tip by the adapter's next attempt: done, and counted once.
#[tokio::test]
async fn a_commit_that_is_made_twice_is_done_and_counted() {
    let log = Arc::new(MemoryFeedLog::default());
    let gate = Arc::new(Gate::default());
    let gated = Gated { process: 0, gate: gate.clone(), log: log.clone() };
    let all = heads(&[("LH-9", 4)]);
    let mut ingesting = Box::pin(ingest(&gated, partition(), &all));
    for end in [End::Heard, End::Heard, End::Twice] {
        assert!(ingesting.as_mut().now_or_never().is_none());
        gate.open(0, end);
    }
    assert_eq!(ingesting.await.unwrap(), 4, "after tip, marker and commit");
    assert_eq!(fed(&*log, partition()).await, versions("LH-9", 1..=4));
}

/// Another indexer commits between this one's look and its own commit.
#[tokio::test]
async fn a_lost_race_appends_what_is_still_missing() {
    let log = Arc::new(MemoryFeedLog::default());
    let gate = Arc::new(Gate::default());
    let gated = Gated { process: 0, gate: gate.clone(), log: log.clone() };
    let mine = heads(&[("LH-9", 2), ("LH-11", 1)]);
    let mut ingesting = Box::pin(ingest(&gated, partition(), &mine));
    for _ in 0..3 {
        assert!(ingesting.as_mut().now_or_never().is_none());
        gate.open(0, End::Heard);
    }
    assert!(ingesting.as_mut().now_or_never().is_none(), "before its commit");
    ingest(&*log, partition(), &heads(&[("LH-9", 1), ("LH-25", 1)])).await.unwrap();
    let appended = loop {
        gate.open(0, End::Heard);
        if let Some(ended) = ingesting.as_mut().now_or_never() {
            break ended.unwrap();
        }
    };
    assert_eq!(appended, 2, "LH-9 1 is the other's");
    let wanted = [("LH-9", 1), ("LH-25", 1), ("LH-9", 2), ("LH-11", 1)];
    assert_eq!(fed(&*log, partition()).await, wanted.map(|(code, version)| (code.to_owned(), version)));
}

/// A log in which somebody else is faster, but for every so many commits.
struct Contended {
    log: MemoryFeedLog,
    spared: u32,
    commits: AtomicU32,
}

fn contended(spared: u32) -> Contended {
    Contended { log: MemoryFeedLog::default(), spared, commits: AtomicU32::new(0) }
}

#[async_trait]
impl FeedLog for Contended {
    async fn tip(&self, partition: Partition) -> Result<Batch, StoreFailure> {
        self.log.tip(partition).await
    }
    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<Committed, StoreFailure> {
        if !(self.commits.fetch_add(1, Ordering::SeqCst) + 1).is_multiple_of(self.spared) {
            let tip = self.log.tip(partition).await?;
            let last = Version::new(tip.next().get());
            let theirs = Run { booking_code: code("LH-25"), first: last, last };
            self.log.keep_page(partition, &tip).await?;
            for run in tip.runs() {
                self.log.raise_marker(&run.booking_code, run.last).await?;
            }
            let other = Batch::new(tip.next(), vec![theirs]).unwrap();
            assert_eq!(self.log.commit(partition, &other).await?, Committed::Done);
        }
        self.log.commit(partition, batch).await
    }
    async fn keep_page(&self, partition: Partition, batch: &Batch) -> Result<(), StoreFailure> {
        self.log.keep_page(partition, batch).await
    }
    async fn pages(
        &self,
        partition: Partition,
        after: Position,
        below: Position,
        limit: usize,
    ) -> Result<Vec<Batch>, StoreFailure> {
        self.log.pages(partition, after, below, limit).await
    }
    async fn marker(&self, booking_code: &BookingCode) -> Result<Version, StoreFailure> {
        self.log.marker(booking_code).await
    }
    async fn raise_marker(&self, booking_code: &BookingCode, version: Version) -> Result<(), StoreFailure> {
        self.log.raise_marker(booking_code, version).await
    }
}

#[tokio::test]
async fn a_race_that_is_always_lost_ends() {
    let log = contended(u32::MAX);
    let failure = ingest(&log, partition(), &heads(&[("LH-9", 1)])).await.expect_err("never committed");
    assert_eq!(failure.kind, FailureKind::Contended);
    let others = log.log.tip(partition()).await.unwrap().last().get();
    assert_eq!(others, u64::from(FEED_LOST_RACES) + 1, "one for each try");
}

/// Losses are counted from the last commit on: who gets on may go on.
#[tokio::test]
async fn races_that_are_lost_now_and_then_hold_up_nobody() {
    let log = contended(FEED_LOST_RACES);
    let codes = (0..).map(|n| code(&format!("B-{n}"))).filter(|code| Partition::of(code) == partition());
    let many: Vec<_> = codes.take(3 * FEED_BATCH_RUNS).map(|code| (code, Version::FIRST)).collect();
    assert_eq!(ingest(&log, partition(), &many).await.unwrap(), many.len() as u64);
}

/// Two that append the same at the same time: the second finds its own batch at the tip and takes it for its own.
#[tokio::test]
async fn the_same_batch_of_two_indexers_is_one() {
    let log = Arc::new(MemoryFeedLog::default());
    let gate = Arc::new(Gate::default());
    let all = heads(&[("LH-9", 2)]);
    let gated = [0, 1].map(|process| Gated { process, gate: gate.clone(), log: log.clone() });
    let mut both = gated.each_ref().map(|log| Box::pin(ingest(log, partition(), &all)));
    let mut ended = [None, None];
    while ended.iter().any(Option::is_none) {
        for (place, ingesting) in both.iter_mut().enumerate() {
            if ended[place].is_none() {
                ended[place] = ingesting.as_mut().now_or_never().map(Result::unwrap);
            }
        }
        while !gate.waiting().is_empty() {
            gate.open(0, End::Heard);
        }
    }
    assert_eq!(fed(&*log, partition()).await, versions("LH-9", 1..=2));
}
