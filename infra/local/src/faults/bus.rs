//! The event bus behind its switch.

use async_trait::async_trait;
use booking_store::failure::StoreFailure;
use booking_store::ports::{BusEvent, EventBus};

use super::Faulty;

#[async_trait]
impl EventBus for Faulty<dyn EventBus> {
    async fn publish(&self, event: BusEvent<'_>) -> Result<(), StoreFailure> {
        self.write(self.port.publish(event)).await
    }
}
