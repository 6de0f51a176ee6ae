//! Dead letters and the queue's back-off in memory.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::failure::StoreFailure;

use super::lock;
use crate::ports::{DeadLetters, Letter, Messages};

/// Dead letters, in order.
#[derive(Default)]
pub struct MemoryDeadLetters {
    letters: Mutex<Vec<Letter>>,
}

impl MemoryDeadLetters {
    /// All of them.
    pub fn letters(&self) -> Vec<Letter> {
        lock(&self.letters).clone()
    }
}

#[async_trait]
impl DeadLetters for MemoryDeadLetters {
    async fn put(&self, letter: &Letter) -> Result<(), StoreFailure> {
        lock(&self.letters).push(letter.clone());
        Ok(())
    }
}

/// A queue that notes who was hidden for how long.
#[derive(Default)]
pub struct MemoryMessages {
    pauses: Mutex<Vec<(String, Duration)>>,
}

impl MemoryMessages {
    /// Receipts and pauses, in order.
    pub fn pauses(&self) -> Vec<(String, Duration)> {
        lock(&self.pauses).clone()
    }
}

#[async_trait]
impl Messages for MemoryMessages {
    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        lock(&self.pauses).push((receipt.to_owned(), pause));
        Ok(())
    }
}
