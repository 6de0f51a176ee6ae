//! What a lossy bus does to an entry on its way to a rule's target: drops about one in ten, delivers about one in ten
//! twice, and holds each back for a moment of its own, so that neighbours change places.
//!
//! All of it follows from the seed, the rule and the entry's place in the log alone: the same run with the same seed
//! loses the same entries.

use std::time::Duration;

/// Of a hundred entries so many are dropped.
const DROPPED: u64 = 10;
/// Of a hundred entries so many come twice.
const DUPLICATED: u64 = 10;
/// Longest that an entry is held back.
const WINDOW_MILLISECONDS: u64 = 250;

/// When each copy of an entry is due, counted from now. None: it is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) copies: Vec<Duration>,
}

/// The fate of entry `n` on its way to the target of `rule`.
pub(super) fn fate(seed: u64, rule: &str, n: i64) -> Fate {
    let mut state = mix(seed ^ mix(hash(rule)) ^ mix(n.unsigned_abs()).rotate_left(32));
    let mut draw = |below: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(state) % below
    };
    let copies = match draw(100) {
        lot if lot < DROPPED => 0,
        lot if lot < DROPPED + DUPLICATED => 2,
        _ => 1,
    };
    let copies = (0..copies).map(|_| Duration::from_millis(draw(WINDOW_MILLISECONDS)));
    Fate { copies: copies.collect() }
}

/// SplitMix64's output function.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// FNV-1a: the same in every process.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_lost_a_tenth_comes_twice_and_neighbours_change_places() {
        for (seed, rule) in [(0, "prices"), (1, "prices"), (0, "PriceRule"), (u64::MAX, "x")] {
            let fates: Vec<Fate> = (1..=10_000).map(|n| fate(seed, rule, n)).collect();
            let with = |copies: usize| fates.iter().filter(|fate| fate.copies.len() == copies).count();
            assert!((900..1_100).contains(&with(0)), "{} dropped", with(0));
            assert!((900..1_100).contains(&with(2)), "{} duplicated", with(2));
            let first = fates.iter().filter_map(|fate| fate.copies.first()).collect::<Vec<_>>();
            let swapped = first.windows(2).filter(|pair| pair[0] > pair[1]).count();
            assert!((4_000..5_000).contains(&swapped), "{swapped} swapped");
        }
    }

    #[test]
    fn a_seed_is_repeatable_and_rules_differ() {
        let fates = |seed, rule| (1..=100).map(|n| fate(seed, rule, n)).collect::<Vec<_>>();
        assert_eq!(fates(7, "a"), fates(7, "a"));
        assert_ne!(fates(7, "a"), fates(8, "a"));
        assert_ne!(fates(7, "a"), fates(7, "b"));
    }
}
