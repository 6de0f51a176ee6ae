//! Logs with a bug. The schedules of `seeded` must find each of them.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use booking_store::failure::StoreFailure;
use booking_store::feed::memory::MemoryFeedLog;
use booking_store::feed::{Batch, Committed, FeedLog, Partition, Position};
use booking_store::{BookingCode, Version};

/// What is wrong with the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A commit that comes too late says that it is done.
    RefusalIsDone,
    /// A commit does not ask where the tip is.
    BlindCommit,
    /// Pages are not kept.
    NoPages,
    /// Markers are not raised.
    NoMarkers,
    /// A marker is put, whatever it was.
    LoweredMarkers,
    /// Markers are read without strong consistency: as they were before the last write.
    StaleMarkers,
    /// So are tips.
    StaleTips,
    /// The page that ends where asked is left out.
    PagesOffByOne,
}

impl Bug {
    pub(crate) const ALL: [Self; 8] = [
        Self::RefusalIsDone,
        Self::BlindCommit,
        Self::NoPages,
        Self::NoMarkers,
        Self::LoweredMarkers,
        Self::StaleMarkers,
        Self::StaleTips,
        Self::PagesOffByOne,
    ];
}

/// A log with a bug.
pub(crate) struct Buggy {
    bug: Bug,
    log: MemoryFeedLog,
    blind: Mutex<HashMap<Partition, Batch>>,
    markers: Mutex<HashMap<BookingCode, Vec<Version>>>,
    tips: Mutex<HashMap<Partition, Vec<Batch>>>,
}

impl Buggy {
    pub(crate) fn new(bug: Bug) -> Self {
        let (blind, markers, tips) = Default::default();
        Self { bug, log: MemoryFeedLog::default(), blind, markers, tips }
    }
}

#[async_trait]
impl FeedLog for Buggy {
    async fn tip(&self, partition: Partition) -> Result<Batch, StoreFailure> {
        if self.bug == Bug::BlindCommit {
            return Ok(self.blind.lock().unwrap().get(&partition).cloned().unwrap_or(Batch::none()));
        }
        if self.bug == Bug::StaleTips {
            let tips = self.tips.lock().unwrap();
            let before = tips.get(&partition).and_then(|tips| tips.iter().rev().nth(1).cloned());
            return Ok(before.unwrap_or(Batch::none()));
        }
        self.log.tip(partition).await
    }
    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<Committed, StoreFailure> {
        if self.bug == Bug::BlindCommit {
            self.blind.lock().unwrap().insert(partition, batch.clone());
            return Ok(Committed::Done);
        }
        let answer = self.log.commit(partition, batch).await?;
        if answer == Committed::Done {
            self.tips.lock().unwrap().entry(partition).or_default().push(batch.clone());
        }
        Ok(if self.bug == Bug::RefusalIsDone { Committed::Done } else { answer })
    }
    async fn keep_page(&self, partition: Partition, batch: &Batch) -> Result<(), StoreFailure> {
        if self.bug == Bug::NoPages { Ok(()) } else { self.log.keep_page(partition, batch).await }
    }
    async fn pages(
        &self,
        partition: Partition,
        after: Position,
        below: Position,
        limit: usize,
    ) -> Result<Vec<Batch>, StoreFailure> {
        let after = if self.bug == Bug::PagesOffByOne { after.next() } else { after };
        self.log.pages(partition, after, below, limit).await
    }
    async fn marker(&self, booking_code: &BookingCode) -> Result<Version, StoreFailure> {
        let versions = self.markers.lock().unwrap().get(booking_code).cloned().unwrap_or_default();
        let marker = if self.bug == Bug::LoweredMarkers {
            versions.last()
        } else if self.bug == Bug::StaleMarkers {
            versions.iter().rev().nth(1)
        } else {
            versions.iter().max()
        };
        Ok(marker.copied().unwrap_or(Version::NONE))
    }
    async fn raise_marker(&self, booking_code: &BookingCode, version: Version) -> Result<(), StoreFailure> {
        if self.bug != Bug::NoMarkers {
            self.markers.lock().unwrap().entry(booking_code.clone()).or_default().push(version);
        }
        Ok(())
    }
}
