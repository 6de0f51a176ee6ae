//! How a projection is run. Every bound of the kit is here.

use std::time::Duration;

use booking_store::Timestamp;

/// Which events are stored and reacted to one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Every event: each reaction sees the state right after its own event.
    #[default]
    EachEvent,
    /// Only the newest state counts: what a batch brings of a booking, or a gap, is one write, and one reaction with
    /// the newest event that concerns anybody. States in between are never stored and never reacted to.
    LatestOnly,
}

/// Bounds and pauses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// One by one, or only the newest.
    pub mode: Mode,
    /// Bookings worked on at a time by one call.
    pub concurrency: usize,
    /// Tries of a failing event or reaction before its dead letter.
    pub max_attempts: u32,
    /// Pause after the first failed try; it doubles with each one.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
    /// Longest time a reaction may take; then it counts as failed. Its lease is this and [`Settings::LEASE_MARGIN`].
    pub reaction_timeout: Duration,
    /// Times a lost race with another worker is made up for in one call.
    pub max_races: u32,
}

impl Settings {
    /// What the lease of a reaction has beyond its longest time: for the write before it and the one after it.
    pub const LEASE_MARGIN: Duration = Duration::from_secs(10);

    /// The pause after `failures` (≥ 1) failures in a row: doubling, capped.
    pub fn pause(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause)
    }
}

impl Default for Settings {
    /// One by one; 16 bookings at a time; 8 tries over about 2 minutes, pauses from 1 s to 15 min; reactions of 20 s.
    fn default() -> Self {
        Self {
            mode: Mode::EachEvent,
            concurrency: 16,
            max_attempts: 8,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(900),
            reaction_timeout: Duration::from_secs(20),
            max_races: 8,
        }
    }
}

/// The moment `pause` after `now`, or the last there is.
pub(crate) fn later(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_milliseconds(now.unix_milliseconds().saturating_add(pause)).unwrap_or(now)
}

/// How long from `now` until `moment`; 0 if it is past.
pub(crate) fn until(now: Timestamp, moment: Timestamp) -> Duration {
    let wait = moment.unix_milliseconds().saturating_sub(now.unix_milliseconds());
    Duration::from_millis(u64::try_from(wait).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_cap() {
        let settings = Settings::default();
        assert_eq!(settings.pause(1), Duration::from_secs(1));
        assert_eq!(settings.pause(4), Duration::from_secs(8));
        assert_eq!(settings.pause(u32::MAX), Duration::from_secs(900));
    }

    #[test]
    fn moments() {
        let now = Timestamp::parse("2026-11-21T09:00:00Z").unwrap();
        let then = later(now, Duration::from_millis(1500));
        assert_eq!(until(now, then), Duration::from_millis(1500));
        assert_eq!(until(then, now), Duration::ZERO);
    }
}
