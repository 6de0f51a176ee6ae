//! A world with its replays: ordered over HTTP, worked on as Lambda delivers turns.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::event::sqs::SqsEvent;
use booking_store::clock::Clock;
use booking_store::memory::Published;
use booking_store::ports::{Events, Reservations};
use booking_store::replays::memory::{MemoryBookings, MemoryReplays, MemoryTurns};
use booking_store::replays::{Pauses, Ports, around};
use booking_store::{Decision, EventId, EventType, ExpectedVersion, JsonObject, NewEvent, Timestamp, Version};
use booking_tests::{Answer, CountedIds, Delivered, ManualClock, World, code, draft, event_id, sqs_event};
use futures::poll;
use lambda_http::http::Request as HttpRequest;
use lambda_http::{Body, Request};
use serde_json::{Value, json};

/// The queue's visibility time-out, as in template.yaml.
pub(crate) const VISIBILITY: Duration = Duration::from_secs(1800);
/// How long a turn may send.
pub(crate) const BUDGET: Duration = Duration::from_secs(280);
/// Polls after which what still waits waits for ever: nothing here waits for anything but a crash.
const MANY_POLLS: usize = 2_000;
/// The id of replays whose test does not care.
pub(crate) const ID: &str = "0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5";

/// `milliseconds` after some moment.
pub(crate) fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_unix_milliseconds(1_800_000_000_000 + milliseconds).unwrap()
}

/// Moves the clock instead of waiting.
struct ManualPauses(Arc<ManualClock>);

#[async_trait]
impl Pauses for ManualPauses {
    async fn until(&self, moment: Timestamp) {
        let left = moment.unix_milliseconds() - self.0.now().unix_milliseconds();
        self.0.advance(Duration::from_millis(u64::try_from(left).unwrap_or(0)));
    }
}

/// A world with its replays. Clones are the same.
#[derive(Clone)]
pub(crate) struct Rig {
    pub(crate) world: World,
    pub(crate) turns: Arc<MemoryTurns>,
    pub(crate) replays: Arc<MemoryReplays>,
    pub(crate) ports: Ports,
    pub(crate) budget: Duration,
}

impl Rig {
    /// Nothing recorded, nothing ordered.
    pub(crate) fn new() -> Self {
        let world = World::new();
        let turns = Arc::new(MemoryTurns::new(world.clock.clone()));
        let replays = Arc::new(MemoryReplays::default());
        let ports = Ports {
            replays: replays.clone(),
            turns: turns.clone(),
            bookings: Arc::new(MemoryBookings::new(world.memory.reservations.clone())),
            events: world.stores.events.clone(),
            bus: world.stores.bus.clone(),
            clock: world.clock.clone(),
            ids: Arc::new(CountedIds::default()),
            pauses: Arc::new(ManualPauses(world.clock.clone())),
        };
        let ports = around::wrap(ports, world.faults.clone());
        Self { world, turns, replays, ports, budget: BUDGET }
    }

    /// Bookings with so many events each, recorded and settled.
    pub(crate) async fn with(bookings: &[(&str, u64)]) -> Self {
        let rig = Self::new();
        let mut id = 0;
        for (code, events) in bookings {
            for version in 0..*events {
                id += 1;
                let _ = rig.world.append(code, Some(version), &[draft(id)]).await.is(201);
            }
        }
        rig.world.settle().await;
        rig.world.faults.take_calls();
        rig
    }

    /// Writes a booking whose events were accepted at these moments by the clocks of their writers, and are recorded.
    pub(crate) async fn write(&self, name: &str, moments: &[i64]) {
        let memory = &self.world.memory;
        for (i, moment) in moments.iter().enumerate() {
            let n = memory.reservations.stream(0).len() as u64;
            let event = NewEvent {
                event_id: EventId::parse(&event_id(n)).unwrap(),
                event_type: EventType::parse("BookingPriced").unwrap(),
                occurred_at: None,
                data: JsonObject::parse("{}").unwrap(),
                metadata: None,
            };
            let expected = ExpectedVersion::from(Some(i as u64));
            let (booking_code, accepted_at) = (code(name), at(*moment));
            let decision = Decision { booking_code, expected, events: vec![event.clone()], accepted_at };
            memory.reservations.decide(&decision).await.unwrap();
            let accepted = event.accept(Version::new(i as u64 + 1), accepted_at);
            memory.events.record(&decision.booking_code, &accepted).await.unwrap();
        }
    }

    /// Posts an order.
    pub(crate) async fn order(&self, body: Value) -> Answer {
        self.post("/replays", &body.to_string()).await
    }

    /// Orders everything under [`ID`], a thousand events a second.
    pub(crate) async fn order_all(&self) {
        self.order_all_at(1000).await;
    }

    /// Orders everything under [`ID`].
    pub(crate) async fn order_all_at(&self, rate_per_s: u32) {
        let order = json!({"replay_id": ID, "consumer": "prices", "all": true, "rate_per_s": rate_per_s});
        let _ = self.order(order).await.is(202);
    }

    /// Posts `body` to `path`.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        let request = HttpRequest::post(format!("https://api.example{path}"));
        let request = request.header("content-type", "application/json");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Gets `path`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(HttpRequest::get(format!("https://api.example{path}")).body(Body::Empty).unwrap()).await
    }

    /// Hands `request` to the replays function.
    pub(crate) async fn send(&self, request: Request) -> Answer {
        Answer::of(replay::http::handle(&self.ports, request).await)
    }

    /// The replay of [`ID`].
    pub(crate) async fn shown(&self) -> Value {
        self.get(&format!("/replays/{ID}")).await.is(200).json
    }

    /// Cancels the replay of [`ID`].
    pub(crate) async fn cancel(&self) -> Answer {
        self.post(&format!("/replays/{ID}/cancel"), "").await
    }

    /// Hands `event` to the worker; the ids of the messages to keep.
    pub(crate) async fn work(&self, event: SqsEvent) -> Vec<String> {
        let deadline = self.after(self.budget);
        let response = replay::worker::handle(&self.ports, event, Some(deadline)).await;
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    /// Delivers the first visible message, and deletes it unless it is to be kept. Whether there was one, and it was kept.
    pub(crate) async fn deliver(&self) -> Option<bool> {
        let received = self.receive()?;
        let kept = self.work(sqs_event(std::slice::from_ref(&received))).await;
        if kept.is_empty() {
            self.turns.delete(&received.receipt);
        }
        Some(!kept.is_empty())
    }

    /// Receives the first visible message.
    pub(crate) fn receive(&self) -> Option<Delivered> {
        let received = self.turns.receive(VISIBILITY)?;
        let (receipt, group, body) = (received.receipt, received.group, received.body);
        Some(Delivered { receipt, group, body, receives: received.receives })
    }

    /// Delivers the first visible message. `None` if the worker died at it, or there was none: what is hidden comes back.
    pub(crate) async fn deliver_or_die(&self) -> Option<bool> {
        or_die(self.deliver()).await.flatten()
    }

    /// Delivers until the worker dies where the script says. Its message comes back after its visibility time-out.
    pub(crate) async fn deliver_until_it_crashes(&self) {
        for _ in 0..100 {
            match or_die(self.deliver()).await {
                None => return self.world.wait(VISIBILITY),
                Some(None) => panic!("it was to crash, and the queue is empty or waits"),
                Some(Some(_)) => {}
            }
        }
        panic!("it was to crash");
    }

    /// Delivers until the queue is empty, time passing.
    pub(crate) async fn run(&self) {
        for _ in 0..1_000 {
            match self.deliver().await {
                Some(_) => {}
                None if self.turns.bodies().is_empty() => return,
                None => self.world.wait(Duration::from_secs(1)),
            }
        }
        panic!("the queue is never empty: {:?}", self.turns.bodies());
    }

    /// The moment `time` from now.
    pub(crate) fn after(&self, time: Duration) -> Timestamp {
        let milliseconds = self.world.now().unix_milliseconds() + i64::try_from(time.as_millis()).unwrap();
        Timestamp::from_unix_milliseconds(milliseconds).unwrap()
    }

    /// The versions sent again of each booking, in the order of sending.
    pub(crate) fn sent(&self) -> BTreeMap<String, Vec<u64>> {
        let mut sent: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for entry in self.world.memory.bus.entries() {
            if let Published::Replay(code, event, _) = entry {
                sent.entry(code.to_string()).or_default().push(event.version.get());
            }
        }
        sent
    }

    /// How many were sent in all.
    pub(crate) fn sendings(&self) -> u64 {
        self.sent().values().map(|versions| versions.len() as u64).sum()
    }

    /// Asserts that everything of `bookings` was sent, the first sendings in order and without a gap.
    #[track_caller]
    pub(crate) fn all_sent(&self, bookings: &[(&str, u64)]) {
        let sent = self.sent();
        for (code, events) in bookings {
            let versions = sent.get(*code).cloned().unwrap_or_default();
            assert_eq!(first_sendings(&versions), (1..=*events).collect::<Vec<_>>(), "{code}: {versions:?}");
        }
    }

    /// Asserts that what was sent again was sent in order too: with one worker at a time, nothing is ever skipped.
    #[track_caller]
    pub(crate) fn nothing_skipped(&self) {
        for (code, versions) in self.sent() {
            let skips = versions.windows(2).any(|pair| pair[1] > pair[0] + 1);
            assert!(!skips, "a gap in the sendings of {code}: {versions:?}");
        }
    }

    /// Asserts that the replay of [`ID`] is done, with figures for exactly `bookings`, and that all of them were sent.
    #[track_caller]
    pub(crate) fn done(&self, bookings: &[(&str, u64)]) -> impl Future<Output = ()> {
        self.all_sent(bookings);
        let (rig, total) = (self.clone(), bookings.iter().map(|(_, events)| events).sum::<u64>());
        let (count, place) = (bookings.len(), std::panic::Location::caller());
        async move {
            rig.world.faults.assert_spent();
            let shown = rig.shown().await;
            let figures = ["status", "bookings_done", "bookings_total_estimate", "events_sent", "errors"];
            let wanted = json!(["done", count, count, total, 0]);
            assert_eq!(json!(figures.map(|name| &shown[name])), wanted, "{place}: {shown}");
            assert!(rig.turns.bodies().is_empty());
        }
    }
}

/// What `work` leads to; `None` if it waits for ever, for then a crash has struck.
pub(crate) async fn or_die<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    for _ in 0..MANY_POLLS {
        if let Poll::Ready(done) = poll!(&mut work) {
            return Some(done);
        }
    }
    None
}

/// The versions in the order in which each was sent first.
pub(crate) fn first_sendings(versions: &[u64]) -> Vec<u64> {
    let mut first = Vec::new();
    for version in versions {
        if !first.contains(version) {
            first.push(*version);
        }
    }
    first
}
