//! Virtual time, and each process's own idea of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use booking_store::Timestamp;
use booking_store::clock::Clock;

/// 2026-11-21T09:00:00Z.
const BEGINNING: i64 = 1_795_251_600_000;

/// The one time of a schedule, in milliseconds since its beginning.
#[derive(Clone, Debug, Default)]
pub(crate) struct VirtualTime(Arc<AtomicI64>);

impl VirtualTime {
    /// Now.
    pub(crate) fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Goes on to `moment`; never back.
    pub(crate) fn reach(&self, moment: i64) {
        self.0.fetch_max(moment, Ordering::Relaxed);
    }

    /// The clock of a process that is `skew` milliseconds ahead.
    pub(crate) fn skewed(&self, skew: i64) -> SkewedClock {
        SkewedClock { time: self.clone(), skew }
    }
}

/// The clock of one process.
#[derive(Clone, Debug)]
pub(crate) struct SkewedClock {
    time: VirtualTime,
    skew: i64,
}

impl Clock for SkewedClock {
    #[expect(clippy::expect_used, reason = "a schedule of eight thousand years would be a bug of the simulation")]
    fn now(&self) -> Timestamp {
        let milliseconds = BEGINNING + self.time.now() + self.skew;
        Timestamp::from_unix_milliseconds(milliseconds).expect("a year below 9999")
    }
}
