//! The partition of a booking, which never changes.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::BookingCode;
use crate::limits::FEED_PARTITIONS;

/// One of the feed's partitions, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Partition(u8);

impl Partition {
    /// The partition of this number, if there is one.
    pub fn new(number: u8) -> Option<Self> {
        (number < FEED_PARTITIONS).then_some(Self(number))
    }

    /// Where all events of this booking stand.
    pub fn of(booking_code: &BookingCode) -> Self {
        let hash = Sha256::digest(booking_code.as_str());
        let prefix = hash.iter().take(8).fold(0_u64, |prefix, byte| (prefix << 8) | u64::from(*byte));
        // Smaller than FEED_PARTITIONS.
        Self(u8::try_from(prefix % u64::from(FEED_PARTITIONS)).unwrap_or(0))
    }

    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        (0..FEED_PARTITIONS).map(Self)
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The number as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written down once, computed elsewhere: another hash would move bookings between partitions.
    #[test]
    fn a_booking_stays_where_it_is() {
        let of = |code: &str| Partition::of(&BookingCode::parse(code).unwrap()).number();
        assert_eq!(["LH4711", "MUC-7", "car.99", "a", "A"].map(of), PINNED);
    }

    const PINNED: [u8; 5] = [14, 1, 13, 10, 9];

    #[test]
    fn bookings_spread_evenly() {
        let mut counts = [0_u32; FEED_PARTITIONS as usize];
        for n in 0..16_000 {
            counts[Partition::of(&BookingCode::parse(&format!("BOOKING-{n}")).unwrap()).index()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn there_are_sixteen() {
        assert_eq!(Partition::all().count(), 16);
        assert_eq!(Partition::new(15).map(Partition::number), Some(15));
        assert_eq!(Partition::new(16), None);
    }
}
