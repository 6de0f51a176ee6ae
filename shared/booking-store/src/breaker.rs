//! A circuit breaker round each store: an outage costs the first few requests of a process a time-out and the others
//! nothing. While a circuit is open, calls fail at once as [`FailureKind::CircuitOpen`], certainly without effect.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use failsafe::backoff::{self, Exponential};
use failsafe::failure_policy::{self, ConsecutiveFailures};
use failsafe::{Config, Instrument, StateMachine};

use crate::failure::{FailureKind, Store, StoreFailure};
use crate::limits::{BREAKER_FAILURES, BREAKER_FIRST_PAUSE, BREAKER_LONGEST_PAUSE};
use crate::ports::{
    BusEvent, Claims, ConflictKept, Cursor, Decided, EventBus, Events, FallbackQueue, Recorded, Reservations,
    StalePage, Stores, Trimmed,
};
use crate::queue_message::QueueMessage;
use crate::reservation::Trim;
use crate::{BookingCode, Conflict, Decision, Event, EventId, Timestamp, Version};

/// The stores, each behind its own circuit.
pub fn guard(stores: Stores) -> Stores {
    Stores {
        reservations: Arc::new(Guarded::new(Store::Reservations, stores.reservations)),
        events: Arc::new(Guarded::new(Store::Events, stores.events)),
        queue: Arc::new(Guarded::new(Store::Queue, stores.queue)),
        bus: Arc::new(Guarded::new(Store::Bus, stores.bus)),
        clock: stores.clock,
    }
}

/// Says in the log when a circuit opens and closes.
struct Changes(Store);

impl Instrument for Changes {
    fn on_call_rejected(&self) {}
    fn on_open(&self) {
        tracing::warn!(store = self.0.name(), "circuit opened");
    }
    fn on_half_open(&self) {
        tracing::info!(store = self.0.name(), "circuit tried again");
    }
    fn on_closed(&self) {
        tracing::info!(store = self.0.name(), "circuit closed");
    }
}

struct Guarded<P: ?Sized> {
    store: Store,
    circuit: StateMachine<ConsecutiveFailures<Exponential>, Changes>,
    port: Arc<P>,
}

impl<P: ?Sized> Guarded<P> {
    fn new(store: Store, port: Arc<P>) -> Self {
        // Not jittered: the crate's jitter draws whole seconds and may begin with a pause of none.
        let pauses = backoff::exponential(BREAKER_FIRST_PAUSE, BREAKER_LONGEST_PAUSE);
        let policy = failure_policy::consecutive_failures(BREAKER_FAILURES, pauses);
        let circuit = Config::new().failure_policy(policy).instrument(Changes(store)).build();
        Self { store, circuit, port }
    }

    /// Lets the call through or fails it at once, and learns from its end.
    async fn through<T>(&self, call: impl Future<Output = Result<T, StoreFailure>>) -> Result<T, StoreFailure> {
        if !self.circuit.is_call_permitted() {
            return Err(StoreFailure::new(self.store, FailureKind::CircuitOpen));
        }
        let answer = call.await;
        match &answer {
            Err(failure) if failure.kind.is_outage() => self.circuit.on_error(),
            // Any other answer, a refusal too, shows that the store is there.
            Ok(_) | Err(_) => self.circuit.on_success(),
        }
        answer
    }
}

#[async_trait]
impl Reservations for Guarded<dyn Reservations> {
    async fn decide(&self, decision: &Decision) -> Result<Decided, StoreFailure> {
        self.through(self.port.decide(decision)).await
    }
    async fn claims(&self, booking_code: &BookingCode) -> Result<Claims, StoreFailure> {
        self.through(self.port.claims(booking_code)).await
    }
    async fn trim(&self, booking_code: &BookingCode, trim: &Trim) -> Result<Trimmed, StoreFailure> {
        self.through(self.port.trim(booking_code, trim)).await
    }
    async fn keep_conflict(&self, conflict: &Conflict) -> Result<ConflictKept, StoreFailure> {
        self.through(self.port.keep_conflict(conflict)).await
    }
    async fn stale(
        &self,
        before: Timestamp,
        segment: u32,
        segments: u32,
        after: Option<&Cursor>,
    ) -> Result<StalePage, StoreFailure> {
        self.through(self.port.stale(before, segment, segments, after)).await
    }
}

#[async_trait]
impl Events for Guarded<dyn Events> {
    async fn record(&self, booking_code: &BookingCode, event: &Event) -> Result<Recorded, StoreFailure> {
        self.through(self.port.record(booking_code, event)).await
    }
    async fn highest(&self, booking_code: &BookingCode) -> Result<Option<(Version, EventId)>, StoreFailure> {
        self.through(self.port.highest(booking_code)).await
    }
    async fn range(
        &self,
        booking_code: &BookingCode,
        from: Version,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Event>, StoreFailure> {
        self.through(self.port.range(booking_code, from, limit, max_bytes)).await
    }
}

#[async_trait]
impl FallbackQueue for Guarded<dyn FallbackQueue> {
    async fn send(&self, message: &QueueMessage) -> Result<(), StoreFailure> {
        self.through(self.port.send(message)).await
    }
    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        self.through(self.port.back_off(receipt, pause)).await
    }
    async fn dead_letter(&self, group: &str, message_id: &str, body: &str, reason: &str) -> Result<(), StoreFailure> {
        self.through(self.port.dead_letter(group, message_id, body, reason)).await
    }
}

#[async_trait]
impl EventBus for Guarded<dyn EventBus> {
    async fn publish(&self, event: BusEvent<'_>) -> Result<(), StoreFailure> {
        self.through(self.port.publish(event)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::clock::System;
    use crate::memory::Memory;

    /// An events table that always fails in one way, and counts.
    struct Failing(FailureKind, AtomicU32);

    #[async_trait]
    impl Events for Failing {
        async fn record(&self, _: &BookingCode, _: &Event) -> Result<Recorded, StoreFailure> {
            unreachable!("not asked")
        }
        async fn highest(&self, _: &BookingCode) -> Result<Option<(Version, EventId)>, StoreFailure> {
            self.1.fetch_add(1, Ordering::SeqCst);
            Err(StoreFailure::new(Store::Events, self.0))
        }
        async fn range(&self, _: &BookingCode, _: Version, _: usize, _: usize) -> Result<Vec<Event>, StoreFailure> {
            unreachable!("not asked")
        }
    }

    /// Ten calls: how many reached the store, and how the last one failed.
    async fn ten_calls(kind: FailureKind) -> (u32, FailureKind) {
        let failing = Arc::new(Failing(kind, AtomicU32::new(0)));
        let stores = guard(Stores { events: failing.clone(), ..Memory::new(Arc::new(System)).stores() });
        let code = BookingCode::parse("X").unwrap();
        let mut last = kind;
        for _ in 0..10 {
            last = stores.events.highest(&code).await.unwrap_err().kind;
        }
        assert!(stores.reservations.claims(&code).await.is_ok(), "the other stores' circuits are their own");
        (failing.1.load(Ordering::SeqCst), last)
    }

    #[tokio::test]
    async fn an_outage_costs_the_first_calls_and_then_nothing() {
        for kind in [FailureKind::Unreachable, FailureKind::NoAnswer, FailureKind::ServerError] {
            assert_eq!(ten_calls(kind).await, (BREAKER_FAILURES, FailureKind::CircuitOpen), "{kind:?}");
        }
        assert!(!StoreFailure::new(Store::Events, FailureKind::CircuitOpen).effect_possible);
    }

    #[tokio::test]
    async fn trouble_of_one_key_is_no_outage() {
        for kind in [FailureKind::Throttled, FailureKind::Contended, FailureKind::Refused, FailureKind::TooLarge] {
            assert_eq!(ten_calls(kind).await, (10, kind), "{kind:?}");
        }
    }
}
