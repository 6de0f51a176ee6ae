//! The fallback queue behind its switch.

use std::time::Duration;

use async_trait::async_trait;
use booking_store::failure::StoreFailure;
use booking_store::ports::FallbackQueue;
use booking_store::queue_message::QueueMessage;

use super::Faulty;

#[async_trait]
impl FallbackQueue for Faulty<dyn FallbackQueue> {
    async fn send(&self, message: &QueueMessage) -> Result<(), StoreFailure> {
        self.write(self.port.send(message)).await
    }

    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        self.write(self.port.back_off(receipt, pause)).await
    }

    async fn dead_letter(&self, group: &str, message_id: &str, body: &str, reason: &str) -> Result<(), StoreFailure> {
        self.write(self.port.dead_letter(group, message_id, body, reason)).await
    }
}
