//! The event bus in memory.

use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::failure::StoreFailure;
use crate::ports::{BusEvent, EventBus};
use crate::{BookingCode, Conflict, Event};

/// One entry the bus has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// An event of a booking.
    Event(BookingCode, Event),
    /// An event that lost its code.
    Conflict(Conflict),
}

/// Everything published, in order.
#[derive(Default)]
pub struct MemoryBus {
    entries: Mutex<Vec<Published>>,
}

impl MemoryBus {
    /// Everything published, in order.
    pub fn entries(&self) -> Vec<Published> {
        lock(&self.entries).clone()
    }
}

#[async_trait]
impl EventBus for MemoryBus {
    async fn publish(&self, event: BusEvent<'_>) -> Result<(), StoreFailure> {
        let entry = match event {
            BusEvent::Event(code, event) => Published::Event(code.clone(), event.clone()),
            BusEvent::Conflict(conflict) => Published::Conflict(conflict.clone()),
        };
        lock(&self.entries).push(entry);
        Ok(())
    }
}
