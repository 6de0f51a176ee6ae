//! Checkpoints of a feed in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use booking_store::failure::StoreFailure;

use super::lock;
use crate::ports::{Checkpoint, Checkpoints};

/// Checkpoints by partition.
#[derive(Default)]
pub struct MemoryCheckpoints {
    checkpoints: Mutex<BTreeMap<u32, Checkpoint>>,
}

impl MemoryCheckpoints {
    /// The checkpoint of a partition.
    pub fn get(&self, partition: u32) -> Option<Checkpoint> {
        lock(&self.checkpoints).get(&partition).cloned()
    }
}

#[async_trait]
impl Checkpoints for MemoryCheckpoints {
    async fn load(&self, partition: u32) -> Result<Option<Checkpoint>, StoreFailure> {
        Ok(self.get(partition))
    }

    async fn save(&self, checkpoint: &Checkpoint) -> Result<bool, StoreFailure> {
        let mut checkpoints = lock(&self.checkpoints);
        let stored = checkpoints.get(&checkpoint.partition);
        // Closes the race of two runners at one partition: the second one reads anew instead of setting it back.
        if stored.is_some_and(|stored| stored == checkpoint) {
            return Ok(true);
        }
        if stored.map_or(0, |stored| stored.revision) != checkpoint.revision - 1 {
            return Ok(false);
        }
        checkpoints.insert(checkpoint.partition, checkpoint.clone());
        Ok(true)
    }
}
