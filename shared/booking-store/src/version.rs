//! Versions of a booking's stream, and what an append expects of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The place of an event in its booking, from 1. [`Version::NONE`] (0) is the version of a booking without events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// Before the first event.
    pub const NONE: Self = Self(0);
    /// The first event's version.
    pub const FIRST: Self = Self(1);

    /// Version `n`; 0 is [`Version::NONE`].
    pub const fn new(n: u64) -> Self {
        Self(n)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version `count` after this one. Saturates: no booking has 2⁶⁴ events.
    pub const fn plus(self, count: usize) -> Self {
        Self(self.0.saturating_add(count as u64))
    }

    /// The next version.
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The version before this one; that of `NONE` is `NONE`.
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// How many versions lie in `(earlier, self]`; 0 if `earlier` is not earlier.
    pub fn count_since(self, earlier: Self) -> usize {
        usize::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the writer believes of the booking it appends to (PROTOCOL, "Append").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// No such booking yet: this append creates it.
    New,
    /// The booking's last event has this version (≥ 1).
    Exact(Version),
    /// Wherever the booking ends; it must exist.
    Any,
}

impl From<Option<u64>> for ExpectedVersion {
    /// The request's `expected_version`: 0 is a new booking, absent is the end.
    fn from(number: Option<u64>) -> Self {
        match number {
            None => Self::Any,
            Some(0) => Self::New,
            Some(n) => Self::Exact(Version::new(n)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_counted_and_never_leave_their_range() {
        let (three, last) = (Version::new(3), Version::new(u64::MAX));
        assert_eq!([three.previous(), three.next(), three.plus(4)], [2, 4, 7].map(Version::new));
        assert_eq!((Version::NONE.previous(), last.next(), last.plus(2)), (Version::NONE, last, last));
        assert_eq!((three.count_since(Version::FIRST), Version::FIRST.count_since(three)), (2, 0));
        assert_eq!((three.get(), three.to_string().as_str()), (3, "3"));
    }

    #[test]
    fn an_expected_version_is_none_yet_exact_or_any() {
        assert_eq!(ExpectedVersion::from(None), ExpectedVersion::Any);
        assert_eq!(ExpectedVersion::from(Some(0)), ExpectedVersion::New);
        assert_eq!(ExpectedVersion::from(Some(1)), ExpectedVersion::Exact(Version::FIRST));
    }
}
