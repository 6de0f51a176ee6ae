//! The functions over in-memory stores that never fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use append::Context;
use booking_store::clock::{Clock, Ids};
use booking_store::memory::Memory;
use booking_store::ports::Stores;
use booking_store::{BookingCode, EventId, Timestamp};
use futures::executor::block_on;
use lambda_http::http::Request as HttpRequest;
use lambda_http::{Body, Request};
use serde_json::json;

use crate::answer::Answer;

/// 2026-11-21T09:00:00Z
const START: i64 = 1_795_251_600_000;

/// A clock that goes on by a millisecond each time it is asked.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_milliseconds(START + self.0.fetch_add(1, Ordering::SeqCst)).unwrap()
    }
}

struct Counted(AtomicU8);

impl Ids for Counted {
    fn event_id(&self) -> EventId {
        let mut bytes = [0xc0; 16];
        bytes[15] = self.0.fetch_add(1, Ordering::SeqCst);
        EventId::from_bytes(bytes)
    }
}

/// One deployment.
pub(crate) struct Deployment {
    pub(crate) memory: Memory,
    pub(crate) stores: Stores,
    context: Context,
}

impl Deployment {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let memory = Memory::new(Arc::new(Ticking(AtomicI64::new(0))));
        let stores = memory.stores();
        let ids = Arc::new(Counted(AtomicU8::new(0)));
        let context = Context { stores: stores.clone(), ids, deferred_accept: true };
        Self { memory, stores, context }
    }

    pub(crate) fn append(&self, request: Request) -> Answer {
        Answer::of(block_on(append::handle(&self.context, request)))
    }

    pub(crate) fn read(&self, request: Request) -> Answer {
        Answer::of(block_on(read::handle(&self.stores, request)))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        let request = HttpRequest::get(format!("https://api.example{path}"));
        self.read(request.body(Body::Empty).unwrap())
    }

    /// Creates a booking with `count` events, none of them settled. The `n`th event's id is `n` and then `id` 15 times.
    pub(crate) fn create(&self, booking_code: &BookingCode, id: u8, count: u8) {
        let event = |n: u8| {
            let mut bytes = [id; 16];
            bytes[0] = n;
            json!({"event_id": EventId::from_bytes(bytes), "type": "BookingPriced", "data": {"n": n}})
        };
        let events: Vec<_> = (1..=count).map(event).collect();
        let body = json!({"expected_version": 0, "events": events}).to_string();
        let request = HttpRequest::post(format!("https://api.example/bookings/{booking_code}/events"));
        let request = request.header("content-type", "application/json").body(Body::Text(body)).unwrap();
        let answer = self.append(request);
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
}
