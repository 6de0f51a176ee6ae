//! A feed in memory.

use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::event::RecordedEvent;
use crate::ports::{Feed, FeedPage, SourceFailure};

/// Partitions of events, in the order they were added.
pub struct MemoryFeed {
    partitions: Mutex<Vec<Vec<RecordedEvent>>>,
}

impl MemoryFeed {
    /// `partitions` (≥ 1) empty ones.
    pub fn new(partitions: usize) -> Self {
        Self { partitions: Mutex::new(vec![Vec::new(); partitions.max(1)]) }
    }

    /// Adds `event` at the end of its booking's partition.
    pub fn append(&self, event: RecordedEvent) {
        let mut partitions = lock(&self.partitions);
        let hash = event.booking_code.as_str().bytes().fold(0_usize, |hash, b| hash.wrapping_mul(31) + usize::from(b));
        let place = hash % partitions.len();
        partitions[place].push(event);
    }
}

#[async_trait]
impl Feed for MemoryFeed {
    async fn partitions(&self) -> Result<u32, SourceFailure> {
        Ok(u32::try_from(lock(&self.partitions).len()).unwrap_or(u32::MAX))
    }

    async fn page(&self, partition: u32, after: u64, limit: usize) -> Result<FeedPage, SourceFailure> {
        let partitions = lock(&self.partitions);
        let all =
            usize::try_from(partition).ok().and_then(|place| partitions.get(place)).map_or(&[][..], Vec::as_slice);
        let start = usize::try_from(after).unwrap_or(usize::MAX);
        let Some(rest) = all.get(start..) else {
            return Err(SourceFailure::Corrupt(format!("partition {partition} has no position {after}")));
        };
        let events: Vec<_> = rest.iter().take(limit).cloned().collect();
        Ok(FeedPage { next: after + events.len() as u64, end: events.len() == rest.len(), events })
    }
}
