//! Chance from a seed. A run of real processes is not replayed by it to the call, but what is asked and what goes wrong
//! is drawn from it alone.

use std::time::Duration;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// A stream of draws.
pub(super) struct Chance(Xoshiro256PlusPlus);

impl Chance {
    /// The draws of whoever has this name.
    pub(super) fn new(seed: u64, name: u64) -> Self {
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ name.wrapping_add(1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Self(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// A number in `[low, high]`.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.0.next_u64() % (high - low + 1)
    }

    /// True `percent` times of a hundred.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of `of`, which is not empty.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let last = of.len() as u64 - 1;
        of[usize::try_from(self.between(0, last)).unwrap()]
    }

    /// So many milliseconds.
    pub(super) fn milliseconds(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }
}
