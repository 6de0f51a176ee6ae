//! The events table in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::failure::StoreFailure;
use crate::ports::{Events, Recorded};
use crate::{BookingCode, Event, EventId, Version};

/// Recorded events by code and version.
#[derive(Default)]
pub struct MemoryEvents {
    items: Mutex<BTreeMap<(BookingCode, Version), Event>>,
}

impl MemoryEvents {
    /// Everything recorded of a booking, in order of version.
    pub fn of(&self, booking_code: &BookingCode) -> Vec<Event> {
        let items = lock(&self.items);
        items.iter().filter(|((code, _), _)| code == booking_code).map(|(_, event)| event.clone()).collect()
    }
}

#[async_trait]
impl Events for MemoryEvents {
    async fn record(&self, booking_code: &BookingCode, event: &Event) -> Result<Recorded, StoreFailure> {
        let mut items = lock(&self.items);
        let key = (booking_code.clone(), event.version);
        if let Some(before) = items.get(&key) {
            return Ok(Recorded::Before(before.event_id));
        }
        items.insert(key, event.clone());
        Ok(Recorded::New)
    }

    async fn highest(&self, booking_code: &BookingCode) -> Result<Option<(Version, EventId)>, StoreFailure> {
        Ok(self.of(booking_code).last().map(|event| (event.version, event.event_id)))
    }

    async fn range(
        &self,
        booking_code: &BookingCode,
        from: Version,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Event>, StoreFailure> {
        let mut page = Vec::new();
        let mut size = 0;
        for event in self.of(booking_code).into_iter().filter(|event| event.version >= from).take(limit) {
            size += event.wire_bytes();
            page.push(event);
            if size > max_bytes {
                break;
            }
        }
        Ok(page)
    }
}
