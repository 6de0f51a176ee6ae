//! From the feed: a partition at a time, a page at a time, and a checkpoint behind each page.
//!
//! A checkpoint never passes an event that is in no record, but for bookings it names as waiting: parked ones, and ones
//! whose own record or events can't be had. They are tried again from here, and catch up from the source. Where the
//! reason is none of a booking's own the partition waits: with too many of them at once, with a source that is behind
//! the feed, and with states of newer code. What is delivered twice after a crash is a duplicate to the engine.

use std::sync::Arc;

use booking_store::BookingCode;
use booking_store::failure::StoreFailure;
use futures::stream::{self, StreamExt};

use crate::counts::Counts;
use crate::delivery::{Delivery, Outcome, Report, Why};
use crate::ports::{Checkpoint, Checkpoints, Feed, SourceFailure};
use crate::projection::Projection;
use crate::projector::Projector;

/// Most bookings that wait in one checkpoint; with more of them the partition waits.
const MAX_WAITING: usize = 1000;

/// Why a partition could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The feed can't tell.
    #[error(transparent)]
    Feed(#[from] SourceFailure),
    /// The checkpoints' store failed.
    #[error("the checkpoints can't be read or written")]
    Checkpoints(#[from] StoreFailure),
}

/// What became of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// How far the partition is.
    pub position: u64,
    /// Whether there is nothing more, for now.
    pub end: bool,
    /// Why the page must be tried again, if it must: too many bookings wait, the source is behind the feed, or newer code
    /// has been here.
    pub stuck: Option<String>,
    /// Bookings that wait.
    pub waiting: usize,
    /// What was done.
    pub counts: Counts,
}

/// Runs a projection from the feed.
pub struct FeedRunner<P: Projection> {
    projector: Arc<Projector<P>>,
    feed: Arc<dyn Feed>,
    checkpoints: Arc<dyn Checkpoints>,
    page_events: usize,
}

impl<P: Projection> FeedRunner<P> {
    /// Feeds `projector`, `page_events` (≥ 1) events at a time.
    pub fn new(
        projector: Arc<Projector<P>>,
        feed: Arc<dyn Feed>,
        checkpoints: Arc<dyn Checkpoints>,
        page_events: usize,
    ) -> Self {
        Self { projector, feed, checkpoints, page_events: page_events.max(1) }
    }

    /// One page of every partition, one partition after the other. A failing partition does not keep the others back.
    ///
    /// # Errors
    /// How many partitions there are can't be told.
    pub async fn turn_all(&self) -> Result<Vec<Result<Turn, FeedError>>, FeedError> {
        let mut turns = Vec::new();
        for partition in 0..self.feed.partitions().await? {
            turns.push(self.turn(partition).await);
        }
        Ok(turns)
    }

    /// One page of `partition`. Two runners at one partition do each other no harm, only double work.
    ///
    /// # Errors
    /// The feed or the checkpoints' store failed; nothing is lost, the next turn begins where this one did.
    pub async fn turn(&self, partition: u32) -> Result<Turn, FeedError> {
        let begin = Checkpoint { partition, position: 0, waiting: Vec::new(), revision: 0 };
        let old = self.checkpoints.load(partition).await?.unwrap_or(begin);
        let mut counts = Counts::default();
        let mut waiting = self.retry(&old.waiting, &mut counts).await;
        let page = self.feed.page(partition, old.position, self.page_events).await?;
        let batch: Vec<_> = page.events.into_iter().map(Delivery::of).collect();
        let report = self.projector.deliver(batch.clone()).await;
        counts += report.counts;
        let mut stuck = sort_out(&batch, &report, &mut waiting);
        if waiting.len() > MAX_WAITING {
            stuck = stuck.or(Some(format!("{} bookings wait", waiting.len())));
            waiting.clone_from(&old.waiting);
        }
        let position = if stuck.is_none() { page.next } else { old.position };
        let new = Checkpoint { partition, position, waiting, revision: old.revision + 1 };
        let moved = (new.position, &new.waiting) != (old.position, &old.waiting);
        if moved && !self.checkpoints.save(&new).await? {
            // Another runner was here: its checkpoint stands, and what was done twice is a duplicate.
            stuck = stuck.or(Some("another runner works on this partition".to_owned()));
        }
        let end = page.end && stuck.is_none();
        Ok(Turn { position, end, stuck, waiting: new.waiting.len(), counts })
    }

    /// Tries the waiting bookings that are due; those that still wait stay.
    async fn retry(&self, waiting: &[BookingCode], counts: &mut Counts) -> Vec<BookingCode> {
        // In their order: who waits as before is no reason to write the checkpoint.
        let tried = stream::iter(waiting).map(|booking_code| async move {
            let caught_up = self.projector.catch_up(booking_code).await;
            (booking_code.clone(), caught_up)
        });
        let mut tried = tried.buffered(self.projector.settings().concurrency.max(1));
        let mut left = Vec::new();
        while let Some((booking_code, caught_up)) = tried.next().await {
            *counts += caught_up.counts;
            left.extend(caught_up.again.is_some().then_some(booking_code));
        }
        left
    }
}

/// Adds the bookings that wait for themselves; says why the page must come again, if it must.
fn sort_out(batch: &[Delivery], report: &Report, waiting: &mut Vec<BookingCode>) -> Option<String> {
    let mut stuck = None;
    for (delivery, outcome) in batch.iter().zip(&report.outcomes) {
        let Outcome::Again(again) = outcome else { continue };
        match &again.why {
            Why::Parked(_) | Why::Leased(_) | Why::Failed(_) | Why::Raced => {
                if !waiting.contains(&delivery.event.booking_code) {
                    waiting.push(delivery.event.booking_code.clone());
                }
            }
            Why::NewerState(_) | Why::NotShown(_) => stuck = Some(again.why.to_string()),
        }
    }
    stuck
}
