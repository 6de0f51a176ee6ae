//! The rate: each event gets a moment of its own, evenly spaced, however many bookings are worked on at a time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::ports::Pauses;
use crate::Timestamp;
use crate::clock::Clock;
use crate::limits::REPLAY_SLOWEST;

/// Hands out moments, at most `rate` a second. What nobody took in time is gone: there are no bursts.
pub struct Pacer {
    /// Microseconds from one moment to the next.
    interval: AtomicI64,
    /// The first microsecond that may be handed out next.
    next: Mutex<i64>,
}

impl Pacer {
    /// `rate` events a second, at least one.
    pub fn new(rate: u32) -> Self {
        let rate = i64::from(rate.max(1));
        // Rounded up, so that no second holds more.
        Self { interval: AtomicI64::new((1_000_000 + rate - 1) / rate), next: Mutex::new(i64::MIN) }
    }

    /// Half as fast from now on, but not slower than an event in [`REPLAY_SLOWEST`].
    pub(super) fn slow_down(&self) {
        let slowest = i64::try_from(REPLAY_SLOWEST.as_micros()).unwrap_or(i64::MAX);
        let interval = self.interval.load(Ordering::Relaxed);
        self.interval.store(interval.max(interval.saturating_mul(2).min(slowest)), Ordering::Relaxed);
    }

    /// Waits for the next free moment. If that is after `until`, waits until then and takes none.
    pub async fn turn(&self, clock: &dyn Clock, pauses: &dyn Pauses, until: Timestamp) -> bool {
        let moment = self.reserve(clock.now(), until);
        pauses.until(moment.unwrap_or(until)).await;
        moment.is_some()
    }

    fn reserve(&self, now: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = (now.unix_milliseconds() * 1000).max(*next);
        let moment = Timestamp::from_unix_milliseconds(slot.saturating_add(999) / 1000)?;
        if moment >= until {
            return None;
        }
        *next = slot + self.interval.load(Ordering::Relaxed);
        Some(moment)
    }
}

/// The moment `pause` after `now`, or the last there is.
pub(super) fn later(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_milliseconds(now.unix_milliseconds().saturating_add(pause)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_unix_milliseconds(milliseconds).unwrap()
    }

    #[test]
    fn no_second_holds_more_than_the_rate_and_none_is_wasted() {
        for rate in [1, 3, 7, 100, 333, 999, 1000] {
            let (pacer, end) = (Pacer::new(rate), at(10_000));
            let moments: Vec<_> = std::iter::from_fn(|| pacer.reserve(at(0), end)).collect();
            let expected = 10 * rate as usize;
            assert!((expected - expected / 500..=expected).contains(&moments.len()), "{rate}: {}", moments.len());
            for window in moments.windows(rate as usize + 1) {
                let span = window[rate as usize].unix_milliseconds() - window[0].unix_milliseconds();
                assert!(span >= 1000, "{rate} a second, and {} in {span} ms", rate + 1);
            }
        }
    }

    #[test]
    fn it_slows_down_to_the_slowest_and_no_further() {
        let pacer = Pacer::new(4);
        let gaps = |pacer: &Pacer| {
            let moments: Vec<_> =
                (0..2).map(|_| pacer.reserve(at(0), at(99_999)).unwrap().unix_milliseconds()).collect();
            moments[1] - moments[0]
        };
        assert_eq!(gaps(&pacer), 250);
        for expected in [500, 1_000, 1_000] {
            pacer.slow_down();
            let _ = pacer.reserve(at(0), at(99_999));
            assert_eq!(gaps(&pacer), expected);
        }
        let slow = Pacer::new(1);
        slow.slow_down();
        assert_eq!(gaps(&slow), 1_000);
    }

    #[test]
    fn what_was_not_taken_is_gone() {
        let pacer = Pacer::new(10);
        assert_eq!(pacer.reserve(at(0), at(99_999)), Some(at(0)));
        assert_eq!(pacer.reserve(at(5_000), at(99_999)), Some(at(5_000)));
        assert_eq!(pacer.reserve(at(5_000), at(99_999)), Some(at(5_100)));
        assert_eq!(pacer.reserve(at(5_000), at(5_200)), None, "a moment is before the end");
        assert_eq!(pacer.reserve(at(5_000), at(5_201)), Some(at(5_200)), "one refused is not lost");
    }
}
