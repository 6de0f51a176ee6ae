//! Something around every store call: a circuit breaker, a fault switch, a scheduler. Written once, so that each of them
//! is one function.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::failure::{Store, StoreFailure};
use crate::ports::{
    BusEvent, Claims, ConflictKept, Cursor, Decided, EventBus, Events, FallbackQueue, Recorded, Reservations,
    StalePage, Stores, Trimmed,
};
use crate::queue_message::QueueMessage;
use crate::reservation::Trim;
use crate::{BookingCode, Conflict, Decision, Event, EventId, Timestamp, Version};

/// A method of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the ports document their methods")]
pub enum Call {
    Decide,
    Claims,
    Trim,
    KeepConflict,
    Stale,
    Record,
    Highest,
    Range,
    Send,
    BackOff,
    DeadLetter,
    Publish,
    BookingsPage,
    BookingsEstimate,
    CreateReplay,
    GetReplay,
    SaveReplay,
    SendTurn,
    BackOffTurn,
}

impl Call {
    /// The store it is a call of.
    pub const fn store(self) -> Store {
        match self {
            Self::Decide
            | Self::Claims
            | Self::Trim
            | Self::KeepConflict
            | Self::Stale
            | Self::BookingsPage
            | Self::BookingsEstimate => Store::Reservations,
            Self::Record | Self::Highest | Self::Range => Store::Events,
            Self::Send | Self::BackOff | Self::DeadLetter => Store::Queue,
            Self::Publish => Store::Bus,
            Self::CreateReplay | Self::GetReplay | Self::SaveReplay | Self::SendTurn | Self::BackOffTurn => {
                Store::Replays
            }
        }
    }

    /// Whether it may change something.
    pub const fn writes(self) -> bool {
        match self {
            Self::Claims
            | Self::Stale
            | Self::Highest
            | Self::Range
            | Self::BookingsPage
            | Self::BookingsEstimate
            | Self::GetReplay => false,
            Self::Decide
            | Self::Trim
            | Self::KeepConflict
            | Self::Record
            | Self::Send
            | Self::BackOff
            | Self::DeadLetter
            | Self::Publish
            | Self::CreateReplay
            | Self::SaveReplay
            | Self::SendTurn
            | Self::BackOffTurn => true,
        }
    }
}

/// What happens around a call.
pub trait Around: Send + Sync {
    /// Makes `act`, which is `call`, or doesn't; and answers.
    fn around<T: Send>(
        &self,
        call: Call,
        act: impl Future<Output = Result<T, StoreFailure>> + Send,
    ) -> impl Future<Output = Result<T, StoreFailure>> + Send;
}

impl<A: Around> Around for Arc<A> {
    fn around<T: Send>(
        &self,
        call: Call,
        act: impl Future<Output = Result<T, StoreFailure>> + Send,
    ) -> impl Future<Output = Result<T, StoreFailure>> + Send {
        A::around(self, call, act)
    }
}

/// The stores with `around` around every call.
pub fn wrap<A: Around + 'static>(stores: Stores, around: A) -> Stores {
    let clock = stores.clock.clone();
    let wrapped = Arc::new(Wrapped { stores, around });
    Stores { reservations: wrapped.clone(), events: wrapped.clone(), queue: wrapped.clone(), bus: wrapped, clock }
}

struct Wrapped<A> {
    stores: Stores,
    around: A,
}

#[async_trait]
impl<A: Around> Reservations for Wrapped<A> {
    async fn decide(&self, decision: &Decision) -> Result<Decided, StoreFailure> {
        self.around.around(Call::Decide, self.stores.reservations.decide(decision)).await
    }
    async fn claims(&self, booking_code: &BookingCode) -> Result<Claims, StoreFailure> {
        self.around.around(Call::Claims, self.stores.reservations.claims(booking_code)).await
    }
    async fn trim(&self, booking_code: &BookingCode, trim: &Trim) -> Result<Trimmed, StoreFailure> {
        self.around.around(Call::Trim, self.stores.reservations.trim(booking_code, trim)).await
    }
    async fn keep_conflict(&self, conflict: &Conflict) -> Result<ConflictKept, StoreFailure> {
        self.around.around(Call::KeepConflict, self.stores.reservations.keep_conflict(conflict)).await
    }
    async fn stale(
        &self,
        before: Timestamp,
        segment: u32,
        segments: u32,
        after: Option<&Cursor>,
    ) -> Result<StalePage, StoreFailure> {
        self.around.around(Call::Stale, self.stores.reservations.stale(before, segment, segments, after)).await
    }
}

#[async_trait]
impl<A: Around> Events for Wrapped<A> {
    async fn record(&self, booking_code: &BookingCode, event: &Event) -> Result<Recorded, StoreFailure> {
        self.around.around(Call::Record, self.stores.events.record(booking_code, event)).await
    }
    async fn highest(&self, booking_code: &BookingCode) -> Result<Option<(Version, EventId)>, StoreFailure> {
        self.around.around(Call::Highest, self.stores.events.highest(booking_code)).await
    }
    async fn range(
        &self,
        booking_code: &BookingCode,
        from: Version,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Event>, StoreFailure> {
        self.around.around(Call::Range, self.stores.events.range(booking_code, from, limit, max_bytes)).await
    }
}

#[async_trait]
impl<A: Around> FallbackQueue for Wrapped<A> {
    async fn send(&self, message: &QueueMessage) -> Result<(), StoreFailure> {
        self.around.around(Call::Send, self.stores.queue.send(message)).await
    }
    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        self.around.around(Call::BackOff, self.stores.queue.back_off(receipt, pause)).await
    }
    async fn dead_letter(&self, group: &str, message_id: &str, body: &str, reason: &str) -> Result<(), StoreFailure> {
        let act = self.stores.queue.dead_letter(group, message_id, body, reason);
        self.around.around(Call::DeadLetter, act).await
    }
}

#[async_trait]
impl<A: Around> EventBus for Wrapped<A> {
    async fn publish(&self, event: BusEvent<'_>) -> Result<(), StoreFailure> {
        self.around.around(Call::Publish, self.stores.bus.publish(event)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureKind;
    use crate::{EventType, JsonObject, NewEvent};

    #[test]
    fn a_call_knows_its_store_and_whether_it_writes() {
        let reads = [
            (Call::Claims, Store::Reservations),
            (Call::Stale, Store::Reservations),
            (Call::Highest, Store::Events),
            (Call::Range, Store::Events),
        ];
        let writes = [
            (Call::Decide, Store::Reservations),
            (Call::Trim, Store::Reservations),
            (Call::KeepConflict, Store::Reservations),
            (Call::Record, Store::Events),
            (Call::Send, Store::Queue),
            (Call::BackOff, Store::Queue),
            (Call::DeadLetter, Store::Queue),
            (Call::Publish, Store::Bus),
        ];
        for (calls, writes) in [(reads.as_slice(), false), (writes.as_slice(), true)] {
            for (call, store) in calls {
                assert_eq!((call.store(), call.writes()), (*store, writes), "{call:?}");
            }
        }
    }

    /// Refuses every call and says which it was.
    struct Nobody;

    impl Around for Nobody {
        async fn around<T: Send>(
            &self,
            call: Call,
            _: impl Future<Output = Result<T, StoreFailure>> + Send,
        ) -> Result<T, StoreFailure> {
            Err(StoreFailure::new(call.store(), FailureKind::Refused).because(format!("{call:?}")))
        }
    }

    /// No method goes past `around`, and each says its own name.
    #[tokio::test]
    async fn every_method_is_announced() {
        let stores = wrap(crate::memory::Memory::new(Arc::new(crate::clock::System)).stores(), Nobody);
        let decision = QueueMessage::decision(&BookingCode::parse("X").unwrap(), stores.clock.now(), &[]);
        let (code, at) = (&decision.booking_code, decision.accepted_at);
        let new = NewEvent {
            event_id: EventId::from_bytes([1; 16]),
            event_type: EventType::parse("T").unwrap(),
            occurred_at: None,
            data: JsonObject::parse("{}").unwrap(),
            metadata: None,
        };
        let event = new.clone().accept(Version::FIRST, at);
        let trim = Trim { from: Version::NONE, to: Version::FIRST, events: 1, bytes: 0, forget: 0 };
        let conflict =
            Conflict { booking_code: code.clone(), owner: new.event_id, event: new, accepted_at: at, detected_at: at };
        let announced = [
            (Call::Decide, stores.reservations.decide(&decision).await.err()),
            (Call::Claims, stores.reservations.claims(code).await.err()),
            (Call::Trim, stores.reservations.trim(code, &trim).await.err()),
            (Call::KeepConflict, stores.reservations.keep_conflict(&conflict).await.err()),
            (Call::Stale, stores.reservations.stale(at, 0, 1, None).await.err()),
            (Call::Record, stores.events.record(code, &event).await.err()),
            (Call::Highest, stores.events.highest(code).await.err()),
            (Call::Range, stores.events.range(code, Version::FIRST, 1, 1).await.err()),
            (Call::Send, stores.queue.send(&QueueMessage::deferred(&decision)).await.err()),
            (Call::BackOff, stores.queue.back_off("receipt", Duration::ZERO).await.err()),
            (Call::DeadLetter, stores.queue.dead_letter("group", "id", "body", "reason").await.err()),
            (Call::Publish, stores.bus.publish(BusEvent::Conflict(&conflict)).await.err()),
        ];
        for (call, failure) in announced {
            let chain = failure.map(|failure| failure.chain());
            assert_eq!(chain, Some(format!("{}: call refused: {call:?}", call.store())));
        }
    }
}
