//! The in-memory stores.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::feed::memory::MemoryFeedLog;
use booking_store::memory::{Memory, MemoryQueue};
use booking_store::replays::memory::{MemoryBookings, MemoryReplays};
use booking_tests::ManualClock;

use super::{Engine, Inbox, Letter, Received, VISIBILITY};

/// The stores of the simulation.
pub(crate) async fn memory() -> Engine {
    let clock = Arc::new(ManualClock::default());
    let memory = Memory::new(clock.clone());
    Engine {
        name: "memory",
        reservations: memory.reservations.clone(),
        events: memory.events.clone(),
        feed: Arc::new(MemoryFeedLog::default()),
        replays: Arc::new(MemoryReplays::default()),
        bookings: Arc::new(MemoryBookings::new(memory.reservations.clone())),
        queue: memory.queue.clone(),
        inbox: Arc::new(MemoryInbox { queue: memory.queue, clock }),
        _held: Box::new(()),
    }
}

struct MemoryInbox {
    queue: Arc<MemoryQueue>,
    clock: Arc<ManualClock>,
}

#[async_trait]
impl Inbox for MemoryInbox {
    async fn receive(&self, most: usize) -> Vec<Received> {
        let received = self.queue.receive(most, VISIBILITY).into_iter();
        let messages = received.map(|message| Received {
            receipt: message.receipt,
            group: message.group.to_string(),
            body: message.body,
            receives: message.receives,
        });
        messages.collect()
    }

    async fn delete(&self, receipt: &str) {
        self.queue.delete(receipt);
    }

    async fn dead_letters(&self) -> Vec<Letter> {
        let letters = self.queue.dead_letters().into_iter();
        letters.map(|letter| Letter { body: letter.body, reason: Some(letter.reason) }).collect()
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}
