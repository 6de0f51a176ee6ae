//! The ports as a simulated process has them: each call leaves as a [`Request`] and waits until its answer is delivered.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use booking_store::clock::Clock;
use booking_store::failure::{Store, StoreFailure};
use booking_store::ports::{
    BusEvent, Claims, ConflictKept, Cursor, Decided, EventBus, Events, FallbackQueue, Recorded, Reservations,
    StalePage, Stores, Trimmed,
};
use booking_store::queue_message::QueueMessage;
use booking_store::reservation::Trim;
use booking_store::{BookingCode, Conflict, Decision, Event, EventId, Timestamp, Version};

use crate::request::{Answer, Request};

/// Where the answer to a call is put.
#[derive(Clone, Default)]
pub(crate) struct Reply(Arc<Mutex<Option<Result<Answer, StoreFailure>>>>);

impl Reply {
    /// Delivers the answer; the process finds it when it is polled next.
    pub(crate) fn deliver(&self, answer: Result<Answer, StoreFailure>) {
        *lock(&self.0) = Some(answer);
    }
}

impl Future for Reply {
    type Output = Result<Answer, StoreFailure>;

    /// Registers no waker: the scheduler polls the process after each delivery.
    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        lock(&self.0).take().map_or(Poll::Pending, Poll::Ready)
    }
}

/// A call that has left its process.
pub(crate) struct Sent {
    /// What was asked.
    pub request: Request,
    /// Where the answer goes.
    pub reply: Reply,
}

/// One process's connection to all four stores.
#[derive(Default)]
pub(crate) struct Wire {
    sent: Mutex<Vec<Sent>>,
}

impl Wire {
    /// The stores, as the protocol takes them, of the process with this clock.
    pub(crate) fn stores(self: &Arc<Self>, clock: Arc<dyn Clock>) -> Stores {
        Stores { reservations: self.clone(), events: self.clone(), queue: self.clone(), bus: self.clone(), clock }
    }

    /// The calls made since this was asked last.
    pub(crate) fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut lock(&self.sent))
    }

    /// Makes a call.
    pub(crate) async fn call(&self, request: Request) -> Result<Answer, StoreFailure> {
        let reply = Reply::default();
        lock(&self.sent).push(Sent { request, reply: reply.clone() });
        reply.await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a call and takes the answer out of its variant.
macro_rules! answered {
    ($wire:expr, $request:expr, $answer:pat => $value:expr) => {{
        let request = $request;
        let store = request.method().store();
        match $wire.call(request).await? {
            $answer => Ok($value),
            #[allow(unreachable_patterns, clippy::wildcard_enum_match_arm, reason = "one macro for all answers")]
            _ => Err(StoreFailure::corrupt(store, "the simulation has mixed up two answers")),
        }
    }};
}

#[async_trait]
impl Reservations for Wire {
    async fn decide(&self, decision: &Decision) -> Result<Decided, StoreFailure> {
        answered!(self, Request::Decide(decision.clone()), Answer::Decided(decided) => decided)
    }

    async fn claims(&self, booking_code: &BookingCode) -> Result<Claims, StoreFailure> {
        answered!(self, Request::Claims(booking_code.clone()), Answer::Claims(claims) => claims)
    }

    async fn trim(&self, booking_code: &BookingCode, trim: &Trim) -> Result<Trimmed, StoreFailure> {
        answered!(self, Request::Trim(booking_code.clone(), trim.clone()), Answer::Trimmed(trimmed) => trimmed)
    }

    async fn keep_conflict(&self, conflict: &Conflict) -> Result<ConflictKept, StoreFailure> {
        answered!(self, Request::KeepConflict(conflict.clone()), Answer::Kept(kept) => kept)
    }

    async fn stale(
        &self,
        before: Timestamp,
        segment: u32,
        segments: u32,
        _after: Option<&Cursor>,
    ) -> Result<StalePage, StoreFailure> {
        answered!(self, Request::Stale(before, segment, segments), Answer::Stale(page) => page)
    }
}

#[async_trait]
impl Events for Wire {
    async fn record(&self, booking_code: &BookingCode, event: &Event) -> Result<Recorded, StoreFailure> {
        answered!(self, Request::Record(booking_code.clone(), event.clone()), Answer::Recorded(recorded) => recorded)
    }

    async fn highest(&self, booking_code: &BookingCode) -> Result<Option<(Version, EventId)>, StoreFailure> {
        answered!(self, Request::Highest(booking_code.clone()), Answer::Highest(highest) => highest)
    }

    async fn range(
        &self,
        booking_code: &BookingCode,
        from: Version,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Event>, StoreFailure> {
        let request = Request::Range(booking_code.clone(), from, limit, max_bytes);
        answered!(self, request, Answer::Events(events) => events)
    }
}

#[async_trait]
impl FallbackQueue for Wire {
    async fn send(&self, message: &QueueMessage) -> Result<(), StoreFailure> {
        answered!(self, Request::Send(message.clone()), Answer::Done => ())
    }

    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        answered!(self, Request::BackOff(receipt.to_owned(), pause), Answer::Done => ())
    }

    async fn dead_letter(&self, group: &str, message_id: &str, body: &str, reason: &str) -> Result<(), StoreFailure> {
        let [group, message_id, body, reason] = [group, message_id, body, reason].map(str::to_owned);
        answered!(self, Request::DeadLetter(group, message_id, body, reason), Answer::Done => ())
    }
}

#[async_trait]
impl EventBus for Wire {
    async fn publish(&self, event: BusEvent<'_>) -> Result<(), StoreFailure> {
        let request = match event {
            BusEvent::Event(code, event) => Request::PublishEvent(code.clone(), event.clone()),
            BusEvent::Conflict(conflict) => Request::PublishConflict(conflict.clone()),
            BusEvent::Replay(..) => return Err(StoreFailure::corrupt(Store::Bus, "no simulated process replays")),
        };
        answered!(self, request, Answer::Done => ())
    }
}
