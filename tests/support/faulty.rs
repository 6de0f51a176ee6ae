//! The in-memory stores behind [`Faults`]. Two invariants are checked in every act, because afterwards it is too late:
//! what is recorded never changes and leaves no gap (4), and only what is recorded is published (5).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::failure::StoreFailure;
use booking_store::memory::Memory;
use booking_store::ports::{
    BusEvent, Claims, ConflictKept, Cursor, Decided, EventBus, Events, FallbackQueue, Recorded, Reservations,
    StalePage, Stores, Trimmed,
};
use booking_store::queue_message::QueueMessage;
use booking_store::reservation::Trim;
use booking_store::{BookingCode, Conflict, Decision, Event, EventId, Timestamp, Version};

use crate::faults::{Call, Faults};

/// All four stores of a world.
pub(crate) struct Faulty {
    memory: Memory,
    faults: Arc<Faults>,
}

impl Faulty {
    /// The stores of `memory` as the protocol takes them, behind `faults`.
    pub(crate) fn stores(memory: &Memory, faults: Arc<Faults>) -> Stores {
        let plain = memory.stores();
        let faulty = Arc::new(Self { memory: memory.clone(), faults });
        Stores {
            reservations: faulty.clone(),
            events: faulty.clone(),
            queue: faulty.clone(),
            bus: faulty,
            clock: plain.clock,
        }
    }
}

#[async_trait]
impl Reservations for Faulty {
    async fn decide(&self, decision: &Decision) -> Result<Decided, StoreFailure> {
        self.faults.meet(Call::Decide, self.memory.reservations.decide(decision)).await
    }

    async fn claims(&self, booking_code: &BookingCode) -> Result<Claims, StoreFailure> {
        self.faults.meet(Call::Claims, self.memory.reservations.claims(booking_code)).await
    }

    async fn trim(&self, booking_code: &BookingCode, trim: &Trim) -> Result<Trimmed, StoreFailure> {
        self.faults.meet(Call::Trim, self.memory.reservations.trim(booking_code, trim)).await
    }

    async fn keep_conflict(&self, conflict: &Conflict) -> Result<ConflictKept, StoreFailure> {
        self.faults.meet(Call::KeepConflict, self.memory.reservations.keep_conflict(conflict)).await
    }

    async fn stale(
        &self,
        before: Timestamp,
        segment: u32,
        segments: u32,
        after: Option<&Cursor>,
    ) -> Result<StalePage, StoreFailure> {
        self.faults.meet(Call::Stale, self.memory.reservations.stale(before, segment, segments, after)).await
    }
}

#[async_trait]
impl Events for Faulty {
    async fn record(&self, booking_code: &BookingCode, event: &Event) -> Result<Recorded, StoreFailure> {
        let act = async {
            let before = self.memory.events.of(booking_code);
            let recorded = self.memory.events.record(booking_code, event).await;
            let after = self.memory.events.of(booking_code);
            assert_eq!(
                after.get(..before.len()),
                Some(before.as_slice()),
                "a recorded event of {booking_code} changed"
            );
            let versions = after.iter().map(|event| event.version);
            assert!(versions.eq((1..).map(Version::new).take(after.len())), "a gap in the record of {booking_code}");
            recorded
        };
        self.faults.meet(Call::Record, act).await
    }

    async fn highest(&self, booking_code: &BookingCode) -> Result<Option<(Version, EventId)>, StoreFailure> {
        self.faults.meet(Call::Highest, self.memory.events.highest(booking_code)).await
    }

    async fn range(
        &self,
        booking_code: &BookingCode,
        from: Version,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Event>, StoreFailure> {
        self.faults.meet(Call::Range, self.memory.events.range(booking_code, from, limit, max_bytes)).await
    }
}

#[async_trait]
impl FallbackQueue for Faulty {
    async fn send(&self, message: &QueueMessage) -> Result<(), StoreFailure> {
        self.faults.meet(Call::Send, self.memory.queue.send(message)).await
    }

    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        self.faults.meet(Call::BackOff, self.memory.queue.back_off(receipt, pause)).await
    }

    async fn dead_letter(&self, group: &str, message_id: &str, body: &str, reason: &str) -> Result<(), StoreFailure> {
        self.faults.meet(Call::DeadLetter, self.memory.queue.dead_letter(group, message_id, body, reason)).await
    }
}

#[async_trait]
impl EventBus for Faulty {
    async fn publish(&self, event: BusEvent<'_>) -> Result<(), StoreFailure> {
        if let BusEvent::Event(booking_code, event) = &event {
            let recorded = self.memory.events.of(booking_code);
            assert!(recorded.contains(event), "{booking_code} {} is published and not recorded", event.version);
        }
        self.faults.meet(Call::Publish, self.memory.bus.publish(event)).await
    }
}
