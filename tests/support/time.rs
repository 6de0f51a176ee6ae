//! Time that moves by hand, and ids that are counted.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use booking_store::clock::{Clock, Ids};
use booking_store::{EventId, Timestamp};

use crate::event_id;

/// When every world begins.
pub const START: &str = "2026-11-21T09:00:00.000Z";
/// The first id given to events whose client names none.
const FIRST_COUNTED: u64 = 0xC0_0000;

/// A clock that stands still until it is moved.
pub struct ManualClock {
    milliseconds: AtomicI64,
}

impl Default for ManualClock {
    fn default() -> Self {
        let start = Timestamp::parse(START).unwrap();
        Self { milliseconds: AtomicI64::new(start.unix_milliseconds()) }
    }
}

impl ManualClock {
    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.milliseconds.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_milliseconds(self.milliseconds.load(Ordering::SeqCst)).unwrap()
    }
}

/// Counted ids.
#[derive(Default)]
pub struct CountedIds {
    given: AtomicU64,
}

impl Ids for CountedIds {
    fn event_id(&self) -> EventId {
        let n = FIRST_COUNTED + self.given.fetch_add(1, Ordering::SeqCst);
        EventId::parse(&event_id(n)).unwrap()
    }
}
