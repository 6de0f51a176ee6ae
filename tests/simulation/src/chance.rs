//! Chance, drawn by name: the same seed and the same name give the same draws, whatever else happens.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// A stream of draws.
pub(crate) struct Chance(Xoshiro256PlusPlus);

/// What a draw is for, so that two draws at one place do not hang together.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Draw {
    /// The workload: processes, their operations, outages.
    Workload,
    /// What goes wrong with a store call, and how long it takes.
    Call,
    /// What a process does next.
    Next,
}

impl Chance {
    /// The draws of `draw` at the place with this key.
    pub(crate) fn at(seed: u64, draw: Draw, key: u64) -> Self {
        // Multiplication by an odd constant keeps distinct names distinct; the generator's own seeding mixes them.
        let name = key.wrapping_mul(4).wrapping_add(draw as u64);
        Self(Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ mixed(name)))
    }

    /// A number below `n` (`n` ≥ 1).
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n
    }

    /// A number in `[low, high]`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// True `percent` times of a hundred.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A position in a list of `len` (≥ 1).
    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// One of `of`, which is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }

    /// A number of milliseconds between `low` and `high`, small ones as likely as large ones.
    pub(crate) fn scale(&mut self, low: u64, high: u64) -> u64 {
        let mut reach = low.max(1);
        while reach < high && !self.one_in(3) {
            reach = (reach * 4).min(high);
        }
        self.between(low, reach.max(low))
    }
}

fn mixed(mut name: u64) -> u64 {
    name = (name ^ (name >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    name = (name ^ (name >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    name ^ (name >> 31)
}
