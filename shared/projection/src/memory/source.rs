//! A source in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use booking_store::{BookingCode, Version};

use super::lock;
use crate::event::RecordedEvent;
use crate::ports::{Source, SourceFailure, SourcePage};

/// Every booking's events, in pages of a given length.
pub struct MemorySource {
    page_events: usize,
    events: Mutex<BTreeMap<BookingCode, Vec<RecordedEvent>>>,
}

impl Default for MemorySource {
    fn default() -> Self {
        Self::paged(booking_store::limits::MAX_PAGE_EVENTS)
    }
}

impl MemorySource {
    /// An empty source with pages of up to `page_events` (≥ 1) events.
    pub fn paged(page_events: usize) -> Self {
        Self { page_events: page_events.max(1), events: Mutex::default() }
    }

    /// Appends `event` to its booking; its version becomes the next one. Returns it as the source has it.
    pub fn append(&self, event: RecordedEvent) -> RecordedEvent {
        let mut events = lock(&self.events);
        let booking = events.entry(event.booking_code.clone()).or_default();
        let event = RecordedEvent { version: Version::NONE.plus(booking.len() + 1), ..event };
        booking.push(event.clone());
        event
    }

    /// A booking's events.
    pub fn of(&self, booking_code: &BookingCode) -> Vec<RecordedEvent> {
        lock(&self.events).get(booking_code).cloned().unwrap_or_default()
    }

    /// Every booking.
    pub fn booking_codes(&self) -> Vec<BookingCode> {
        lock(&self.events).keys().cloned().collect()
    }
}

#[async_trait]
impl Source for MemorySource {
    async fn page(&self, code: &BookingCode, from: Version, _known: Version) -> Result<SourcePage, SourceFailure> {
        let events = lock(&self.events);
        let booking = events.get(code).map_or(&[][..], Vec::as_slice);
        let above = booking.get(from.previous().count_since(Version::NONE)..).unwrap_or_default();
        let page: Vec<_> = above.iter().take(self.page_events).cloned().collect();
        let next = (page.len() < above.len()).then(|| from.plus(page.len()));
        Ok(SourcePage { events: page, next })
    }
}
