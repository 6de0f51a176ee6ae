//! The feed's log as ingestion and readers see it. Every read is strongly consistent; every write is conditional and may
//! be made again.

use async_trait::async_trait;

use crate::failure::StoreFailure;
use crate::feed::{Batch, Partition, Position};
use crate::{BookingCode, Version};

/// The answer to [`FeedLog::commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The batch is the partition's tip.
    Done,
    /// The tip does not end where the batch begins: the tip as it is.
    Moved(Batch),
}

/// The feed's log: for each partition a tip, which is its last batch, and a page for every batch before it; for each
/// booking a marker, the highest version in a batch below the tip.
#[async_trait]
pub trait FeedLog: Send + Sync {
    /// The partition's last batch: the only thing that says where the partition ends.
    async fn tip(&self, partition: Partition) -> Result<Batch, StoreFailure>;

    /// Makes `batch` the partition's tip, if the tip ends where it begins; a tip that is gone is corrupt. What was the tip must have its page and its
    /// markers already: this write is what makes readers look for them there.
    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<Committed, StoreFailure>;

    /// Keeps the page of a batch that is or was the tip. Never overwrites.
    async fn keep_page(&self, partition: Partition, batch: &Batch) -> Result<(), StoreFailure>;

    /// The pages that hold positions after `after` and below `below`, in order: enough of them for `limit` positions,
    /// or all.
    async fn pages(
        &self,
        partition: Partition,
        after: Position,
        below: Position,
        limit: usize,
    ) -> Result<Vec<Batch>, StoreFailure>;

    /// The booking's marker; [`Version::NONE`] without one.
    async fn marker(&self, booking_code: &BookingCode) -> Result<Version, StoreFailure>;

    /// Raises the booking's marker to `version`. Never lowers it.
    async fn raise_marker(&self, booking_code: &BookingCode, version: Version) -> Result<(), StoreFailure>;
}
