//! The events table behind its switch.

use async_trait::async_trait;
use booking_store::failure::StoreFailure;
use booking_store::ports::{Events, Recorded};
use booking_store::{BookingCode, Event, EventId, Version};

use super::Faulty;

#[async_trait]
impl Events for Faulty<dyn Events> {
    async fn record(&self, booking_code: &BookingCode, event: &Event) -> Result<Recorded, StoreFailure> {
        self.write(self.port.record(booking_code, event)).await
    }

    async fn highest(&self, booking_code: &BookingCode) -> Result<Option<(Version, EventId)>, StoreFailure> {
        self.read(self.port.highest(booking_code)).await
    }

    async fn range(
        &self,
        booking_code: &BookingCode,
        from: Version,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Event>, StoreFailure> {
        self.read(self.port.range(booking_code, from, limit, max_bytes)).await
    }
}
