//! One deployment in memory: stores, functions, the stream and the queue between them, and what clients were told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use append::Context;
use booking_store::clock::Clock;
use booking_store::memory::{Memory, Published};
use booking_store::ports::Stores;
use booking_store::{BookingCode, Timestamp};
use futures::FutureExt;
use lambda_http::http::Request as HttpRequest;
use lambda_http::{Body, Request};

use crate::{Answer, CountedIds, Draft, Faults, ManualClock, body, code};

/// Most rounds of stream and queue until a healthy world has settled.
const SETTLING_ROUNDS: usize = 50;

/// What a client was told of an event.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) booking_code: BookingCode,
    pub(crate) event_id: String,
    pub(crate) data: String,
    /// Its version; none if it was deferred.
    pub(crate) version: Option<u64>,
}

/// One deployment in memory. Clones are the same world.
#[derive(Clone)]
pub struct World {
    /// The stores themselves, without faults.
    pub memory: Memory,
    /// What befalls the functions' calls.
    pub faults: Arc<Faults>,
    /// The time.
    pub clock: Arc<ManualClock>,
    /// The stores as the functions have them.
    pub stores: Stores,
    context: Context,
    pub(crate) stream_position: Arc<Mutex<usize>>,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// An empty world that defers new bookings while the arbiter is unreachable.
    pub fn new() -> Self {
        Self::with_policy(true)
    }

    /// An empty world; `deferred_accept` is its policy.
    pub fn with_policy(deferred_accept: bool) -> Self {
        let clock = Arc::new(ManualClock::default());
        let memory = Memory::new(clock.clone());
        let faults = Arc::new(Faults::default());
        let stores = crate::faulty::stores(&memory, faults.clone());
        let context = Context { stores: stores.clone(), ids: Arc::new(CountedIds::default()), deferred_accept };
        Self { memory, faults, clock, stores, context, stream_position: Arc::default(), acknowledged: Arc::default() }
    }

    /// Moves the clock.
    pub fn wait(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        Clock::now(&*self.clock)
    }

    /// Appends `events`: `expected` is 0 for a new booking, a version, or none for the end.
    pub async fn append(&self, booking_code: &str, expected: Option<u64>, events: &[Draft]) -> Answer {
        let answer = self.post(booking_code, &body(expected, events)).await;
        self.note(booking_code, events, &answer);
        answer
    }

    /// The process dies in the middle of an append, where the script says.
    #[track_caller]
    pub fn append_crashing(&self, booking_code: &str, expected: Option<u64>, events: &[Draft]) {
        let answer = self.append(booking_code, expected, events).now_or_never();
        assert!(answer.is_none(), "it was to crash, and answered {answer:?}");
    }

    /// Posts `body` to the booking's events.
    pub async fn post(&self, booking_code: &str, body: &str) -> Answer {
        let request = HttpRequest::post(format!("https://api.example/bookings/{booking_code}/events"));
        let request = request.header("content-type", "application/json");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Hands `request` to the append function. A millisecond passes, so that no two requests are taken for one.
    pub async fn send(&self, request: Request) -> Answer {
        self.wait(Duration::from_millis(1));
        Answer::of(append::handle(&self.context, request).await)
    }

    /// Gets `path` from the read function.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    /// Gets `path` from the read function, with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = HttpRequest::get(format!("https://api.example{path}"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.fetch(request.body(Body::Empty).unwrap()).await
    }

    /// Hands `request` to the read function.
    pub async fn fetch(&self, request: Request) -> Answer {
        Answer::of(read::handle(&self.stores, request).await)
    }

    /// Reads a booking's events.
    pub async fn read(&self, booking_code: &str) -> Answer {
        self.get(&format!("/bookings/{booking_code}/events")).await
    }

    /// Runs stream and queue in turn, time passing, until both are empty.
    pub async fn settle(&self) {
        for _ in 0..SETTLING_ROUNDS {
            self.pump_stream().await;
            self.drain_queue().await;
            if self.is_quiet() {
                return;
            }
            self.wait(Duration::from_secs(900));
        }
        panic!("stream and queue never come to rest: {:?}", self.memory.queue.bodies());
    }

    /// The end of a test: all stores work again, stream and queue run until they are empty, and everything that was
    /// promised must hold.
    pub async fn heal(&self) {
        self.faults.all_up();
        self.settle().await;
        self.check().await;
    }

    /// Whether stream and queue are empty.
    pub fn is_quiet(&self) -> bool {
        self.stream_is_empty() && self.memory.queue.bodies().is_empty()
    }

    /// Stream and queue lose what they hold, as after 24 hours and 14 days.
    pub fn lose_stream_and_queue(&self) {
        *self.stream_position.lock().unwrap() = self.memory.reservations.stream(0).len();
        loop {
            let lost = self.memory.queue.receive(usize::MAX, Duration::ZERO);
            if lost.is_empty() {
                return;
            }
            lost.iter().for_each(|message| self.memory.queue.delete(&message.receipt));
        }
    }

    /// The versions recorded of a booking.
    pub fn recorded(&self, booking_code: &str) -> Vec<u64> {
        self.memory.events.of(&code(booking_code)).iter().map(|event| event.version.get()).collect()
    }

    /// The versions the bus has taken of a booking, in order.
    pub fn published(&self, booking_code: &str) -> Vec<u64> {
        let entries = self.memory.bus.entries().into_iter();
        let versions = entries.filter_map(|entry| match entry {
            Published::Event(code, event) => (code.as_str() == booking_code).then(|| event.version.get()),
            Published::Conflict(_) | Published::Replay(..) => None,
        });
        versions.collect()
    }

    /// The ids of the events the bus was told to have lost a booking code.
    pub fn published_conflicts(&self) -> Vec<String> {
        let entries = self.memory.bus.entries().into_iter();
        let ids = entries.filter_map(|entry| match entry {
            Published::Event(..) | Published::Replay(..) => None,
            Published::Conflict(conflict) => Some(conflict.event.event_id.to_string()),
        });
        ids.collect()
    }

    /// The last accepted and the last settled version of a booking; `None` if there is none.
    pub fn head_and_settled(&self, booking_code: &str) -> Option<(u64, u64)> {
        let (_, claims) = self.memory.reservations.all().into_iter().find(|(code, _)| code.as_str() == booking_code)?;
        claims.reservation.map(|reservation| (reservation.head.get(), reservation.settled.get()))
    }

    pub(crate) fn acknowledged(&self) -> Vec<Acknowledged> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, booking_code: &str, events: &[Draft], answer: &Answer) {
        if ![200, 201, 202].contains(&answer.status) {
            return;
        }
        let told = answer.json["events"].as_array().unwrap();
        assert_eq!(told.len(), events.len(), "{}", answer.text);
        let mut acknowledged = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        for (draft, told) in events.iter().zip(told) {
            acknowledged.push(Acknowledged {
                booking_code: code(booking_code),
                event_id: told["event_id"].as_str().unwrap().to_owned(),
                data: draft.data.clone(),
                version: told["version"].as_u64(),
            });
        }
    }
}
