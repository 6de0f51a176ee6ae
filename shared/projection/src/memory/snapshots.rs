//! Snapshots in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use booking_store::failure::StoreFailure;
use booking_store::{BookingCode, Version};

use super::lock;
use crate::ports::{Snapshot, Snapshots};

/// Snapshots by booking code, state version and version.
#[derive(Default)]
pub struct MemorySnapshots {
    snapshots: Mutex<BTreeMap<(BookingCode, u32, Version), Snapshot>>,
}

impl MemorySnapshots {
    /// All of them.
    pub fn all(&self) -> Vec<Snapshot> {
        lock(&self.snapshots).values().cloned().collect()
    }
}

#[async_trait]
impl Snapshots for MemorySnapshots {
    async fn latest(
        &self,
        booking_code: &BookingCode,
        state_version: u32,
        at_most: Version,
    ) -> Result<Option<Snapshot>, StoreFailure> {
        let key = |version| (booking_code.clone(), state_version, version);
        let snapshots = lock(&self.snapshots);
        Ok(snapshots.range(key(Version::NONE)..=key(at_most)).next_back().map(|(_, snapshot)| snapshot.clone()))
    }

    async fn put(&self, snapshot: &Snapshot) -> Result<(), StoreFailure> {
        let key = (snapshot.booking_code.clone(), snapshot.state_version, snapshot.version);
        lock(&self.snapshots).insert(key, snapshot.clone());
        Ok(())
    }
}
