//! The feed's log in memory, with the semantics of the real one. It never fails; whoever wants failures wraps it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::failure::{Store, StoreFailure};
use crate::feed::{Batch, Committed, FeedLog, Partition, Position};
use crate::{BookingCode, Version};

#[derive(Default)]
struct State {
    tips: HashMap<Partition, Batch>,
    /// By partition and last position.
    pages: BTreeMap<(Partition, Position), Batch>,
    markers: HashMap<BookingCode, Version>,
}

impl State {
    fn tip(&self, partition: Partition) -> Batch {
        self.tips.get(&partition).cloned().unwrap_or(Batch::none())
    }
}

/// Tips, pages and markers.
#[derive(Default)]
pub struct MemoryFeedLog {
    state: Mutex<State>,
}

impl MemoryFeedLog {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held has already failed the test that caused it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl FeedLog for MemoryFeedLog {
    async fn tip(&self, partition: Partition) -> Result<Batch, StoreFailure> {
        Ok(self.lock().tip(partition))
    }

    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<Committed, StoreFailure> {
        let mut state = self.lock();
        let tip = state.tip(partition);
        if tip.next() != batch.first() {
            let gone = tip.is_empty();
            let moved = if gone { Err(StoreFailure::corrupt(Store::Feed, "the tip is gone")) } else { Ok(tip) };
            return moved.map(Committed::Moved);
        }
        state.tips.insert(partition, batch.clone());
        Ok(Committed::Done)
    }

    async fn keep_page(&self, partition: Partition, batch: &Batch) -> Result<(), StoreFailure> {
        let mut state = self.lock();
        let kept = state.pages.entry((partition, batch.last())).or_insert_with(|| batch.clone());
        if kept == batch { Ok(()) } else { Err(StoreFailure::corrupt(Store::Feed, "another page is kept there")) }
    }

    async fn pages(
        &self,
        partition: Partition,
        after: Position,
        below: Position,
        limit: usize,
    ) -> Result<Vec<Batch>, StoreFailure> {
        let state = self.lock();
        let mut pages: Vec<Batch> = Vec::new();
        for (_, page) in state.pages.range((partition, after.next())..(partition, below.max(after.next()))) {
            pages.push(page.clone());
            if page.last().count_since(after) >= limit as u64 {
                break;
            }
        }
        Ok(pages)
    }

    async fn marker(&self, booking_code: &BookingCode) -> Result<Version, StoreFailure> {
        Ok(self.lock().markers.get(booking_code).copied().unwrap_or(Version::NONE))
    }

    async fn raise_marker(&self, booking_code: &BookingCode, version: Version) -> Result<(), StoreFailure> {
        let mut state = self.lock();
        let marker = state.markers.entry(booking_code.clone()).or_insert(version);
        *marker = version.max(*marker);
        Ok(())
    }
}
