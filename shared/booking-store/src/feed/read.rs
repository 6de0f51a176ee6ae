//! Reading the feed: what stands after a position, proven complete or not told at all.
//!
//! The tip is read first, then the pages below it: a batch that is no longer the tip has its page. So what is read has no
//! hole, and what is committed meanwhile comes with the next read.

use futures::future::try_join_all;

use crate::failure::{Store, StoreFailure};
use crate::feed::hydrate::{Entry, hydrate};
use crate::feed::{Batch, FeedLog, Partition, Position, Positions};
use crate::ports::Stores;
use crate::protocol::append::Status;
use crate::{BookingCode, Event};

/// What a consumer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The partitions, each with the position up to which the consumer has read it.
    pub from: Vec<(Partition, Position)>,
    /// The most events wanted (≥ 1).
    pub limit: usize,
}

/// An event at its place in the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FedEvent {
    /// Its partition.
    pub partition: Partition,
    /// Its position there.
    pub position: Position,
    /// Its booking.
    pub booking_code: BookingCode,
    /// The event.
    pub event: Event,
    /// Where it is.
    pub status: Status,
}

/// One page of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Events; those of a partition at consecutive positions after the one asked for.
    pub events: Vec<FedEvent>,
    /// Where to go on: the partitions asked for, each with its last position read.
    pub next: Vec<(Partition, Position)>,
    /// Whether this was all there is.
    pub end: bool,
}

/// How a read ended.
#[derive(Debug)]
pub enum Outcome {
    /// Here it is.
    Page(Page),
    /// The consumer claims a position that the partition has not reached: of another system, or of a log that is gone.
    NotReached {
        /// The partition.
        partition: Partition,
        /// What was asked for.
        asked: Position,
        /// Its last position.
        head: Position,
    },
    /// It can't be known now.
    Unknown(StoreFailure),
}

/// The last position of every partition.
///
/// # Errors
/// The log fails.
pub async fn heads(log: &dyn FeedLog) -> Result<Positions, StoreFailure> {
    let tips = Partition::all().map(|partition| async move { Ok((partition, log.tip(partition).await?.last())) });
    Ok(try_join_all(tips).await?.into_iter().collect())
}

/// Reads one page. With several partitions each gets its share of it, and their events come by time of acceptance, as
/// far as the order of each allows.
pub async fn read(log: &dyn FeedLog, stores: &Stores, query: &Query) -> Outcome {
    let tips = query.from.iter().map(|(partition, _)| log.tip(*partition));
    let tips = match try_join_all(tips).await {
        Ok(tips) => tips,
        Err(failure) => return Outcome::Unknown(failure),
    };
    for ((partition, asked), tip) in query.from.iter().zip(&tips) {
        let (partition, asked, head) = (*partition, *asked, tip.last());
        if asked > head {
            return Outcome::NotReached { partition, asked, head };
        }
    }
    match page(log, stores, query, &tips).await {
        Ok(page) => Outcome::Page(page),
        Err(failure) => Outcome::Unknown(failure),
    }
}

async fn page(log: &dyn FeedLog, stores: &Stores, query: &Query, tips: &[Batch]) -> Result<Page, StoreFailure> {
    let behind = query.from.iter().zip(tips).map(|((_, after), tip)| tip.last().count_since(*after));
    let behind: Vec<_> = behind.collect();
    // Another partition is the first each time, so that a page cut short by its bytes starves none.
    let read: u64 = query.from.iter().fold(0, |sum, (_, after)| sum.wrapping_add(after.get()));
    let turn = read.checked_rem(query.from.len() as u64).and_then(|turn| usize::try_from(turn).ok()).unwrap_or(0);
    let shares = shares(&behind, query.limit as u64, turn);
    let order = (0..query.from.len()).cycle().skip(turn).take(query.from.len());
    let wanted = order.filter_map(|i| Some((query.from.get(i)?, tips.get(i)?, *shares.get(i).filter(|n| **n > 0)?)));
    let entries = wanted.map(|((partition, after), tip, share)| entries(log, *partition, *after, tip, share));
    let entries = try_join_all(entries).await?.into_iter().flatten().collect();
    let events = hydrate(stores, entries).await?;
    let next = query.from.iter().map(|(partition, after)| {
        let last = events.iter().rev().find(|event| event.partition == *partition);
        (*partition, last.map_or(*after, |event| event.position))
    });
    let next: Vec<_> = next.collect();
    let end = next.iter().zip(tips).all(|((_, position), tip)| *position == tip.last());
    Ok(Page { events: by_time(events), next, end })
}

/// How many events of each partition the page may have, of `behind` each, beginning at `turn`: equal shares, and what
/// some don't need goes to the others.
fn shares(behind: &[u64], limit: u64, turn: usize) -> Vec<u64> {
    let mut shares = vec![0; behind.len()];
    let mut left = limit;
    loop {
        let hungry = |shares: &[u64]| (0..behind.len()).filter(|i| shares[*i] < behind[*i]).collect::<Vec<_>>();
        let wanting = hungry(&shares);
        if wanting.is_empty() || left == 0 {
            return shares;
        }
        let each = (left / wanting.len() as u64).max(1);
        let from_turn = wanting.iter().filter(|i| **i >= turn).chain(wanting.iter().filter(|i| **i < turn));
        for i in from_turn {
            let more = each.min(behind[*i] - shares[*i]).min(left);
            shares[*i] += more;
            left -= more;
        }
    }
}

/// The next `count` entries of a partition after `after`, which has at least as many.
async fn entries(
    log: &dyn FeedLog,
    partition: Partition,
    after: Position,
    tip: &Batch,
    count: u64,
) -> Result<Vec<Entry>, StoreFailure> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut batches = Vec::new();
    if after.next() < tip.first() {
        batches = log.pages(partition, after, tip.first(), count).await?;
    }
    batches.push(tip.clone());
    let mut found: Vec<Entry> = Vec::new();
    for batch in &batches {
        for (position, booking_code, version) in batch.entries(after).take(count - found.len()) {
            let expected = found.last().map_or(after, |last| last.position).next();
            if position != expected {
                let what = format!("partition {partition}: position {position} where {expected} belongs");
                return Err(StoreFailure::corrupt(Store::Feed, what));
            }
            found.push(Entry { partition, position, booking_code: booking_code.clone(), version });
        }
    }
    Ok(found)
}

/// The events of all partitions by time of acceptance; those of one keep their order.
fn by_time(events: Vec<FedEvent>) -> Vec<FedEvent> {
    let mut partitions: Vec<std::collections::VecDeque<FedEvent>> = Vec::new();
    let total = events.len();
    for event in events {
        match partitions.last_mut() {
            Some(queue) if queue.back().is_some_and(|last| last.partition == event.partition) => queue.push_back(event),
            Some(_) | None => partitions.push([event].into()),
        }
    }
    let mut merged = Vec::with_capacity(total);
    loop {
        let earliest = partitions.iter_mut().filter(|queue| !queue.is_empty());
        let earliest = earliest.min_by_key(|queue| queue.front().map(|event| event.event.accepted_at));
        let Some(event) = earliest.and_then(std::collections::VecDeque::pop_front) else { return merged };
        merged.push(event);
    }
}
