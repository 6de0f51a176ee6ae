//! Ingestion: what the reservations table's stream shows becomes part of the feed, once.
//!
//! Of an image only the booking's head counts: what is not in the feed of the versions up to it is appended. The tip is
//! the log's write-ahead log. It is moved by one conditional write, which alone commits a batch; whoever comes next
//! first gives the batch before its page and its markers. So a process may die anywhere, images may come twice, late or
//! in any order, and several indexers may work on one partition: a batch is appended to the very tip it was made for,
//! or not at all.

use std::collections::HashMap;

use futures::StreamExt;
use futures::stream::{self, TryStreamExt};

use crate::failure::{FailureKind, Store, StoreFailure};
use crate::feed::{Batch, Committed, FeedLog, Partition, Run};
use crate::limits::{FEED_BATCH_RUNS, FEED_CONCURRENCY, FEED_LOST_RACES};
use crate::{BookingCode, Version};

/// The heads that the images of one partition's bookings show.
pub type Heads = [(BookingCode, Version)];

/// Appends to `partition` every version up to `heads` that it has not, and says how many they were. All bookings must
/// be of this partition.
///
/// # Errors
/// The log fails, or others keep committing first. Some of the events may be in the feed; doing it again is harmless.
pub async fn ingest(log: &dyn FeedLog, partition: Partition, heads: &Heads) -> Result<u64, StoreFailure> {
    let mut tip = log.tip(partition).await?;
    let mut known = HashMap::new();
    let (mut appended, mut lost) = (0, 0);
    loop {
        look_up(log, &tip, heads, &mut known).await?;
        let Some(batch) = Batch::new(tip.next(), missing(heads, &known)) else { return Ok(appended) };
        flush(log, partition, &tip).await?;
        match log.commit(partition, &batch).await? {
            // Moved to this very batch: an attempt without an answer has committed it, or another indexer has.
            Committed::Moved(now) if now != batch => {
                lost += 1;
                if lost > FEED_LOST_RACES {
                    let why = format!("{lost} batches of others went before");
                    return Err(StoreFailure::new(Store::Feed, FailureKind::Contended).because(why));
                }
                // No pause: each loss is another indexer's commit, so somebody always gets on. What the others have
                // appended is unknown here.
                known.clear();
                tip = now;
            }
            Committed::Done | Committed::Moved(_) => {
                appended += batch.len();
                lost = 0;
                known.extend(batch.runs().iter().map(|run| (run.booking_code.clone(), run.last)));
                tip = batch;
            }
        }
    }
}

/// Completes `known`, the highest version in the feed of each booking as of `tip`. The tip's own bookings are not
/// marked yet; every batch below it is.
async fn look_up(
    log: &dyn FeedLog,
    tip: &Batch,
    heads: &Heads,
    known: &mut HashMap<BookingCode, Version>,
) -> Result<(), StoreFailure> {
    let unknown = heads.iter().map(|(code, _)| code).filter(|code| !known.contains_key(*code));
    let marks = unknown.map(|code| async move {
        let version = match tip.last_of(code) {
            Some(version) => version,
            None => log.marker(code).await?,
        };
        Ok::<_, StoreFailure>((code.clone(), version))
    });
    let marks: Vec<_> = marks.collect();
    let marks: Vec<_> = stream::iter(marks).buffer_unordered(FEED_CONCURRENCY).try_collect().await?;
    known.extend(marks);
    Ok(())
}

/// What the feed has not of `heads`, as much as a batch may have.
fn missing(heads: &Heads, known: &HashMap<BookingCode, Version>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (code, head) in heads {
        let in_feed = known.get(code).copied().unwrap_or(Version::NONE);
        let in_batch = runs.iter().any(|run| run.booking_code == *code);
        if *head > in_feed && !in_batch && runs.len() < FEED_BATCH_RUNS {
            runs.push(Run { booking_code: code.clone(), first: in_feed.next(), last: *head });
        }
    }
    runs
}

/// Gives the tip's batch its page and its markers, so that another batch may take its place.
async fn flush(log: &dyn FeedLog, partition: Partition, tip: &Batch) -> Result<(), StoreFailure> {
    if tip.is_empty() {
        return Ok(());
    }
    log.keep_page(partition, tip).await?;
    let raised: Vec<_> = tip.runs().iter().map(|run| log.raise_marker(&run.booking_code, run.last)).collect();
    stream::iter(raised).buffer_unordered(FEED_CONCURRENCY).try_collect().await
}
