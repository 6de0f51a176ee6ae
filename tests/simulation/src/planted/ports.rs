//! Bugs that stand between the protocol and a port.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::failure::StoreFailure;
use booking_store::ports::{
    BusEvent, Claims, ConflictKept, Cursor, Decided, EventBus, FallbackQueue, Reservations, StalePage, Stores, Trimmed,
};
use booking_store::queue_message::QueueMessage;
use booking_store::reservation::Trim;
use booking_store::{BookingCode, Conflict, Decision, EventId, Timestamp};

use super::Bug;

/// The stores as a process with this bug has them.
pub(crate) fn stores(bug: Option<Bug>, stores: Stores) -> Stores {
    match bug {
        Some(Bug::TimeoutMeansNotDone) => {
            Stores { reservations: Arc::new(NeverInDoubt(stores.reservations.clone())), ..stores }
        }
        Some(Bug::OneOrderPerBooking) => Stores { queue: Arc::new(OneOrder(stores.queue.clone())), ..stores },
        Some(Bug::BusErrorIgnored) => Stores { bus: Arc::new(AlwaysTaken(stores.bus.clone())), ..stores },
        _ => stores,
    }
}

struct NeverInDoubt(Arc<dyn Reservations>);

#[async_trait]
impl Reservations for NeverInDoubt {
    async fn decide(&self, decision: &Decision) -> Result<Decided, StoreFailure> {
        let decided = self.0.decide(decision).await;
        decided.map_err(|failure| StoreFailure { effect_possible: false, ..failure })
    }

    async fn claims(&self, booking_code: &BookingCode) -> Result<Claims, StoreFailure> {
        self.0.claims(booking_code).await
    }

    async fn trim(&self, booking_code: &BookingCode, trim: &Trim) -> Result<Trimmed, StoreFailure> {
        self.0.trim(booking_code, trim).await
    }

    async fn keep_conflict(&self, conflict: &Conflict) -> Result<ConflictKept, StoreFailure> {
        self.0.keep_conflict(conflict).await
    }

    async fn stale(
        &self,
        before: Timestamp,
        segment: u32,
        segments: u32,
        after: Option<&Cursor>,
    ) -> Result<StalePage, StoreFailure> {
        self.0.stale(before, segment, segments, after).await
    }
}

struct OneOrder(Arc<dyn FallbackQueue>);

#[async_trait]
impl FallbackQueue for OneOrder {
    async fn send(&self, message: &QueueMessage) -> Result<(), StoreFailure> {
        match message {
            QueueMessage::Settle { booking_code, .. } => {
                let same_for_all = EventId::from_bytes([0; 16]);
                let order = QueueMessage::Settle { booking_code: booking_code.clone(), event_id: same_for_all };
                self.0.send(&order).await
            }
            QueueMessage::PublishConflict { .. } | QueueMessage::Deferred { .. } => self.0.send(message).await,
        }
    }

    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        self.0.back_off(receipt, pause).await
    }

    async fn dead_letter(&self, group: &str, message_id: &str, body: &str, reason: &str) -> Result<(), StoreFailure> {
        self.0.dead_letter(group, message_id, body, reason).await
    }
}

struct AlwaysTaken(Arc<dyn EventBus>);

#[async_trait]
impl EventBus for AlwaysTaken {
    async fn publish(&self, event: BusEvent<'_>) -> Result<(), StoreFailure> {
        drop(self.0.publish(event).await);
        Ok(())
    }
}
