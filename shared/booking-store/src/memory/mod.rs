//! In-memory stores with the semantics of the real ones: conditional writes, consistent reads, a stream of images in
//! order, a FIFO queue with groups, deduplication and visibility, an append-only bus. They never fail; whoever wants
//! failures wraps them.
//!
//! For tests and simulation. Time comes from the injected clock.

mod bus;
mod events;
mod queue;
mod reservations;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use bus::{MemoryBus, Published};
pub use events::MemoryEvents;
pub use queue::{DeadLetter, MemoryQueue, Received};
pub use reservations::MemoryReservations;

use crate::clock::Clock;
use crate::ports::Stores;

/// The four in-memory stores.
#[derive(Clone)]
pub struct Memory {
    /// The arbiter, with its stream.
    pub reservations: Arc<MemoryReservations>,
    /// The record.
    pub events: Arc<MemoryEvents>,
    /// The retry.
    pub queue: Arc<MemoryQueue>,
    /// The fan-out.
    pub bus: Arc<MemoryBus>,
    clock: Arc<dyn Clock>,
}

impl Memory {
    /// Empty stores that tell the time by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            reservations: Arc::default(),
            events: Arc::default(),
            queue: Arc::new(MemoryQueue::new(clock.clone())),
            bus: Arc::default(),
            clock,
        }
    }

    /// The stores as the protocol takes them.
    pub fn stores(&self) -> Stores {
        Stores {
            reservations: self.reservations.clone(),
            events: self.events.clone(),
            queue: self.queue.clone(),
            bus: self.bus.clone(),
            clock: self.clock.clone(),
        }
    }
}

/// A panic while a lock was held has already failed the test that caused it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
