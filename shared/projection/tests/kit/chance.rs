//! Draws of a seed.

use std::sync::Mutex;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Everything random in a run comes from here, in the order it is asked for.
pub(crate) struct Chance(Mutex<Xoshiro256PlusPlus>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed)))
    }

    /// A number below `n` (≥ 1).
    pub(crate) fn below(&self, n: usize) -> usize {
        usize::try_from(self.0.lock().unwrap().next_u64() % n as u64).unwrap()
    }

    /// True `n` times of a thousand.
    pub(crate) fn per_mille(&self, n: usize) -> bool {
        self.below(1000) < n
    }
}
