//! The ports in memory, with the semantics of the real ones: conditional writes, pages, a source that grows. They never
//! fail; whoever wants failures wraps them. For tests, examples and small consumers.

mod checkpoints;
mod feed;
mod letters;
mod records;
mod snapshots;
mod source;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use checkpoints::MemoryCheckpoints;
pub use feed::MemoryFeed;
pub use letters::{MemoryDeadLetters, MemoryMessages};
pub use records::MemoryRecords;
pub use snapshots::MemorySnapshots;
pub use source::MemorySource;

/// A panic while a lock was held has already failed the test that caused it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
