//! A circuit breaker round each store: an outage costs the first few requests of a process a time-out and the others
//! nothing. While a circuit is open, calls fail at once as [`FailureKind::CircuitOpen`], certainly without effect.

use failsafe::backoff::{self, Exponential};
use failsafe::failure_policy::{self, ConsecutiveFailures};
use failsafe::{Config, Instrument, StateMachine};

use crate::around::{Around, Call, wrap};
use crate::failure::{FailureKind, Store, StoreFailure};
use crate::limits::{BREAKER_FAILURES, BREAKER_FIRST_PAUSE, BREAKER_LONGEST_PAUSE};
use crate::ports::Stores;

/// The stores, each behind its own circuit.
pub fn guard(stores: Stores) -> Stores {
    let [reservations, events, queue, bus] = Store::ALL.map(circuit);
    wrap(stores, Circuits { reservations, events, queue, bus })
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

type Circuit = StateMachine<ConsecutiveFailures<Exponential>, Changes>;

fn circuit(store: Store) -> Circuit {
    // Not jittered: the crate's jitter draws whole seconds and may begin with a pause of none.
    let pauses = backoff::exponential(BREAKER_FIRST_PAUSE, BREAKER_LONGEST_PAUSE);
    let policy = failure_policy::consecutive_failures(BREAKER_FAILURES, pauses);
    Config::new().failure_policy(policy).instrument(Changes(store)).build()
}

struct Circuits {
    reservations: Circuit,
    events: Circuit,
    queue: Circuit,
    bus: Circuit,
}

impl Circuits {
    /// The protocol's stores have one each; the others are no ports of [`Stores`].
    fn of(&self, store: Store) -> Option<&Circuit> {
        match store {
            Store::Reservations => Some(&self.reservations),
            Store::Events => Some(&self.events),
            Store::Queue => Some(&self.queue),
            Store::Bus => Some(&self.bus),
            Store::Feed | Store::Replays | Store::Projection => None,
        }
    }
}

impl Around for Circuits {
    /// Lets the call through or fails it at once, and learns from its end.
    async fn around<T: Send>(
        &self,
        call: Call,
        act: impl Future<Output = Result<T, StoreFailure>> + Send,
    ) -> Result<T, StoreFailure> {
        let Some(circuit) = self.of(call.store()) else { return act.await };
        if !circuit.is_call_permitted() {
            return Err(StoreFailure::new(call.store(), FailureKind::CircuitOpen));
        }
        let answer = act.await;
        match &answer {
            Err(failure) if failure.kind.is_outage() => circuit.on_error(),
            // Any other answer, a refusal too, shows that the store is there.
            Ok(_) | Err(_) => circuit.on_success(),
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::clock::System;
    use crate::memory::Memory;
    use crate::ports::{Events, Recorded};
    use crate::{BookingCode, Event, EventId, Version};

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
