//! The rate: each event gets a moment of its own, evenly spaced, however many bookings are worked on at a time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::ports::Pauses;
use crate::Timestamp;
use crate::clock::Clock;

/// Hands out moments, at most `rate` a second. What nobody took in time is gone: there are no bursts.
pub struct Pacer {
    interval: i64,
    /// The first microsecond that may be handed out next.
    next: Mutex<i64>,
}

impl Pacer {
    /// `rate` events a second, at least one.
    pub fn new(rate: u32) -> Self {
        let rate = i64::from(rate.max(1));
        // Rounded up, so that no second holds more.
        Self { interval: (1_000_000 + rate - 1) / rate, next: Mutex::new(i64::MIN) }
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
        *next = slot + self.interval;
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
    fn what_was_not_taken_is_gone() {
        let pacer = Pacer::new(10);
        assert_eq!(pacer.reserve(at(0), at(99_999)), Some(at(0)));
        assert_eq!(pacer.reserve(at(5_000), at(99_999)), Some(at(5_000)));
        assert_eq!(pacer.reserve(at(5_000), at(99_999)), Some(at(5_100)));
        assert_eq!(pacer.reserve(at(5_000), at(5_200)), None, "a moment is before the end");
        assert_eq!(pacer.reserve(at(5_000), at(5_201)), Some(at(5_200)), "one refused is not lost");
    }
}
