//! The event bus in memory.

use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::failure::StoreFailure;
use crate::ports::{BusEvent, EventBus};
use crate::replays::ReplayMark;
use crate::{BookingCode, Conflict, Event};

/// One entry the bus has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// An event of a booking.
    Event(BookingCode, Event),
    /// An event that lost its code.
    Conflict(Conflict),
    /// An event of a booking sent again by a replay.
    Replay(BookingCode, Event, ReplayMark),
}

impl Published {
    /// The entry as it was handed to the bus.
    pub fn as_handed_over(&self) -> BusEvent<'_> {
        match self {
            Self::Event(code, event) => BusEvent::Event(code, event),
            Self::Conflict(conflict) => BusEvent::Conflict(conflict),
            Self::Replay(code, event, mark) => BusEvent::Replay(code, event, mark),
        }
    }
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
            BusEvent::Replay(code, event, mark) => Published::Replay(code.clone(), event.clone(), mark.clone()),
        };
        lock(&self.entries).push(entry);
        Ok(())
    }
}
